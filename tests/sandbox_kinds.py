"""The sandboxes that the contract suite runs on: how each is made, and what must be there before it can be."""

import importlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psutil
import pytest

from rlm_app.adapters.traced import Interpreter


@dataclass(frozen=True)
class Kind:
    """One kind of sandbox. `make(step_seconds=…)` makes one without starting it."""

    name: str
    make: Callable[..., Interpreter]
    differences: frozenset[str]

    def differs(self, difference: str) -> bool:
        """Whether this kind is known to differ here; each such place asserts both ways."""
        return difference in self.differences


@contextmanager
def available(name: str) -> Iterator[Callable[..., Interpreter]]:
    """What makes sandboxes of this kind; skips the test where they cannot be had."""
    if name == "monty":
        from rlm_app.adapters.monty import MontySandbox

        yield MontySandbox
    elif name == "pyodide":
        require_pyodide()
        from rlm_app.adapters.pyodide import PyodideSandbox

        yield PyodideSandbox
    else:
        with _e2b_server() as make:
            yield make


def require_pyodide() -> None:
    from rlm_app.adapters.pyodide import PyodideUnavailable
    from rlm_app.adapters.pyodide.runtime import Deno

    try:
        deno = Deno.find()
    except PyodideUnavailable as error:
        pytest.skip(str(error))
    if not deno.is_filled:
        pytest.skip("Pyodide is not in Deno's cache; the first start of a pyodide sandbox fetches it")


@contextmanager
def _e2b_server() -> Iterator[Callable[..., Interpreter]]:
    """Sandboxes of the real SDK against the server of our own."""
    adapter, server = (_import_or_skip(module) for module in ("rlm_app.adapters.e2b", "tests.e2b_server"))
    with server.E2BServer() as running, pytest.MonkeyPatch.context() as environment:
        for name, value in running.environment.items():
            environment.setenv(name, value)
        yield adapter.E2BInterpreter


def _import_or_skip(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        pytest.skip(f"{name} is not there: {error}")


def children() -> set[int]:
    """Processes below this one."""
    return {process.pid for process in psutil.Process().children(recursive=True)}
