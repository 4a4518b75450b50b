"""A small world for benches: a data set over tiny contexts, and an answerer that is a function."""

import functools
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rlm_app import asking
from rlm_app.adapters.store import SqlStore
from rlm_app.baselines import ModelFacts
from rlm_app.benches import Bench
from rlm_app.benchmarking import Bencher, Services, Surroundings, Timing, Wanted
from rlm_app.codebase import Corpus, Receipt, Selection
from rlm_app.events import StepFinished, StepStarted
from rlm_app.examples import Dataset, Example
from rlm_app.model import Question, RunConfig, Usage
from rlm_app.ports import Answer, Answerer, Progress, RunContext
from rlm_app.stop import Stop
from tests.corpora import corpus_of, receipt_of

QUICK = Timing(lease=2.0, patience=5.0, beat=0.05, poll=0.02)
CHOICES = {"A": "one", "B": "two", "C": "three", "D": "four"}


class StoredSource:
    """Implements `ports.Source` for examples of a store."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store

    def validate(self, source: str) -> None: ...

    def load(self, source: str, selection: Selection, *, stop: Stop, progress: Progress) -> tuple[Corpus, Receipt]:
        name, _, example_id = source.removeprefix("example:").partition("/")
        (example,) = self._store.datasets.examples(name, [example_id])
        corpus = self._store.corpus(example.context)
        return corpus, receipt_of(corpus, source)


Reply = Callable[[Question, RunContext], str]


class Says:
    """Implements `ports.Answerer`: one step of known cost, and an answer that is a function of the question."""

    def __init__(self, reply: Reply = lambda question, run: "B", cost: float | None = 0.01) -> None:
        self.reply, self.cost = reply, cost

    def answer(self, corpus: Corpus, question: Question, config: RunConfig, run: RunContext) -> Answer:
        run.phase("explore")
        text = self.reply(question, run)
        usage = Usage(calls=1, tokens_in=100, tokens_out=10, cost=self.cost)
        if not (run.before and run.before.steps):
            run.emit(StepStarted, step=1, reasoning="Look.", code="print(1)", usage=usage, model_seconds=0.1)
            run.emit(StepFinished, step=1, output=text, output_chars=len(text), submitted=True, seconds=0.1)
        return Answer(text, (), extracted=False, usage=Usage())


def put_examples(store: SqlStore, count: int, *, name: str = "tiny", expected: Sequence[str] = "B") -> Dataset:
    """A data set of so many questions over one context; the keys are taken in turn from `expected`."""
    corpus = corpus_of({"src/app.py": "def route(rule):\n    return rule\n"})
    store.put_corpus(corpus, keep=True)
    examples = [
        Example(
            id=f"q{number:03}",
            question=Question(text=f"Question {number}?", choices=CHOICES),
            expected=expected[number % len(expected)],
            context=corpus.digest,
            context_chars=len(corpus.text),
        )
        for number in range(count)
    ]
    ids = tuple(example.id for example in examples)
    splits = {"dev": ids[: count // 2], "all": ids}
    dataset = Dataset(name=name, source="tests", digest=f"digest-{name}", examples=count, imported=1.0, splits=splits)
    store.datasets.put_dataset(dataset, examples)
    return dataset


def open_store(home: Path, name: str = "runs.db") -> SqlStore:
    """A store of its own in `home`."""
    file = home / name
    if not file.exists():
        file.write_bytes(_migrated())
    return SqlStore.open(f"sqlite:///{file}", home / "blobs")


@functools.cache
def _migrated() -> bytes:
    """An empty database: to migrate one anew takes longer than most tests."""
    with tempfile.TemporaryDirectory() as folder:
        SqlStore.open(f"sqlite:///{folder}/runs.db", Path(folder)).close()
        return (Path(folder) / "runs.db").read_bytes()


def services(store: SqlStore, answerer: Answerer | None = None, seen_as: Any = None) -> Services:
    """`seen_as` stands for the store towards the runs."""
    runs = asking.Services(seen_as or store, StoredSource(store), answerer or Says())
    return Services(runs, store.datasets, store.benches)


def bencher(
    store: SqlStore,
    answerer: Answerer | None = None,
    timing: Timing = QUICK,
    facts: Callable[[str], ModelFacts] = lambda model: ModelFacts(1000, (1e-6, 2e-6)),
    seen_as: Any = None,
) -> Bencher:
    around = Surroundings(ensure=store.datasets.dataset, facts=facts, timing=timing)
    return Bencher(services(store, answerer, seen_as), around)


def make_bench(here: Bencher, model: str = "test/model", **wanted: object) -> Bench:
    """A bench of the tiny data set, not stored yet; `max_example_cost` is the run's own limit."""
    config = RunConfig(model=model, max_cost=wanted.pop("max_example_cost", None))
    return here.plan(Wanted(config, dataset="tiny", **wanted)).bench


def work(here: Bencher, bench: Bench, workers: int = 2, seconds: float = 60) -> str:
    """Work on a bench to its end, and return how that was."""
    bench_id = here.start(bench, workers=workers)
    assert here.wait(bench_id, seconds)
    return here.ending(bench_id)
