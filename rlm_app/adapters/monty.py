"""Monty: Python in Rust in a process of its own, without network, files or environment. Starts in milliseconds."""

import os
import signal
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import psutil
from dspy import CodeInterpreterError
from dspy_monty_interpreter import MontyInterpreter
from pydantic_monty import MontyError

from rlm_app.adapters.traced import KEPT_HEAD, KEPT_TAIL, Cut, try_out
from rlm_app.errors import SandboxUnavailable

MAX_MEMORY = 2 << 30  # bytes of the sandbox's heap
MAX_HOST_CALLS = 1_000_000  # a run; Monty's own default of 1,000 ends a long one

_spawning = threading.Lock()


class MontySandbox(MontyInterpreter):  # type: ignore[misc]
    """dspy's Monty interpreter that can be killed while it runs, and whose output costs the host no memory.

    Args:
        step_seconds: running time of one step, without host calls. Past it the step fails with an error that the
            model sees, and the sandbox begins anew.
    """

    def __init__(self, step_seconds: float = 60) -> None:
        limits = {"max_memory": MAX_MEMORY, "max_suspensions": MAX_HOST_CALLS, "max_feed_duration_secs": step_seconds}
        super().__init__(resource_limits=limits, max_processes=1)
        self._workers: set[int] = set()
        self.printed: Cut | None = None

    def kill(self) -> None:
        """End the worker process at once, from any thread; what runs in it raises `CodeInterpreterError`.

        `shutdown` would wait for the running code, which may never end.
        """
        for pid in self._workers & _children():  # an old worker's number may be another program's by now
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _ensure_session(self) -> Any:
        if getattr(self._thread_local, "session", None) is not None:
            return super()._ensure_session()
        with _spawning:  # so that the new process is known for ours among those of other runs
            before = _children()
            session = super()._ensure_session()
            self._workers |= _children() - before
        self._thread_local.session = _BoundedSession(session, self)
        return self._thread_local.session

    def execute(self, code: str, variables: dict[str, Any] | None = None) -> Any:
        """As `MontyInterpreter.execute`; long output comes as a `Cut`."""
        self.printed = None
        result = super().execute(code, variables)
        return self.printed if isinstance(result, str) and self.printed is not None else result


class _BoundedSession:
    """A Monty session that keeps the head and the tail of what is printed, however much that is."""

    def __init__(self, session: Any, sandbox: MontySandbox) -> None:
        self._session, self._sandbox = session, sandbox

    def feed_run(self, code: str, *, print_callback: Callable[[str, str], None], **others: Any) -> Any:
        output = _HeadAndTail()
        try:
            return self._session.feed_run(code, print_callback=output.add, **others)
        finally:
            if output.chars:
                print_callback("stdout", output.text())
            if output.chars > KEPT_HEAD + KEPT_TAIL:
                self._sandbox.printed = output.text()

    def __exit__(self, *details: Any) -> None:
        self._session.__exit__(*details)


class _HeadAndTail:
    def __init__(self) -> None:
        self.chars = 0
        self._head: list[str] = []
        self._head_room = KEPT_HEAD
        self._tail: deque[str] = deque()
        self._tail_chars = 0

    def add(self, _stream: str, text: str) -> None:
        self.chars += len(text)
        if self._head_room:
            self._head.append(text[: self._head_room])
            text = text[self._head_room :]
            self._head_room -= len(self._head[-1])
        if text:
            self._tail.append(text[-KEPT_TAIL:])
            self._tail_chars += len(self._tail[-1])
            while self._tail_chars - len(self._tail[0]) >= KEPT_TAIL:
                self._tail_chars -= len(self._tail.popleft())

    def text(self) -> Cut:
        return Cut.of("".join(self._head), "".join(self._tail)[-KEPT_TAIL:], self.chars)


def _children() -> set[int]:
    found = set()
    for child in psutil.Process().children():
        with suppress(psutil.Error):  # a git of another run may end at this very moment
            if child.name().startswith("monty"):
                found.add(child.pid)
    return found


def probe() -> float:
    """Start a sandbox, run a line in it, end it, and return the seconds that took.

    Raises:
        SandboxUnavailable: it does not start or does not compute.
    """
    wrong = SandboxUnavailable("The sandbox started but does not compute; reinstall with `make clean install`.")
    try:
        return try_out(MontySandbox(), wrong)
    except (CodeInterpreterError, OSError, MontyError) as error:
        raise SandboxUnavailable(
            f"The sandbox does not start ({error}); reinstall with `make clean install`."
        ) from None
