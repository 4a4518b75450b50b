"""The start of the worker, and what it does with each message."""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
from typing import Any

from .files import Folder
from .link import Link
from .memory import patiently
from .output import Ends, Output, own_descriptor
from .session import Session

DAMAGED = 70  # exit status
THREAD_STACK = 2 << 20  # bytes; eight times as much by default, which counts against the memory of a step untouched


class Listener(threading.Thread):
    """Takes messages until the host is gone, which ends this process."""

    def __init__(self, source: Any, folder: Folder, link: Link, session: Session) -> None:
        super().__init__(daemon=True)
        self._source, self._folder, self._link, self._session = source, folder, link, session
        self._newest = 0
        self.steps: queue.SimpleQueue[tuple[int, dict[str, Any]]] = queue.SimpleQueue()

    def run(self) -> None:
        for line in self._source:
            if line.strip():
                try:
                    patiently(self._take, line)
                except Exception:  # a message that cannot be read is lost, and the host must not wait for its effect
                    os._exit(DAMAGED)
        os._exit(0)

    def _take(self, line: bytes) -> None:
        message = json.loads(line)
        number, kind = message["m"], message["t"]
        if number <= self._newest:
            return
        if "file" in message:
            message["body"] = json.loads(self._folder.load(f"message-{number}", message["file"]))
            self._folder.discard(f"message-{number}")
        self._newest = number
        self._link.acknowledge(message["a"])
        body = message["body"]
        if kind == "exec":
            self.steps.put((body["step"], body))
        elif kind == "answers":
            self._link.answer(body)
        elif kind == "interrupt":
            self._session.interrupt(body["step"])
        elif kind == "hello":
            self._link.replay(message["a"], body["mark"])


def main() -> None:
    """Serve until stdin ends. Settings are the first argument, as JSON."""
    settings = json.loads(sys.argv[1])
    folder = Folder(os.path.dirname(os.path.abspath(sys.argv[0])))
    sys.path[0], sys.argv[:] = "", [""]
    threading.stack_size(THREAD_STACK)
    link = Link(folder, settings)
    source = open(own_descriptor(os.dup(0)), "rb", buffering=1 << 18)  # noqa: SIM115
    output = Output(Ends(settings["head"], settings["tail"]))
    output.attach()
    if settings["archive"]:
        folder.unpack(settings["archive"])
    session = Session(folder, link, output)
    listener = Listener(source, folder, link, session)
    for thread in (link, output, listener):
        thread.start()
    link.send("ready", 0, json.dumps({"python": sys.version.split()[0]}))
    while True:
        session.run(*listener.steps.get())
