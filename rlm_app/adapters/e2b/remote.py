"""One sandbox by the SDK: its files, and the process of its worker."""

import hashlib
import io
import json
import shlex
import time
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from rlm_app.adapters.e2b import faults
from rlm_app.adapters.e2b.frames import INLINE, MAX_BODY, Broken, Frame
from rlm_app.stop import Stop

FOLDER = ".rlm"  # of the worker, below the working directory
WORKER = "worker.pyz"
ARCHIVE = "files.zip"

SEND_SECONDS = 10  # for one request; the SDK's transport waits twice as long
FILE_SECONDS = 120
STREAM_SECONDS = 900  # a stream is taken up anew after that; the worker's process is not touched

T = TypeVar("T")


class Remote:
    """What the bridge does with a sandbox that is there. Requests that fail for a reason that may pass are repeated.

    Args:
        seconds: how long one request is repeated.

    All methods raise `E2BLost` when that does not help, or the cause of `stop`.
    """

    def __init__(self, sandbox: Any, stop: Stop, seconds: float) -> None:
        self._sandbox, self._stop, self._seconds = sandbox, stop, seconds
        self._process = 0

    def _mend(self, function: Callable[[], T]) -> T:
        deadline, pause = time.monotonic() + self._seconds, 0.05
        while True:
            self._stop.check()
            try:
                return function()
            except Exception as error:
                if faults.is_gone(error) or time.monotonic() + pause > deadline:
                    raise faults.lost(error) from error
            self._stop.wait(pause)
            pause = min(pause * 2, 3)

    def upload(self, name: str, data: bytes) -> dict[str, Any]:
        """Write a file of the worker's folder; returns what tells it apart from a partial or another one."""
        path = f"{FOLDER}/{name}"

        def write() -> None:
            self._sandbox.files.write(path, data, use_octet_stream=True, request_timeout=FILE_SECONDS)

        self._mend(write)
        return {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}

    def body(self, frame: Frame) -> Any:
        """What a frame says, from its line or its file.

        Raises:
            Broken: the file is missing, larger than it was said to be, another one, or no JSON.
        """
        if frame.name is None:
            return frame.body
        data = self._mend(lambda: self._read(frame))
        if hashlib.sha256(data).hexdigest() != frame.sha256:
            raise Broken(f"{frame.name} is not what it was said to be")
        try:
            return json.loads(data)
        except (ValueError, RecursionError):
            raise Broken(f"{frame.name} is no JSON") from None

    def _read(self, frame: Frame) -> bytes:
        from e2b import NotFoundException

        data = bytearray()
        try:
            stream = self._sandbox.files.read(f"{FOLDER}/{frame.name}", format="stream", request_timeout=FILE_SECONDS)
        except NotFoundException:
            return b""
        with stream:
            for chunk in stream:
                data += chunk
                if len(data) > frame.bytes:
                    return b""
        if len(data) < frame.bytes:
            raise ConnectionError("a download was cut")
        return bytes(data)

    def launch(self, settings: Mapping[str, Any]) -> Any:
        """Start the worker and return the SDK's handle of its process."""
        command = f"exec python3 -u {FOLDER}/{WORKER} {shlex.quote(json.dumps(dict(settings)))}"

        def run() -> Any:
            return self._sandbox.commands.run(command, background=True, stdin=True, timeout=0, retain_output=False)

        handle = self._mend(run)
        self._process = handle.pid
        return handle

    def attach(self) -> Any:
        """Take up the stream of the worker's process again, once. Raises: whatever the SDK does."""
        return self._sandbox.commands.connect(self._process, timeout=STREAM_SECONDS, retain_output=False)

    def send(self, line: str) -> None:
        """Write to the worker. The line may arrive twice; its number makes that harmless."""
        self._mend(lambda: self._sandbox.commands.send_stdin(self._process, line, request_timeout=SEND_SECONDS))


def worker_archive() -> bytes:
    """The worker as a zip that Python runs."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("__main__.py", "from worker.main import main\n\nmain()\n")
        for path in sorted((Path(__file__).parent / "worker").glob("*.py")):
            archive.writestr(f"worker/{path.name}", path.read_text(encoding="utf-8"))
    return buffer.getvalue()


def files_archive(files: Mapping[str, str | bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for path, content in files.items():
            data = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
            archive.writestr(path.encode("utf-8", "replace").decode(), data)
    return buffer.getvalue()


def worker_settings(*, head: int, tail: int, max_open: int, archive: bool) -> dict[str, Any]:
    """What the worker is told at its start; see `worker.main`."""
    return {
        "head": head,
        "tail": tail,
        "inline": INLINE,
        "max_body": MAX_BODY,
        "max_open": max_open,
        "archive": ARCHIVE if archive else None,
    }
