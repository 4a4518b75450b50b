"""Baselines: "models" that answer in one call or none, to measure what exploring a context adds.

`direct/<model>` reads as much of the context as its window takes, `no-context/<model>` none of it, and `always-C` says
C. `keyless/bm25`, the baseline of retrieval, explores like any model and is none of these.
"""

import re
from dataclasses import dataclass
from typing import Literal

from rlm_app.model import Question

Kind = Literal["direct", "no-context", "always"]

CHARS_PER_TOKEN = 3.6  # of code; 2.6 to 4.6 were measured
WINDOW_SHARE = 0.9  # of a window that is used: the tokens are an estimate, and the reply needs some of them
UNKNOWN_WINDOW = 32_000  # tokens, where nothing says more: what most models of today take at least

LONGBENCH = """\
Please read the following text and answer the question below.

<text>
{context}
</text>

What is the correct answer to this question: {question}
Choices:
{choices}

Format your response as follows: "The correct answer is (insert answer here)"."""

LONGBENCH_WITHOUT = """\
What is the correct answer to this question: {question}
Choices:
{choices}

What is the single, most likely answer choice? \
Format your response as follows: "The correct answer is (insert answer here)"."""

OPEN = "{context}What is the answer to this question: {question}"

_ALWAYS = re.compile(r"always-([A-Z])")


@dataclass(frozen=True)
class Baseline:
    """A baseline by its parts: `inner` is the model it asks, or the letter that it always says."""

    kind: Kind
    inner: str


def baseline(model: str) -> Baseline | None:
    """The baseline that a model string names; None where it names a model to explore with."""
    if always := _ALWAYS.fullmatch(model):
        return Baseline("always", always[1])
    for kind in ("direct", "no-context"):
        if model.startswith(f"{kind}/"):
            return Baseline(kind, model.removeprefix(f"{kind}/"))
    return None


@dataclass(frozen=True)
class ModelFacts:
    """What is known of a model ahead of any call: its window in tokens; USD for a token in and one out, if known."""

    window: int
    price: tuple[float, float] | None


@dataclass(frozen=True)
class Prompt:
    """What is sent in one call, and the characters of the context that were left out of its middle."""

    text: str
    left_out: int = 0


def prompt(question: Question, context: str | None, room: int) -> Prompt:
    """A question with its context as LongBench v2 asks it, at most `room` characters long if it can be.

    Where the context is too long its middle is left out: the first and the last half of what fits stay. That is what
    LongBench's own `pred.py` does with tokens. None asks without a context, in LongBench's wording for that.
    """
    choices = "\n".join(f"({letter}) {text}" for letter, text in question.choices.items())
    form = (LONGBENCH_WITHOUT if context is None else LONGBENCH) if choices else OPEN
    parts = {"question": question.text, "choices": choices}
    if context is None:
        return Prompt(form.format(context="", **parts))
    room -= len(form.format(context="", **parts))
    kept = cut_middle(context, max(room, 0))
    shown = kept if choices else f"<text>\n{kept}\n</text>\n\n"
    return Prompt(form.format(context=shown, **parts), len(context) - len(kept))


def cut_middle(text: str, room: int) -> str:
    """The first and the last half of so many characters; all of the text where it fits."""
    if len(text) <= room:
        return text
    head = room // 2
    return text[:head] + text[len(text) - (room - head) :]


def room_of(window: int) -> int:
    """Characters that fit into a window of so many tokens, with some to spare."""
    return int(window * WINDOW_SHARE * CHARS_PER_TOKEN)
