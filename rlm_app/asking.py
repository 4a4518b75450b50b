"""One question, start to end: load the code, explore it, check the citations, and tell every moment as an event."""

import functools
import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version

from pydantic import SecretStr

from rlm_app import prompts
from rlm_app.citations import check
from rlm_app.codebase import Corpus, Receipt, Selection
from rlm_app.errors import InvalidQuestion, RlmAppError, RunCancelled, RunLimited, UserError
from rlm_app.events import (
    EVENT,
    ContextLoaded,
    FinalStatus,
    LimitReached,
    PhaseName,
    PhaseProgress,
    PhaseStarted,
    RunFinished,
    RunResumed,
    RunStarted,
    fold,
)
from rlm_app.model import MAX_QUESTION_CHARS, Question, Run, RunConfig
from rlm_app.ports import Answer, Answerer, RunContext, Source, Store
from rlm_app.stop import Stop

log = logging.getLogger(__name__)

BUG = "Something went wrong inside rlm-app itself; its log has the details. Please report it."


@dataclass(frozen=True)
class Request:
    """A question about a source, and how to answer it. `keys` are the asker's own, by provider, for this run alone."""

    run_id: str
    source: str
    question: Question
    config: RunConfig
    selection: Selection = Selection()
    keys: Mapping[str, SecretStr] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Services:
    """The outside world as a run needs it."""

    store: Store
    source: Source
    answerer: Answerer


def check_question(question: Question) -> None:
    """Refuse what no model should be asked.

    Raises:
        InvalidQuestion: blank, no UTF-8 text, too long, or choices that are not two or more distinct letters with a
            text each.
    """
    try:
        question.prompt.encode()
    except UnicodeEncodeError:  # a terminal of another encoding
        raise InvalidQuestion("The question has bytes that are no UTF-8 text; type or paste it again.") from None
    if not question.text:
        raise InvalidQuestion("The question is empty; type what you want to know.")
    chars = len(question.prompt)
    if chars > MAX_QUESTION_CHARS:
        raise InvalidQuestion(
            f"The question has {chars:,} characters; at most {MAX_QUESTION_CHARS:,} are taken. Ask about one thing."
        )
    if not question.choices:
        return
    letters = list(question.choices)
    if len(letters) < 2 or letters != [chr(ord("A") + at) for at in range(len(letters))]:
        raise InvalidQuestion("Choices are lettered from A without gaps, at least two of them, e.g. A=… B=….")
    if not all(choice.strip() for choice in question.choices.values()):
        raise InvalidQuestion("A choice is empty; give each letter a text.")


class Recorder:
    """Numbers the events of one run and stores each before it returns. Safe to call from many threads."""

    PROGRESS_SECONDS = 0.25  # a page looks once a second; more progress than this only fills the database

    def __init__(self, store: Store, run_id: str, seq: int = 0) -> None:
        self._store, self._run_id = store, run_id
        self._lock = threading.Lock()
        self._seq = seq
        self._phase: PhaseName | None = None
        self._told = 0.0

    def emit(self, kind: type, /, **fields: object) -> None:
        with self._lock:
            self._store.append(self._run_id, EVENT.validate_python(kind(seq=self._seq, **fields)))
            self._seq += 1

    def phase(self, phase: PhaseName, note: str = "") -> None:
        self._phase, self._told = phase, 0.0
        self.emit(PhaseStarted, phase=phase, note=note)

    def progress(self, phase: PhaseName, done: int, total: int | None, note: str) -> None:
        """Tell progress now and then; a new phase at once."""
        if phase != self._phase:
            self.phase(phase, note)
            if not done:
                return  # the phase has said it all
        now = time.monotonic()
        if now - self._told >= self.PROGRESS_SECONDS:
            self._told = now
            self.emit(PhaseProgress, phase=phase, done=done, total=total, note=note)


def begin(request: Request, store: Store) -> Recorder:
    """Store the start of a run, so that it can be found from this moment on."""
    record = Recorder(store, request.run_id)
    record.emit(
        RunStarted,
        run_id=request.run_id,
        source=request.source,
        question=request.question,
        config=request.config,
        selection=request.selection,
        versions=versions(request.config.program),
    )
    return record


