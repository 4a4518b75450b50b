"""Runs to store, short ones by hand."""

from datetime import UTC, datetime, timedelta
from typing import Any

from rlm_app.adapters.store import SqlStore
from rlm_app.benches import Bench
from rlm_app.codebase import Corpus, FileSpan, Receipt
from rlm_app.events import (
    Event,
    PhaseProgress,
    RunFinished,
    RunResumed,
    RunStarted,
    SubCallStarted,
)
from rlm_app.examples import Dataset, Example
from rlm_app.model import Body, Question, RunConfig

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


def resume(seq: int) -> RunResumed:
    return RunResumed(seq=seq)


def example(name: str, context: Corpus | None = None) -> Example:
    question = Question(text=f"What of {name}?", choices={"A": "one", "B": "two"})
    context = context or corpus()
    return Example(
        id=name, question=question, expected="B", context=context.digest, context_chars=len(context.text), hops=2
    )


def dataset(name: str = "some", *examples: Example) -> Dataset:
    """A data set as it would be imported with such examples."""
    splits = {"dev": tuple(one.id for one in examples[:1])}
    return Dataset(name=name, source="a file", digest="d" * 64, examples=len(examples), imported=1.5, splits=splits)


def bench(*examples: str, **fields: Any) -> Bench:
    """A bench of examples, by default three; other fields of `Bench` by name, `model` as a text."""
    config = RunConfig(model=fields.pop("model", "keyless/bm25"))
    return Bench(
        dataset="some",
        revision="d" * 64,
        split="all",
        config=config,
        examples=examples or ("c", "a", "b"),
        prompts="p1",
        **fields,
    )
