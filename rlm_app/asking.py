"""One question, start to end: load the code, explore it, check the citations, and tell every moment as an event."""

import logging
import threading
import time
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from rlm_app import prompts
from rlm_app.citations import check
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
    RunStarted,
)
from rlm_app.model import MAX_QUESTION_CHARS, Corpus, Question, Receipt, RunConfig, Selection
from rlm_app.ports import Answer, Answerer, RunContext, Source, Store
from rlm_app.stop import Stop

log = logging.getLogger(__name__)

BUG = "Something went wrong inside rlm-app itself; its log has the details. Please report it."


@dataclass(frozen=True)
class Request:
    """A question about a source, and how to answer it."""

    run_id: str
    source: str
    question: Question
    config: RunConfig
    selection: Selection = Selection()


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

    def __init__(self, store: Store, run_id: str) -> None:
        self._store, self._run_id = store, run_id
        self._lock = threading.Lock()
        self._seq = 0
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
        versions=versions(),
    )
    return record


def ask(request: Request, record: Recorder, services: Services, stop: Stop) -> None:
    """Answer the question of a run that has begun. Whatever happens, it ends with one `RunFinished`.

    Raises:
        StorageFailed: not even the end could be stored. `record_failure` may be tried again; else a later start
            marks the run as interrupted.
    """
    deadline = threading.Timer(request.config.max_seconds, _out_of_time, (stop, request.config.max_seconds))
    deadline.daemon = True
    deadline.start()
    try:
        _work(request, record, services, stop)
    except BaseException as error:  # a panic of the sandbox's or pydantic's Rust is no Exception
        record_failure(record, stop.cause or error)
    finally:
        deadline.cancel()


def _work(request: Request, record: Recorder, services: Services, stop: Stop) -> None:
    stop.check()
    store = services.store
    corpus, receipt = services.source.load(request.source, request.selection, stop=stop, progress=record.progress)
    store.put_corpus(corpus)
    store.put_receipt(receipt)
    record.emit(ContextLoaded, receipt=receipt)
    context = RunContext(request.run_id, record.emit, record.phase, store.put_body, stop)
    answer = services.answerer.answer(corpus, request.question, request.config, context)
    record.phase("check")
    _record_answer(record, answer, corpus, receipt)


def _record_answer(record: Recorder, answer: Answer, corpus: Corpus, receipt: Receipt) -> None:
    status: FinalStatus = "extracted" if answer.extracted else "answered"
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


def versions() -> tuple[tuple[str, str], ...]:
    """Names and versions of what decides how a run goes."""
    found = []
    for package in ("rlm-app", "dspy", "dspy-monty-interpreter", "pydantic-monty"):
        try:
            found.append((package, version(package)))
        except PackageNotFoundError:
            continue
    return (*found, ("prompts", prompts.version()))
