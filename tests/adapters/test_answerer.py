"""The loop with a scripted model over the real dspy.RLM, the real sandbox and the real toolkit."""

import threading
import time

import dspy
import pytest
from pydantic import SecretStr

from rlm_app.errors import ModelFailed, RunCancelled, RunLimited, SandboxLost
from rlm_app.events import SandboxEnded, SandboxStarted, StepFinished, StepStarted
from rlm_app.model import Question, RunConfig
from rlm_app.settings import Settings
from tests.corpora import corpus_of
from tests.scripted import ScriptedAnswerer, Told

CORPUS = corpus_of({"src/app.py": "def route(rule):\n    return rule\n", "README.md": "# App\n"})
SUBMIT = "SUBMIT(answer='In `src/app.py:1`.', citations=['src/app.py:1-2'])"


def config(**changes) -> RunConfig:
    return RunConfig(model="scripted/model", **changes)


def test_a_run_from_first_step_to_submit() -> None:
    told = Told()
    answer = told.answer(ScriptedAnswerer(["print(grep('def route'))", SUBMIT]), CORPUS)
    assert (answer.text, answer.cited, answer.extracted) == ("In `src/app.py:1`.", ("src/app.py:1-2",), False)
    first, last = told.run.steps
    assert first.output == "src/app.py:1: def route(rule):"
    assert not first.failed
    assert last.submitted
    assert "src/app.py:1-2" in last.output


def test_an_overwritten_context_and_helper_come_back_in_the_next_step() -> None:
    told = Told()
    steps = ["context = grep = None\nkept = 1", "print(len(context), kept)\nprint(grep('route')[:10])", SUBMIT]
    told.answer(ScriptedAnswerer(steps), CORPUS)
    assert told.run.steps[1].output == f"{len(CORPUS.text)} 1\nsrc/app.py"


def test_a_failing_step_is_told_as_failed_and_the_loop_goes_on() -> None:
    told = Told()
    answerer = ScriptedAnswerer(
        ["print(1/0)", "this is not python", "```js\nlet x\n```", "SUBMIT('no citations')", SUBMIT]
    )
    told.answer(answerer, CORPUS)
    assert [step.failed for step in told.run.steps] == [True, True, True, True, False]
    outputs = [step.output for step in told.run.steps]
    assert "ZeroDivisionError" in outputs[0]
    assert "js" in outputs[2]
    assert "Missing output fields" in outputs[3], "a refused SUBMIT is told as what it was"
    assert [step.submitted for step in told.run.steps] == [False, False, False, False, True]
    kinds = [SandboxStarted, *[StepStarted, StepFinished] * 4, StepStarted, SandboxEnded, StepFinished]
    assert [type(event) for event in told.events[1:]] == kinds


def test_what_the_model_is_told_of_the_toolkit_and_the_sandbox() -> None:
    answerer = ScriptedAnswerer([SUBMIT])
    Told().answer(answerer, CORPUS)
    instructions = answerer.action.seen[0]["signature"].instructions
    for words in ("grep(pattern", "read(path", "outline(path)", "Monty", "path:first-last", "llm_query_batched"):
        assert words in instructions, words


def test_steps_that_run_out_end_in_a_marked_fallback() -> None:
    told = Told(config=config(max_steps=2))
    reply = "[[ ## answer ## ]]\nPerhaps.\n\n[[ ## citations ## ]]\n[]\n\n[[ ## completed ## ]]"
    answer = told.answer(ScriptedAnswerer(["print(1)"], reply=lambda prompt: reply), CORPUS)
    assert answer.extracted
    assert answer.text == "Perhaps."
    assert len(told.run.steps) == 2
    assert answer.usage.calls == 1, "the fallback's own call is counted"


def test_multiple_choice_takes_only_its_letters() -> None:
    told = Told(question=Question(text="Which?", choices={"A": "one", "B": "two"}))
    script = ["SUBMIT(answer='C', citations=[])", "SUBMIT(answer='B', citations=[])"]
    assert told.answer(ScriptedAnswerer(script), CORPUS).text == "B"
    assert told.run.steps[0].failed
    assert "A. one\nB. two" in told.question.prompt


