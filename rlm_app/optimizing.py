"""What it takes to have a task prompt rewritten, and what comes of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rlm_app.codebase import Corpus
from rlm_app.model import Question, Usage
from rlm_app.settings import Settings


@dataclass(frozen=True)
class LabelledQuestion:
    """A question of a corpus, with the letter of the right choice."""

    corpus: Corpus
    question: Question
    expected: str


@dataclass(frozen=True)
class Plan:
    """How to optimize.

    Args:
        settings: how the reflecting model is reached.
        reflection: the model that reads trajectories and writes prompts.
        metric: `(example, prediction) -> 0.0 or 1.0`.
        calls: about so many questions are asked in all; GEPA ends the round it is in.
        threads: questions at the same time.
    """

    settings: Settings
    reflection: str
    metric: Callable[..., float]
    calls: int
    seed: int = 0
    threads: int = 4


@dataclass(frozen=True)
class Optimized:
    """The better program, and the share of right answers before and after, over the `n` examples that decided."""

    program: Any
    before: float
    after: float
    n: int
    reflection: Usage
