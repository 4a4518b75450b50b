"""One contract for every sandbox: what dspy's consumers rely on, and what this app does.

The first part follows the checks of the public project dspy-interpreters; the second is ours. Where a kind is known to
differ it is named here, and its difference is asserted: one that disappears fails.
"""

import hashlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import dspy
import pytest
from dspy import CodeExecutionError, CodeInterpreterError, FinalOutput
from dspy.primitives.code_interpreter import CodeInterpreter
from dspy.primitives.facade import FacadeInvocation

from rlm_app.adapters.traced import KEPT_HEAD, KEPT_TAIL, Cut, Steps, TracedSandbox
from tests.corpora import corpus_of
from tests.sandbox_kinds import Kind, available, children
from tests.scripted import EchoEngine, ScriptedAction, Told

DIFFERENCES = {
    "monty": {
        "no generators": "a function cannot yield",
        "no threads": "`threading` cannot be imported",
        "no facade": "`types` cannot be imported, so RLM goes on without sub-agents",
        "bare submit": "without fields, SUBMIT(42) gives 42 and not {'output': 42}",
        "missing field": "SUBMIT takes it, and RLM notices",
        "plain value": "a last value is shown by str, and not at all after print",
        "no surrogates": "text that UTF-8 cannot hold is refused as an input",
        "errors alone": "what was printed before an error is lost",
        "begins anew": "a step over its time loses the variables",
    },
    "pyodide": {
        "no None": "a tool's None arrives as ''",
        "no threads": "a thread cannot be started",
    },
    "e2b": {
        "not confined": "the server of the tests runs sandboxes as plain processes: only E2B itself confines them",
    },
}
KINDS = [pytest.param(name, marks=pytest.mark.xdist_group(f"sandbox {name}")) for name in DIFFERENCES]


@pytest.fixture(scope="module", params=KINDS)
def kind(request: pytest.FixtureRequest) -> Iterator[Kind]:
    with available(request.param) as make:
        yield Kind(request.param, make, frozenset(DIFFERENCES[request.param]))


@pytest.fixture(scope="module")
def shared(kind: Kind) -> Iterator[Any]:
    """One sandbox for all that leaves it as it was."""
    sandbox = kind.make(step_seconds=30)
    yield sandbox
    sandbox.shutdown()


@pytest.fixture
def sandbox(shared: Any) -> Iterator[Any]:
    yield shared
    shared.tools.clear()


@pytest.fixture
def fresh(kind: Kind) -> Iterator[Callable[..., Any]]:
    """Makes sandboxes that are ended with the test, and sees that nothing of them is left."""
    before, made = children(), []

    def make(step_seconds: float = 30) -> Any:
        made.append(kind.make(step_seconds=step_seconds))
        return made[-1]

    yield make
    for sandbox in made:
        sandbox.shutdown()
    assert wait_until(lambda: children() <= before), "a process is left"


def wait_until(condition: Callable[[], bool], seconds: float = 5) -> bool:
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    return condition()


# What dspy's consumers rely on


def test_life_from_a_lazy_start_to_a_shutdown_that_leaves_no_process(fresh) -> None:
    before = children()
    sandbox = fresh()
    assert isinstance(sandbox, CodeInterpreter)
    assert children() <= before, "making one starts nothing"
    assert sandbox.execute("print(40 + 2)") == "42"
    running = children()
    sandbox.start()
    sandbox.start()
    assert children() <= running, "start is idempotent"
    sandbox.shutdown()
    sandbox.shutdown()
    assert wait_until(lambda: children() <= before)


def test_instructions_say_what_code_runs_on(kind, sandbox) -> None:
    for instructions in (sandbox.execution_instructions, type(sandbox).execution_instructions):
        assert "Python" in instructions
        assert "network" in instructions


@pytest.mark.parametrize(
    ("code", "output"),
    [
        ("print('a')", "a"),
        ("print('a')\nprint('b', 1)", "a\nb 1"),
        ("nothing = 1", None),
        ("print('grüße 🐍 \\u2028')", "grüße 🐍 \u2028"),
        ("6 * 7", "42"),
        ("", None),
    ],
)
def test_output_is_what_was_printed_or_the_last_value(sandbox, code: str, output: str | None) -> None:
    assert sandbox.execute(code) == output


