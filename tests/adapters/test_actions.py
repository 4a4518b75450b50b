"""Replies that no step can be made of, answers at a limit, and runs that go on where another process left them."""

import threading
from collections.abc import Iterable
from typing import Any

import dspy
import pytest

from rlm_app.adapters.answerer import Stored, _ResumedLM
from rlm_app.adapters.metering import Meter, Unpayable
from rlm_app.adapters.models import Gate, Route
from rlm_app.adapters.traced import Steps
from rlm_app.errors import ModelFailed, RunCancelled, RunLimited
from rlm_app.events import (
    ReplyRejected,
    RunResumed,
    StepFinished,
    StepStarted,
    SubCallFinished,
    SubCallStarted,
    fold,
)
from rlm_app.model import Body, Question, RunConfig, Usage
from rlm_app.stop import Stop
from tests.corpora import corpus_of
from tests.model_server import step
from tests.scripted import EchoEngine, ScriptedAnswerer, Told

CORPUS = corpus_of({"src/app.py": "def route(rule):\n    return rule\n"})
SUBMIT = "SUBMIT(answer='In `src/app.py:1`.', citations=['src/app.py:1-2'])"
FALLBACK = "[[ ## answer ## ]]\nPerhaps there.\n\n[[ ## citations ## ]]\n[]\n\n[[ ## completed ## ]]"
NO_FORM = "I would rather talk about the weather."


DOLLAR = {"output": 1e6 / 7}  # USD per million tokens: a scripted reply has seven


class Replying(ScriptedAnswerer):
    """The root model's replies as raw text, read by dspy's own predictor and adapters; the last over and over."""

    def __init__(self, replies: Iterable[str], price: dict[str, float] | None = None) -> None:
        self.replies = list(replies)
        super().__init__([], reply=self.next, price=price)

    def next(self, prompt: str) -> str:
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]

    def action_for(self, question: Question, config: RunConfig, predict: Any) -> Any:
        return predict


def config(**changes: Any) -> RunConfig:
    return RunConfig(model="scripted/model", **changes)


# Replies


def test_a_reply_without_form_is_told_as_what_it_was_and_another_is_asked_for() -> None:
    told = Told()
    # dspy's chat adapter asks once more, for JSON, before it gives up on a reply
    answer = told.answer(Replying([NO_FORM, NO_FORM, step(SUBMIT)]), CORPUS)
    assert answer.text == "In `src/app.py:1`."
    (only,) = told.run.steps
    (rejected,) = only.rejected
    assert rejected.reply.text == NO_FORM
    assert "no code where a step needs it" in rejected.reason
    assert rejected.usage.calls == 2
    assert told.run.root_usage.calls == 3, "what was rejected was paid for"


def test_three_unusable_replies_in_a_row_end_the_run_and_are_kept() -> None:
    told = Told()
    with pytest.raises(ModelFailed, match=r"3 replies in a row .* Try another model"):
        told.answer(Replying([NO_FORM]), CORPUS)
    assert [reply.reply.text for reply in told.run.rejected] == [NO_FORM] * 3
    assert told.run.steps == ()


@pytest.mark.parametrize(("reply", "words"), [("", "empty"), (step(""), "no code"), (step("   "), "no code")])
def test_each_unusable_reply_has_its_reason(reply: str, words: str) -> None:
    told = Told()
    with pytest.raises(ModelFailed, match=words):
        told.answer(Replying([reply]), CORPUS)
    assert all(words in rejected.reason for rejected in told.run.rejected)


def test_code_in_prose_and_in_fences_is_usable() -> None:
    told = Told()
    wrapped = step("print(1)").replace("```python", "Here is my code:\n\n```python")
    told.answer(Replying([wrapped, step(SUBMIT)]), CORPUS)
    assert told.run.steps[0].output == "1"
    assert told.run.rejected == ()


def test_usable_replies_in_between_begin_the_count_anew() -> None:
    told = Told()
    twice = [NO_FORM] * 4
    told.answer(Replying([*twice, step("print(1)"), *twice, step(SUBMIT)]), CORPUS)
    assert [len(one.rejected) for one in told.run.steps] == [2, 2]


def test_a_failing_root_call_is_told_with_what_it_may_have_cost() -> None:
    def reply(prompt: str) -> str:
        raise dspy.LMTimeoutError("no")

    class Failing(ScriptedAnswerer):
        def action_for(self, question: Question, config: RunConfig, predict: Any) -> Any:
            return predict

    told = Told()
    with pytest.raises(ModelFailed, match="in time"):
        told.answer(Failing([], reply=reply), CORPUS)
    (rejected,) = told.run.rejected
    assert "in time" in rejected.reason
    assert rejected.usage.cost is None, "the model may have worked for it"


# Limits


def test_steps_that_run_out_can_end_without_an_answer() -> None:
    told = Told(config=config(max_steps=2, on_limit="stop"))
    with pytest.raises(RunLimited) as caught:
        told.answer(ScriptedAnswerer(["print(1)"], reply=lambda prompt: FALLBACK), CORPUS)
    assert caught.value.limit == "max_steps"
    assert all(one.seconds is not None for one in told.run.steps)


