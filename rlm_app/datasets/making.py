"""Data sets that are made in the background, for a page to watch."""

import threading
import time
from dataclasses import dataclass, field

from rlm_app.asking import BUG
from rlm_app.datasets.collection import Collection
from rlm_app.datasets.importing import Work
from rlm_app.errors import RunError, UserError
from rlm_app.examples import Dataset
from rlm_app.jobs import Jobs
from rlm_app.stop import Stop


@dataclass
class Making:
    """A data set on its way in. Ends with the data set, an error (one sentence) or cancelled."""

    name: str
    started: float = field(default_factory=time.time)
    what: str = "wait"
    done: int = 0
    total: int | None = None
    note: str = ""
    dataset: Dataset | None = None
    error: str | None = None
    cancelled: bool = False

    @property
    def key(self) -> str:
        """Its name as a job."""
        return f"make {id(self)}"

    @property
    def finished(self) -> bool:
        return self.dataset is not None or self.error is not None or self.cancelled

    def tell(self, what: str, done: int, total: int | None, note: str) -> None:
        self.what, self.done, self.total, self.note = what, done, total, note


class Makings:
    """The data sets that this process has been asked to make, by name."""

    def __init__(self, collection: Collection, jobs: Jobs) -> None:
        self._collection, self._jobs = collection, jobs
        self._lock = threading.Lock()
        self._makings: dict[str, Making] = {}

    def start(self, name: str) -> Making:
        """Have a data set that can be made made, or join whoever does already."""
        with self._lock:
            making = self._makings.get(name)
            if making and not making.finished:
                return making
            making = self._makings[name] = Making(name)
        self._jobs.submit(making.key, lambda stop: self._make(making, stop))
        return making

    def find(self, name: str) -> Making | None:
        return self._makings.get(name)

    def under_way(self, name: str) -> bool:
        making = self.find(name)
        return making is not None and not making.finished

    def stop(self, making: Making) -> None:
        self._jobs.stop(making.key)

    def _make(self, making: Making, stop: Stop) -> None:
        try:
            stop.check()
            making.dataset = self._collection.ensure(making.name, Work(stop, making.tell))
        except UserError as error:
            making.error = str(error)
        except RunError:
            making.cancelled = True
        except BaseException:
            making.error = BUG
            raise
