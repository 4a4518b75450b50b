"""Ask questions of whole codebases with Recursive Language Models, and watch how they are answered."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rlm_app.wiring import ask

__version__ = "0.1.0"
__all__ = ["ask"]


def __getattr__(name: str) -> Any:
    """`rlm_app.ask` on first use, so that importing the package stays free."""
    if name == "ask":
        from rlm_app.wiring import ask

        return ask
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
