"""Runs to store, short ones by hand."""

from datetime import UTC, datetime, timedelta
from typing import Any

from rlm_app.adapters.store import SqlStore
from rlm_app.events import (
    Event,
    PhaseProgress,
    RunFinished,
    RunStarted,
    SubCallStarted,
)
from rlm_app.model import Body, Corpus, FileSpan, Question, Receipt, RunConfig

START = datetime(2026, 1, 1, tzinfo=UTC)


def corpus(text: str = "print('hello')\n", name: str = "owner/name") -> Corpus:
    return Corpus(name, "c0ffee" * 6 + "c0ff", text, (FileSpan("a.py", 0, len(text), text.count("\n")),))


def receipt(of: Corpus) -> Receipt:
    return Receipt(
        source="s",
        url="u",
        name=of.name,
        commit=of.revision,
        ref="main",
        files=1,
        chars=len(of.text),
        digest=of.digest,
        languages=(),
    )


def start(run_id: str = "r", *, seconds: float = 0, **fields: Any) -> RunStarted:
    """The first event of a run; `question`, `source`, `model` as texts."""
    return RunStarted(
        seq=0,
        at=START + timedelta(seconds=seconds),
        run_id=run_id,
        source=fields.get("source", "https://example.org/owner/name"),
        question=Question(text=fields.get("question", "Why?")),
        config=RunConfig(model=fields.get("model", "keyless/bm25")),
    )


def progress(seq: int, note: str = "") -> PhaseProgress:
    return PhaseProgress(seq=seq, phase="clone", done=seq, note=note)


def finish(seq: int, status: Any = "answered") -> RunFinished:
    return RunFinished(seq=seq, status=status, answer="Because.")


def call(seq: int, prompt: Body) -> SubCallStarted:
    return SubCallStarted(seq=seq, call_id=f"c{seq}", step=1, model="m", prompt=prompt)


def tell(store: SqlStore, run_id: str, *events: Event) -> None:
    for event in events:
        store.append(run_id, event)
