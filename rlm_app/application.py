"""One installation as pages, command line and notebooks see it: ask, watch, stop, load, read."""

import functools
import logging
import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from string import ascii_letters, digits
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from rlm_app import asking, choosing
from rlm_app.codebase import Corpus, Selection
from rlm_app.datasets.collection import Collection
from rlm_app.datasets.making import Makings
from rlm_app.errors import InvalidConfig, NotFound, StorageFailed
from rlm_app.events import fold
from rlm_app.jobs import Jobs
from rlm_app.loading import Loading, Loads
from rlm_app.model import Question, Run, RunConfig
from rlm_app.owners import is_dead, owner_name
from rlm_app.ports import Answerer, Quote, Source, Store
from rlm_app.providers import LocalServer
from rlm_app.settings import Settings
from rlm_app.stop import Stop

if TYPE_CHECKING:
    from rlm_app.benchmarking import Bencher

log = logging.getLogger(__name__)

BEAT_SECONDS = 1.0  # how soon another process's request to stop is seen; Stop promises two seconds
LOOK_SECONDS = 30.0  # between two looks for runs whose process has died
DELETE_SECONDS = 3.0  # for a running run to end before it is deleted


class App:
    """One installation: its settings, its store, and the jobs of this process.

    Every argument is chosen by `open_app`; tests pass their own. `local_models` says which model servers answer on
    this machine, and does so without making anyone wait.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store,
        source: Source,
        answerer: Answerer,
        local_models: Callable[[], Sequence[LocalServer]] = tuple,
        *,
        collection: Collection | None = None,
        bencher: "Callable[[], Bencher] | None" = None,
    ) -> None:
        self.settings, self.store, self.source = settings, store, source
        self._collection, self._open_bencher = collection, bencher
        self._bencher: Bencher | None = None
        self.local_models = local_models
        self._services = asking.Services(store, source, answerer)
        self._jobs = Jobs(settings.workers)
        self._owner = owner_name()
        self._loads = Loads(source, store, self._jobs)
        self._lock = threading.Lock()
        self._beating = False
        self._unended: list[tuple[asking.Recorder, StorageFailed]] = []
        self._looked = 0.0
        self._look_for_dead()

    # Asking

    @property
    def setup(self) -> choosing.Setup:
        """What the settings come to, with whatever model servers answer now."""
        return self.setup_for(None)

    def setup_for(self, keys: Mapping[str, SecretStr] | None) -> choosing.Setup:
        """What the settings come to for somebody who brings these keys, by provider."""
        return choosing.describe(self.settings.with_keys(keys or {}), self.local_models())

    def config(self, *, keys: Mapping[str, SecretStr] | None = None, **changes: Any) -> RunConfig:
        """The run settings in force, with those `changes` that are not None.

        Args:
            keys: of whoever asks, by provider; they come before the installation's.

        Raises:
            InvalidConfig, MissingKey: one sentence with what to do.
        """
        settings = self.settings.with_keys(keys or {})
        return choosing.resolve(settings.run_config(**changes), settings, self.local_models())

    def notes(self, config: RunConfig) -> list[str]:
        """What is worth knowing of a run's models before it starts, one sentence each."""
        models = dict.fromkeys((config.model, config.sub_model or config.model))
        slow = [model for model in models if choosing.engine_of(model, self.settings) == "litellm"]
        return [f"{model} is reached through litellm, which takes some seconds to load." for model in slow]

    def quote(self, model: str) -> Quote:
        """What earlier runs with a root model took."""
        return self.store.quote(model)

    def ask(
        self,
        source: str,
        question: Question,
        config: RunConfig | None = None,
        selection: Selection | None = None,
        keys: Mapping[str, SecretStr] | None = None,
    ) -> str:
        """Start answering in the background and return the run's id at once.

        `keys` serve this run alone and are stored nowhere.

        Raises:
            UserError: the question, the source or the settings cannot be used; nothing was started or stored.
        """
        asking.check_question(question)
        source = source.strip()
        self.source.validate(source)
        keys = dict(keys or {})
        config = config or self.config(keys=keys)
        request = asking.Request(new_id(), source, question, config, selection or Selection(), keys)
        record = asking.begin(request, self.store)
        try:
            self.store.claim(request.run_id, self._owner)
        except StorageFailed as error:
            self._end_later(record, error)
            raise
        self._jobs.submit(request.run_id, lambda stop: self._answer(request, record, stop))
        self._keep_beating()
        return request.run_id

    def resume(self, run_id: str, keys: Mapping[str, SecretStr] | None = None) -> None:
        """Go on in the background with a run whose process died; what it has stored is not asked for again.

        Raises:
            NotFound: no such run.
            InvalidConfig: it was not interrupted.
        """
        run = self.run(run_id)
        if run.status != "interrupted":
            raise InvalidConfig("Only a run that was interrupted can go on; ask the question again instead.")
        request = asking.Request(run_id, run.source, run.question, run.config, run.selection, dict(keys or {}))
        self._jobs.submit(run_id, lambda stop: asking.perform(request, self._services, stop, self._owner))
        self._keep_beating()

    def _answer(self, request: asking.Request, record: asking.Recorder, stop: Stop) -> None:
        try:
            asking.ask(request, record, self._services, stop)
        except StorageFailed as error:  # e.g. a full disk: without its end the run would pass for running
            self._end_later(record, error)
            raise

    def _end_later(self, record: asking.Recorder, error: StorageFailed) -> None:
        with self._lock:
            self._unended.append((record, error))
        self._keep_beating()

    def _end_late(self) -> None:
        """Try again to store how runs ended."""
        with self._lock:
            waiting, self._unended = self._unended, []
        for record, error in waiting:
            try:
                asking.record_failure(record, error)
            except StorageFailed:
                self._end_later(record, error)
            except ValueError:
                log.warning("a run was ended or deleted by another process")

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
        run = fold(events)
        if run.status == "running" and self._look_for_dead():
            return fold(self.store.events(run_id))
        return run

    def _look_for_dead(self) -> bool:
        """Finish the runs of dead processes, now and then; True where there was one."""
        now = time.monotonic()
        if self._looked and now - self._looked < LOOK_SECONDS:
            return False
        self._looked = now
        return bool(self.store.interrupt_dead(is_dead))

    def delete(self, run_id: str) -> None:
        """Delete a run, stopping it first where it is still running. Raises: NotFound."""
        if run_id in self._jobs.running():
            self.stop(run_id)
            self.wait(run_id, DELETE_SECONDS)
        self.store.delete(run_id)

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
                self._end_late()
            except Exception:  # a beat that fails must not end the beating: the next one may succeed
                log.exception("could not say that runs are alive")
            with self._lock:
                if not self._jobs.running() and not self._unended:
                    self._beating = False
                    return
            time.sleep(BEAT_SECONDS)

    # Loading a repository ahead of a question

    def load(self, source: str, selection: Selection | None = None) -> Loading:
        """Start fetching a repository in the background, or join the load that is under way.

        Raises:
            UserError: not a source that can be loaded.
        """
        return self._loads.start(source.strip(), selection or Selection())

    def loading(self, source: str, selection: Selection | None = None) -> Loading | None:
        """The load of a source if one was started since this process began."""
        return self._loads.find(source.strip(), selection or Selection())

    def stop_loading(self, loading: Loading) -> None:
        self._loads.stop(loading)

    # Examples

    @property
    def collection(self) -> Collection:
        """The data sets there are, and how more come to be."""
        assert self._collection, "this App was opened without data sets"
        return self._collection

    @functools.cached_property
    def makings(self) -> Makings:
        """The data sets that are being made for a page."""
        return Makings(self.collection, self._jobs)

    # Benches

    @property
    def bencher(self) -> "Bencher":
        """The benches there are, and those that this process works on."""
        assert self._open_bencher, "this App was opened without benches"
        with self._lock:  # two of them would not know of each other's work
            self._bencher = self._bencher or self._open_bencher()
        return self._bencher

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


def new_id() -> str:
    """An id for a run: 71 random bits, since whoever knows it may read the run.

    Letters and digits alone, so that no command takes it for an option.
    """
    return "".join(secrets.choice(ascii_letters + digits) for _ in range(12))
