"""A clock that ends what takes too long and can stand still."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Clock:
    """Calls `end` when a step has taken `seconds` of its own time, and stands still while a host tool runs."""

    def __init__(self, seconds: float, end: Callable[[], None]) -> None:
        self._seconds, self._end = seconds, end
        self._left = 0.0
        self.expired = False

    @contextmanager
    def running(self) -> Iterator[None]:
        self._left = self._seconds
        self._go()
        try:
            yield
        finally:
            self._timer.cancel()

    @contextmanager
    def paused(self) -> Iterator[None]:
        self._timer.cancel()
        self._left -= time.monotonic() - self._since
        try:
            yield
        finally:
            self._go()

    def _go(self) -> None:
        self._since = time.monotonic()
        self._timer = threading.Timer(max(self._left, 0.0), self._expire)
        self._timer.daemon = True
        self._timer.start()

    def _expire(self) -> None:
        self.expired = True
        self._end()