def test_a_last_value_is_shown_as_a_repl_shows_it(kind, sandbox) -> None:
    shown = ("text", "a") if kind.differs("plain value") else ("'text'", "a\n1")
    assert (sandbox.execute("'text'"), sandbox.execute("print('a')\n1")) == shown


def test_names_persist_even_after_errors_and_inputs_are_bound(sandbox) -> None:
    sandbox.execute("import math\ndef half(n):\n    return n / two", {"two": 2})
    with pytest.raises(CodeExecutionError):
        sandbox.execute("kept = 8\nundefined")
    assert sandbox.execute("print(half(kept), math.floor(2.5))") == "4.0 2"


def test_inputs_of_all_plain_kinds_arrive_as_they_were(sandbox) -> None:
    value = {"text": "ü🐍\n\"'\\", "rows": [[1, None], [True, -2.5]], "empty": {}, "": 10**18}
    code = "print(value == {'text': 'ü🐍\\n\"\\'\\\\', 'rows': [[1, None], [True, -2.5]], 'empty': {}, '': 10**18})"
    assert sandbox.execute(code, {"value": value}) == "True"


def test_lone_surrogates_are_text_too(kind, sandbox) -> None:
    if kind.differs("no surrogates"):
        with pytest.raises(CodeExecutionError, match="surrogates"):
            sandbox.execute("print(len(value))", {"value": "a\ud800"})
    else:
        assert sandbox.execute("print(len(value), ord(value[1]))", {"value": "a\ud800"}) == "2 55296"


def test_one_sandbox_sees_nothing_of_another(sandbox, fresh) -> None:
    sandbox.execute("secret = 1")
    with pytest.raises(CodeExecutionError, match="secret"):
        fresh().execute("print(secret)")


@pytest.mark.parametrize(
    ("code", "error", "told"),
    [
        ("1 / 0", CodeExecutionError, "ZeroDivisionError"),
        ("undefined", CodeExecutionError, "undefined"),
        ("raise ValueError('grüße')", CodeExecutionError, "ValueError: grüße"),
        ("import no_such_module", CodeExecutionError, "no_such_module"),
        ("x = = 1", SyntaxError, "x = = 1|line 1|Expected|invalid"),
    ],
)
def test_what_code_does_wrong_is_told_and_can_be_mended(sandbox, code: str, error: type, told: str) -> None:
    with pytest.raises(error, match=told):
        sandbox.execute(code)
    assert sandbox.execute("print('goes on')") == "goes on"


def test_what_was_printed_before_an_error_is_told_with_it(kind, sandbox) -> None:
    with pytest.raises(CodeExecutionError) as caught:
        sandbox.execute("print('before')\n1 / 0")
    assert ("before" not in str(caught.value)) is kind.differs("errors alone")


def test_full_syntax(kind, sandbox) -> None:
    code = "def numbers():\n    yield 1\n    yield 2\nprint(list(numbers()))"
    if kind.differs("no generators"):
        with pytest.raises((SyntaxError, CodeExecutionError), match="yield"):
            sandbox.execute(code)
    else:
        assert sandbox.execute(code) == "[1, 2]"


def test_threads(kind, sandbox) -> None:
    code = "import threading\nt = threading.Thread(target=print, args=('x',))\nt.start()\nt.join()"
    if kind.differs("no threads"):
        with pytest.raises(CodeExecutionError, match="thread"):
            sandbox.execute(code)
    else:
        assert sandbox.execute(code) == "x"


def test_tools_are_called_by_position_and_by_name_and_may_come_late(sandbox) -> None:
    def join(first: str, second: str = "-", *, times: int = 1) -> str:
        return (first + second) * times

    sandbox.execute("1")
    sandbox.tools["join"] = join
    assert sandbox.execute("print(join('a'), join('a', 'b'), join(second='y', first='x', times=2))") == "a- ab xyxy"


def test_tools_take_and_return_json_of_any_size(kind, sandbox) -> None:
    sandbox.tools["echo"] = lambda value: value
    value = "{'a': [1, None, True, 2.5, 'ü🐍\\n'], 'b': {}}"
    assert sandbox.execute(f"print(echo({value}) == {value})") == "True"
    assert sandbox.execute("print(len(echo('ü' * 1_500_000)))") == "1500000"
    assert sandbox.execute("print(repr(echo(None)))") == ("''" if kind.differs("no None") else "None")