def test_at_the_time_limit_the_model_answers_with_what_it_has() -> None:
    told = Told(config=config(max_seconds=5), seconds=2.0)
    script = ["print('seen')", "while True:\n    pass"]
    answer = told.answer(ScriptedAnswerer(script, reply=lambda prompt: FALLBACK, step_seconds=60), CORPUS)
    assert answer.text == "Perhaps there."
    assert answer.limited is not None
    assert answer.limited.limit == "max_seconds"
    assert not answer.extracted, "a limit is told as the limit that it is"
    first, second = told.run.steps
    assert first.output == "seen"
    assert second.failed
    assert "time limit" in (second.output or "")


TRIES = "for i in range(10):\n    try:\n        llm_query('x')\n    except Exception:\n        pass"


def test_the_cost_limit_is_checked_before_each_call() -> None:
    told = Told(config=config(max_cost=2.5))
    with pytest.raises(RunLimited) as caught:
        told.answer(ScriptedAnswerer([TRIES, SUBMIT], price=DOLLAR), CORPUS)
    assert caught.value.limit == "max_cost"
    assert len(told.run.sub_calls) == 3
    assert told.run.usage.cost == pytest.approx(3)


def test_calls_in_flight_are_all_that_passes_the_cost_limit_and_all_are_counted() -> None:
    together = threading.Barrier(8)

    def reply(prompt: str) -> str:
        together.wait(10)
        return prompt

    told = Told(config=config(max_cost=2.5))
    script = ["llm_query_batched(['x'] * 8)", "llm_query_batched(['y'] * 8)", SUBMIT]
    with pytest.raises(RunLimited):
        told.answer(ScriptedAnswerer(script, reply=reply, price=DOLLAR), CORPUS)
    assert len(told.run.sub_calls) == 8
    assert told.run.usage.cost == pytest.approx(8), "what was in flight when the limit was passed is paid and told"


def test_at_the_cost_limit_the_model_answers_while_that_can_be_paid() -> None:
    told = Told(config=config(max_cost=3.5))
    answer = told.answer(Replying([*[step("print(1)")] * 3, FALLBACK], price=DOLLAR), CORPUS)
    assert answer.text == "Perhaps there."
    assert answer.limited is not None
    assert answer.limited.limit == "max_cost"
    assert len(told.run.steps) == 3
    assert (told.run.usage + answer.usage).cost == pytest.approx(4), "half a dollar over: less than one call"


def test_with_on_limit_stop_nothing_is_kept_back_for_an_answer() -> None:
    told = Told(config=config(max_cost=3.5, on_limit="stop"))
    with pytest.raises(RunLimited):
        told.answer(Replying([step("print(1)")], price=DOLLAR), CORPUS)
    assert len(told.run.steps) == 4


def test_without_a_step_there_is_nothing_to_answer_with() -> None:
    told = Told(config=config(max_seconds=5), seconds=0.0)
    with pytest.raises(RunLimited):
        told.answer(ScriptedAnswerer([SUBMIT], reply=lambda prompt: FALLBACK), CORPUS)


def test_a_stop_while_the_fallback_answer_is_written_is_a_stop() -> None:
    told, asked, release = Told(config=config(max_seconds=5), seconds=2.0), threading.Event(), threading.Event()

    def reply(prompt: str) -> str:
        asked.set()
        release.wait(20)
        return FALLBACK

    def press() -> None:
        asked.wait(20)
        told.stop.request(RunCancelled("Stopped."))

    threading.Thread(target=press, daemon=True).start()
    with pytest.raises((RunCancelled, RunLimited)):
        told.answer(ScriptedAnswerer(["print(1)", "while True:\n    pass"], reply=reply, step_seconds=60), CORPUS)
    release.set()
    assert isinstance(told.stop.cause, RunCancelled)


def test_a_call_that_was_stopped_before_its_turn_has_used_nothing() -> None:
    told, gate = Told(), Gate(1)
    with gate.turn(Stop()):
        answerer = ScriptedAnswerer(["llm_query('a')"])
        answerer.connection = lambda model, config, run: {"route": Route(gate), "stop": run.stop}  # type: ignore[method-assign]
        threading.Timer(0.3, told.stop.request, (RunCancelled("Stopped."),)).start()
        with pytest.raises(RunCancelled):
            told.answer(answerer, CORPUS)
    (call,) = told.run.sub_calls
    assert (call.usage, call.error) == (Usage(), "Stopped.")


# Resuming


def died_after(told: Told, kind: type, number: int) -> Told:
    """The same run as it was stored when its process died just after the nth event of a kind."""
    at = [at for at, event in enumerate(told.events) if isinstance(event, kind)][number - 1]
    again = Told(told.question, told.config)
    again.events = told.events[: at + 1]
    again.before = fold(again.events)
    again.emit(RunResumed)
    return again


