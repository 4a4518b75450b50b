"""Runs each step inside Pyodide: bounded output, a traceback of the model's own lines, values as a REPL shows them.

This source is executed once inside the sandbox (see `bridge.js`), so it keeps to the standard library and to Pyodide's.
"""

import ast
import json
import linecache
import os
import sys
import time
import traceback
from collections import deque
from collections.abc import Callable
from typing import Any

_RUNNERS = ("sys", "io", "json")  # dspy's runner binds these names anew before each step

_bounds = 64_000, 16_000
_kept: dict[str, Any] = {}
_count = 0
_submitted: list[Any] = []


class _Submitted(BaseException):
    """What SUBMIT raises: remembered when made, so that it counts even where a bare `except` catches it."""

    def __init__(self, value: Any) -> None:
        _submitted.append(value)


class Output:
    """A text stream that keeps head and tail, however much is written. Sizes are characters."""

    encoding = "utf-8"

    def __init__(self, head: int, tail: int) -> None:
        self.chars = 0
        self._head: list[str] = []
        self._room, self._tail_size = head, tail
        self._tail: deque[str] = deque()
        self._tail_chars = 0

    def write(self, text: str) -> int:
        self.chars += len(text)
        rest = text
        if self._room:
            self._head.append(rest[: self._room])
            rest = rest[self._room :]
            self._room -= len(self._head[-1])
        if rest:
            self._tail.append(rest[-self._tail_size :])
            self._tail_chars += len(self._tail[-1])
            while self._tail_chars - len(self._tail[0]) >= self._tail_size:
                self._tail_chars -= len(self._tail.popleft())
        return len(text)

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None: ...

    def isatty(self) -> bool:
        return False

    def parts(self) -> tuple[str, str]:
        return "".join(self._head), "".join(self._tail)[-self._tail_size :]


async def run_step(code: str, names: dict[str, Any], stop_clock: Callable[[], bool]) -> str:
    """Run `code` in the namespace `names` and return what came of it as JSON: kind, head, tail, chars, value.

    `kind` is `ok`, `final` (with the value of SUBMIT), `syntax` or `error`; a traceback is the end of the output.
    `stop_clock` ends the step's time and says whether it had run out.
    """
    global _count
    _count += 1
    names.update(_kept, _DSPyFinalOutput=_Submitted)  # the runner's SUBMIT looks its exception up by this name
    _submitted.clear()
    output = sys.stdout = sys.stderr = Output(*_bounds)
    kind, value = "ok", None
    try:
        last = await _evaluate(code, names, f"<code {_count}>")
        if last is not None:
            names["_"] = last
            output.write(repr(last) + "\n")
        stop_clock()
    except BaseException as error:
        kind = _failure(error, stop_clock(), output)
    if _submitted:
        kind, value = _submission(output)
    _kept.clear()
    _kept.update((name, names[name]) for name in _RUNNERS if not isinstance(names.get(name, sys), type(sys)))
    head, tail = output.parts()
    return json.dumps({"kind": kind, "head": head, "tail": tail, "chars": output.chars, "value": value})


async def _evaluate(code: str, names: dict[str, Any], filename: str) -> Any:
    from pyodide.code import CodeRunner  # type: ignore[import-not-found]

    try:
        runner = CodeRunner(code, filename=filename, flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT).compile()
    except (SyntaxError, ValueError) as error:  # ValueError: a null character
        raise _Uncompiled(error) from None
    linecache.cache[filename] = len(code), None, code.splitlines(keepends=True), filename
    return await runner.run_async(names)


class _Uncompiled(Exception): ...


def _submission(output: Output) -> tuple[str, Any]:
    try:
        return "final", json.loads(json.dumps(_submitted[0], default=_plain))
    except (TypeError, ValueError, RecursionError) as error:
        output.write(f"TypeError: SUBMIT takes str, int, float, bool, None, list and dict: {error}\n")
        return "error", None


def _failure(error: BaseException, late: bool, output: Output) -> str:
    """Write the traceback to `output` and return the kind of failure."""
    if isinstance(error, _Submitted):
        return "final"
    if isinstance(error, _Uncompiled):
        output.write("".join(traceback.format_exception_only(error.args[0])))
        return "syntax"
    trace = error.__traceback__
    if late and isinstance(error, KeyboardInterrupt):
        error = TimeoutError("time limit exceeded: the step was stopped; its variables are kept")
    output.write("".join(traceback.format_exception(type(error), error, _from_code(trace))))
    return "error"


def _from_code(trace: Any) -> Any:
    """The traceback from the first line of a step on, without what called it."""
    while trace is not None and not trace.tb_frame.f_code.co_filename.startswith("<code "):
        trace = trace.tb_next
    return trace


def _plain(value: Any) -> Any:
    if isinstance(value, set | frozenset):
        return sorted(value, key=repr)
    raise TypeError(f"not {type(value).__name__}")


def prepare(head: int, tail: int, nap: Callable[[float], None]) -> None:
    """Make this process a sandbox that keeps so many characters of a step's output.

    No path of the host is left in it, and a step that sleeps can be interrupted: in Pyodide's own `time.sleep` the
    interrupt reaches only a callback that drops it. `nap` blocks for so many seconds.
    """

    def sleep(seconds: float) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            nap(min(left, 0.05))

    global _bounds
    _bounds = head, tail
    vars(time)["sleep"] = sleep
    os.environ.pop("_", None)
    sys.executable = ""
