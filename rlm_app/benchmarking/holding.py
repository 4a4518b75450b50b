"""A store as one attempt sees it: patient with a database that comes and goes, and shut once the attempt is lost."""

import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from rlm_app.codebase import Corpus, Receipt, Selection
from rlm_app.errors import StorageFailed
from rlm_app.events import Event
from rlm_app.ports import Progress, Source, Store
from rlm_app.stop import Stop

T = TypeVar("T")

PATIENCE_SECONDS = 30.0  # a database that restarts or fails over is back by then; a full disk is not
LONGEST_PAUSE = 2.0


class Patience:
    """Tries again what the storage refuses, for so many seconds, or until a stop."""

    def __init__(self, stop: Stop, seconds: float = PATIENCE_SECONDS) -> None:
        self._stop, self._seconds = stop, seconds

    def __call__(self, function: Callable[[], T]) -> T:
        """`function()`, as soon as it does not fail. It may have taken effect although it failed.

        Raises:
            StorageFailed: it still failed in the end.
        """
        end, pause = time.monotonic() + self._seconds, 0.05
        while True:
            try:
                return function()
            except StorageFailed:
                if time.monotonic() + pause > end or self._stop.wait(pause):
                    raise
                pause = min(2 * pause, LONGEST_PAUSE)


class AttemptStore:
    """Stands for a `ports.Store` towards one run.

    Once it is shut it takes no event more, so that a run can be left to whoever goes on with it: not even its end is
    stored. It shuts itself where the storage fails for good; `failure` says how.
    """

    def __init__(self, store: Store, patience: Patience) -> None:
        self._store, self._patience = store, patience
        self._lock = threading.Lock()
        self._shut = False
        self.failure: StorageFailed | None = None

    def shut(self) -> None:
        """Take no event more, from whatever thread."""
        with self._lock:
            self._shut = True

    @property
    def is_shut(self) -> bool:
        return self._shut

    def append(self, run_id: str, event: Event) -> None:
        """See `ports.Store.append`. Raises: ValueError, also where this store is shut."""
        tries = 0

        def once() -> None:
            nonlocal tries
            tries += 1
            with self._lock:  # so that nothing is stored after `shut` has returned
                if self._shut:
                    raise ValueError(f"run {run_id!r} is not ours any more")
                try:
                    self._store.append(run_id, event)
                except ValueError:
                    if tries == 1 or self._store.events(run_id, event.seq - 1)[:1] != [event]:
                        raise  # else the try before had come through, and only its word was lost

        self.patiently(once)

    def put_corpus(self, corpus: Corpus, *, keep: bool = False) -> None:
        """Nothing: an example's context came from this very store."""

    def put_receipt(self, receipt: Receipt) -> None:
        """Nothing: it says no more than the event that holds it."""

    def patiently(self, function: Callable[[], T]) -> T:
        """`function()`, as soon as the storage lets it. Raises: StorageFailed, and then this store is shut."""
        try:
            return self._patience(function)
        except StorageFailed as error:
            self.failure = error
            self.shut()
            raise

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)
        return lambda *args, **kwargs: self.patiently(partial(method, *args, **kwargs))


class AttemptSource:
    """Stands for a `ports.Source` whose examples come from the same storage."""

    def __init__(self, source: Source, store: AttemptStore) -> None:
        self._source, self._store = source, store

    def validate(self, source: str) -> None:
        self._source.validate(source)

    def load(self, source: str, selection: Selection, *, stop: Stop, progress: Progress) -> tuple[Corpus, Receipt]:
        """See `ports.Source.load`."""
        return self._store.patiently(lambda: self._source.load(source, selection, stop=stop, progress=progress))