def test_a_tool_that_raises_is_an_error_of_the_code(sandbox) -> None:
    def refuse(what: str) -> str:
        raise ValueError(f"no {what}")

    sandbox.tools["refuse"] = refuse
    with pytest.raises(CodeExecutionError, match="no luck"):
        sandbox.execute("refuse('luck')")
    assert sandbox.execute("try:\n    refuse('more')\nexcept Exception as e:\n    print('no more' in str(e))") == "True"


def test_a_coroutine_tool_is_awaited_by_the_host(sandbox) -> None:
    async def double(n: int) -> int:
        return 2 * n

    sandbox.tools["double"] = double
    assert sandbox.execute("print(double(21))") == "42"


def test_typed_submit(kind, fresh) -> None:
    sandbox = fresh()
    assert sandbox.execute("SUBMIT(42)") == FinalOutput(42 if kind.differs("bare submit") else {"output": 42})
    sandbox.output_fields = [{"name": "answer", "type": "str"}, {"name": "count"}]
    expected = FinalOutput({"answer": "a", "count": [1, None]})
    for arguments in ("'a', [1, None]", "count=[1, None], answer='a'"):
        assert sandbox.execute(f"SUBMIT({arguments})") == expected
    if kind.differs("missing field"):
        assert sandbox.execute("SUBMIT('a')") == FinalOutput({"answer": "a"})
    else:
        with pytest.raises(CodeExecutionError, match="count"):
            sandbox.execute("SUBMIT('a')")


def test_submit_ends_the_step_and_no_handler_keeps_it(sandbox) -> None:
    code = "reached = False\ntry:\n    SUBMIT('a')\n    reached = True\nexcept OSError:\n    pass\nreached = True"
    assert isinstance(sandbox.execute(code), FinalOutput)
    assert sandbox.execute("print(reached)") == "False"
    assert isinstance(sandbox.execute("try:\n    SUBMIT('a')\nexcept Exception:\n    pass"), FinalOutput)


def test_the_facade_builds_and_runs_predictors_on_the_host(kind, sandbox) -> None:
    invocation = FacadeInvocation({}, lambda: None, 5, lm=echo_model())
    if kind.differs("no facade"):
        with pytest.raises((CodeExecutionError, SyntaxError)):
            invocation.install(sandbox)
        return
    invocation.install(sandbox)
    code = "import dspy\npredict = dspy.Predict('question -> answer')\nprint(predict(question='why?').answer)"
    assert sandbox.execute(code) == "because"


def echo_model() -> dspy.LM:
    return dspy.LM("scripted/model", cache=False, engine=EchoEngine(lambda _: "[[ ## answer ## ]]\nbecause"))


def test_a_real_rlm_runs_on_it(kind, fresh) -> None:
    class Factory:
        execution_instructions = fresh().execution_instructions

        def __call__(self) -> Any:
            return fresh()

    def shout(text: str) -> str:
        return text.upper()

    rlm = dspy.RLM(
        "context, question -> answer: str, count: int", tools=[shout], interpreter_factory=Factory(), max_iters=5
    )
    script = ["print(1/0)", "n = len(context)", "print(llm_query('why?'))", "SUBMIT(answer=shout('ok'), count=n)"]
    action = ScriptedAction(script)
    action.signature, rlm.generate_action = rlm.generate_action.signature, action
    with dspy.context(lm=echo_model()):
        prediction = rlm(context="x" * 1000, question="?")
    assert (prediction.answer, prediction.count) == ("OK", 1000)
    outputs = [entry["output"] for entry in prediction.trajectory]
    assert "ZeroDivisionError" in outputs[0]
    assert "because" in outputs[2]


# What this app relies on


