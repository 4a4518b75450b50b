"""The one place that chooses adapters, and the face of the whole app to pages, CLI and notebooks."""

import functools
import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from rlm_app import asking, choosing
from rlm_app.errors import NotFound, RunError, StorageFailed, UserError
from rlm_app.events import fold
from rlm_app.jobs import Jobs
from rlm_app.model import KEYLESS_MODEL, Corpus, FileSpan, Question, Receipt, Run, RunConfig, Selection
from rlm_app.ports import Answer, Answerer, Progress, RunContext, Source, Store
from rlm_app.settings import PROVIDER_KEYS, Settings, load_settings
from rlm_app.stop import Stop

if TYPE_CHECKING:
    from rlm_app.adapters.git import GitSource

log = logging.getLogger(__name__)

BEAT_SECONDS = 1.0  # how soon another process's request to stop is seen; Stop promises two seconds
DEAD_SECONDS = 60.0  # an owner on another machine that has not beaten for so long is taken for dead
FRESH_SECONDS = 60.0  # pressing Load again after this looks again


@dataclass(frozen=True)
class Setup:
    """What is configured, in words for people: what will answer, where code runs, and why those."""

    model: str
    model_why: str
    sub_model: str
    sandbox: str
    sandbox_why: str
    keys: tuple[tuple[str, bool], ...] = ()

    @property
    def keyless(self) -> bool:
        return self.model == KEYLESS_MODEL


@dataclass
class Loading:
    """A repository on its way in, for a page to watch. Ends with a receipt, an error (one sentence) or cancelled."""

    source: str
    selection: Selection
    started: float = field(default_factory=time.time)
    phase: str = "clone"
    done: int = 0
    total: int | None = None
    note: str = ""
    receipt: Receipt | None = None
    error: str | None = None
    cancelled: bool = False

    @property
    def finished(self) -> bool:
        return self.receipt is not None or self.error is not None or self.cancelled

    def is_fresh(self) -> bool:
        """Whether what was loaded can still be taken for what is there: an edit or a push since would be missed."""
        return self.receipt is not None and time.time() - self.started < FRESH_SECONDS

    def progress(self, phase: str, done: int, total: int | None, note: str) -> None:
        self.phase, self.done, self.total, self.note = phase, done, total, note


