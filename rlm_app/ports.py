"""What the use cases need from outside, one role noun each. Adapters implement these; only `wiring` chooses them."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from pydantic import SecretStr

from rlm_app.benches import Attempt, Bench, Outcome, Score, Tally
from rlm_app.codebase import Corpus, Receipt, Selection
from rlm_app.errors import RunLimited
from rlm_app.events import Event, PhaseName
from rlm_app.examples import Dataset, Example
from rlm_app.model import Body, Question, Run, RunConfig, RunSummary, Status, Usage
from rlm_app.stop import Stop

Progress = Callable[[PhaseName, int, int | None, str], None]
"""Called with phase, done, total (None where unknown) and a note, at most a few times a second."""


class Source(Protocol):
    """Where codebases come from."""

    def validate(self, source: str) -> None:
        """Refuse, without a network, what is not a source or must not be stored (credentials in a URL).

        Raises:
            InvalidSource, CloneRefused: one sentence with what to do.
        """
        ...

    def load(self, source: str, selection: Selection, *, stop: Stop, progress: Progress) -> tuple[Corpus, Receipt]:
        """Fetch and flatten `source`, from the cache where that commit is there already.

        Raises:
            UserError: one sentence with what to do. Nothing half-written is left behind.
            RunError: the cause of `stop`, within two seconds of the request.
        """
        ...


@dataclass(frozen=True)
class RunQuery:
    """Which runs to list, newest first. Texts match anywhere, without case."""

    text: str = ""
    repository: str = ""
    model: str = ""
    status: Status | None = None
    limit: int = 50
    offset: int = 0


@dataclass(frozen=True)
class Quote:
    """What runs with a model took, from this store's own finished runs: (median, 90th percentile) of each.

    `cost` is None where the price of any of them is unknown. `runs` is their number; with 0 there is nothing to say.
    """

    runs: int
    steps: tuple[float, float] = (0, 0)
    tokens: tuple[float, float] = (0, 0)
    seconds: tuple[float, float] = (0, 0)
    cost: tuple[float, float] | None = None


class Store(Protocol):
    """Runs as append-only events, and large bodies as blobs named by their SHA-256.

    All methods are safe to call from many threads and processes.

    Raises:
        StorageFailed: from any method, when the disk is full or the database refuses.
    """

    def append(self, run_id: str, event: Event) -> None:
        """Store an event durably. `event.seq` must be one more than the last.

        Raises:
            ValueError: the sequence number is taken, or the run has finished.
        """
        ...

    def events(self, run_id: str, after: int = -1) -> list[Event]:
        """Events with `seq > after`, in order; empty for an unknown run."""
        ...

    def last_seq(self, run_id: str) -> int:
        """The `seq` of the newest event, -1 for an unknown run. Cheap: a live page asks each second."""
        ...

    def runs(self, query: RunQuery) -> tuple[list[RunSummary], int]:
        """One page of runs, and how many match in all."""
        ...

    def quote(self, model: str) -> Quote:
        """What the newest thousand runs of a root model took that ended as `answered`, `extracted` or `limit`."""
        ...

    def delete(self, run_id: str) -> None:
        """Remove a run and its events, and blobs that nothing else names.

        Raises:
            NotFound: no such run.
        """
        ...

    def put_blob(self, data: bytes) -> str:
        """Store bytes once and return their SHA-256. They stay until the last run whose events name them is deleted."""
        ...

    def get_blob(self, digest: str) -> bytes:
        """Raises: NotFound."""
        ...

    def put_body(self, text: str) -> Body:
        """A text for an event: inline up to 8 kB, else as a blob."""
        ...

    def text(self, body: Body) -> str: ...

    def put_corpus(self, corpus: Corpus, *, keep: bool = False) -> None:
        """Store a corpus once, under its digest.

        With `keep` it outlives the runs that name it: for an imported data set, which cannot be cloned again. Without,
        it goes with the last of them, and its receipt too.
        """
        ...

    def corpus(self, digest: str) -> Corpus:
        """Raises: NotFound."""
        ...

    def put_receipt(self, receipt: Receipt) -> None:
        """Remember what was loaded, under the digest of its corpus; the newest receipt of a corpus stays."""
        ...

    def receipt(self, digest: str) -> Receipt:
        """Raises: NotFound."""
        ...

    def recent_receipts(self, limit: int) -> list[Receipt]:
        """What was loaded last, newest first."""
        ...

    def beat(self, owner: str) -> Sequence[str]:
        """Say that `owner`'s runs are alive; return those of them that somebody asked to stop."""
        ...

    def claim(self, run_id: str, owner: str) -> None:
        """Say who works on a run."""
        ...

    def request_stop(self, run_id: str) -> None:
        """Ask whoever works on a run, in any process, to stop it."""
        ...

    def interrupt_dead(self, is_dead: Callable[[str, float], bool]) -> Sequence[str]:
        """Finish as `interrupted` each running run whose owner is dead; return their ids.

        `is_dead(owner, seconds)` is asked with the owner and the seconds since its last beat.
        """
        ...


