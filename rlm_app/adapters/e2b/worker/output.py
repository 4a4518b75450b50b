"""What a step prints, by Python or by child processes: both ends of it, however much it is."""

from __future__ import annotations

import codecs
import contextlib
import fcntl
import os
import queue
import sys
import threading
from typing import Any

from .memory import patiently

FIRST_OWN_DESCRIPTOR = 500  # ours lie above those that code opens, and may close wholesale


class Ends:
    """The first `head` and the last `tail` characters of what is drained, and how many there were, mark by mark."""

    def __init__(self, head: int, tail: int) -> None:
        self._head_size, self._tail_size = head, tail
        self._mark = b""
        self.taken: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._reset()

    def _reset(self) -> None:
        self._head, self._tail, self._chars = "", "", 0
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def await_mark(self, mark: bytes) -> None:
        """Put what comes before `mark` into `taken`, when it comes."""
        self._mark = mark

    def drain(self, data: bytes) -> bytes:
        """Take in `data`; returns what may be the beginning of the mark, to be given again with more."""
        if self._mark:
            before, mark, after = data.partition(self._mark)
            if not mark:
                kept = min(len(data), len(self._mark) - 1)
                self._add(data[: len(data) - kept])
                return data[len(data) - kept :]
            self._add(before)
            self._mark, data = b"", after
            self.taken.put({"head": self._head, "tail": self._tail, "chars": self._chars})
            self._reset()
        self._add(data)
        return b""

    def _add(self, data: bytes) -> None:
        text = self._decoder.decode(data)
        self._chars += len(text)
        room = self._head_size - len(self._head)
        if room:
            self._head += text[:room]
        if text[room:]:
            self._tail = (self._tail + text[room:])[-self._tail_size :]


class Output(threading.Thread):
    """Drains descriptors 1 and 2 for ever."""

    def __init__(self, ends: Ends) -> None:
        super().__init__(daemon=True)
        self._ends = ends
        read, write = os.pipe()
        self._read, self._write = own_descriptor(read), own_descriptor(write)
        self._nothing = own_descriptor(os.open(os.devnull, os.O_RDONLY))

    def attach(self) -> None:
        """Point the standard streams here, whatever the last step did to them."""
        os.dup2(self._nothing, 0)
        os.dup2(self._write, 1)
        os.dup2(self._write, 2)
        sys.stdin = open(0, closefd=False)  # noqa: SIM115
        for name, descriptor in (("stdout", 1), ("stderr", 2)):
            stream = getattr(sys, name)
            if getattr(stream, "drained_by", None) is not self or stream.closed:
                stream = open(descriptor, "w", 1, "utf-8", "backslashreplace", closefd=False)  # noqa: SIM115
                setattr(stream, "drained_by", self)  # noqa: B010
                setattr(sys, name, stream)

    def run(self) -> None:
        pending = b""
        while True:
            data = pending + patiently(os.read, self._read, 1 << 16)
            pending = patiently(self._ends.drain, data)

    def take(self) -> dict[str, Any]:
        """All output up to now: `head`, `tail`, and the true length in `chars`."""
        flush()
        mark = os.urandom(16).hex().encode()
        self._ends.await_mark(mark)
        os.write(self._write, mark)
        return self._ends.taken.get()


def flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()


def own_descriptor(descriptor: int) -> int:
    """A duplicate out of the way of code that closes descriptors; the original is closed."""
    duplicate: int = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, FIRST_OWN_DESCRIPTOR)
    os.close(descriptor)
    return duplicate