class App:
    """One installation: its settings, its store, and the jobs of this process.

    Every argument is chosen by `open_app`; tests pass their own.
    """

    def __init__(self, settings: Settings, store: Store, source: Source, answerer: Answerer, setup: Setup) -> None:
        self.settings, self.store, self.source, self.setup = settings, store, source, setup
        self._services = asking.Services(store, source, answerer)
        self._jobs = Jobs(settings.workers)
        self._owner = owner_name()
        self._loads: dict[tuple[str, Selection], Loading] = {}
        self._lock = threading.Lock()
        self._beating = False
        self.store.interrupt_dead(is_dead)

    # Asking

    def config(self, **changes: Any) -> RunConfig:
        """The run settings in force, with those `changes` that are not None. Raises: InvalidConfig, MissingKey."""
        return choosing.resolve(self.settings.run_config(**changes), self.settings)

    def ask(
        self, source: str, question: Question, config: RunConfig | None = None, selection: Selection | None = None
    ) -> str:
        """Start answering in the background and return the run's id at once.

        Raises:
            UserError: the question, the source or the settings cannot be used; nothing was started or stored.
        """
        asking.check_question(question)
        source = source.strip()
        self.source.validate(source)
        request = asking.Request(new_id(), source, question, config or self.config(), selection or Selection())
        record = asking.begin(request, self.store)
        self.store.claim(request.run_id, self._owner)
        self._jobs.submit(request.run_id, lambda stop: asking.ask(request, record, self._services, stop))
        self._keep_beating()
        return request.run_id

    def stop(self, run_id: str) -> None:
        """Stop a run, in whichever process it lives."""
        if not self._jobs.stop(run_id):
            self.store.request_stop(run_id)

    def wait(self, run_id: str, seconds: float | None = None) -> bool:
        """True once a run of this process has ended, False after `seconds`."""
        return self._jobs.wait(run_id, seconds)

    def run(self, run_id: str) -> Run:
        """The run as it stands now.

        Raises:
            NotFound: no such run.
        """
        events = self.store.events(run_id)
        if not events:
            raise NotFound("There is no such run here; it may have been deleted. History lists those there are.")
        return fold(events)

    def _keep_beating(self) -> None:
        with self._lock:
            if self._beating:
                return
            self._beating = True
        threading.Thread(target=self._beat, name="beat", daemon=True).start()

    def _beat(self) -> None:
        while True:
            try:
                for run_id in self.store.beat(self._owner):
                    self._jobs.stop(run_id)
            except Exception:  # a beat that fails must not end the beating: the next one may succeed
                log.exception("could not say that runs are alive")
            with self._lock:
                if not self._jobs.running():
                    self._beating = False
                    return
            time.sleep(BEAT_SECONDS)

    # Loading a repository ahead of a question

    def load(self, source: str, selection: Selection | None = None) -> Loading:
        """Start fetching a repository in the background, or join the load that is under way.

        Raises:
            UserError: not a source that can be loaded.
        """
        selection, source = selection or Selection(), source.strip()
        self.source.validate(source)
        with self._lock:
            loading = self._loads.get((source, selection))
            if loading and (not loading.finished or loading.is_fresh()):
                return loading
            loading = self._loads[source, selection] = Loading(source, selection)
        self._jobs.submit(_load_key(loading), lambda stop: self._load(loading, stop))
        return loading

    def loading(self, source: str, selection: Selection | None = None) -> Loading | None:
        """The load of a source if one was started since this process began."""
        return self._loads.get((source.strip(), selection or Selection()))

    def stop_loading(self, loading: Loading) -> None:
        self._jobs.stop(_load_key(loading))

    def _load(self, loading: Loading, stop: Stop) -> None:
        try:
            corpus, receipt = self.source.load(loading.source, loading.selection, stop=stop, progress=loading.progress)
            self.store.put_corpus(corpus)
            self.store.put_receipt(receipt)
            loading.receipt = receipt
        except UserError as error:
            loading.error = str(error)
        except RunError:
            loading.cancelled = True
        except Exception:
            loading.error = asking.BUG
            raise

    # Reading what is stored

    @functools.lru_cache(maxsize=4)  # noqa: B019 - the App lives as long as the process
    def corpus(self, digest: str) -> Corpus:
        """A stored corpus; the last few are kept in memory. Raises: NotFound."""
        return self.store.corpus(digest)

    @functools.lru_cache(maxsize=64)  # noqa: B019
    def suggestions(self, digest: str) -> tuple[str, ...]:
        """Three questions worth asking of a stored corpus."""
        from rlm_app.suggestions import suggest

        return suggest(self.corpus(digest))


def _load_key(loading: Loading) -> str:
    return f"load {loading.source} {loading.selection.model_dump_json()} {id(loading)}"


def new_id() -> str:
    """An id for a run: 72 random bits, since whoever knows it may read the run."""
    return secrets.token_urlsafe(9)


def owner_name() -> str:
    """This process, told apart from one that had the same number before: `host/pid/start`."""
    import psutil

    return f"{socket.gethostname()}/{os.getpid()}/{int(psutil.Process().create_time())}"


def is_dead(owner: str, seconds: float) -> bool:
    """Whether the process `owner` names is gone; on another host, whether its last beat is too long ago."""
    import psutil

    host, pid, start = owner.split("/") if owner.count("/") == 2 else ("", "0", "0")
    if host != socket.gethostname():
        return seconds > DEAD_SECONDS
    try:
        return int(psutil.Process(int(pid)).create_time()) != int(start)
    except psutil.Error:
        return True


def make_home(settings: Settings) -> None:
    """Make the data folder.

    Raises:
        StorageFailed: it cannot be made or written to.
    """
    try:
        settings.home.mkdir(parents=True, exist_ok=True)
        (settings.home / ".writable").touch()
    except OSError as error:
        raise StorageFailed(
            f"The data folder {settings.home} cannot be written to ({error.strerror}); "
            "set RLM_APP_HOME to a folder that can."
        ) from None