SCRIPT = ["x = llm_query('abc')\nprint(x)", "print(llm_query_batched(['d', 'e']), x)", "print(len(x))", SUBMIT]


def whole() -> Told:
    told = Told()
    told.answer(ScriptedAnswerer(SCRIPT), CORPUS)
    return told


@pytest.mark.parametrize(
    ("kind", "number"),
    [(StepStarted, 1), (SubCallStarted, 1), (StepFinished, 1), (StepStarted, 2), (StepFinished, 3), (StepStarted, 4)],
)
def test_a_run_goes_on_where_it_was_left_and_asks_for_nothing_twice(kind: type, number: int) -> None:
    told = died_after(whole(), kind, number)
    stored, paid = len(told.run.steps), len([c for c in told.run.sub_calls if c.response])
    asked: list[str] = []

    def reply(prompt: str) -> str:
        asked.append(prompt)
        return prompt.upper()

    answerer = ScriptedAnswerer(SCRIPT[stored:], reply=reply)
    answer = told.answer(answerer, CORPUS)
    assert answer.text == "In `src/app.py:1`."
    assert [one.output for one in told.run.steps[:3]] == ["ABC", "['D', 'E'] ABC", "3"]
    assert len(told.run.steps) == 4
    assert len(answerer.action.seen) == 4 - stored, "stored steps are not asked for again"
    assert len(asked) == 3 - paid, "stored replies neither"
    assert told.run.resumed == 1


def test_a_stored_failure_fails_again_and_leads_the_code_the_same_way() -> None:
    def refuse(prompt: str) -> str:
        raise dspy.LMServerError("down")

    code = "try:\n    found = llm_query('a')\nexcept Exception:\n    found = 'without'\nprint(found)"
    first = Told()
    first.answer(ScriptedAnswerer([code, "print(found)", SUBMIT], reply=refuse), CORPUS)
    told = died_after(first, StepFinished, 1)
    asked: list[str] = []
    told.answer(ScriptedAnswerer(["print(found)", SUBMIT], reply=lambda prompt: asked.append(prompt) or "paid"), CORPUS)
    assert [step.output for step in told.run.steps[:2]] == ["without", "without"]
    assert asked == []
    again = died_after(first, SubCallFinished, 1)  # in the middle of the step: another try does no harm
    again.answer(ScriptedAnswerer([SUBMIT], reply=lambda prompt: "paid"), CORPUS)
    assert again.run.steps[0].output == "paid"


def test_a_sub_agent_is_not_asked_twice_either() -> None:
    told = Told()
    prompt = Body(chars=9, text="Say.\n\nWhat?")
    told.emit(StepStarted, step=1, reasoning="", code="")
    told.emit(SubCallStarted, call_id="a", step=1, model="m/x", prompt=prompt)
    told.emit(SubCallFinished, call_id="a", response=Body(chars=3, text="Yes"), seconds=0.1)
    told.before = told.run
    steps = Steps(told.emit, told.before.steps)
    steps.replay()

    def around(prompt: str, call: Any) -> Any:
        return ["asked"]

    model = _ResumedLM("m/x", around=around, stored=Stored(told.context, steps), engine=EchoEngine(str.upper))
    messages = [{"role": "system", "content": "Say."}, {"role": "user", "content": "What?"}]
    assert model(messages=messages, tools=[{}]) == ["asked"], "a call of a tool is not in the text that is stored"
    assert model(messages=messages) == ["Yes"]
    assert model(messages=messages) == ["asked"]


def test_a_failure_of_unknown_cost_does_not_end_a_resumed_run_that_has_a_cost_limit() -> None:
    told = Told(config=RunConfig(model="scripted/model", max_cost=10.0))
    told.emit(StepStarted, step=1, reasoning="", code="", usage=Usage(calls=1, cost=4.0))
    told.emit(SubCallStarted, call_id="a", step=1, model="m/x", prompt=Body(chars=1, text="a"))
    told.emit(SubCallFinished, call_id="a", error="No reply in time.", usage=Usage(calls=1, cost=None), seconds=0.1)
    Meter(told.config, told.context, told.run).check()
    told.emit(StepStarted, step=2, reasoning="", code="", usage=Usage(calls=1, cost=2.5))
    with pytest.raises(RunLimited, match="an answer to pay") as reached:  # as much as the dearest step took is kept
        Meter(told.config, told.context, told.run).check()
    assert not isinstance(reached.value, Unpayable)
    told.emit(StepStarted, step=3, reasoning="", code="", usage=Usage(calls=1, cost=None))
    with pytest.raises(Unpayable, match="not known"):
        Meter(told.config, told.context, told.run).check()


def test_a_run_that_had_submitted_is_only_ended() -> None:
    told = died_after(whole(), StepFinished, 4)
    answerer = ScriptedAnswerer([AssertionError("nothing is left to ask")])
    assert told.answer(answerer, CORPUS).cited == ("src/app.py:1-2",)
    assert told.run.steps[-1].submitted
    assert not [event for event in told.events if isinstance(event, ReplyRejected)]
