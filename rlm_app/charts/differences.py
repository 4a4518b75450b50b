"""One bench against another on the examples they have in common."""

from collections.abc import Sequence
from dataclasses import replace

from rlm_app.charts.chart import Axis, Chart, Line, Series, Table
from rlm_app.charts.points import Examples
from rlm_app.reports.comparing import Comparison, Paired, compare
from rlm_app.reports.report import percent
from rlm_app.reports.results import Results

_EMPTY = Chart(
    name="differences",
    title="Difference on the same examples",
    how="To the right of 0 the first is better; an interval that holds 0 settles nothing.",
    x=Axis("difference of right answers, share", "percent"),
    y=Axis("", "category"),
)
_PAIR_HEADS = ("over all", "n", "both right", "only first", "only second", "neither", "p", "p (Holm)", "to settle it")


def differences(results: Sequence[Results], examples: Examples) -> Chart:
    """Every two benches on their common examples: difference with interval, McNemar's table and p."""
    if len(results) < 2:
        return replace(_EMPTY, warnings=("Choose two benches or more to compare them.",))
    found = compare(*results)
    models = {result.bench.id: result.bench.config.model for result in results}
    rows = [(_versus(found, pair.a, pair.b), models[pair.a], pair) for pair in found.pairs]
    parts = [
        (name, model, paired, hollow)
        for name, model, pair in rows
        for paired, hollow in ((pair.over_all, False), (pair.over_answered, True))
        if paired.difference is not None and not (hollow and paired.n == pair.over_all.n)
    ]
    return replace(
        _EMPTY,
        y=Axis("", "category", tuple(name for name, _, _ in rows)),
        series=tuple(_gap(*part) for part in parts),
        lines=(Line("no difference", 0.0, "x"),),
        n=f"n = {len(found.examples):,} common examples",
        warnings=found.warnings,
        table=Table(_PAIR_HEADS, tuple(_pair_row(name, pair.over_all) for name, _, pair in rows)),
    )


def _versus(found: Comparison, a: str, b: str) -> str:
    return f"{found.labels[a]} − {found.labels[b]}"


def _gap(name: str, model: str, paired: Paired, hollow: bool) -> Series:
    difference = paired.difference or 0.0
    return Series(
        name=f"{name}, over answered" if hollow else name,
        mark="dots",
        x=(difference,),
        y=(name,),
        model=model,
        hollow=hollow,
        x_low=(paired.interval.low,),
        x_high=(paired.interval.high,),
        n=(paired.n,),
        notes=(f"{percent(difference, paired.interval)}, McNemar p {paired.p:.3g}, Holm {paired.p_holm:.3g}",),
    )


def _pair_row(name: str, paired: Paired) -> tuple[str, ...]:
    counts = (paired.n, paired.both, paired.only_a, paired.only_b, paired.neither)
    more = "no difference yet" if paired.to_settle is None else f"{paired.to_settle:,} more examples"
    return (
        name,
        *(f"{count:,}" for count in counts),
        f"{paired.p:.3g}",
        f"{paired.p_holm:.3g}",
        "settled" if paired.to_settle == 0 else more,
    )
