"""The attempts that a process holds: their leases are renewed, and whatever ends them from outside is seen."""

import logging
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from pydantic import SecretStr

from rlm_app import asking
from rlm_app.benches import Attempt
from rlm_app.benchmarking.holding import PATIENCE_SECONDS, AttemptStore
from rlm_app.errors import NotFound, RunCancelled, StorageFailed
from rlm_app.owners import owner_name
from rlm_app.ports import Benches, Datasets
from rlm_app.stop import Stop

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Services:
    """The outside world as a bench needs it: that of its runs, and where data sets and attempts are.

    `keys` are those that whoever started it brought along, by provider; they are held in memory alone.
    """

    runs: asking.Services
    datasets: Datasets
    benches: Benches
    keys: Mapping[str, SecretStr] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Timing:
    """Seconds: a lease lasts `lease` and is renewed four times in it; storage that fails is tried for `patience`.

    A stop from elsewhere is seen within `beat`, an attempt that comes free within `poll`.
    """

    lease: float = 60.0
    patience: float = PATIENCE_SECONDS
    beat: float = 1.0
    poll: float = 0.25


USUAL = Timing()


@dataclass
class Hold:
    """An attempt that this process holds, and the switch of its run. `lost`: another worker has it, or may have."""

    attempt: Attempt
    store: AttemptStore
    stop: Stop = field(default_factory=Stop)
    renewed: float = field(default_factory=time.monotonic)
    lost: bool = False

    @property
    def run_id(self) -> str:
        return self.attempt.run_id or ""

    def let_go(self, why: str) -> None:
        """Stop the run and store nothing more of it, not even its end."""
        self.store.shut()
        self.stop.request(RunCancelled(why))

    def lose(self) -> None:
        self.lost = True
        self.let_go("The lease of this attempt was lost.")


class Leases:
    """The leases of one process on one bench, and the heart that keeps them. `process` is its name as an owner."""

    def __init__(self, services: Services, bench_id: str, stop: Stop, timing: Timing) -> None:
        self.process = owner_name()
        self._services, self._bench_id, self._stop, self._timing = services, bench_id, stop, timing
        self._lock = threading.Lock()
        self._holds: dict[str, Hold] = {}
        self._over = threading.Event()
        self._heart = threading.Thread(target=self._beat, name=f"bench-{bench_id}", daemon=True)

    def start(self) -> None:
        self._heart.start()

    def end(self) -> None:
        self._over.set()
        self._heart.join()

    @contextmanager
    def kept(self, hold: Hold) -> Iterator[None]:
        """Within the block, the lease is renewed."""
        with self._lock:
            self._holds[hold.run_id] = hold
        try:
            yield
        finally:
            with self._lock:
                self._holds.pop(hold.run_id, None)

    def _beat(self) -> None:
        while not self._over.wait(self._timing.beat):
            for look in (self._see_stops, self._renew, self._see_cancel):
                try:
                    look()
                except StorageFailed as error:
                    log.warning("a heartbeat of bench %s failed: %s", self._bench_id, error)
                except Exception:  # a beat that fails must not end the beating: the next one may succeed
                    log.exception("a heartbeat of bench %s failed", self._bench_id)

    def _held(self) -> list[Hold]:
        with self._lock:
            return list(self._holds.values())

    def _see_stops(self) -> None:
        """Stop the runs that somebody asked to stop, one by one; they end as cancelled."""
        asked = set(self._services.runs.store.beat(self.process))
        for hold in self._held():
            if hold.run_id in asked:
                hold.stop.request(RunCancelled("Stopped."))

    def _renew(self) -> None:
        for hold in self._held():
            now = time.monotonic()
            if now - hold.renewed < self._timing.lease / 4:
                continue
            try:
                held = self._services.benches.renew(hold.attempt.owner, self._timing.lease)
            except StorageFailed:
                if now - hold.renewed > self._timing.lease * 0.9:  # by now another may have it
                    hold.lose()
                raise
            if hold.run_id in held:
                hold.renewed = now
            elif hold in self._held():
                hold.lose()

    def _see_cancel(self) -> None:
        try:
            cancelled = self._services.benches.bench(self._bench_id).cancelled
        except NotFound:  # deleted
            cancelled = True
        if cancelled:
            self._stop.request(RunCancelled("The benchmark was cancelled."))
