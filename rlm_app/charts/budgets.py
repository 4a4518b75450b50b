"""What an answer takes: cost, steps and time, more attempts, and smaller budgets replayed from stored attempts."""

from collections.abc import Callable, Sequence

from rlm_app import scoring
from rlm_app.benches import Attempt
from rlm_app.charts.accuracy import SHARE
from rlm_app.charts.chart import Axis, Chart, Series
from rlm_app.charts.points import Examples, counted, kind_of, mean_share, who
from rlm_app.reports.results import Results, by_example, cautions, labels
from rlm_app.scoring import Interval, wilson
from rlm_app.wording import cost, plural, seconds

CAPS = 80
"""Points of a replayed curve at most: more cannot be told apart."""


def cost_ecdf(results: Sequence[Results], examples: Examples) -> Chart:
    """The share of attempts that cost at most so much, with median and 95th percentile."""
    names = labels(results)
    series, unknown, free = [], [], False
    for result in results:
        priced = sorted(
            (attempt for attempt in result.ended if attempt.usage.cost is not None), key=lambda a: a.usage.cost or 0.0
        )
        costs = tuple(attempt.usage.cost or 0.0 for attempt in priced)
        name = names[result.bench.id]
        if missing := len(result.ended) - len(priced):
            unknown.append(f"{name}: the cost of {plural(missing, 'attempt')} is unknown and left out.")
        if not costs:
            continue
        free = free or costs[0] == 0
        middle, high = scoring.quantile(costs, 0.5), scoring.quantile(costs, 0.95)
        series.append(
            Series(
                name=f"{name}: p50 {cost(middle)}, p95 {cost(high)}",
                mark="steps",
                x=costs,
                y=scoring.ecdf(len(costs)),
                model=result.bench.config.model,
                **who(priced),
            )
        )
    return Chart(
        name="cost",
        title="What an attempt costs",
        how="At half height stands the median: half of the attempts cost no more. A long tail to the right is risk.",
        x=Axis("cost of an attempt, USD", "linear" if free else "log"),
        y=Axis("attempts that cost no more, share", "share"),
        series=tuple(series),
        n=counted(results),
        warnings=(*cautions(results), *unknown),
    )


def steps(results: Sequence[Results], examples: Examples) -> Chart:
    """How many attempts took how many steps, right and wrong apart."""
    names = labels(results)
    series = []
    for result in results:
        longest = max((attempt.steps for attempt in result.ended), default=0)
        for kind, tone in (("right", "right"), ("wrong", "wrong"), ("not answered", "no answer")):
            counts = [0] * (longest + 1)
            for attempt in result.ended:
                counts[attempt.steps] += kind_of(attempt) == kind
            if any(counts):
                series.append(
                    Series(
                        name=kind,
                        mark="bars",
                        x=tuple(range(longest + 1)),
                        y=tuple(counts),
                        tone=tone,
                        panel=names[result.bench.id],
                    )
                )
    return Chart(
        name="steps",
        title="Steps an attempt takes",
        how="Wrong answers that pile up at the far end ran out of steps; at the near end they were given too soon.",
        x=Axis("steps", "count"),
        y=Axis("attempts", "count"),
        series=tuple(series),
        panels=tuple(names.values()),
        n=counted(results),
        warnings=cautions(results),
    )


def times(results: Sequence[Results], examples: Examples) -> Chart:
    """Where the time of each attempt went: queue, root model, sub-calls, sandbox."""
    names = labels(results)
    parts: tuple[tuple[str, Callable[[Attempt], float]], ...] = (
        ("root model", lambda attempt: attempt.measures.root_seconds),
        ("sub-calls", lambda attempt: attempt.measures.sub_seconds),
        ("sandbox", lambda attempt: attempt.measures.sandbox_seconds),
        ("queue", lambda attempt: attempt.queue_seconds or 0.0),
    )
    series = []
    for result in results:
        ordered = sorted(result.ended, key=lambda attempt: attempt.seconds or 0.0)
        middle = scoring.quantile([a.seconds or 0.0 for a in ordered], 0.5) if ordered else 0.0
        series += [
            Series(
                name=name,
                mark="bars",
                x=tuple(range(1, len(ordered) + 1)),
                y=tuple(map(value, ordered)),
                tone=name,
                panel=f"{names[result.bench.id]}: median {seconds(middle)}",
                **who(ordered),
            )
            for name, value in parts
        ]
    return Chart(
        name="time",
        title="Where the time of each attempt went",
        how="One bar an attempt, quickest first. Sub-calls made side by side add up, so a bar can pass the clock.",
        x=Axis("attempts, in order of their time"),
        y=Axis("seconds"),
        series=tuple(series),
        panels=tuple(dict.fromkeys(one.panel for one in series)),
        n=counted(results),
        warnings=cautions(results),
    )


