"""Background threads: at most so many at a time, each with a switch that stops it, each known by a key."""

import logging
import threading
from collections.abc import Callable, Sequence

from rlm_app.errors import RunCancelled
from rlm_app.stop import Stop

log = logging.getLogger(__name__)

Work = Callable[[Stop], None]


class Jobs:
    """Runs work in daemon threads, so that a server ends at once; what was stored by then is kept.

    Args:
        workers: how many run at the same time; later ones wait their turn and can be stopped while they wait.
    """

    def __init__(self, workers: int) -> None:
        self._turns = threading.Semaphore(workers)
        self._lock = threading.Lock()
        self._stops: dict[str, Stop] = {}
        # Not the threads themselves: up to Python 3.12 a Ctrl-C during `join` has the thread pass for ended.
        self._ended: dict[str, threading.Event] = {}

    def submit(self, key: str, work: Work) -> Stop:
        """Start `work(stop)` in the background and return its switch. `work` handles its own errors.

        `work` is called even when it was stopped while it waited, so that it can record the end.
        """
        stop, ended = Stop(), threading.Event()
        thread = threading.Thread(target=self._run, args=(key, work, stop, ended), name=f"job-{key}", daemon=True)
        with self._lock:
            self._stops[key], self._ended[key] = stop, ended
        thread.start()
        return stop

    def _run(self, key: str, work: Work, stop: Stop, ended: threading.Event) -> None:
        while not (got := self._turns.acquire(timeout=0.1)) and stop.cause is None:
            pass
        try:
            work(stop)
        except Exception:
            log.exception("job %s failed", key)
        finally:
            if got:
                self._turns.release()
            with self._lock:
                self._stops.pop(key, None)
                self._ended.pop(key, None)
            ended.set()

    def stop(self, key: str) -> bool:
        """Stop a job of this process; False if it is not one."""
        with self._lock:
            stop = self._stops.get(key)
        if stop is None:
            return False
        stop.request(RunCancelled("Stopped."))
        return True

    def running(self) -> Sequence[str]:
        with self._lock:
            return list(self._stops)

    def wait(self, key: str, seconds: float | None = None) -> bool:
        """True once the job has ended, False after `seconds`."""
        with self._lock:
            ended = self._ended.get(key)
        return ended is None or ended.wait(seconds)
