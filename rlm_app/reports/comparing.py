"""Benches against each other on the examples they have in common."""

from collections.abc import Callable, Sequence
from itertools import combinations

from pydantic import Field

from rlm_app.benches import Attempt
from rlm_app.model import Frozen
from rlm_app.reports import pairing
from rlm_app.reports.results import FEW, Results, by_example, cautions, labels
from rlm_app.scoring import Interval
from rlm_app.wording import plural


class Flip(Frozen):
    """An example that one bench had right and the other had not, with a run of each to look at."""

    example: str
    run_a: str | None
    run_b: str | None


class Paired(Frozen):
    """Two benches on the same examples by one denominator.

    `difference` is accuracy of a less that of b, over examples, with its paired bootstrap interval. The four counts are
    McNemar's table, where an example is right that was right in more than half of its epochs. `p` is exact and
    two-sided, `p_holm` adjusted for the number of pairs. `to_settle` is how many examples more would settle it at
    these rates (5 % over all pairs, 80 % power): 0 where `p_holm` has, None where there is no difference to go on.
    """

    n: int
    both: int
    only_a: int
    only_b: int
    neither: int
    difference: float | None
    interval: Interval
    p: float
    p_holm: float
    to_settle: int | None


class Pair(Frozen):
    """Benches a and b by their ids. Over all, what is not right is not; over answered, both have answered."""

    a: str
    b: str
    over_all: Paired
    over_answered: Paired
    only_a: tuple[Flip, ...] = Field(description="over all, in order of the examples")
    only_b: tuple[Flip, ...]


class Comparison(Frozen):
    """`labels` names each bench by id; `examples` are those that all of them have in common."""

    labels: dict[str, str]
    examples: tuple[str, ...]
    pairs: tuple[Pair, ...]
    warnings: tuple[str, ...]


def compare(*results: Results) -> Comparison:
    """Every pair of these benches on the examples that all of them have ended.

    Raises:
        ValueError: fewer than two benches.
    """
    if len(results) < 2:
        raise ValueError("a comparison needs two benches")
    ended = [by_example(result.ended) for result in results]
    common = [example for example in results[0].bench.examples if all(example in known for known in ended)]
    couples = list(combinations(range(len(results)), 2))
    over_all = [_paired(ended[a], ended[b], common) for a, b in couples]
    answered = [by_example(result.answered) for result in results]
    over_answered = [
        _paired(answered[a], answered[b], [e for e in common if e in answered[a] and e in answered[b]])
        for a, b in couples
    ]
    pairs = [
        Pair(
            a=results[a].bench.id,
            b=results[b].bench.id,
            over_all=everything,
            over_answered=answers,
            only_a=_flips(ended[a], ended[b], common, lambda one, other: one and not other),
            only_b=_flips(ended[a], ended[b], common, lambda one, other: other and not one),
        )
        for (a, b), everything, answers in zip(couples, _adjusted(over_all), _adjusted(over_answered), strict=True)
    ]
    return Comparison(
        labels=labels(results), examples=tuple(common), pairs=tuple(pairs), warnings=_warnings(results, len(common))
    )


Known = dict[str, list[Attempt]]


def _rate(attempts: Sequence[Attempt]) -> float:
    return sum(attempt.outcome == "right" for attempt in attempts) / len(attempts)


def _paired(a: Known, b: Known, examples: Sequence[str]) -> Paired:
    rates = [(_rate(a[example]), _rate(b[example])) for example in examples]
    table = [(left > 0.5, right > 0.5) for left, right in rates]
    only_a, only_b, n = table.count((True, False)), table.count((False, True)), len(table)
    mean, interval = pairing.difference(*map(list, zip(*rates, strict=True))) if n else (None, Interval(-1.0, 1.0))
    p = pairing.mcnemar(only_a, only_b)
    return Paired(
        n=n,
        both=table.count((True, True)),
        only_a=only_a,
        only_b=only_b,
        neither=table.count((False, False)),
        difference=mean,
        interval=interval,
        p=p,
        p_holm=p,
        to_settle=None,
    )


def _adjusted(pairs: Sequence[Paired]) -> list[Paired]:
    """The pairs with what their number does to them."""
    found = []
    for pair, p in zip(pairs, pairing.holm([pair.p for pair in pairs]), strict=True):
        needed = pairing.examples_to_settle(pair.only_a, pair.only_b, pair.n, len(pairs))
        more = 0 if p <= 0.05 else None if needed is None else max(needed - pair.n, 1)
        found.append(pair.model_copy(update={"p_holm": p, "to_settle": more}))
    return found


def _flips(a: Known, b: Known, examples: Sequence[str], flipped: Callable[[bool, bool], bool]) -> tuple[Flip, ...]:
    return tuple(
        Flip(example=example, run_a=a[example][0].run_id, run_b=b[example][0].run_id)
        for example in examples
        if flipped(_rate(a[example]) > 0.5, _rate(b[example]) > 0.5)
    )


def _warnings(results: Sequence[Results], common: int) -> tuple[str, ...]:
    found = list(cautions(results))
    if common < FEW:
        found.append(f"Only {plural(common, 'example')} in common: most differences are chance.")
    if any(result.bench.epochs > 1 for result in results):
        found.append("With several epochs McNemar's table takes the majority of each example's epochs.")
    if len({result.bench.shuffle for result in results}) > 1:
        found.append("The choices were shuffled differently.")
    return tuple(found)
