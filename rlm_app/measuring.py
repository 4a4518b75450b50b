"""What the stored events of one run say beyond its cost: `benches.Measures`."""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from rlm_app.benches import Measures
from rlm_app.codebase import Corpus
from rlm_app.model import Body, Run, Step, Usage
from rlm_app.scoring import claims

MIN_LINE = 8
"""Characters of a line, without those around it, below which it says too little to count as read ("else:", "}")."""
MIN_CHOICE = 8
"""Characters of a choice below which its text turns up by chance ("30", "None")."""

_NUMBERED = re.compile(r"(?:\d+|[^\s:]{1,300}[:-]\d+[:-])(?: |\t|\| ?|: ?)\s*")
"""How the toolkit shows a line: `  12  text`, `path:12: text`, `path-12- text`."""


def measure(run: Run, corpus: Corpus, text_of: Callable[[Body], str], letter: str | None) -> Measures:
    """The measures of a run that has ended. A corpus of 16 million characters takes under a second.

    `letter` is the final answer as the model gave it, one of `run.question.choices` in the order that it saw; `text_of`
    reads a stored text.
    """
    calls, steps = run.sub_calls, run.steps
    prompts = {(call.model, call.prompt.blob or call.prompt.text) for call in calls}
    seen = first_seen(run, letter) if letter else None
    failed = [step for step in steps if step.failed]
    return Measures(
        sub_calls=len(calls),
        duplicate_sub_calls=len(calls) - len(prompts),
        failed_sub_calls=sum(call.error is not None for call in calls),
        failed_steps=len(failed),
        rejected_replies=len(run.all_rejected),
        root_seconds=sum(step.model_seconds for step in steps),
        sub_seconds=sum(call.seconds or 0.0 for call in calls),
        sandbox_seconds=sum(map(_sandbox_seconds, steps)),
        sub_tokens=run.sub_usage.tokens_in + run.sub_usage.tokens_out,
        first_seen=seen,
        cost_after=None if seen is None else _cost_after(run, seen),
        failed_step_cost=_total(map(_usage, failed)).cost,
        coverage=coverage(corpus, _shown(run, text_of)),
    )


def first_seen(run: Run, letter: str) -> int | None:
    """The first step whose reasoning, code or output gives the final answer: None where none does.

    It is given by a claim ("the answer is B", `answer = "B"`), by `SUBMIT("B")`, or by the text of that choice where no
    other choice stands beside it, since a list of all of them decides nothing. A step that submitted gives it anyway.
    """
    choices = run.question.choices
    submitted = re.compile(rf"""\bSUBMIT\(\s*(?:\w+\s*=\s*)?["'(]*{re.escape(letter)}["')]""")
    mine = _plain(choices.get(letter, ""))
    others = [text for other, choice in choices.items() if other != letter and (text := _plain(choice)) not in mine]

    def gives(text: str) -> bool:
        if submitted.search(text) or letter in claims(text, choices or letter):
            return True
        said = _plain(text) if len(mine) >= MIN_CHOICE else ""
        return mine in said and not any(other in said for other in others) if said else False

    for step in run.steps:
        if step.submitted or any(map(gives, (step.reasoning, step.code, step.output or ""))):
            return step.number
    return None


def coverage(corpus: Corpus, shown: Iterable[str]) -> float | None:
    """The share of the corpus's distinct lines that some text shows, None where it has none that count.

    Lines are compared without the space around them, and count from `MIN_LINE` characters. Line numbers before them as
    the toolkit prints them, and lines joined with an escaped line feed, are seen through; a line that was cut is not.
    """
    lines = {line for line in map(str.strip, corpus.text.split("\n")) if len(line) >= MIN_LINE}
    if not lines:
        return None
    found = {variant for text in shown for line in _lines(text) for variant in _variants(line)}
    return len(found & lines) / len(lines)


def _shown(run: Run, text_of: Callable[[Body], str]) -> Iterator[str]:
    for step in run.steps:
        yield step.output or ""
        yield from (text_of(call.prompt) for call in step.sub_calls)


def _lines(text: str) -> Iterator[str]:
    for line in text.split("\n"):
        yield line.strip()
        if "\\n" in line:  # printed as a Python value
            for part in line.split("\\n"):
                yield part.strip()
                yield part.lstrip("[(\"', ").rstrip()


def _variants(line: str) -> Iterator[str]:
    yield line
    if match := _NUMBERED.match(line):
        yield line[match.end() :]


def _plain(text: str) -> str:
    return " ".join(text.lower().split())


def _sandbox_seconds(step: Step) -> float:
    """The seconds a step ran without waiting for the sub-model; calls side by side are one wait."""
    waited, until = 0.0, 0.0
    for begin, end in sorted((call.started, call.started + (call.seconds or 0.0)) for call in step.sub_calls):
        waited += max(end - max(begin, until), 0.0)
        until = max(until, end)
    return max((step.seconds or 0.0) - waited, 0.0)


def _cost_after(run: Run, seen: int) -> float | None:
    later = (_usage(step) for step in run.steps if step.number > seen)
    rejected = (reply.usage for reply in run.rejected if reply.step > seen)
    return _total([*later, *rejected, run.other_usage]).cost


def _usage(step: Step) -> Usage:
    """What a step took in all: its root call, replies turned down before it, and its sub-calls."""
    parts: Iterable[Any] = (*step.rejected, *step.sub_calls)
    return sum((part.usage for part in parts), step.usage)


def _total(parts: Iterable[Usage]) -> Usage:
    return sum(parts, Usage())
