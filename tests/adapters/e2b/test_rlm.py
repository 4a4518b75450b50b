"""The bridge under `dspy.RLM` itself, and under this app's wrapper."""

import asyncio
import threading
import time
from typing import Any

import dspy
import pytest
from dspy.utils import DummyLM

from rlm_app.adapters.e2b import E2BInterpreter
from rlm_app.adapters.traced import Steps, TracedSandbox
from rlm_app.errors import RunCancelled, SandboxLost, SandboxUnavailable
from rlm_app.model import Usage
from tests.adapters.e2b.conftest import QUICK, Open
from tests.corpora import corpus_of
from tests.e2b_server import E2BServer
from tests.scripted import ScriptedAction, Told

CONTEXT = "needle in a haystack, " * 100_000
CANARY = "canary-of-the-environment"


def rlm_with(script: list[str], signature: str = "context: str, question: str -> answer: str", **options: Any) -> Any:
    rlm = dspy.RLM(signature, interpreter_factory=E2BInterpreter.factory(pace=QUICK, timeout=600), **options)
    action = ScriptedAction(script)
    action.signature = rlm.generate_action.signature
    rlm.generate_action = action
    return rlm


def test_a_whole_run_with_typed_fields_tools_and_one_upload(server: E2BServer) -> None:
    def lookup(word: str, times: int = 1) -> str:
        return word * times

    script = [
        "print(len(context), context[:6])\ncontext = 'gone'",
        "undefined",
        "print(lookup('ab', times=2), lookup('c'), context[:6])",
        "SUBMIT(lookup('x', 3), count='not a number')",
        "SUBMIT(count=3, answer=lookup('x', 3))",
    ]
    rlm = rlm_with(script, "context: str, question: str -> answer: str, count: int", tools=[lookup])
    result = rlm(context=CONTEXT, question="?")
    assert (result.answer, result.count) == ("xxx", 3)
    outputs = [step["output"] for step in result.trajectory]
    assert outputs[0] == f"{len(CONTEXT)} needle"
    assert "NameError" in outputs[1]
    assert outputs[2] == "abab c needle"
    assert "[Type Error]" in outputs[3]
    assert server.requests["files.write"] == 2
    assert server.control.created == 1
    assert not server.alive


def test_sub_calls_alone_in_batches_and_from_threads(server: E2BServer) -> None:
    lm = DummyLM([{"answer": "fine"}] * 60)
    script = [
        "from concurrent.futures import ThreadPoolExecutor as P\n"
        "with P(8) as p: replies = list(p.map(llm_query, ['q'] * 20))\n"
        "replies += llm_query_batched(['b'] * 20) + [llm_query('one')]\nSUBMIT(str(len(replies)))"
    ]
    assert rlm_with(script, sub_lm=lm)(context="c", question="?").answer == "41"
    assert len(lm.history) == 41


def test_sub_agents_of_the_facade_and_an_rlm_within_an_rlm(server: E2BServer) -> None:
    inner = {"reasoning": "r", "code": "```python\nSUBMIT(answer=str(len(context)) + ' inside')\n```"}
    lm = DummyLM([{"answer": "from a predictor"}, inner])
    script = [
        "import dspy\na = dspy.Predict('question -> answer')(question='hi').answer",
        "b = dspy.RLM('context, query -> answer')(context='x' * 100_000, query='how long?').answer\nprint(b)",
        "SUBMIT(a + ', ' + b)",
    ]
    with dspy.context(lm=lm):
        result = rlm_with(script)(context="c", question="?")
    assert result.answer == "from a predictor, 100000 inside"
    assert server.control.created == server.control.killed == 2


def test_a_sandbox_that_dies_ends_the_run_instead_of_being_summed_up(server: E2BServer) -> None:
    with pytest.raises(SandboxLost, match="SIGKILL"):
        rlm_with(["import os\nos.kill(os.getpid(), 9)"])(context="c", question="?")
    assert server.wait_until_empty()


def test_a_run_in_an_event_loop_with_an_async_tool(server: E2BServer) -> None:
    async def later(text: str) -> str:
        await asyncio.sleep(0.01)
        return text * 2

    class AsyncAction(dspy.Module):  # type: ignore[misc]
        async def aforward(self, **_: Any) -> dspy.Prediction:
            return dspy.Prediction(reasoning="r", code="SUBMIT(later(context))")

    async def answer() -> str:
        rlm = rlm_with([], tools=[later])
        rlm.generate_action = AsyncAction()
        result = await rlm.acall(context="c", question="?")
        return str(result.answer)

    assert asyncio.run(answer()) == "cc"


def traced(interpreter: E2BInterpreter, told: Told) -> tuple[TracedSandbox, Steps]:
    steps = Steps(told.emit)
    return TracedSandbox(interpreter, "e2b", corpus_of({"a.py": "X = 1\n" * 50_000}), steps, told.context), steps


def test_under_the_apps_wrapper(server: E2BServer, open_interpreter: Open) -> None:
    told = Told()
    sandbox, steps = traced(open_interpreter(), told)
    sandbox.start()
    text = sandbox.corpus.text
    for code, output in (
        ("print(len(context))\ncontext = None", str(len(text))),
        ("print(len(context), 'X = 1' in read('a.py', 1, 1))", f"{len(text)} True"),
        ("print('x' * 200_000)", "x" * 64_000),
    ):
        steps.plan("why", code, Usage(), 0.0)
        assert str(sandbox.execute(code, {"context": text})).startswith(output)
    assert [step.output_chars for step in told.run.steps] == [6, 11, 200_001]
    assert server.requests["files.write"] == 2
    sandbox.shutdown()


def test_a_stop_of_the_run_is_heeded_at_once(server: E2BServer, open_interpreter: Open) -> None:
    told = Told()
    sandbox, steps = traced(open_interpreter(), told)
    sandbox.start()
    steps.plan("why", "while True: pass", Usage(), 0.0)
    threading.Timer(0.2, told.stop.request, args=(RunCancelled("Stop was pressed."),)).start()
    started = time.monotonic()
    with pytest.raises(RunCancelled):
        sandbox.execute("while True: pass")
    assert time.monotonic() - started < 1
    sandbox.shutdown()
    assert not server.alive


def test_a_sandbox_that_cannot_be_had_says_so_in_its_own_words(server: E2BServer, open_interpreter: Open) -> None:
    sandbox, _ = traced(open_interpreter(api_key="e2b_wrong"), Told())
    with pytest.raises(SandboxUnavailable, match="refused the key"):
        sandbox.start()


def test_no_key_no_variable_and_no_path_of_the_host_reaches_the_server(server: E2BServer) -> None:
    """The fixture looks for canaries in all that the server received; this makes sure that it would find one."""

    def fail() -> None:
        raise RuntimeError("OPENAI_API_KEY=sk-canary-0123456789")

    script = ["import os\nprint(sorted(os.environ))", "try: fail()\nexcept RuntimeError as e: SUBMIT(str(e))"]
    result = rlm_with(script, tools=[fail])(context="c", question="?")
    assert "***" in result.answer
    assert not {"E2B_API_KEY", "OPENAI_API_KEY", "SOME_SETTING"} & set(eval(result.trajectory[0]["output"]))
    assert server.leaks == []
    rlm_with(["SUBMIT(context)"])(context=f"a context may hold what looks like {CANARY}", question="?")
    assert server.leaks
    server.leaks.clear()
