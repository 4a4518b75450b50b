"""Frames to the host, and calls of its tools."""

from __future__ import annotations

import itertools
import json
import os
import queue
import threading
from collections import deque
from typing import Any

from .files import Folder
from .memory import patiently
from .output import own_descriptor


class Link(threading.Thread):
    """Numbers frames and keeps them until they are acknowledged.

    One thread writes, so that no interrupt of a step can cut a frame in two.

    Args:
        settings: `inline` and `max_body`, bytes of a body that goes in the line, or goes at all; `max_open`, calls
            that wait for the host at one time, beyond which threads queue here.
    """

    def __init__(self, folder: Folder, settings: dict[str, Any]) -> None:
        super().__init__(daemon=True)
        self._folder, self._settings = folder, settings
        self._process = os.getpid()
        self._out = open(own_descriptor(os.dup(1)), "wb", buffering=0)  # noqa: SIM115
        self._jobs: queue.SimpleQueue[tuple[str, int, Any]] = queue.SimpleQueue()
        self._kept: deque[tuple[int, bytes]] = deque()
        self._number = 0
        self._ids = itertools.count(1)
        self._waiting: dict[int, queue.SimpleQueue[dict[str, Any]]] = {}
        self._places = threading.BoundedSemaphore(settings["max_open"])

    def send(self, kind: str, number: int, body: str) -> None:
        """Send a frame whose body is this JSON."""
        self._jobs.put((kind, number, body))

    def acknowledge(self, newest: int) -> None:
        self._jobs.put(("acknowledge", newest, None))

    def replay(self, newest: int, mark: int) -> None:
        """Send the mark, and again every frame after `newest`."""
        self._jobs.put(("replay", newest, mark))

    def run(self) -> None:
        while True:
            kind, number, body = self._jobs.get()
            if kind in {"acknowledge", "replay"}:
                while self._kept and self._kept[0][0] <= number:
                    self._kept.popleft()
                if kind == "replay":  # begins with a line feed, since the line that was cut may lack its end
                    self._write(b'\n{"q":0,"t":"replay","k":%d}\n' % body)
                    for _, line in self._kept:
                        self._write(line)
                continue
            line = patiently(self._line, kind, number, body)
            self._number += 1
            self._kept.append((self._number, line))
            self._write(line)

    def _line(self, kind: str, number: int, body: str) -> bytes:
        content = f'"body":{body}'
        if len(body) > self._settings["inline"]:
            content = f'"file":{json.dumps(self._folder.save(f"{kind}-{number}", body.encode()))}'
        return f'{{"q":{self._number + 1},"t":"{kind}","n":{number},{content}}}\n'.encode()

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[self._out.write(view) :]

    def call(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The result of a tool of the host. Any thread may call.

        Raises:
            RuntimeError: the tool failed, with its error's kind and text.
            TypeError, ValueError: the arguments cannot be sent.
        """
        if os.getpid() != self._process:
            raise RuntimeError(f"{name}() works only in the process of the step; use threads, not processes")
        body = self.encode({"name": name, "args": args, "kwargs": kwargs})
        with self._places:
            number = next(self._ids)
            reply: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
            self._waiting[number] = reply
            try:
                self.send("call", number, body)
                answer = reply.get()
            finally:
                self._waiting.pop(number, None)
                if len(body) > self._settings["inline"]:
                    self._folder.discard(f"call-{number}")
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer["value"]

    def answer(self, answers: list[dict[str, Any]]) -> None:
        for one in answers:
            reply = self._waiting.get(one["id"])
            if reply is not None:
                reply.put(one)

    def encode(self, value: Any) -> str:
        """JSON for the host. Raises: TypeError, ValueError: it cannot be sent."""
        text = json.dumps(value, default=_plain)
        if len(text) > self._settings["max_body"]:
            raise ValueError(f"{len(text):,} bytes are too many for one exchange with the host; send it in parts")
        return text


def _plain(value: Any) -> Any:
    """What JSON has no word for, where there is a close one: numpy numbers and arrays, sets."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, (set, frozenset)):
        return list(value)
    raise TypeError(f"{type(value).__name__} cannot be sent to the host; make it text, numbers, lists or dicts")
