"""Cost, steps, time, more attempts and smaller budgets, on data checked by hand."""

import pytest

from rlm_app.charts.budgets import cost_budget, cost_ecdf, passes, step_budget, steps, times
from rlm_app.charts.chart import Series
from rlm_app.reports.results import Results, results_of
from rlm_app.scoring import wilson
from tests.attempts import attempt_of, bench_of, example_of, results

EXAMPLES = {f"x{n}": example_of(n) for n in range(6)}


def told(*attempts: tuple[str, dict[str, object]]) -> Results:
    bench = bench_of(len(attempts))
    return results_of([bench], [attempt_of(bench, at, outcome, **some) for at, (outcome, some) in enumerate(attempts)])[
        0
    ]


def points(series: Series) -> list[tuple[object, object]]:
    return list(zip(series.x, series.y, strict=True))


SPENT = told(
    ("+", {"cost": 0.4, "steps": 2}),
    ("-", {"cost": 0.1, "steps": 2}),
    ("+", {"cost": 0.2, "steps": 5}),
    ("e", {"cost": 0.3, "steps": 1}),
)


def test_costs_in_order_with_median_and_95th_percentile() -> None:
    (series,) = cost_ecdf([SPENT], {}).series
    assert points(series) == [(0.1, 0.25), (0.2, 0.5), (0.3, 0.75), (0.4, 1.0)]
    assert series.name == "lab/one: p50 $0.25, p95 $0.39"
    assert series.examples == ("x1", "x2", "x3", "x0")
    assert series.runs[0] == f"{SPENT.bench.id}-1-1"


def test_a_logarithm_has_no_place_for_what_is_free_and_unknown_costs_are_left_out() -> None:
    assert cost_ecdf([SPENT], {}).x.kind == "log"
    chart = cost_ecdf([told(("+", {"cost": 0.0}), ("+", {"cost": None}))], {})
    assert chart.x.kind == "linear"
    assert points(chart.series[0]) == [(0.0, 1.0)]
    assert "lab/one: the cost of 1 attempt is unknown and left out." in chart.warnings


def test_steps_right_and_wrong_apart() -> None:
    counted = {series.name: series.y for series in steps([SPENT], {}).series}
    assert counted == {"right": (0, 0, 1, 0, 0, 1), "wrong": (0, 0, 1, 0, 0, 0), "not answered": (0, 1, 0, 0, 0, 0)}


def test_time_by_what_it_went_to_quickest_first() -> None:
    found = told(
        ("+", {"seconds": 9.0, "root_seconds": 4.0, "sub_seconds": 3.0, "sandbox_seconds": 2.0, "queue_seconds": 7.0}),
        ("-", {"seconds": 1.0, "root_seconds": 1.0}),
    )
    chart = times([found], {})
    assert {series.name: series.y for series in chart.series} == {
        "root model": (1.0, 4.0),
        "sub-calls": (0.0, 3.0),
        "sandbox": (0.0, 2.0),
        "queue": (0.0, 7.0),
    }
    assert chart.series[0].examples == ("x1", "x0")
    assert chart.panels == ("lab/one: median 5.0 s",)


def test_more_attempts_at_an_example() -> None:
    # Right in 2 of 2, in 1 of 2 (the other wrong), in 0 of 2, and one with an error in place of an answer.
    chart = passes([results("++", "+-", "--", "+e")], EXAMPLES)
    curves = {series.name: series.y for series in chart.series}
    assert curves["lab/one, pass@k"] == pytest.approx((0.5, 0.75))
    assert curves["lab/one, pass^k"] == pytest.approx((0.5, 0.25))
    assert curves["lab/one, majority"] == pytest.approx((0.5, (1 + 0.5 + 0 + 1) / 4))
    assert [series.n for series in chart.series] == [(4, 4)] * 3
    assert all(low <= y <= high for s in chart.series for low, y, high in zip(s.low, s.y, s.high, strict=True))


def test_an_example_with_an_open_epoch_does_not_count_yet_and_one_epoch_says_nothing() -> None:
    assert passes([results("++", "+.")], EXAMPLES).series[0].n == (1, 1)
    chart = passes([results("+", "-")], EXAMPLES)
    assert chart.empty
    assert "lab/one: one epoch says nothing of k above 1." in chart.warnings


def test_fewer_steps_are_replayed_from_what_is_stored() -> None:
    (series,) = step_budget([SPENT], {}).series
    assert points(series) == [(1, 0.0), (2, 0.25), (3, 0.25), (4, 0.25), (5, 0.5)]
    assert (series.low[1], series.high[1]) == wilson(1, 4)


def test_a_smaller_budget_is_replayed_too() -> None:
    chart = cost_budget([SPENT], {})
    assert points(chart.series[0]) == [(0.1, 0.0), (0.2, 0.25), (0.3, 0.25), (0.4, 0.5)]
    unknown = cost_budget([told(("+", {"cost": None}))], {})
    assert unknown.empty
    assert "lab/one: costs are unknown, so it is not on this chart." in unknown.warnings


def test_many_costs_make_few_points_and_keep_the_last() -> None:
    many = told(*(("+", {"cost": 0.01 * at}) for at in range(1, 402)))
    (series,) = cost_budget([many], {}).series
    assert len(series.x) <= 90
    assert (series.x[-1], series.y[-1]) == (pytest.approx(4.01), 1.0)


def test_epochs_of_a_budget_are_averaged_by_example() -> None:
    (series,) = step_budget([results("++", "+-", "--")], {}).series
    assert points(series)[-1] == (3, 0.5)
    assert (series.low[-1], series.high[-1]) == (0.0, 1.0)  # three examples say little, whatever their epochs
