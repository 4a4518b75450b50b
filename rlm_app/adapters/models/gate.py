"""How many calls a provider gets at the same time: fewer when it says 429, slowly more again when it does not."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rlm_app.stop import Stop

BACK_OFF = 0.8
RECOVERY = 0.25  # calls that a whole round of successes (as many as the limit) adds to the limit


class Gate:
    """Lets callers through in the order they came, at most `limit` of them at a time; safe for any number of threads.

    It adapts as TCP does (AIMD): a 429 multiplies the limit by 0.8, but only for a call that began after the limit was
    last cut, so the many 429s of one moment count once; a success adds 0.25 / limit. It stays between 1 and what it
    began with.

    Args:
        ceiling: the limit to begin with, and never to pass.
        clock: seconds, never going back.
    """

    def __init__(self, ceiling: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._ceiling = max(ceiling, 1)
        self._limit = float(self._ceiling)
        self._clock = clock
        self._cut_at = float("-inf")
        self._inside = 0
        self._waiting: deque[threading.Event] = deque()
        self._lock = threading.Lock()

    @property
    def limit(self) -> int:
        """Calls let through at the same time."""
        return int(self._limit)

    @property
    def inside(self) -> int:
        """Calls under way."""
        return self._inside

    @contextmanager
    def turn(self, stop: Stop) -> Iterator["Turn"]:
        """Wait for a place and hold it for the block.

        Raises:
            RunError: the cause of `stop`, at once, also when it comes during the wait.
        """
        self._enter(stop)
        try:
            yield Turn(self, self._clock())
        finally:
            with self._lock:
                self._inside -= 1
                self._admit()

    def _enter(self, stop: Stop) -> None:
        mine = threading.Event()
        with self._lock:
            self._waiting.append(mine)
            self._admit()
        try:
            with stop.calling(mine.set):
                mine.wait()
                stop.check()
        except BaseException:
            with self._lock:
                if mine in self._waiting:
                    self._waiting.remove(mine)
                else:  # let through at the very moment of the stop
                    self._inside -= 1
                self._admit()
            raise

    def _admit(self) -> None:
        while self._waiting and self._inside < self.limit:
            self._inside += 1
            self._waiting.popleft().set()

    def limited(self, began: float) -> None:
        """Take note of a 429 to a call that began then, by the gate's clock."""
        with self._lock:
            if began >= self._cut_at:
                self._limit = max(self._limit * BACK_OFF, 1.0)
                self._cut_at = self._clock()

    def succeeded(self) -> None:
        """Take note of a reply."""
        with self._lock:
            self._limit = min(self._limit + RECOVERY / self._limit, float(self._ceiling))
            self._admit()


class Turn:
    """A place inside a gate: tells the gate how the call went."""

    def __init__(self, gate: Gate, began: float) -> None:
        self._gate, self._began = gate, began

    def limited(self) -> None:
        self._gate.limited(self._began)

    def succeeded(self) -> None:
        self._gate.succeeded()


class Gates:
    """One gate for each provider and address, shared by all runs of a process."""

    def __init__(self) -> None:
        self._gates: dict[tuple[str, str], Gate] = {}
        self._lock = threading.Lock()

    def at(self, provider: str, address: str, ceiling: int) -> Gate:
        """The gate of that place; `ceiling` counts for whoever asks first."""
        with self._lock:
            return self._gates.setdefault((provider, address), Gate(ceiling))


GATES = Gates()
"""Those of this process."""
