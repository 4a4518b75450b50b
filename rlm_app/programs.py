"""Saved programs: task prompts that an optimizer has written, as files that `--program` takes.

A file is what dspy's `save` writes of `as_dspy_program()`, so one that was optimized in a notebook serves as well.
"""

import json
from pathlib import Path

from rlm_app.errors import InvalidConfig

PREDICTOR = "explore"
"""The name of the one predictor of our program; its instructions are the task prompt."""

MAX_CHARS = 50_000


def load(path: Path) -> str:
    """The task prompt of a saved program.

    Raises:
        InvalidConfig: no such file, or not such a program.
    """
    try:
        state = json.loads(path.read_text(encoding="utf-8"))
        task = state[PREDICTOR]["signature"]["instructions"]
    except OSError as error:
        raise InvalidConfig(f"The program {path} cannot be read ({error.strerror}); check its path.") from None
    except (ValueError, KeyError, TypeError):
        task = None
    if not isinstance(task, str) or not task.strip() or len(task) > MAX_CHARS:
        raise InvalidConfig(
            f"{path} is no program of rlm-app; `rlm-app optimize` writes one, and so does `as_dspy_program().save`."
        )
    return task


def saved(folder: Path) -> dict[str, Path]:
    """Programs in a folder by name, in order."""
    return {path.stem: path for path in sorted(folder.glob("*.json"))}
