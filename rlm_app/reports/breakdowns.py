"""A bench by what its examples are: difficulty, size, repository, language, …"""

from collections.abc import Callable, Sequence

from rlm_app import scoring
from rlm_app.benches import Attempt
from rlm_app.examples import Example
from rlm_app.model import Frozen
from rlm_app.reports.results import Results, example_of, share, size_class
from rlm_app.scoring import Interval


class Group(Frozen):
    """The part of a bench whose examples share a property; shares and intervals as in `reports.Report`."""

    value: str
    n: int
    right: int
    answered: int
    errors: int
    accuracy: float | None
    interval: Interval
    accuracy_answered: float | None
    interval_answered: Interval
    mean_cost: float | None
    median_seconds: float | None


class Breakdown(Frozen):
    by: str
    groups: tuple[Group, ...]


BREAKDOWNS: dict[str, Callable[[Example], tuple[int, str]]] = {
    "difficulty": lambda example: (0, example.difficulty),
    "length": lambda example: (["short", "medium", "long", example.length].index(example.length), example.length),
    "context tokens": lambda example: size_class(example.context_chars),
    "domain": lambda example: (0, example.sub_domain or example.domain),
    "repository": lambda example: (0, example.repository),
    "language": lambda example: (0, example.language),
    "question type": lambda example: (0, example.kind),
}
"""For each breakdown the place and the name of the group that an example is in; no name, no group."""


def breakdowns(results: Results, examples: Sequence[Example]) -> tuple[Breakdown, ...]:
    """The bench by each property of its examples, those left out that say nothing about any."""
    known = example_of(examples)
    if not known:
        return ()
    found = []
    for by, place in BREAKDOWNS.items():
        groups: dict[tuple[int, str], list[Attempt]] = {}
        for attempt in results.ended:
            if (example := known.get(attempt.example)) and (at := place(example))[1]:
                groups.setdefault(at, []).append(attempt)
        if groups:
            members = (
                _group(value, Results(results.bench, tuple(part))) for (_, value), part in sorted(groups.items())
            )
            found.append(Breakdown(by=by, groups=tuple(members)))
    return tuple(found)


def _group(value: str, part: Results) -> Group:
    overall, answered = share(part.ended), share(part.answered)
    return Group(
        value=value,
        n=overall.n,
        right=overall.right,
        answered=answered.n,
        errors=part.outcomes["error"],
        accuracy=overall.value,
        interval=overall.interval,
        accuracy_answered=answered.value,
        interval_answered=answered.interval,
        mean_cost=part.mean_cost[0] if part.mean_cost else None,
        median_seconds=median_seconds(part.ended),
    )


def median_seconds(attempts: Sequence[Attempt]) -> float | None:
    """The median of the runs' own seconds, None where none is known."""
    known = [attempt.seconds for attempt in attempts if attempt.seconds is not None]
    return scoring.quantile(known, 0.5) if known else None
