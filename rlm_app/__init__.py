"""Ask questions of whole codebases with Recursive Language Models, and watch how they are answered."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rlm_app.library import as_dspy_program, longbench_metric
    from rlm_app.wiring import ask

__version__ = "0.1.0"
__all__ = ["as_dspy_program", "ask", "longbench_metric"]

_HOMES = {"ask": "wiring", "as_dspy_program": "library", "longbench_metric": "library"}


def __getattr__(name: str) -> Any:
    """What `__all__` names, on first use: importing the package stays free."""
    if home := _HOMES.get(name):
        from importlib import import_module

        return getattr(import_module(f"rlm_app.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
