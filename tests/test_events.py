import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from rlm_app.codebase import Selection, Skipped
from rlm_app.events import (
    EVENT,
    ContextLoaded,
    Event,
    LimitReached,
    PhaseProgress,
    PhaseStarted,
    RunFinished,
    RunStarted,
    StepFinished,
    StepStarted,
    SubCallFinished,
    SubCallStarted,
    fold,
)
from rlm_app.model import Body, Question, RunConfig, Usage

START = datetime(2026, 1, 1, tzinfo=UTC)


def story() -> list[Event]:
    """A run with every kind of event that a fold must understand, one second apart."""
    told: list[tuple[type, dict[str, object]]] = [
        (
            RunStarted,
            {
                "run_id": "r",
                "source": "s",
                "question": Question(text="q"),
                "config": RunConfig(),
                "selection": Selection(ref="v1"),
            },
        ),
        (PhaseStarted, {"phase": "clone"}),
        (PhaseProgress, {"phase": "clone", "done": 3, "total": 9, "note": "Fetching"}),
        (PhaseStarted, {"phase": "explore"}),
        (StepStarted, {"step": 1, "reasoning": "r", "code": "c", "usage": Usage(calls=1, tokens_in=10, cost=0.5)}),
        (SubCallStarted, {"call_id": "a", "step": 1, "model": "m", "prompt": Body(chars=1, text="p")}),
        (
            SubCallFinished,
            {"call_id": "a", "response": Body(chars=1, text="x"), "usage": Usage(calls=1, cost=0.25), "seconds": 1},
        ),
        (StepFinished, {"step": 1, "output": "o", "output_chars": 5, "seconds": 2}),
        (StepStarted, {"step": 2, "reasoning": "r", "code": "c"}),
        (LimitReached, {"limit": "max_seconds", "message": "m"}),
        (RunFinished, {"status": "limit", "error": "m", "usage": Usage(calls=1, cost=0.25)}),
    ]
    return [
        EVENT.validate_python(kind(seq=at, at=START + timedelta(seconds=at), **fields))
        for at, (kind, fields) in enumerate(told)
    ]


def test_a_whole_run() -> None:
    run = fold(story())
    assert (run.status, run.limit, run.error, run.seconds) == ("limit", "max_seconds", "m", 10)
    assert [(phase.name, phase.seconds, phase.done) for phase in run.phases] == [("clone", 2, 3), ("explore", 7, 0)]
    assert [(step.output, step.output_chars, step.seconds) for step in run.steps] == [("o", 5, 2), (None, 0, None)]
    assert run.sub_calls[0].response == Body(chars=1, text="x")
    assert run.root_usage.cost == 0.75
    assert run.sub_usage.cost == 0.25
    assert run.usage == Usage(calls=3, tokens_in=10, cost=1.0)
    assert run.last_seq == 10
    assert run.selection.ref == "v1"


@given(st.integers(min_value=1, max_value=len(story())))
def test_any_prefix_folds_and_only_the_last_event_ends_the_run(length: int) -> None:
    events = story()
    run = fold(events[:length])
    assert run.last_seq == length - 1
    assert (run.status == "running") == (length < len(events))


def test_a_fold_does_not_depend_on_how_events_were_stored() -> None:
    stored = [EVENT.validate_json(EVENT.dump_json(event)) for event in story()]
    assert fold(stored) == fold(story())


def test_an_unknown_price_makes_the_sum_unknown_and_never_zero() -> None:
    assert (Usage(calls=1, cost=0.5) + Usage(calls=1, cost=None)).cost is None


@pytest.mark.parametrize("events", [[], story()[1:]])
def test_a_run_begins_with_its_start(events: list[Event]) -> None:
    with pytest.raises(ValueError, match="RunStarted"):
        fold(events)


def test_events_cannot_be_changed_and_take_no_unknown_fields() -> None:
    with pytest.raises(ValidationError):
        story()[0].seq = 5  # type: ignore[misc]
    with pytest.raises(ValidationError):
        PhaseStarted(seq=0, phase="clone", colour="red")  # type: ignore[call-arg]


LOADED = (
    '{"seq":1,"at":"2026-01-01T00:00:00Z","type":"context_loaded","receipt":{"source":"s","url":"u","name":"n",'
    '"commit":"c","ref":null,"folder":"","files":1,"chars":2,"digest":"d","languages":[["Python",2]],'
    '"skipped_by_reason":[["binary",1]],"skipped":[{"path":"logo","reason":"binary","size":3,"detail":""}],'
    '"notes":["x"],"web_url":null,"seconds":1.5}}'
)


def test_a_receipt_that_was_stored_reads_as_it_was_written() -> None:
    event = EVENT.validate_json(LOADED)
    assert isinstance(event, ContextLoaded)
    assert event.receipt.skipped == (Skipped(path="logo", reason="binary", size=3),)
    assert event.model_dump_json() == LOADED


@pytest.mark.parametrize("within", ["{", '"receipt":{', '"skipped":[{'])
def test_a_stored_event_with_an_unknown_field_is_refused_at_any_depth(within: str) -> None:
    odd = LOADED.replace(within, f'{within}"colour":"red",', 1)
    json.loads(odd)
    with pytest.raises(ValidationError, match="colour"):
        EVENT.validate_json(odd)
