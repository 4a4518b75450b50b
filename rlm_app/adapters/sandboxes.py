"""Which sandbox a run gets, made but not started."""

from collections.abc import Collection, Mapping
from typing import Any

from rlm_app.adapters.traced import Interpreter
from rlm_app.codebase import Corpus
from rlm_app.errors import InvalidConfig
from rlm_app.model import RunConfig
from rlm_app.settings import Settings


def make(config: RunConfig, settings: Settings, *, run_id: str, corpus: Corpus | None = None) -> Interpreter:
    """The sandbox that `config` names.

    Args:
        run_id: the tag of what is opened elsewhere, so that leftovers can be told apart.
        corpus: given where its files are to be put into the sandbox as files too.

    Raises:
        InvalidConfig: no such sandbox.
    """
    match config.sandbox:
        case "monty":
            from rlm_app.adapters.monty import MontySandbox

            return MontySandbox(settings.step_seconds)
        case "pyodide":
            from rlm_app.adapters.pyodide import PyodideSandbox

            return PyodideSandbox(step_seconds=settings.step_seconds)
        case "e2b":
            from rlm_app.adapters.e2b import E2BInterpreter

            options = e2b_options(settings)
            return E2BInterpreter(**options, run_id=run_id, files=files_of(corpus) if corpus else {})
    raise InvalidConfig(f"There is no sandbox {config.sandbox!r}.")


def probe(name: str, settings: Settings) -> float:
    """Start a sandbox, run a line in it, end it, and return the seconds that took.

    Raises:
        SandboxUnavailable: it does not start or does not compute; one sentence that says what to do.
    """
    match name:
        case "e2b":
            from rlm_app.adapters import e2b

            return e2b.probe(**e2b_options(settings))
        case "pyodide":
            from rlm_app.adapters import pyodide

            return pyodide.probe()
    from rlm_app.adapters import monty

    return monty.probe()


def leftovers(settings: Settings, *, keep: Collection[str], remove: bool) -> int:
    """How many sandboxes at E2B were made here and serve no run in `keep`; with `remove`, after ending them.

    Raises:
        SandboxUnavailable: the account cannot be asked.
    """
    from rlm_app.adapters import e2b

    find = e2b.kill_leftovers if remove else e2b.leftovers
    return len(find(keep=keep, **e2b_options(settings)))


def e2b_options(settings: Settings) -> dict[str, Any]:
    """What the settings say about E2B, as arguments of `E2BInterpreter`."""
    return {
        "api_key": settings.e2b_api_key,
        "template": settings.e2b_template,
        "step_seconds": settings.step_seconds,
        "max_concurrent_calls": settings.concurrent_calls,
        "max_open_sandboxes": settings.e2b_sandboxes,
        "allow_internet_access": settings.e2b_internet,
    }


def files_of(corpus: Corpus) -> Mapping[str, str]:
    """The corpus as files below the working directory; what cannot be a path there is left out."""
    return {
        span.path: corpus.read(span)
        for span in corpus.files
        if span.path and "\\" not in span.path and not span.path.startswith(("/", ".rlm/")) and span.path != ".rlm"
    }
