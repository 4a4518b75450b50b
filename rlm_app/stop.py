"""The switch that ends a run from outside: pressed once, for one reason, and seen within moments everywhere."""

import contextvars
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue
from typing import TypeVar

from rlm_app.errors import RunError

T = TypeVar("T")


class Stop:
    """One-way switch shared by all that works on one run. The first cause wins.

    Long waits use `call` (a blocking function that cannot be interrupted, such as a model request) or `calling`
    (something that can be killed, such as a sandbox or a git process).
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._event = threading.Event()
        self._callbacks: list[Callable[[], None]] = []
        self.cause: RunError | None = None

    def request(self, cause: RunError) -> None:
        """Stop for `cause`. Callbacks run here, once; their errors are of no interest to the one who stops."""
        with self._lock:
            if self.cause is not None:
                return
            self.cause = cause
            callbacks, self._callbacks = self._callbacks, []
        self._event.set()
        for callback in callbacks:
            with suppress(Exception):
                callback()

    def check(self) -> None:
        """Raise the cause, if there is one."""
        if self.cause is not None:
            raise self.cause

    def wait(self, seconds: float) -> bool:
        """True as soon as a stop is requested, False after `seconds`."""
        return self._event.wait(seconds)

    @contextmanager
    def calling(self, callback: Callable[[], None]) -> Iterator[None]:
        """Within the block, a stop calls `callback` at once, in the thread that requests it."""
        with self._lock:
            if self.cause is None:
                self._callbacks.append(callback)
        try:
            self.check()
            yield
        finally:
            with self._lock, suppress(ValueError):
                self._callbacks.remove(callback)

    def call(self, function: Callable[[], T]) -> T:
        """`function()`, abandoned as soon as a stop is requested.

        The function runs in a daemon thread with this context's variables. After a stop it may still be running:
        its result is dropped.

        Raises:
            RunError: the cause of the stop.
        """
        self.check()
        results: SimpleQueue[tuple[bool, T | BaseException]] = SimpleQueue()

        def work() -> None:
            try:
                results.put((True, function()))
            except BaseException as error:  # handed over, whatever it is
                results.put((False, error))

        context = contextvars.copy_context()
        threading.Thread(target=context.run, args=(work,), daemon=True).start()
        with self.calling(lambda: results.put((False, self.cause))):  # type: ignore[arg-type]
            while True:
                with suppress(Empty):
                    ok, value = results.get(timeout=60)
                    break
        if ok:
            return value  # type: ignore[return-value]
        raise value  # type: ignore[misc]
