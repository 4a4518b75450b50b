"""dspy's `PythonInterpreter` with a step time limit, bounded output, inputs of any size, and a switch to kill it."""

import inspect
import json
import subprocess
import weakref
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from dspy import CodeExecutionError, CodeInterpreterError, FinalOutput, PythonInterpreter

from rlm_app.adapters.pyodide import step
from rlm_app.adapters.pyodide.clock import Clock
from rlm_app.adapters.pyodide.runtime import NOT_CACHED, Deno, PyodideUnavailable, end_process, last_words, open_process
from rlm_app.adapters.traced import KEPT_HEAD, KEPT_TAIL, Cut, try_out

INLINE_CHARS = 64_000  # above, an input goes through a file: Python compiles a literal far slower than it reads JSON
START_SECONDS = 120.0  # measured: 3 on two cores
SNAPSHOT_SECONDS = 30.0  # measured: 0.8
FETCH_SECONDS = 300.0


class PyodideSandbox(PythonInterpreter):  # type: ignore[misc]
    """CPython 3.13 in WebAssembly in a process of its own, without network, files or environment.

    The process is Deno without any permission: see `runtime.Deno.command`. Its heap is 2 GB at most.

    Args:
        step_seconds: running time of one step, without host calls. Past it the step is interrupted with an error that
            the model sees, and keeps its variables. Code that cannot be interrupted ends the sandbox 3 s later.
        deno: another Deno than the one that is installed.
    """

    execution_instructions = (
        "Python is CPython 3.13 in Pyodide/WebAssembly, with its full syntax. State persists across executions. "
        "The standard library is there except sqlite3, ssl, lzma and what needs threads or processes; third-party "
        "packages (numpy, pandas, …) are not, and none can be installed. There is no network, and no file or "
        "environment variable of the host. print() output and the value of the last expression are returned to you."
    )

    grace = 3.0  # seconds between the interrupt of a step and the end of the sandbox
    max_message = 256 << 20  # characters of one message from the sandbox; only prompts and answers are near
    deno_process: Any
    _tools_registered: bool

    def __init__(self, step_seconds: float = 60, deno: Deno | None = None) -> None:
        super().__init__(deno_command=["deno"])  # replaced in _spawn_process; without it, dspy runs Deno here
        self._step_seconds, self._deno = step_seconds, deno
        self._process: subprocess.Popen[str] | None = None
        self._killed = False
        self._clock = Clock(step_seconds + self.grace, self.kill)
        self._registered: tuple[Any, ...] = ()
        self._resources = ExitStack()
        weakref.finalize(self, self._resources.close)  # runs at exit too

    def kill(self) -> None:
        """End the process at once, from any thread; what runs in it raises `CodeInterpreterError`."""
        self._killed = True
        if self._process is not None:
            self._process.kill()

    def execute(self, code: str, variables: dict[str, Any] | None = None) -> Any:
        """As `PythonInterpreter.execute`; long output comes as a `Cut`.

        Raises:
            PyodideUnavailable: the first call starts the sandbox, and it cannot be started.
        """
        self.start()
        try:
            with self._clock.running():
                result = super().execute(code, variables)
        except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
            self._raise_terminal_error("the sandbox sent something that is no message of its protocol", error)
        except CodeInterpreterError as error:
            if self._clock.expired and not isinstance(error, CodeExecutionError):
                limit = f"{self._step_seconds:g} s"
                raise CodeInterpreterError(f"a step passed its {limit} and could not be interrupted") from error
            raise
        return _outcome(result)

    def shutdown(self) -> None:
        """End the process. There is nothing in it to be saved, and code that still runs would not let it go."""
        self._session_ended = self._killed = True
        self.deno_process = None
        self._resources.close()

    def _spawn_process(self) -> None:
        deno = self._deno or Deno.find()
        errors = self._try(deno, snapshot := self._snapshot(deno))
        if NOT_CACHED in errors:
            self._fetch(deno)
            errors = self._try(deno, snapshot := self._snapshot(deno))
        if errors and snapshot:
            with suppress(OSError):
                snapshot.unlink()
            errors = self._try(deno, None)
        if errors:
            raise PyodideUnavailable(f"Deno could not start Pyodide: {errors}; use the sandbox monty.")

    def _try(self, deno: Deno, snapshot: Path | None) -> str:
        """Start a process; return what Deno had to say where that failed."""
        process = self.deno_process = self._run(
            deno.command(self._step_seconds, snapshot), deno.environment(self._folder())
        )
        try:
            with Clock(SNAPSHOT_SECONDS if snapshot else START_SECONDS, process.kill).running():
                self._health_check()
        except CodeInterpreterError as error:
            if self._killed:
                raise
            self.deno_process, self._session_ended = None, False
            return str(error)
        return ""

    def _folder(self) -> str:
        return self._resources.enter_context(TemporaryDirectory(prefix="rlm-app-", ignore_cleanup_errors=True))

    def _snapshot(self, deno: Deno) -> Path | None:
        """The snapshot to start from, made now if there is none; None where that cannot be done."""
        with suppress(OSError):
            if kept := deno.find_snapshot():
                return kept
            made = deno.new_snapshot()
            process = self._run(deno.taking(made), deno.environment(self._folder()))
            with Clock(START_SECONDS, process.kill).running():
                process.communicate()
            if process.returncode == 0:
                return deno.keep_snapshot(made)
            made.unlink(missing_ok=True)
        self._refuse_if_killed()
        return None

    def _fetch(self, deno: Deno) -> None:
        process = self._run(*deno.fetching())
        with Clock(FETCH_SECONDS, process.kill).running():
            _, errors = process.communicate()
        self._refuse_if_killed()
        if process.returncode:
            raise PyodideUnavailable(
                "The sandbox pyodide fetches its runtime from the npm registry once, and that failed "
                f"({last_words(errors)}); go online and try again, or use the sandbox monty."
            )

    def _run(self, command: Sequence[str], environment: dict[str, str]) -> "subprocess.Popen[str]":
        self._refuse_if_killed()
        process = self._process = open_process(command, environment)
        self._resources.callback(end_process, process)
        if self._killed:  # while it was being started
            process.kill()
        return process

    def _refuse_if_killed(self) -> None:
        if self._killed:
            self._session_ended = True
            raise CodeInterpreterError("the sandbox was killed")

    def _health_check(self) -> None:
        code = f"{inspect.getsource(step)}\nprepare({KEPT_HEAD}, {KEPT_TAIL}, nap)\n"
        self._send_request("execute", {"code": code}, "while starting")

    def _read_response_line(self, context: str) -> str:
        line: str = self.deno_process.stdout.readline(self.max_message)
        if line.endswith("\n"):
            return line.strip()
        if len(line) == self.max_message:
            self._raise_terminal_error(f"the sandbox sent more than {self.max_message:,} characters at once {context}")
        # Its last words are at most what a pipe holds, since it has ended or ends now.
        self.deno_process.kill()
        words = last_words(self.deno_process.stderr.read())
        self._raise_terminal_error(f"the sandbox's process ended {context} ({words})")
        raise AssertionError  # not reached

    def _register_tools(self) -> None:
        # Tools may come after the first step: the facade's do, and all of RLM's when the sandbox was started before.
        wanted = (*self.tools.items(), *map(repr, self.output_fields or []))
        if wanted != self._registered or not self._tools_registered:
            self._tools_registered = False
            super()._register_tools()
            self._registered = wanted

    def _handle_tool_call(self, request: dict[str, Any]) -> None:
        with self._clock.paused():
            super()._handle_tool_call(request)

    def _inject_variables(self, code: str, variables: dict[str, Any]) -> str:
        large = {name: json.dumps(value) for name, value in variables.items() if _is_large(value)}
        lines = [_READ.format(name=name) for name in large]
        pasted = {name: None if name in large else value for name, value in variables.items()}
        code = super()._inject_variables("\n".join([*lines, code]), pasted)
        self._pending_large_vars |= large
        return code


