"""Measures of runs made by hand, as events folded."""

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlm_app.benches import Measures
from rlm_app.codebase import Corpus, FileSpan
from rlm_app.events import (
    ReplyRejected,
    RunFinished,
    StepFinished,
    StepStarted,
    SubCallFinished,
    SubCallStarted,
)
from rlm_app.measuring import coverage, measure
from rlm_app.model import Body, Question, RunConfig, Usage
from tests.corpora import corpus_of
from tests.scripted import Told

QUESTION = Question(
    text="What does it raise?",
    choices={"A": "It raises ValueError at once", "B": "It raises KeyError in the end", "C": "30", "D": "It raises"},
)
CORPUS = corpus_of({"a.py": "def first(one):\n    return one\n}\ndef second(two):\n    return two + two\n"})


def step(told: Told, number: int, *, reasoning: str = "", code: str = "", output: str = "", **others: Any) -> None:
    """One step that takes a second of the root model and `seconds` of the sandbox."""
    cost = others.pop("cost", 1.0)
    calls = others.pop("calls", [])
    told.emit(
        StepStarted,
        step=number,
        reasoning=reasoning,
        code=code,
        usage=Usage(calls=1, tokens_in=10, cost=cost),
        model_seconds=1.0,
    )
    start = told.events[-1].at
    for at, call in enumerate(calls):
        name = f"{number}-{at}"
        body = Body(chars=len(call["prompt"]), text=call["prompt"])
        told.emit(SubCallStarted, call_id=name, step=number, model="m", prompt=body, at=start)
        told.emit(
            SubCallFinished,
            call_id=name,
            seconds=call.get("seconds", 1.0),
            error=call.get("error"),
            usage=Usage(calls=1, tokens_in=5, tokens_out=2, cost=0.25),
        )
    told.emit(
        StepFinished, step=number, output=output, output_chars=len(output), seconds=others.pop("seconds", 0.5), **others
    )


def told(question: Question = QUESTION) -> Told:
    return Told(question, RunConfig(model="m"))


def measured(story: Told, letter: str | None = "B", corpus: Corpus = CORPUS) -> Measures:
    story.emit(RunFinished, status="answered", answer=letter, usage=Usage(calls=1, cost=0.5))
    return measure(story.run, corpus, lambda body: body.text or "", letter)


def test_calls_steps_and_replies_are_counted() -> None:
    story = told()
    step(story, 1, calls=[{"prompt": "p"}, {"prompt": "p"}, {"prompt": "q", "error": "no"}], seconds=2.0)
    step(story, 2, failed=True, calls=[{"prompt": "p"}])
    story.emit(ReplyRejected, step=3, reason="r", reply=Body(chars=0, text=""), usage=Usage(cost=0.1), seconds=1)
    step(story, 3)
    story.emit(ReplyRejected, step=4, reason="r", reply=Body(chars=0, text=""), usage=Usage(cost=0.1), seconds=1)
    found = measured(story)
    assert (found.sub_calls, found.duplicate_sub_calls, found.failed_sub_calls) == (4, 2, 1)
    assert (found.failed_steps, found.rejected_replies, found.sub_tokens) == (1, 2, 28)
    assert found.failed_step_cost == 1.25
    assert found.root_seconds == 3.0


def test_seconds_of_calls_side_by_side_add_up_but_are_waited_for_once() -> None:
    story = told()
    step(story, 1, seconds=5.0, calls=[{"prompt": "p", "seconds": 3.0}, {"prompt": "q", "seconds": 2.0}])
    found = measured(story)
    assert found.sub_seconds == 5.0
    assert found.sandbox_seconds == pytest.approx(2.0)


@pytest.mark.parametrize(
    "where",
    [
        {"reasoning": "So the answer is B."},
        {"code": 'answer = "B"\nprint(answer)'},
        {"code": 'SUBMIT("B", [])'},
        {"code": "SUBMIT(choice='B')"},
        {"output": "docs: it  raises KeyError in\nthe end, always"},
        {"submitted": True},
    ],
)
def test_the_answer_is_first_seen_where_it_is_given(where: dict[str, Any]) -> None:
    story = told()
    step(story, 1, reasoning="Let me look at option B and A. B or C?", code='print("B")', output="B")
    step(story, 2, **where)
    step(story, 3, cost=0.2, calls=[{"prompt": "p"}])
    found = measured(story)
    assert found.first_seen == 2
    assert found.cost_after == pytest.approx(0.2 + 0.25 + 0.5)  # the third step, its call, and the end


def test_a_list_of_all_choices_gives_none() -> None:
    story = told()
    step(story, 1, code=QUESTION.prompt, output="B")
    found = measured(story)
    assert (found.first_seen, found.cost_after) == (None, None)


def test_the_text_of_a_short_choice_gives_nothing_and_no_letter_nothing() -> None:
    story = told()
    step(story, 1, output="timeout = 30")
    assert measured(story, "C").first_seen is None
    story = told()
    step(story, 1, submitted=True)
    assert measured(story, None).first_seen is None


def test_an_unknown_price_makes_what_rests_on_it_unknown() -> None:
    story = told()
    step(story, 1, code='SUBMIT("B")')
    step(story, 2, cost=None, failed=True)
    found = measured(story)
    assert (found.first_seen, found.cost_after, found.failed_step_cost) == (1, None, None)


def test_a_run_without_steps() -> None:
    found = measured(told(), None)
    assert found == Measures(coverage=0.0, failed_step_cost=0.0)


@pytest.mark.parametrize(
    "shown",
    [
        "def first(one):",
        "    def first(one):   ",
        " 1  def first(one):",
        "a.py:1: def first(one):",
        "a.py-1- def first(one):",
        "['def first(one):\\n', '']",
        "def first(one):\ndef first(one):\nelse:",
    ],
)
def test_coverage_sees_lines_as_they_are_shown(shown: str) -> None:
    # Five lines count: the header and four of code; "}" does not.
    assert coverage(CORPUS, [shown]) == 0.2


def test_coverage_counts_what_sub_calls_were_sent() -> None:
    story = told()
    step(story, 1, output="1  def first(one):", calls=[{"prompt": "Explain:\n    return two + two\n"}])
    assert measured(story).coverage == pytest.approx(2 / 5)


@given(st.lists(st.sampled_from(CORPUS.text.split("\n"))))
def test_coverage_is_a_share_that_only_grows(shown: list[str]) -> None:
    shares = [coverage(CORPUS, shown[:count]) or 0.0 for count in range(len(shown) + 1)]
    assert shares == sorted(shares)
    assert shares[-1] <= 1
    assert coverage(CORPUS, [CORPUS.text]) == 1


def test_nothing_to_read_is_not_known_rather_than_none_read() -> None:
    assert coverage(Corpus("n", "r", "\n}\n", (FileSpan("a", 0, 3, 2),)), ["}"]) is None


def test_16_million_characters_are_quick() -> None:
    text = "\n".join(f"    value_{at} = compute_something(argument_{at * 7})" for at in range(300_000))
    corpus = Corpus("n", "r", text, (FileSpan("a.py", 0, len(text), 300_000),))
    assert len(text) > 14e6
    start = time.perf_counter()
    assert coverage(corpus, ["\n".join(text.split("\n")[:3000])] * 20) == 0.01
    assert time.perf_counter() - start < 2
