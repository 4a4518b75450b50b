"""The one place that derives a row of History from the events of its run."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from rlm_app.adapters.store.schema import runs
from rlm_app.adapters.store.texts import folded, printable
from rlm_app.events import (
    ContextLoaded,
    Event,
    ReplyRejected,
    RunFinished,
    RunResumed,
    RunStarted,
    StepStarted,
    SubCallFinished,
    SubCallStarted,
    fold,
)
from rlm_app.model import Run, RunSummary


def summary(run: Run) -> RunSummary:
    """A run as History lists it. `cost` (USD) is None until the run has finished, as where a price is unknown."""
    return RunSummary(
        id=run.id,
        started=run.started,
        status=run.status,
        source=printable(run.source),
        repository=printable(run.receipt.name) if run.receipt else "",
        commit=printable(run.receipt.commit) if run.receipt else "",
        question=printable(run.question.text),
        model=printable(run.config.model),
        sandbox=printable(run.config.sandbox),
        steps=len(run.steps),
        cost=None if run.status == "running" else run.usage.cost,
        seconds=run.seconds,
    )


def changes(event: Event, before: Callable[[], Sequence[Event]]) -> dict[str, Any]:
    """The columns of `runs` that an event changes, by name; empty for most events.

    `before` gives the events of the run so far; it is asked only where they are needed.
    """
    match event:
        case StepStarted():
            return {"steps": runs.c.steps + 1}
        case RunStarted() | ContextLoaded() | RunResumed() | RunFinished():
            return _columns(fold([*before(), event]))
    return {}


def names(event: Event) -> list[str]:
    """Digests of the blobs and corpora that an event names."""
    match event:
        case ContextLoaded():
            return [event.receipt.digest]
        case SubCallStarted() if event.prompt.blob:
            return [event.prompt.blob]
        case SubCallFinished() if event.response and event.response.blob:
            return [event.response.blob]
        case ReplyRejected() if event.reply.blob:
            return [event.reply.blob]
    return []


def _columns(run: Run) -> dict[str, Any]:
    row, ended = summary(run), run.status != "running"
    return asdict(row) | {
        "tokens_in": run.usage.tokens_in if ended else None,
        "tokens_out": run.usage.tokens_out if ended else None,
        "folded_question": folded(f"{row.question}\n{row.source}"),
        "folded_repository": folded(f"{row.repository}\n{row.commit}"),
        "folded_model": folded(row.model),
    }
