"""How the context was explored: how much of it was read, what failed steps cost, and what sub-calls were made."""

from collections.abc import Sequence

from rlm_app import scoring
from rlm_app.charts.accuracy import SHARE
from rlm_app.charts.chart import Axis, Chart, Series, Table
from rlm_app.charts.points import Examples, counted, kind_of, who, worded
from rlm_app.reports.results import Results, cautions, labels, share
from rlm_app.wording import amount, cost

MANY_FAILURES = 3


def coverage(results: Sequence[Results], examples: Examples) -> Chart:
    """How much of the context was read, right answers against wrong ones."""
    names = labels(results)
    series = []
    for result in results:
        for kind in ("right", "wrong", "not answered"):
            read = [a for a in result.ended if kind_of(a) == kind and a.measures.coverage is not None]
            values = tuple(attempt.measures.coverage or 0.0 for attempt in read)
            if values:
                series.append(
                    Series(
                        name=names[result.bench.id],
                        mark="box",
                        x=(kind,) * len(values),
                        y=values,
                        model=result.bench.config.model,
                        notes=(f"median {scoring.quantile(values, 0.5):.2%}, n {len(values)}",) * len(values),
                        **who(read),
                    )
                )
    return Chart(
        name="coverage",
        title="How much of the context was read",
        how="Read is what was printed or sent to the sub-model. Wrong answers far below right ones looked too little.",
        x=Axis("", "category", ("right", "wrong", "not answered")),
        y=Axis("distinct lines of the context, share", "percent"),
        series=tuple(series),
        n=counted(results),
        warnings=cautions(results),
    )


def failures(results: Sequence[Results], examples: Examples) -> Chart:
    """Right answers by the number of failed steps: who recovers, and what the failures cost."""
    names = labels(results)
    classes = ["none", *map(str, range(1, MANY_FAILURES)), f"{MANY_FAILURES} or more"]
    series, rows = [], []
    for result in results:
        groups = [[a for a in result.ended if min(a.measures.failed_steps, MANY_FAILURES) == at] for at in range(4)]
        found = [(name, share(group)) for name, group in zip(classes, groups, strict=True) if group]
        if not found:
            continue
        series.append(
            Series(
                name=names[result.bench.id],
                mark="dots",
                x=tuple(name for name, _ in found),
                y=tuple(one.value or 0.0 for _, one in found),
                model=result.bench.config.model,
                low=tuple(one.interval.low for _, one in found),
                high=tuple(one.interval.high for _, one in found),
                n=tuple(one.n for _, one in found),
                notes=tuple(worded(one) for _, one in found),
            )
        )
        rows.append((names[result.bench.id], *_lost(result)))
    return Chart(
        name="failures",
        title="Right answers after failed steps",
        how="A curve that falls is a model that does not recover from its errors; the table says what they cost.",
        x=Axis("failed steps in an attempt", "category", tuple(classes)),
        y=SHARE,
        series=tuple(series),
        n=counted(results),
        warnings=cautions(results),
        table=Table(("bench", "failed steps", "of all steps", "cost of failed steps", "of all cost"), tuple(rows)),
    )


def _lost(result: Results) -> tuple[str, ...]:
    """Failed steps and their share of all steps, their cost and its share of all cost."""
    failed, steps = sum(a.measures.failed_steps for a in result.ended), sum(a.steps for a in result.ended)
    lost, spent = [a.measures.failed_step_cost for a in result.ended], [a.usage.cost for a in result.ended]
    known = None if None in lost else sum(value or 0.0 for value in lost)
    whole = None if None in spent else sum(value or 0.0 for value in spent)
    return (
        f"{failed:,}",
        f"{failed / steps:.1%}" if steps else "–",
        cost(known),
        f"{known / whole:.1%}" if known is not None and whole else "–",
    )


def sub_calls(results: Sequence[Results], examples: Examples) -> Chart:
    """Sub-calls and their tokens, one point an attempt; hollow where a prompt was sent more than once."""
    names = labels(results)
    series, rows = [], []
    for result in results:
        name = names[result.bench.id]
        for doubled in (False, True):
            group = [a for a in result.ended if (a.measures.duplicate_sub_calls > 0) == doubled]
            if not group:
                continue
            series.append(
                Series(
                    name=f"{name}, with duplicates" if doubled else name,
                    mark="dots",
                    x=tuple(attempt.measures.sub_calls for attempt in group),
                    y=tuple(attempt.measures.sub_tokens for attempt in group),
                    model=result.bench.config.model,
                    hollow=doubled,
                    notes=tuple(f"{a.measures.duplicate_sub_calls} duplicates, {a.outcome}" for a in group),
                    **who(group),
                )
            )
        rows.append((name, *_called(result)))
    return Chart(
        name="sub-calls",
        title="Sub-calls and their tokens",
        how="To the right many calls, up much text. Hollow points asked the same thing twice.",
        x=Axis("sub-calls in an attempt", "count"),
        y=Axis("tokens of sub-calls, in and out"),
        series=tuple(series),
        n=counted(results),
        warnings=cautions(results),
        table=Table(("bench", "sub-calls", "an attempt", "duplicates", "failed", "tokens"), tuple(rows)),
    )


def _called(result: Results) -> tuple[str, ...]:
    measures = [attempt.measures for attempt in result.ended]
    calls = sum(one.sub_calls for one in measures)
    twice, failed = sum(one.duplicate_sub_calls for one in measures), sum(one.failed_sub_calls for one in measures)
    return (
        f"{calls:,}",
        f"{calls / len(measures):.1f}" if measures else "–",
        f"{twice:,} ({twice / calls:.0%})" if calls else "0",
        f"{failed:,}",
        amount(sum(one.sub_tokens for one in measures)),
    )