def test_sub_calls_are_told_with_their_step_and_texts() -> None:
    told = Told()
    told.answer(ScriptedAnswerer(["print(llm_query('abc'))", "print(llm_query_batched(['x', 'y']))", SUBMIT]), CORPUS)
    first, second, _ = told.run.steps
    assert first.output == "ABC"
    assert [(call.prompt.text, call.response.text) for call in first.sub_calls] == [("abc", "ABC")]
    assert sorted(call.response.text for call in second.sub_calls) == ["X", "Y"]
    assert told.run.sub_usage.tokens_in == 5
    assert told.run.sub_usage.cost is None, "an engine without a price list has an unknown cost, not none"


def test_a_failing_sub_call_is_an_exception_in_the_repl_and_an_error_in_the_trajectory() -> None:
    def refuse(prompt: str) -> str:
        raise dspy.lm15.ServerError("down") if hasattr(dspy.lm15, "ServerError") else RuntimeError("down")

    told = Told()
    told.answer(ScriptedAnswerer(["print(llm_query('abc'))", SUBMIT], reply=refuse), CORPUS)
    step = told.run.steps[0]
    assert step.failed
    assert step.sub_calls[0].error
    assert step.sub_calls[0].response is None


@pytest.mark.parametrize("kind", [GeneratorExit, SystemExit, type("Panic", (BaseException,), {})])
def test_whatever_a_sub_call_raises_ends_it_and_is_told(kind: type[BaseException]) -> None:
    def panic(prompt: str) -> str:
        raise kind("sk-canary-canary")

    told = Told()
    told.answer(ScriptedAnswerer(["print(llm_query('abc'))", SUBMIT], reply=panic), CORPUS)
    (call,) = told.run.steps[0].sub_calls
    assert (call.error, call.usage.cost) == ("[key]", None)
    assert "canary" not in str(told.events)


def test_a_batch_with_a_failing_call_raises_after_all_of_it_ended() -> None:
    def reply(prompt: str) -> str:
        if prompt == "bad":
            raise dspy.LMServerError("down")
        return prompt.upper()

    told = Told()
    code = "print(llm_query_batched(['a', 'bad', 'b']))"
    told.answer(ScriptedAnswerer([code, SUBMIT], reply=reply), CORPUS)
    step = told.run.steps[0]
    assert step.failed, "dspy alone would print '[ERROR] …' among the replies"
    assert "an error of its own" in step.output
    assert sorted(call.response.text for call in step.sub_calls if call.response) == ["A", "B"]
    assert [call.usage.calls for call in step.sub_calls] == [1, 1, 1]


def test_too_many_sub_calls_are_refused_by_dspy_and_shown() -> None:
    told = Told(config=config(max_llm_calls=2))
    told.answer(ScriptedAnswerer(["for i in range(3):\n    llm_query('p')", SUBMIT]), CORPUS)
    assert told.run.steps[0].failed
    assert "limit" in told.run.steps[0].output
    assert len(told.run.sub_calls) == 2


@pytest.mark.parametrize(
    "code",
    ["while True:\n    pass", "while True:\n    try:\n        llm_query('x')\n    except Exception:\n        pass"],
)
def test_a_stop_ends_an_endless_step_within_two_seconds(code: str) -> None:
    told = Told(config=config(max_llm_calls=10_000))
    threading.Timer(0.5, told.stop.request, (RunCancelled("Stopped."),)).start()
    started = time.monotonic()
    with pytest.raises(RunCancelled):
        told.answer(ScriptedAnswerer([code], step_seconds=60), CORPUS)
    assert time.monotonic() - started < 2.5
    assert told.run.steps[0].seconds is None, "the step did not finish and is not said to have"