_READ = (
    "with open('/tmp/dspy_vars/{name}.json') as {name}: {name} = __import__('json').load({name})\n"
    "__import__('os').unlink('/tmp/dspy_vars/{name}.json')"
)


def _is_large(value: Any) -> bool:
    """Whether to pass a value as JSON: text, or rows of plain values that come back from JSON as they were."""
    if isinstance(value, str):
        return len(value) > INLINE_CHARS
    if not isinstance(value, list) or len(value) < 1000:
        return False
    return all(_is_plain(row) or (isinstance(row, list) and all(map(_is_plain, row))) for row in value)


def _is_plain(value: Any) -> bool:
    return value is None or type(value) in (str, int, bool)


def _outcome(result: Any) -> FinalOutput | str | None:
    told = json.loads(result)
    head, tail, chars = told["head"], told["tail"], told["chars"]
    if not tail and head.endswith("\n"):
        head, chars = head[:-1], chars - 1
    output = Cut.of(head, tail, chars)
    if told["kind"] == "final":
        return FinalOutput(told["value"])
    if told["kind"] == "syntax":
        raise SyntaxError(output)
    if told["kind"] == "error":
        raise CodeExecutionError(output)
    return output or None


def probe() -> float:
    """Start a sandbox, run a line in it, end it, and return the seconds that took.

    Raises:
        PyodideUnavailable: it does not start or does not compute.
    """
    wrong = PyodideUnavailable("The sandbox pyodide started but does not compute; use the sandbox monty.")
    return try_out(PyodideSandbox(), wrong)
