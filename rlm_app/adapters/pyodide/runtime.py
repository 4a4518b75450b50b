"""The runtime that Pyodide needs on the host: where Deno is, with which permissions it runs, and how it is fetched."""

import hashlib
import itertools
import os
import subprocess
import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from dspy import CodeInterpreterError
from dspy.primitives import python_interpreter

from rlm_app.errors import SandboxUnavailable

_HERE = Path(__file__).parent
_LOADING = ("--no-config", "--no-lock", "--node-modules-dir=none", f"--import-map={_HERE / 'imports.json'}")
_CONFINED = ("--cached-only", "--no-remote", "--no-prompt")
_INHERITED = ("HOME", "NPM_CONFIG_REGISTRY", "SYSTEMROOT", "USERPROFILE")  # say where fetched packages lie
_QUIET = {"DENO_NO_PACKAGE_JSON": "1", "DENO_NO_UPDATE_CHECK": "1", "NO_COLOR": "1"}
_PYODIDE_VERSION = "0.29.4"  # as dspy's runner.js names it, and imports.json after it
NOT_CACHED = "--cached-only is specified"  # what Deno says of a runtime that has not been fetched


class PyodideUnavailable(SandboxUnavailable, CodeInterpreterError):  # type: ignore[misc]
    """The runtime is missing or does not start; one sentence that says what to do."""


@dataclass(frozen=True)
class Deno:
    """A Deno executable and the folder of what it has fetched."""

    executable: str
    cache: Path

    @classmethod
    def find(cls, executable: str = "") -> "Deno":
        """The one named, or the one that the package `deno` brings, or else one that is installed.

        Raises:
            PyodideUnavailable: there is none, or it does not say where its cache is.
        """
        executable = executable or python_interpreter._find_deno_executable()
        cache = python_interpreter.PythonInterpreter._get_deno_dir(executable)
        if not cache:
            raise PyodideUnavailable(
                "The sandbox pyodide needs Deno 2, which is not installed or does not run; "
                "add it with `pip install deno`, or use the sandbox monty."
            )
        return cls(executable, Path(os.path.realpath(cache)))

    @property
    def is_filled(self) -> bool:
        """Whether the runtime has been fetched, as far as its folder tells."""
        return any(self.cache.glob(f"npm/*/pyodide/{_PYODIDE_VERSION}"))

    def find_snapshot(self) -> Path | None:
        """The memory of a Python that has just started, if it is kept here whole.

        Its name tells what it was made of and how, and ends with its digest.
        """
        kept = self.cache.glob(f"rlm-app/{_snapshot_name()}-*")
        return next((path for path in kept if path.name.endswith(_digest(path))), None)

    def new_snapshot(self) -> Path:
        """A path to make a snapshot at; `keep_snapshot` gives it its name."""
        folder = self.cache / "rlm-app"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"unfinished-{uuid.uuid4().hex}"

    def keep_snapshot(self, made: Path) -> Path:
        for other in made.parent.glob("pyodide-*"):
            other.unlink(missing_ok=True)
        return made.replace(made.with_name(f"{_snapshot_name()}-{_digest(made)}"))

    def command(self, step_seconds: float, snapshot: Path | None) -> list[str]:
        """The command of one sandbox.

        Its one permission is to read the fetched npm packages and the snapshot; both are given up before any other
        code runs. Nothing is fetched: an `import` of an address or a package would not ask for a permission.
        """
        return [
            *(self.executable, "run", *_LOADING, *_CONFINED),
            f"--allow-read={','.join(map(str, filter(None, (self._packages, snapshot))))}",
            _runner(),
            "",  # environment variables to pass in: none
            f"--dspy-deno-dir={self._packages}",
            f"--step-seconds={step_seconds}",
            *([f"--snapshot={snapshot}"] if snapshot else []),
        ]

    def taking(self, snapshot: Path) -> list[str]:
        """The command that makes a snapshot. No code but the runtime's runs there."""
        permissions = (f"--allow-read={self._packages}", f"--allow-write={snapshot}")
        return [self.executable, "run", *_LOADING, *_CONFINED, *permissions, str(_HERE / "snapshot.js"), str(snapshot)]

    @property
    def _packages(self) -> Path:
        return Path(os.path.realpath(self.cache / "npm"))  # Deno compares real paths

    def environment(self, folder: str) -> dict[str, str]:
        """What the process gets of the host's environment, which holds no keys, with `folder` as its own cache.

        Deno lets any code keep things in its cache (`localStorage`, `caches`). In a folder of its own a sandbox leaves
        nothing to the next, and finds of the real cache only the packages.
        """
        os.symlink(self._packages, os.path.join(folder, "npm"), target_is_directory=True)
        inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        return inherited | _QUIET | {"DENO_DIR": folder}

    def fetching(self) -> tuple[Sequence[str], dict[str, str]]:
        """Command and environment that fill the cache. No Pyodide runs there, so proxies and mirrors are passed on."""
        return [self.executable, "cache", *_LOADING, _runner()], {**os.environ, **_QUIET, "DENO_DIR": str(self.cache)}


def open_process(command: Sequence[str], environment: dict[str, str]) -> "subprocess.Popen[str]":
    """A Deno process with text pipes.

    Raises:
        PyodideUnavailable: it cannot be executed.
    """
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            cwd=_HERE,
            encoding="utf-8",
            errors="replace",  # bytes that are no UTF-8 come from code that writes into the protocol: no fault of ours
        )
    except OSError as error:
        raise PyodideUnavailable(
            f"Deno could not be executed ({error.strerror}); reinstall it with `pip install deno`."
        ) from error


def end_process(process: "subprocess.Popen[str]") -> None:
    """Kill a process, wait for it, and close its pipes."""
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            with suppress(OSError):
                pipe.close()


def last_words(errors: str) -> str:
    """What Deno said of the cause, on one line, without where in its own code that was."""
    _, found, told = errors.partition("error: ")
    lines = [line.strip() for line in (told if found else errors).splitlines()]
    places = ("at ", "Stack backtrace")
    return " ".join(itertools.takewhile(lambda line: not line.startswith(places), lines))[:300].strip() or "no message"


def _snapshot_name() -> str:
    return f"pyodide-{_PYODIDE_VERSION}-{_digest(_HERE / 'snapshot.js')}"


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:12]


def _runner() -> str:
    return os.path.join(os.path.dirname(python_interpreter.__file__), "runner.js")
