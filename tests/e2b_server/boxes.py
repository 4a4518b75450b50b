"""A sandbox of the test server: a folder, and real processes in it."""

import asyncio
import base64
import contextlib
import os
import shutil
import signal
import sys
import tempfile
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PROFILE = f"export PATH={os.path.dirname(sys.executable)}:/usr/bin:/bin\necho Welcome to this machine\n"
MEMORY = 1 << 30  # bytes of data a process may have, as if the machine were that small
VARIABLES = {"E2B_SANDBOX": "true", "LANG": "C.UTF-8"}


class Process:
    """A subprocess whose output goes to whoever is subscribed, and nowhere while nobody is."""

    def __init__(self, process: asyncio.subprocess.Process, config: dict[str, Any]) -> None:
        self.process, self.config = process, config
        self.subscribers: set[asyncio.Queue[dict[str, Any]]] = set()
        self.end: dict[str, Any] | None = None
        self.task = asyncio.ensure_future(self._follow())

    @classmethod
    async def start(cls, box: "Box", config: dict[str, Any], stdin: bool) -> "Process":
        limited = f'ulimit -S -d {MEMORY >> 10}; exec "$@"'
        process = await asyncio.create_subprocess_exec(
            *("/bin/bash", "-c", limited, "--", config["cmd"], *config.get("args", [])),
            cwd=config.get("cwd") or box.home,
            env={**VARIABLES, "HOME": str(box.home), "PATH": os.defpath, "E2B_SANDBOX_ID": box.id}
            | config.get("envs", {}),
            stdin=asyncio.subprocess.PIPE if stdin else asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        return cls(process, config)

    async def _follow(self) -> None:
        await asyncio.gather(self._pump(self.process.stdout, "stdout"), self._pump(self.process.stderr, "stderr"))
        code = await self.process.wait()
        end: dict[str, Any] = {"exitCode": code, "exited": code >= 0, "status": f"exit status {code}"}
        if code < 0:
            name = signal.Signals(-code).name
            end = {"exitCode": -1, "exited": False, "status": f"signal: {name}", "error": f"signal: {name}"}
        elif code:
            end["error"] = f"exit status {code}"
        self.end = {"event": {"end": end}}
        self._tell(self.end)

    async def _pump(self, stream: Any, name: str) -> None:
        while data := await stream.read(32768):
            self._tell({"event": {"data": {name: base64.b64encode(data).decode()}}})

    def _tell(self, event: dict[str, Any]) -> None:
        for queue in self.subscribers:
            queue.put_nowait(event)

    def signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, number)


@dataclass
class Box:
    """One sandbox. `ends` is when its lease runs out, in seconds since the epoch."""

    request: dict[str, Any]
    ends: float
    id: str = field(default_factory=lambda: f"i{uuid.uuid4().hex[:19]}")
    token: str = field(default_factory=lambda: f"ea_{uuid.uuid4().hex}")
    started: float = field(default_factory=time.time)
    home: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="e2b-box-")))
    processes: dict[int, Process] = field(default_factory=dict)
    dead: bool = False

    @property
    def metadata(self) -> dict[str, str]:
        return dict(self.request.get("metadata", {}))

    @property
    def alive(self) -> bool:
        return not self.dead and time.time() < self.ends

    def resolve(self, path: str) -> Path:
        return Path(os.path.normpath(self.home / path))

    def kill(self) -> None:
        self.dead = True
        for process in self.processes.values():
            process.signal(signal.SIGKILL)

    def clean(self) -> None:
        shutil.rmtree(self.home, ignore_errors=True)
