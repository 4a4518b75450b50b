"""Coverage, failures and sub-calls, on data checked by hand."""

from typing import Any

from rlm_app.charts.reading import coverage, failures, sub_calls
from rlm_app.reports.results import Results, results_of
from rlm_app.scoring import wilson
from tests.attempts import attempt_of, bench_of


def told(*attempts: tuple[str, dict[str, Any]]) -> list[Results]:
    bench = bench_of(len(attempts))
    return list(results_of([bench], [attempt_of(bench, at, kind, **some) for at, (kind, some) in enumerate(attempts)]))


def test_coverage_by_outcome() -> None:
    found = told(
        ("+", {"coverage": 0.5}),
        ("+", {"coverage": 0.1}),
        ("-", {"coverage": 0.2}),
        ("l", {}),
        ("e", {"coverage": 0.0}),
    )
    parts = {series.x[0]: (series.y, series.examples) for series in coverage(found, {}).series}
    assert parts == {
        "right": ((0.5, 0.1), ("x0", "x1")),
        "wrong": ((0.2,), ("x2",)),
        "not answered": ((0.0,), ("x4",)),
    }


def test_right_answers_after_failed_steps_and_what_they_cost() -> None:
    found = told(
        ("+", {"failed_step_cost": 0.0}),
        ("+", {"failed_steps": 1, "failed_step_cost": 0.1}),
        ("-", {"failed_steps": 1, "failed_step_cost": 0.1}),
        ("-", {"failed_steps": 7, "steps": 11, "failed_step_cost": 0.3}),
    )
    chart = failures(found, {})
    (series,) = chart.series
    assert (series.x, series.y, series.n) == (("none", "1", "3 or more"), (1.0, 0.5, 0.0), (1, 2, 1))
    assert (series.low[1], series.high[1]) == wilson(1, 2)
    assert chart.table is not None
    assert chart.table.rows == (("lab/one", "9", "45.0%", "$0.50", "25.0%"),)


def test_the_cost_of_failures_is_unknown_with_any_part_of_it() -> None:
    chart = failures(told(("+", {"failed_step_cost": None})), {})
    assert chart.table is not None
    assert chart.table.rows == (("lab/one", "0", "0.0%", "cost unknown", "–"),)


def test_sub_calls_with_duplicates_apart() -> None:
    found = told(
        ("+", {"sub_calls": 4, "sub_tokens": 900, "duplicate_sub_calls": 1, "failed_sub_calls": 1}),
        ("-", {"sub_calls": 0, "sub_tokens": 0}),
    )
    chart = sub_calls(found, {})
    plain, doubled = chart.series
    assert (plain.x, plain.y, plain.hollow) == ((0,), (0,), False)
    assert (doubled.x, doubled.y, doubled.hollow, doubled.notes) == ((4,), (900,), True, ("1 duplicates, right",))
    assert chart.table is not None
    assert chart.table.rows == (("lab/one", "4", "2.0", "1 (25%)", "1", "900"),)