def test_a_step_over_its_time_can_be_mended_and_kill_ends_an_endless_one(kind, fresh) -> None:
    sandbox = fresh(step_seconds=1)
    sandbox.execute("kept = 1")
    with pytest.raises(CodeExecutionError, match=r"time limit|stopped after"):
        sandbox.execute("while True:\n    pass")
    if kind.differs("begins anew"):
        with pytest.raises(CodeExecutionError, match="kept"):
            sandbox.execute("print(kept)")
    else:
        assert sandbox.execute("print(kept)") == "1"
    sandbox.tools["wait"] = lambda: time.sleep(1.5)
    assert sandbox.execute("wait()\nprint('a tool takes its own time')") == "a tool takes its own time"
    threading.Timer(0.3, sandbox.kill).start()
    started = time.monotonic()
    with pytest.raises(CodeInterpreterError) as caught:
        sandbox.execute("while True:\n    pass")
    assert not isinstance(caught.value, CodeExecutionError), "terminal"
    assert time.monotonic() - started < 2


def test_a_flood_keeps_head_and_tail_and_its_true_length(sandbox) -> None:
    output = sandbox.execute("print('start')\nfor i in range(3000):\n    print('é' * 1000)\nprint('end')")
    assert isinstance(output, Cut)
    assert output.chars == 6 + 3000 * 1001 + 4
    assert output.startswith("start\néé")
    assert output.endswith("é\nend\n")
    assert f"{output.chars - KEPT_HEAD - KEPT_TAIL:,} characters left out" in output
    assert len(output) < KEPT_HEAD + KEPT_TAIL + 100
    assert sandbox.execute("print('short')") == "short"


@pytest.mark.parametrize(
    "code",
    [
        "print(open('{file}').read())",
        "import os\nprint(os.environ['RLM_APP_CANARY'])",
        "import socket\nsocket.create_connection(('127.0.0.1', {port}), 2).send(b'x')",
        "import urllib.request\nurllib.request.urlopen('http://127.0.0.1:{port}', timeout=2)",
        "import subprocess\nprint(subprocess.run(['cat', '{file}'], capture_output=True, check=True))",
    ],
)
def test_host_files_environment_and_network_are_out_of_reach(kind, sandbox, tmp_path, code: str) -> None:
    if kind.differs("not confined"):
        pytest.skip(DIFFERENCES[kind.name]["not confined"])
    (tmp_path / "canary").write_text("canary")
    with socket.create_server(("127.0.0.1", 0)) as server, pytest.MonkeyPatch.context() as environment:
        environment.setenv("RLM_APP_CANARY", "canary")
        server.settimeout(0.2)
        with pytest.raises((CodeExecutionError, SyntaxError)):
            sandbox.execute(code.format(file=tmp_path / "canary", port=server.getsockname()[1]))
        with pytest.raises(TimeoutError):
            server.accept()


def test_sixteen_megabytes_are_bound_once_and_come_back_whole(fresh) -> None:
    files = {
        f"src/m{at % 7}/module_{at}.py": f"def handler_{at}(n):\n    return '''ü🐍{'x' * 40_000}'''\n"
        for at in range(400)
    }
    corpus = corpus_of(files)
    told, inner = Told(), fresh()
    sandbox = TracedSandbox(inner, "any", corpus, Steps(told.emit), told.context)
    sandbox.start()
    inputs = {"context": corpus.text, "question": "?"}
    digest = hashlib.sha256(corpus.text.encode()).hexdigest()
    code = "import hashlib\nprint(hashlib.sha256(context.encode()).hexdigest() == question_digest)"
    assert sandbox.execute(code, {**inputs, "question_digest": digest}) == "True"
    sandbox.execute("context = grep = question = None", inputs)
    started = time.monotonic()
    for _ in range(5):
        assert sandbox.execute("print(len(context), question)", inputs) == f"{len(corpus.text)} ?"
    assert time.monotonic() - started < 2, "a step does not pay for the size of its inputs"
    assert sandbox.execute("print(grep('def handler_7\\\\('))", inputs) == "src/m0/module_7.py:1: def handler_7(n):"
    assert sandbox.execute("print(read('src/m1/module_1.py', 1, 1))", inputs).startswith("1  def handler_1(n):")
    assert "handler_8" in sandbox.execute("print(outline('src/m1/module_8.py'))", inputs)
    with pytest.raises(CodeExecutionError, match="module_9"):
        sandbox.execute("read('src/module_9.py')", inputs)
