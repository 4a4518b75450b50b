"""How often benches are right on one kind of example and on another."""

from collections.abc import Sequence

from rlm_app.benches import Attempt
from rlm_app.charts.accuracy import SHARE, shares_of
from rlm_app.charts.chart import Axis, Chart
from rlm_app.charts.points import Examples, counted
from rlm_app.reports.breakdowns import BREAKDOWNS
from rlm_app.reports.results import Results, cautions, labels

FEW = 5
"""Fewer examples in a part say next to nothing."""


def by_property(results: Sequence[Results], examples: Examples, by: str) -> Chart:
    """Right answers over all for each group of a breakdown; `by` is a key of `breakdowns.BREAKDOWNS`."""
    names = labels(results)
    split = {result.bench.id: _groups(result, examples, by) for result in results}
    order = sorted({group for groups in split.values() for group in groups})
    series = []
    for result in results:
        groups = split[result.bench.id]
        there = [group for group in order if group in groups]
        series.append(shares_of(names[result.bench.id], result, [(group[1], groups[group]) for group in there]))
    small = [n for one in series for n in one.n if n < FEW]
    return Chart(
        name=f"by-{by.replace(' ', '-')}",
        title=f"Right answers by {by}",
        how="Bars are 95 % intervals. Of many groups one or two stand out by chance alone.",
        x=Axis(by, "category", tuple(dict.fromkeys(name for _, name in order))),
        y=SHARE,
        series=tuple(series),
        n=counted(results),
        warnings=(*cautions(results), *([f"Some groups hold fewer than {FEW} attempts."] if small else [])),
    )


def _groups(result: Results, examples: Examples, by: str) -> dict[tuple[int, str], list[Attempt]]:
    groups: dict[tuple[int, str], list[Attempt]] = {}
    for attempt in result.ended:
        if (example := examples.get(attempt.example)) and (place := BREAKDOWNS[by](example))[1]:
            groups.setdefault(place, []).append(attempt)
    return groups


def properties(examples: Examples) -> list[str]:
    """The breakdowns that tell some of these examples from others."""
    return [by for by, place in BREAKDOWNS.items() if len({place(one)[1] for one in examples.values()} - {""}) > 1]
