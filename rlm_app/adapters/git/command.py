"""Git as a process: closed environment, own process group, killed by a stop or when its time is up."""

import os
import re
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from rlm_app.errors import CloneFailed
from rlm_app.stop import Stop

_PASSED = (
    *("PATH", "TMPDIR", "SYSTEMROOT", "LD_LIBRARY_PATH", "GIT_EXEC_PATH"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO", "GIT_SSL_CAPATH"),
    *("http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"),
)
_SETTINGS = {
    "core.hooksPath": os.devnull,
    "core.symlinks": "false",
    "core.fsmonitor": "false",
    "core.askPass": "",
    "credential.helper": "",
    "fetch.unpackLimit": "1",  # one pack instead of a file for each object
    "gc.auto": "0",
    "http.followRedirects": "false",
    "maintenance.auto": "false",
    "safe.directory": "*",  # whoever names a folder wants it read, and nothing in it is run
    "submodule.recurse": "false",
}
_TAIL_LINES = 400
_MAX_LINE = 4000


class GitFailed(Exception):
    """Git ended with an error; `stderr` is the end of what it said."""

    def __init__(self, stderr: str) -> None:
        super().__init__(stderr)
        self.stderr = stderr


class GitTimedOut(Exception):
    """Git was killed because its time was up."""


@dataclass(frozen=True)
class Place:
    """Where git works and what it may do there.

    Args:
        folder: bare repository or `.git`; None for commands that need none.
        protocols: what it may fetch by, as in `GIT_ALLOW_PROTOCOL`; none by default, so that reading a hostile
            partial clone never makes git fetch.
        settings: of git, on top of the fixed ones; passed in the environment and so in no argument and no file.
        secrets: texts that no error may show.
        trace: whether git tells the headers it receives; git itself leaves out those it sends for access.
    """

    folder: Path | None = None
    protocols: str = "none"
    settings: Mapping[str, str] = field(default_factory=dict, repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    trace: bool = False

    def environment(self) -> dict[str, str]:
        """All that git sees: nothing of ours but proxies, certificates and where to find programs."""
        settings = {**_SETTINGS, **self.settings}
        return {
            **{name: os.environ[name] for name in _PASSED if os.environ.get(name)},
            **({"GIT_DIR": str(self.folder)} if self.folder else {}),
            **({"GIT_TRACE_CURL": "1", "GIT_TRACE_CURL_NO_DATA": "1"} if self.trace else {}),
            "GIT_ALLOW_PROTOCOL": self.protocols,
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_LFS_SKIP_SMUDGE": "1",
            "GIT_LITERAL_PATHSPECS": "1",
            "GIT_NO_LAZY_FETCH": "1",
            "GIT_NO_REPLACE_OBJECTS": "1",
            "GIT_OPTIONAL_LOCKS": "0",
            "GIT_TEMPLATE_DIR": "",
            "GIT_HTTP_LOW_SPEED_LIMIT": "1000",  # bytes a second
            "GIT_HTTP_LOW_SPEED_TIME": "30",
            "HOME": os.devnull,  # no .netrc
            "LC_ALL": "C",
            "GIT_CONFIG_COUNT": str(len(settings)),
            **{f"GIT_CONFIG_KEY_{at}": key for at, key in enumerate(settings)},
            **{f"GIT_CONFIG_VALUE_{at}": value for at, value in enumerate(settings.values())},
        }


class Running:
    """A git process under way: read `stdout`, then call `finish`."""

    def __init__(self, process: "subprocess.Popen[bytes]", place: Place, stop: Stop) -> None:
        self._process, self._place, self._stop = process, place, stop
        self._tail: deque[str] = deque(maxlen=_TAIL_LINES)
        self._reader: threading.Thread | None = None
        self.timed_out = False
        assert process.stdout is not None
        self.stdout: IO[bytes] = process.stdout

    @property
    def stdin(self) -> IO[bytes]:
        """For a process started with `stdin=subprocess.PIPE`; close it when all is said."""
        assert self._process.stdin is not None
        return self._process.stdin

    def read_stderr(self, on_line: Callable[[str], None] | None) -> None:
        """Drain the error stream beside the caller, and hand each line to `on_line`."""
        self._reader = threading.Thread(target=self._drain, args=(on_line,), daemon=True)
        self._reader.start()

    def _drain(self, on_line: Callable[[str], None] | None) -> None:
        assert self._process.stderr is not None
        rest = ""
        with self._process.stderr as stream:
            while data := stream.read1(65_536):  # type: ignore[attr-defined]
                *lines, rest = re.split(r"[\r\n]+", rest + data.decode(errors="replace"))
                rest = rest[-_MAX_LINE:]
                for line in lines:
                    self._tail.append(line[:_MAX_LINE])
                    if on_line:
                        on_line(line[:_MAX_LINE])
        self._tail.append(rest)

    def wait(self, seconds: float) -> bool:
        """True once the process has ended."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
            return True
        return False

    def kill(self) -> None:
        """End git and its helpers at once."""
        if self._process.poll() is None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)  # git's helpers are in its group

    def time_out(self) -> None:
        self.timed_out = True
        self.kill()

    def close(self) -> None:
        self.kill()
        self._process.wait()
        if self._reader:
            self._reader.join(1)
        self.stdout.close()

    def finish(self) -> None:
        """Wait for the end and say whether it was a good one.

        Raises:
            RunError: the cause of the stop that killed it.
            GitTimedOut, GitFailed: as they say.
        """
        code = self._process.wait()
        self._stop.check()
        if self.timed_out:
            raise GitTimedOut
        if code != 0:
            if self._reader:
                self._reader.join(1)
            said = "\n".join(line for line in self._tail if line.strip())
            for secret in self._place.secrets:
                said = said.replace(secret, "***")
            raise GitFailed(said)


@contextmanager
def running(
    arguments: Sequence[str],
    place: Place,
    stop: Stop,
    *,
    seconds: float | None = None,
    stdin: IO[bytes] | int = subprocess.DEVNULL,
    on_line: Callable[[str], None] | None = None,
) -> Iterator[Running]:
    """Git within a block; at its end, however it ends, git and its helpers are gone.

    Raises:
        CloneFailed: git is not installed.
        RunError: the cause of `stop`.
    """
    try:
        process = subprocess.Popen(
            ["git", *arguments],
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=place.environment(),
            cwd=os.path.abspath(os.sep),
            start_new_session=True,
            bufsize=1 << 20,
        )
    except FileNotFoundError:
        raise CloneFailed("Git is not installed on this machine; install git 2.37 or newer.") from None
    running = Running(process, place, stop)
    running.read_stderr(on_line)
    timer = threading.Timer(seconds, running.time_out) if seconds is not None else None
    try:
        if timer:
            timer.daemon = True
            timer.start()
        with stop.calling(running.kill):
            yield running
    finally:
        if timer:
            timer.cancel()
        running.close()


def output(
    arguments: Sequence[str], place: Place, stop: Stop, *, seconds: float | None = None, max_bytes: int = 64_000_000
) -> bytes:
    """What a git command prints, cut at `max_bytes`.

    Raises:
        RunError: the cause of `stop`.
        GitTimedOut, GitFailed: as they say.
    """
    with running(arguments, place, stop, seconds=seconds) as git:
        data = git.stdout.read(max_bytes)
        if len(data) == max_bytes:
            git.kill()
            return data
        git.finish()
        return data
