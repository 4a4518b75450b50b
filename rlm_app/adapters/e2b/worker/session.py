"""The namespace that steps share, and how one step is run."""

from __future__ import annotations

import builtins
import json
import os
import signal
import sys
import threading
import types
from typing import Any

from . import memory, source
from .files import Folder
from .link import Link
from .output import Output, flush


class Submission(BaseException):
    """SUBMIT was called: a `BaseException`, so that `except Exception` lets it through."""


class Session:
    """Runs steps in the main thread, one after another."""

    def __init__(self, folder: Folder, link: Link, output: Output) -> None:
        self._folder, self._link, self._output = folder, link, output
        module = types.ModuleType("__main__")  # the real one, so that pickle, dataclasses and inspect find names
        sys.modules["__rlm_worker__"], sys.modules["__main__"] = sys.modules["__main__"], module
        self._names: dict[str, Any] = module.__dict__
        self._names["__builtins__"] = builtins
        self._process = os.getpid()
        self._memory = memory.for_steps()
        self._tools: set[str] = set()
        self._inputs: dict[str, Any] = {}
        self._fields: list[str] | None = None
        self._submitted: dict[str, Any] | None = None
        self._running = 0
        self._interrupt = 0
        self._interruptible = False

    def interrupt(self, step: int) -> None:
        """Raise `KeyboardInterrupt` in a step, if it still runs. For the thread that listens."""
        self._interrupt = step
        if self._running == step:
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    def _on_signal(self, *_: Any) -> None:
        if self._interruptible and self._interrupt == self._running:
            raise KeyboardInterrupt

    def run(self, step: int, request: dict[str, Any]) -> None:
        """Run one step and send `done`."""
        self._running, self._submitted = step, None
        self._folder.discard(f"done-{step - 1}")
        missing = self._bind(request)
        if missing:
            done: dict[str, Any] = {"kind": "missing", "value": missing}
        else:
            self._output.attach()
            done = self._execute(request["code"], f"<cell {step}>")
            if os.getpid() != self._process:
                _leave_child(done)
        self._running = 0
        done["output"] = self._output.take()
        try:
            body = self._link.encode(done)
        except Exception as error:  # a value that changed after it was submitted
            done.update(kind="error", value=None, error=source.describe(error))
            body = self._link.encode(done)
        self._link.send("done", step, body)

    def _bind(self, request: dict[str, Any]) -> list[str]:
        """Assign tools, SUBMIT and inputs anew; returns the digests of inputs that are not there."""
        for name in self._tools - set(request["tools"]):
            self._names.pop(name, None)
        self._tools = set(request["tools"])
        for name in self._tools:
            self._names[name] = self._tool(name)
        self._fields = request["fields"]
        self._names["SUBMIT"] = self._submit
        held, missing = self._inputs, []
        if request["inputs"]:
            self._inputs = {}
        for name, one in request["inputs"].items():
            if "value" in one:
                self._names[name] = one["value"]
                continue
            digest = one["sha256"]
            try:
                value = held[digest] if digest in held else self._load(one)
            except (OSError, ValueError):
                missing.append(digest)
                continue
            self._names[name] = self._inputs[digest] = value
        return missing

    def _load(self, one: dict[str, Any]) -> Any:
        text = self._folder.load(f"input-{one['sha256']}", one).decode("utf-8", "surrogatepass")
        return text if one["kind"] == "text" else json.loads(text)

    def _tool(self, name: str) -> Any:
        def tool(*args: Any, **kwargs: Any) -> Any:
            return self._link.call(name, args, kwargs)

        tool.__name__ = tool.__qualname__ = name
        return tool

    def _submit(self, *args: Any, **kwargs: Any) -> None:
        """End the run with these values, by position or by name."""
        values = source.submitted(self._fields, args, kwargs)
        self._link.encode(values)
        if self._submitted is None:
            self._submitted = values
        raise Submission

    def _execute(self, code: str, name: str) -> dict[str, Any]:
        try:
            body, last = source.compiled(code, name)
        except SyntaxError as error:
            return {"kind": "syntax", "error": source.describe(error.with_traceback(None))}
        except Exception as error:  # null bytes, surrogates, nesting that is too deep
            return {"kind": "error", "error": source.describe(error)}
        outcome: dict[str, Any] = {"kind": "ok"}
        signal.signal(signal.SIGINT, self._on_signal)
        memory.limit(self._memory)
        try:
            self._interruptible = True
            if self._interrupt == self._running:
                raise KeyboardInterrupt
            exec(body, self._names)
            if last is not None:
                self._show(eval(last, self._names))
        except Submission:
            pass
        except BaseException as error:
            self._interruptible = False
            memory.limit(None)
            interrupted = isinstance(error, KeyboardInterrupt) and self._interrupt == self._running
            outcome = {"kind": "interrupted" if interrupted else "error", "error": source.describe(error)}
        self._interruptible = False
        memory.limit(None)
        signal.signal(signal.SIGINT, self._on_signal)  # code may have set its own
        # A bare `except:` around SUBMIT does not undo it.
        return outcome if self._submitted is None else {"kind": "final", "value": self._submitted}

    def _show(self, value: Any) -> None:
        if value is not None:
            self._names["_"] = value
            sys.stdout.write(f"{value!r}\n")


def _leave_child(done: dict[str, Any]) -> None:
    """End a child that code forked and that has come to the end of the step."""
    if "error" in done:
        sys.stderr.write(f"{done['error']}\n")
    flush()
    os._exit(0 if done["kind"] == "ok" else 1)