class Datasets(Protocol):
    """Examples by data set. Their contexts are corpora, stored before with `Store.put_corpus(…, keep=True)`.

    Raises:
        StorageFailed: from any method.
    """

    def put_dataset(self, dataset: Dataset, examples: Iterable[Example]) -> None:
        """Store a data set whole, in place of one of the same name."""
        ...

    def datasets(self) -> list[Dataset]:
        """In order of name."""
        ...

    def dataset(self, name: str) -> Dataset:
        """Raises: NotFound, with the names there are."""
        ...

    def examples(self, name: str, ids: Sequence[str] | None = None) -> list[Example]:
        """Examples in the order of `ids`, or of the source. Raises: NotFound."""
        ...

    def delete_dataset(self, name: str) -> None:
        """Remove a data set and the contexts that nothing else names. Raises: NotFound."""
        ...


class Benches(Protocol):
    """Benches and their attempts: the only truth about what was done, for threads, processes and machines alike.

    Raises:
        StorageFailed: from any method.
        NotFound: no such bench, from any method that takes an id.
    """

    def create(self, bench: Bench) -> Bench:
        """Store a bench with a waiting attempt for each example and epoch; one that is there is returned as it is.

        `bench.id` is set to `bench.key`. A bench that was cancelled is no longer; a higher `max_cost` replaces a lower.
        """
        ...

    def bench(self, bench_id: str) -> Bench:
        """By id, or by the start of one where that is unique. Raises: NotFound."""
        ...

    def benches(self) -> list[Bench]:
        """Newest first."""
        ...

    def lease(self, bench_id: str, owner: str, seconds: float, *, run_id: str, allot: float | None) -> Attempt | None:
        """Take the next attempt that waits, or whose lease has run out, for so many seconds; None where there is none.

        Attempts with a lapsed lease come first and keep their `run_id`, so that the run can be resumed; the others get
        the one given. Nothing is leased from a cancelled bench, nor where `allot` (USD) would pass its `max_cost`
        together with all that was spent and is allotted. No two callers ever hold the same attempt at one time.
        """
        ...

    def renew(self, owner: str, seconds: float) -> frozenset[str]:
        """Prolong all leases of an owner; return the run ids that it still holds."""
        ...

    def finish(self, attempt: Attempt) -> bool:
        """Store how an attempt ended, if `attempt.owner` still holds it; False, and nothing stored, where not."""
        ...

    def release(self, attempt: Attempt) -> None:
        """Give an attempt back unfinished: it waits again, with its run id. Nothing happens where it was lost."""
        ...

    def attempts(self, bench_ids: Sequence[str], *, latest: bool = True) -> list[Attempt]:
        """Attempts of some benches, in order of bench, example and epoch; with `latest`, only the newest of each."""
        ...

    def tally(self, bench_ids: Sequence[str]) -> dict[str, Tally]:
        """How far each bench is, in one query."""
        ...

    def scores(self, bench_ids: Sequence[str]) -> dict[str, Score]:
        """What each bench has come to, from aggregates; those that are not there are left out."""
        ...

    def retry(self, bench_id: str, outcomes: Sequence[Outcome]) -> int:
        """Make a new attempt of each whose latest ended so; how many."""
        ...

    def cancel(self, bench_id: str) -> None:
        """Lease nothing more of it until it is created again or resumed; who works on it sees `bench().cancelled`."""
        ...

    def resume(self, bench_id: str) -> None:
        """Take back a `cancel`."""
        ...

    def delete_bench(self, bench_id: str) -> Sequence[str]:
        """Remove a bench and its attempts; returns the ids of the runs, which are the caller's to delete."""
        ...

    def put_attempts(self, bench: Bench, attempts: Iterable[Attempt]) -> None:
        """Store a bench as it was elsewhere, attempts and all: for an import. Raises: ValueError: it is there."""
        ...


@dataclass(frozen=True)
class Answer:
    """What the loop came to. `extracted` marks dspy's fallback: the steps ran out and the model summed up.

    `limited` is the budget that was spent, where the model answered with what it had by then.
    """

    text: str
    cited: tuple[str, ...]
    extracted: bool
    usage: Usage
    limited: RunLimited | None = None


class Emit(Protocol):
    """Stores one event of the run at hand, e.g. `emit(StepStarted, step=1, …)`; `seq` and `at` are filled in."""

    def __call__(self, kind: type, /, **fields: object) -> None: ...


class Answerer(Protocol):
    """Whoever explores a corpus and answers."""

    def answer(self, corpus: Corpus, question: Question, config: RunConfig, run: "RunContext") -> Answer:
        """Explore and answer, telling each step through `run.emit`.

        Raises:
            RunError: sandbox or model failed, a budget is spent, or the run was stopped.
            UserError: the model or the sandbox is not configured.
        """
        ...


@dataclass(frozen=True)
class RunContext:
    """What an answerer may do to the world: tell events, keep long texts, and look at the switch.

    `keys` are those that whoever asked brought along, by provider; they come before the installation's own. `before`
    is what was told of this run already, by a process that died: stored steps and sub-calls are not paid for again.
    At `deadline` (of `time.monotonic`) the run is stopped.
    """

    run_id: str
    emit: Emit
    phase: Callable[[PhaseName], None]
    body: Callable[[str], Body]
    text: Callable[[Body], str]
    stop: Stop
    deadline: float = math.inf
    before: Run | None = None
    keys: Mapping[str, SecretStr] = field(default_factory=dict, repr=False)