def perform(request: Request, services: Services, stop: Stop, owner: str = "") -> None:
    """Answer a question whether its run is new, was left behind by a process that died, or has ended already.

    A run that was left behind goes on from what it has stored: no stored step and no stored sub-call is asked for
    again. One that has ended stays as it is.

    Args:
        owner: who works on it from now on.

    Raises:
        StorageFailed: see `ask`.
        ValueError: another process works on the run, and this one has left it alone.
    """
    store = services.store
    told = store.events(request.run_id)
    before = fold(told) if told else None
    if before is None:
        record = begin(request, store)
    elif before.status in ("running", "interrupted"):
        record = Recorder(store, request.run_id, told[-1].seq + 1)
        record.emit(RunResumed)
    else:
        return
    store.claim(request.run_id, owner)
    ask(request, record, services, stop, before)


def ask(request: Request, record: Recorder, services: Services, stop: Stop, before: Run | None = None) -> None:
    """Answer the question of a run that has begun. Whatever happens, it ends with one `RunFinished`.

    Args:
        before: what is stored of a run that is being resumed.

    Raises:
        StorageFailed: not even the end could be stored. `record_failure` may be tried again; else a later start
            marks the run as interrupted.
    """
    seconds = request.config.max_seconds
    deadline = time.monotonic() + seconds
    timer = threading.Timer(seconds, _out_of_time, (stop, seconds))
    timer.daemon = True
    timer.start()
    try:
        corpus, receipt = _load(request, record, services, stop, before)
        context = RunContext(
            request.run_id,
            record.emit,
            record.phase,
            services.store.put_body,
            services.store.text,
            stop,
            deadline,
            before,
            request.keys,
        )
        answer = services.answerer.answer(corpus, request.question, request.config, context)
        record.phase("check")
        _record_answer(record, answer, corpus, receipt)
    except BaseException as error:  # a panic of the sandbox's or pydantic's Rust is no Exception
        record_failure(record, stop.cause or error)
    finally:
        timer.cancel()


def _load(
    request: Request, record: Recorder, services: Services, stop: Stop, before: Run | None
) -> tuple[Corpus, Receipt]:
    stop.check()
    store = services.store
    if before and before.receipt:  # not from the source: its branch may have moved on
        return store.corpus(before.receipt.digest), before.receipt
    corpus, receipt = services.source.load(request.source, request.selection, stop=stop, progress=record.progress)
    store.put_corpus(corpus)
    store.put_receipt(receipt)
    record.emit(ContextLoaded, receipt=receipt)
    return corpus, receipt


def _record_answer(record: Recorder, answer: Answer, corpus: Corpus, receipt: Receipt) -> None:
    status: FinalStatus = "extracted" if answer.extracted else "answered"
    if answer.limited:
        status = "limit"
        record.emit(LimitReached, limit=answer.limited.limit, message=str(answer.limited))
    citations = check(answer.text, answer.cited, corpus, receipt.web_url)
    record.emit(RunFinished, status=status, answer=answer.text, citations=citations, usage=answer.usage)


def record_failure(record: Recorder, error: BaseException) -> None:
    """End a run for `error`. Raises: StorageFailed."""
    status: FinalStatus = "failed"
    message = str(error)
    if isinstance(error, RunCancelled):
        status = "cancelled"
    elif isinstance(error, RunLimited):
        status = "limit"
        record.emit(LimitReached, limit=error.limit, message=message)
    elif not isinstance(error, RlmAppError):
        log.error("a run failed on a bug", exc_info=error)
        message = BUG
    record.emit(RunFinished, status=status, error=message, mendable=isinstance(error, UserError))


def _out_of_time(stop: Stop, seconds: float) -> None:
    stop.request(RunLimited("max_seconds", f"The time limit of {seconds:g} s was reached."))


@functools.cache  # package metadata is slow to read, and each run of a bench asks
def versions(program: str = "") -> tuple[tuple[str, str], ...]:
    """Names and versions of what decides how a run goes; `program` is the task prompt, where it is not ours."""
    found = []
    for package in ("rlm-app", "dspy", "dspy-monty-interpreter", "pydantic-monty"):
        try:
            found.append((package, version(package)))
        except PackageNotFoundError:
            continue
    return (*found, ("prompts", prompts.version(program)))
