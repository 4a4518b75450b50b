"""What the use cases need from outside, one role noun each. Adapters implement these; only `wiring` chooses them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from rlm_app.events import Event, PhaseName
from rlm_app.model import Body, Corpus, Question, Receipt, RunConfig, RunSummary, Selection, Status, Usage
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


@dataclass(frozen=True)
class Answer:
    """What the loop came to. `extracted` marks dspy's fallback: the steps ran out and the model summed up."""

    text: str
    cited: tuple[str, ...]
    extracted: bool
    usage: Usage


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
    """What an answerer may do to the world: tell events, keep long texts, and look at the switch."""

    run_id: str
    emit: Emit
    phase: Callable[[PhaseName], None]
    body: Callable[[str], Body]
    stop: Stop
