"""How often benches are right: the forest, against cost, and by context size."""

import math
from collections.abc import Sequence
from itertools import accumulate

from rlm_app.benches import Attempt
from rlm_app.charts.chart import Axis, Chart, Line, Series
from rlm_app.charts.points import Examples, counted, worded
from rlm_app.charts.references import Reference, chance, references_for
from rlm_app.reports.results import Results, by_example, cautions, labels, share, size_class
from rlm_app.scoring import Interval, wilson
from rlm_app.wording import cost

SHARE = Axis("right answers, share", "share")


def forest(results: Sequence[Results], examples: Examples) -> Chart:
    """Each bench's share of right answers with its interval, over all and over answered, and the literature's."""
    names = labels(results)
    series = []
    for result in results:
        name, model = names[result.bench.id], result.bench.config.model
        for share_, hollow in ((result.over_all, False), (result.over_answered, True)):
            if share_.value is None or (hollow and share_.n == result.over_all.n):
                continue
            series.append(
                Series(
                    name=f"{name}, over answered" if hollow else name,
                    mark="dots",
                    x=(share_.value,),
                    y=(name,),
                    model=model,
                    hollow=hollow,
                    x_low=(share_.interval.low,),
                    x_high=(share_.interval.high,),
                    n=(share_.n,),
                    notes=(worded(share_),),
                )
            )
    known = references_for(results)
    guess = chance([examples[id] for id in _asked(results) if id in examples])
    return Chart(
        name="accuracy",
        title="Right answers, with 95 % intervals",
        how="Intervals that overlap widely are no proof of a difference; hollow marks leave out what was not answered.",
        x=SHARE,
        y=Axis("", "category", (*names.values(), *(reference.label for reference in known))),
        series=(*series, *map(_row, known)),
        lines=(Line(guess.label, guess.value, "x", guess.source),) if guess else (),
        n=counted(results),
        warnings=cautions(results),
    )


def _asked(results: Sequence[Results]) -> dict[str, None]:
    return dict.fromkeys(example for result in results for example in result.bench.examples)


def _row(reference: Reference) -> Series:
    """A figure of the literature as a grey row, with the Wilson interval of its n; a range as its two ends."""
    low, high = reference.value, reference.to or reference.value
    if reference.n and reference.to is None:
        low, high = wilson(round(reference.value * reference.n), reference.n)
    return Series(
        name=reference.label,
        mark="dots",
        x=((reference.value + (reference.to or reference.value)) / 2,),
        y=(reference.label,),
        x_low=(low,),
        x_high=(high,),
        n=(reference.n or 0,),
        notes=(f"{reference.text}. {reference.source}",),
    )


def pareto(results: Sequence[Results], examples: Examples) -> Chart:
    """Right answers against mean cost, with the benches that no other beats at both."""
    names = labels(results)
    series, lines, points, unknown = [], [], [], []
    for result in results:
        name, overall, mean = names[result.bench.id], result.over_all, result.mean_cost
        if overall.value is None:
            continue
        if mean is None:
            unknown.append(f"{name}: its cost is unknown, so it is not on this chart.")
            continue
        if mean[0] == 0:  # a logarithm has no place for what is free
            lines.append(Line(f"{name}: $0", overall.value, "y", worded(overall)))
            continue
        points.append((mean[0], overall.value))
        spread = mean[1] if math.isfinite(mean[1].high) else Interval(mean[0], mean[0])
        series.append(
            Series(
                name=name,
                mark="dots",
                x=(mean[0],),
                y=(overall.value,),
                model=result.bench.config.model,
                x_low=(spread.low,),
                x_high=(spread.high,),
                low=(overall.interval.low,),
                high=(overall.interval.high,),
                n=(overall.n,),
                notes=(f"{cost(mean[0])} an attempt; {worded(overall)}",),
            )
        )
    known = [reference for reference in references_for(results) if reference.cost]
    return Chart(
        name="cost-accuracy",
        title="Right answers against cost",
        how="Up and to the left is better; the line joins benches that no other beats at both.",
        x=Axis("mean cost of an attempt, USD", "log"),
        y=SHARE,
        series=(*series, *map(_priced, known), *_front(points)),
        lines=tuple(lines),
        n=counted(results),
        warnings=(*cautions(results), *unknown),
    )


def _priced(reference: Reference) -> Series:
    mean = reference.cost[0] if reference.cost else 0.0
    low, high = wilson(round(reference.value * (reference.n or 1)), reference.n or 1)
    note = f"{reference.text}. {reference.source}"
    return Series(reference.label, "dots", (mean,), (reference.value,), low=(low,), high=(high,), notes=(note,))


def _front(points: Sequence[tuple[float, float]]) -> tuple[Series, ...]:
    """The points that cost less than every point that is as right, in order of cost."""
    ordered = sorted(points, key=lambda point: (point[0], -point[1]))
    best = [-1.0, *accumulate((right for _, right in ordered), max)]
    front = [point for point, before in zip(ordered, best, strict=False) if point[1] > before]
    if len(front) < 2:
        return ()
    return (Series("Pareto front", "line", tuple(x for x, _ in front), tuple(y for _, y in front)),)


def shares_of(name: str, result: Results, groups: Sequence[tuple[str, Sequence[Attempt]]]) -> Series:
    """The share of right answers in each named group of a bench's attempts, with its interval."""
    shares = [share(attempts) for _, attempts in groups]
    return Series(
        name=name,
        mark="dots",
        x=tuple(group for group, _ in groups),
        y=tuple(found.value or 0.0 for found in shares),
        model=result.bench.config.model,
        low=tuple(found.interval.low for found in shares),
        high=tuple(found.interval.high for found in shares),
        n=tuple(found.n for found in shares),
        notes=tuple(map(worded, shares)),
    )


def by_size(results: Sequence[Results], examples: Examples) -> Chart:
    """Right answers by the size of the context, in classes of half a decade."""
    names = labels(results)
    known = [size_class(example.context_chars) for id in _asked(results) if (example := examples.get(id))]
    series = []
    for result in results:
        classes: dict[tuple[int, str], list[str]] = {}
        for asked in by_example(result.ended):
            if asked in examples:
                classes.setdefault(size_class(examples[asked].context_chars), []).append(asked)
        groups = [(name, set(members)) for (_, name), members in sorted(classes.items())]
        told = [(name, [a for a in result.ended if a.example in members]) for name, members in groups]
        series.append(shares_of(names[result.bench.id], result, told))
    missing = len(_asked(results)) - len(known)
    return Chart(
        name="context-size",
        title="Right answers by context size",
        how="Each class spans half a decade of tokens; the fewer examples it holds, the longer its bar.",
        x=Axis("context, tokens (estimated at 3.6 characters each)", "category", _in_order(known)),
        y=SHARE,
        series=tuple(series),
        n=counted(results),
        warnings=(*cautions(results), *([f"The size of {missing:,} examples is not known."] if missing else [])),
    )


def _in_order(classes: Sequence[tuple[int, str]]) -> tuple[str, ...]:
    return tuple(name for _, name in sorted(set(classes)))
