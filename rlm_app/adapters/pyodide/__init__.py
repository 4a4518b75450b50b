"""Pyodide: CPython in WebAssembly, run by Deno. dspy's own interpreter, made fit for large inputs and long runs."""

from rlm_app.adapters.pyodide.runtime import PyodideUnavailable
from rlm_app.adapters.pyodide.sandbox import PyodideSandbox, probe

__all__ = ["PyodideSandbox", "PyodideUnavailable", "probe"]