def passes(results: Sequence[Results], examples: Examples) -> Chart:
    """pass@k, pass^k and majority of k against k, over the examples whose every epoch has ended."""
    names = labels(results)
    series, short = [], []
    for result in results:
        epochs, name = result.bench.epochs, names[result.bench.id]
        whole = [group for group in by_example(result.ended).values() if len(group) == epochs > 1]
        if epochs < 2:
            short.append(f"{name}: one epoch says nothing of k above 1.")
        for dash, (kind, chance) in enumerate(_PASSES):
            if not whole:
                continue
            at = [mean_share([chance(k, group, examples) for group in whole]) for k in range(1, epochs + 1)]
            series.append(
                Series(
                    name=f"{name}, {kind}",
                    mark="line",
                    x=tuple(range(1, epochs + 1)),
                    y=tuple(mean for mean, _ in at),
                    model=result.bench.config.model,
                    dash=dash,
                    low=tuple(spread.low for _, spread in at),
                    high=tuple(spread.high for _, spread in at),
                    n=(len(whole),) * epochs,
                )
            )
    return Chart(
        name="passes",
        title="pass@k, majority and pass^k",
        how="One of k right is hope, all of k reliability; voting helps where the most frequent answer is right.",
        x=Axis("k, attempts at an example", "count"),
        y=Axis("examples, share", "share"),
        series=tuple(series),
        n=counted(results),
        warnings=(*cautions(results), *short),
    )


def _right(group: Sequence[Attempt]) -> int:
    return sum(attempt.outcome == "right" for attempt in group)


def _majority(k: int, group: Sequence[Attempt], examples: Examples) -> float:
    """The key is a right attempt's letter where the example is not known; without either nothing wins."""
    right = next((attempt.predicted for attempt in group if attempt.outcome == "right"), None)
    known = examples.get(group[0].example)
    expected = known.expected if known else right
    return scoring.majority_at(k, [attempt.predicted for attempt in group], expected) if expected else 0.0


_PASSES: tuple[tuple[str, Callable[[int, Sequence[Attempt], Examples], float]], ...] = (
    ("pass@k", lambda k, group, examples: scoring.pass_at(k, len(group), _right(group))),
    ("majority", _majority),
    ("pass^k", lambda k, group, examples: scoring.pass_all(k, len(group), _right(group))),
)


def step_budget(results: Sequence[Results], examples: Examples) -> Chart:
    """Right answers there would be under fewer steps: an attempt counts if it ended within the cap."""
    longest = max((attempt.steps for result in results for attempt in result.ended), default=0)
    names = labels(results)
    series = [
        _replayed(names[result.bench.id], result, list(range(1, longest + 1)), lambda attempt: attempt.steps)
        for result in results
        if result.ended and longest
    ]
    return Chart(
        name="step-budget",
        title="Right answers under fewer steps",
        how="Replayed from stored attempts. Where a curve is flat, more steps bought nothing.",
        x=Axis("steps allowed", "count"),
        y=SHARE,
        series=tuple(series),
        n=counted(results),
        warnings=cautions(results),
    )


def cost_budget(results: Sequence[Results], examples: Examples) -> Chart:
    """Right answers there would be under a smaller cost for each attempt, replayed in the same way."""
    names = labels(results)
    series, unknown, free = [], [], False
    for result in results:
        costs = sorted({attempt.usage.cost for attempt in result.ended if attempt.usage.cost is not None})
        if any(attempt.usage.cost is None for attempt in result.ended):
            unknown.append(f"{names[result.bench.id]}: costs are unknown, so it is not on this chart.")
        elif costs:
            free = free or costs[0] == 0
            caps = costs[:: max(len(costs) // CAPS, 1)]
            caps += costs[-1:] if caps[-1] != costs[-1] else []
            series.append(_replayed(names[result.bench.id], result, caps, lambda attempt: attempt.usage.cost or 0.0))
    return Chart(
        name="cost-budget",
        title="Right answers under a smaller budget",
        how="Replayed from stored attempts. Read up from a price: so many answers it would have bought.",
        x=Axis("cost allowed for an attempt, USD", "linear" if free else "log"),
        y=SHARE,
        series=tuple(series),
        n=counted(results),
        warnings=(*cautions(results), *unknown),
    )


def _replayed(name: str, result: Results, caps: Sequence[float], spent: Callable[[Attempt], float]) -> Series:
    groups = [[(a.outcome == "right", spent(a)) for a in group] for group in by_example(result.ended).values()]
    shares = [_under(groups, cap) for cap in caps]
    return Series(
        name=name,
        mark="steps",
        x=tuple(caps),
        y=tuple(mean for mean, _ in shares),
        model=result.bench.config.model,
        low=tuple(spread.low for _, spread in shares),
        high=tuple(spread.high for _, spread in shares),
        n=(len(result.ended),) * len(caps),
    )


def _under(groups: Sequence[Sequence[tuple[bool, float]]], cap: float) -> tuple[float, Interval]:
    right = [sum(hit and spent <= cap for hit, spent in group) for group in groups]
    if all(len(group) == 1 for group in groups):
        return sum(right) / len(right), wilson(sum(right), len(right))
    return mean_share([hits / len(group) for hits, group in zip(right, groups, strict=True)])