def test_a_stop_ends_a_blocking_model_call_within_two_seconds() -> None:
    release, told = threading.Event(), Told()
    threading.Timer(0.3, told.stop.request, (RunCancelled("Stopped."),)).start()
    started = time.monotonic()
    with pytest.raises(RunCancelled):
        told.answer(ScriptedAnswerer(["llm_query('x')"], reply=lambda prompt: str(release.wait(30))), CORPUS)
    release.set()
    assert time.monotonic() - started < 2.3


def test_a_dead_sandbox_ends_the_run_and_not_in_the_fallback() -> None:
    class Dying(ScriptedAnswerer):
        def interpreter(self, *run):
            self.sandbox = super().interpreter(*run)
            return self.sandbox

    answerer, told = Dying(["print(1)", "while True:\n    pass"], step_seconds=60), Told()
    threading.Timer(0.7, lambda: answerer.sandbox.kill()).start()
    with pytest.raises(SandboxLost, match="step 2"):
        told.answer(answerer, CORPUS)
    assert len(told.run.steps) == 2
    assert told.run.steps[0].output == "1", "what was done is kept"


def test_a_step_over_its_time_loses_its_names_but_not_the_context() -> None:
    told = Told()
    script = ["kept = 1", "while True:\n    pass", "print(len(context), grep('def route')[:10])", SUBMIT]
    told.answer(ScriptedAnswerer(script, step_seconds=1), CORPUS)
    assert "time limit" in told.run.steps[1].output
    assert told.run.steps[2].output == f"{len(CORPUS.text)} src/app.py"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (dspy.LMAuthError("no"), "key"),
        (dspy.LMRateLimitError("no"), "rate"),
        (dspy.LMTimeoutError("no"), "in time"),
        (dspy.LMTransportError("no"), "broke off"),
        (dspy.LMError("something else"), "something else"),
    ],
)
def test_a_failing_root_model_ends_the_run_with_one_sentence(error: Exception, words: str) -> None:
    with pytest.raises(ModelFailed, match=words) as caught:
        Told().answer(ScriptedAnswerer([error]), CORPUS)
    assert "\n" not in str(caught.value)


def test_a_cost_limit_with_an_unknown_price_ends_the_run_after_the_first_call() -> None:
    told = Told(config=config(max_cost=100))
    with pytest.raises(RunLimited, match="not known"):
        told.answer(ScriptedAnswerer(["llm_query('x')\nllm_query('y')", SUBMIT]), CORPUS)
    assert len(told.run.sub_calls) == 1


def test_no_key_gets_into_an_event_or_the_sandbox_by_way_of_an_error() -> None:
    def refuse(prompt: str) -> str:
        raise dspy.LMAuthError("Incorrect API key provided: sk-canary.")

    tried = "try:\n    {}\nexcept Exception as error:\n    print(error)\n"
    code = tried.format("llm_query('a')") + tried.format("llm_query_batched(['b'])")
    answerer = ScriptedAnswerer([code, "SUBMIT(answer='x', citations=[])"], refuse)
    answerer._settings = Settings(provider_keys={"openai": SecretStr("sk-canary")}, _env_file=None)
    told = Told()
    told.answer(answerer, CORPUS)
    assert "canary" not in str(told.events)
    assert [call.error is not None for call in told.run.sub_calls] == [True, True]
    output = told.run.steps[0].output or ""
    assert output.count("was refused") == 2, "the failure is told, the key is not"


def test_an_empty_answer_is_no_answer() -> None:
    with pytest.raises(ModelFailed, match="empty answer"):
        Told().answer(ScriptedAnswerer(["SUBMIT(answer=' ', citations=[])"]), CORPUS)


def test_an_endless_answer_is_cut_with_its_length_told() -> None:
    answer = Told().answer(ScriptedAnswerer(["SUBMIT(answer='x' * 3_000_000, citations=[])"]), CORPUS)
    assert len(answer.text) < 100_000
    assert "2,920,000 characters left out" in answer.text
