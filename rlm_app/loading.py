"""Repositories that are fetched ahead of a question, in the background, for a page to watch."""

import threading
import time
from dataclasses import dataclass, field

from rlm_app.asking import BUG
from rlm_app.codebase import Receipt, Selection
from rlm_app.errors import RunError, UserError
from rlm_app.jobs import Jobs
from rlm_app.ports import Source, Store
from rlm_app.stop import Stop

FRESH_SECONDS = 60.0  # pressing Load again after this looks again
KEPT = 200  # loads that are remembered


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
    def key(self) -> str:
        """Its name as a job."""
        return f"load {id(self)}"

    @property
    def finished(self) -> bool:
        return self.receipt is not None or self.error is not None or self.cancelled

    def is_fresh(self) -> bool:
        """Whether what was loaded can still be taken for what is there: an edit or a push since would be missed."""
        return self.receipt is not None and time.time() - self.started < FRESH_SECONDS

    def progress(self, phase: str, done: int, total: int | None, note: str) -> None:
        self.phase, self.done, self.total, self.note = phase, done, total, note


class Loads:
    """The loads of this process, each known by its source and selection."""

    def __init__(self, source: Source, store: Store, jobs: Jobs) -> None:
        self._source, self._store, self._jobs = source, store, jobs
        self._lock = threading.Lock()
        self._loads: dict[tuple[str, Selection], Loading] = {}

    def start(self, source: str, selection: Selection) -> Loading:
        """Start fetching a repository, or join the load that is under way.

        Raises:
            UserError: not a source that can be loaded.
        """
        self._source.validate(source)
        with self._lock:
            loading = self._loads.get((source, selection))
            if loading and (not loading.finished or loading.is_fresh()):
                return loading
            loading = self._loads[source, selection] = Loading(source, selection)
            for key in list(self._loads)[:-KEPT]:
                del self._loads[key]
        self._jobs.submit(loading.key, lambda stop: self._load(loading, stop))
        return loading

    def find(self, source: str, selection: Selection) -> Loading | None:
        return self._loads.get((source, selection))

    def stop(self, loading: Loading) -> None:
        self._jobs.stop(loading.key)

    def _load(self, loading: Loading, stop: Stop) -> None:
        try:
            corpus, receipt = self._source.load(loading.source, loading.selection, stop=stop, progress=loading.progress)
            self._store.put_corpus(corpus)
            self._store.put_receipt(receipt)
            loading.receipt = receipt
        except UserError as error:
            loading.error = str(error)
        except RunError:
            loading.cancelled = True
        except BaseException:
            loading.error = BUG
            raise