def open_store(settings: Settings) -> Store:
    """The store that the settings name. Raises: StorageFailed."""
    from rlm_app.adapters.store import SqlStore

    return SqlStore.open(settings.store_url, settings.home / "blobs")


def open_source(settings: Settings) -> "GitSource":
    """Git, within the limits that the settings give."""
    from rlm_app.adapters.git import GitSource, Limits

    limits = Limits(
        repository_bytes=int(settings.max_clone_mb * 1e6),
        corpus_chars=int(settings.max_corpus_mb * 1e6),
        seconds=settings.clone_seconds,
        cache_bytes=int(settings.cache_mb * 1e6),
    )
    return GitSource(
        settings.home / "clones",
        limits,
        allow_local=settings.local_paths,
        tokens=settings.git_tokens,
        allow_hosts=settings.private_hosts,
    )


def flatten(
    source: str, selection: Selection, output: Path | IO[bytes], progress: Progress
) -> tuple[tuple[FileSpan, ...], Receipt]:
    """Write a source as one text to a file without ever holding it in memory; return where each file lies in it.

    Raises:
        UserError: the source cannot be loaded or the file not be written; nothing is left behind.
    """
    settings = load_settings()
    make_home(settings)
    return open_source(settings).write(source, selection, output, stop=Stop(), progress=progress)


def open_answerer(settings: Settings) -> Answerer:
    """dspy's RLM over the sandbox that each run names."""
    from rlm_app.adapters.answerer import RlmAnswerer

    return RlmAnswerer(settings)


class FirstWhenAsked:
    """An answerer that is made for the first question: importing dspy would take most of the app's start."""

    def __init__(self, make: Callable[[], Answerer]) -> None:
        self._make = functools.cache(make)

    def answer(self, corpus: Corpus, question: Question, config: RunConfig, run: RunContext) -> Answer:
        return self._make().answer(corpus, question, config, run)


def describe(settings: Settings) -> Setup:
    """What the settings come to."""
    choice = choosing.choose(settings)
    keys = tuple((name, provider in settings.provider_keys) for provider, name in PROVIDER_KEYS.items())
    return Setup(
        choice.model, choice.why, choice.sub_model, "Monty (local)", "runs on this machine, needs no key", keys
    )


def probe_sandbox() -> float:
    """Start a sandbox, run a line in it, end it, and return the seconds that took. Raises: SandboxUnavailable."""
    from rlm_app.adapters.monty import probe

    return probe()


def open_app(settings: Settings | None = None) -> App:
    """Open the store and choose the adapters that the settings ask for.

    Raises:
        UserError: a setting or the store cannot be used; the sentence says what to do.
    """
    settings = settings or load_settings()
    make_home(settings)
    answerer = FirstWhenAsked(lambda: open_answerer(settings))
    return App(settings, open_store(settings), open_source(settings), answerer, describe(settings))


_opening = threading.Lock()


def app() -> App:
    """The App of this process, opened on first use, by one thread."""
    with _opening:
        return _app()


@functools.cache
def _app() -> App:
    return open_app()


def ask(source: str, question: str, *, choices: Mapping[str, str] | None = None, **config: Any) -> Run:
    """Ask a question of a codebase and wait for the answer.

    Args:
        source: a Git address, a page of one, `owner/name`, or a folder of this machine.
        question: what you want to know.
        choices: for a multiple-choice question, its texts by letter from A.
        config: any of `RunConfig`'s fields, e.g. `model="openai/gpt-5"`, `max_steps=20`.

    Returns:
        The run: `run.answer`, `run.citations`, `run.steps`, `run.status`, `run.usage`.

    Raises:
        UserError: the source, the question or the settings cannot be used.
    """
    here = app()
    run_id = here.ask(source, Question(text=question, choices=dict(choices or {})), here.config(**config))
    try:
        here.wait(run_id)
    except KeyboardInterrupt:
        here.stop(run_id)
        here.wait(run_id, 5)
        raise
    return here.run(run_id)


def list_models(settings: Settings) -> Sequence[str]:
    """Model strings worth offering: the one in force, those whose key is set, and the baseline."""
    return choosing.offered(settings)
