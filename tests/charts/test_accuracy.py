"""The forest, cost against accuracy, context size and differences, on data checked by hand."""

import pytest

from rlm_app.charts.accuracy import by_size, forest, pareto
from rlm_app.charts.chart import Chart
from rlm_app.charts.differences import differences
from rlm_app.model import KEYLESS_MODEL
from rlm_app.reports.results import Results, results_of
from rlm_app.scoring import wilson
from tests.attempts import attempt_of, bench_of, example_of, results

EXAMPLES = {f"x{n}": example_of(n) for n in range(6)}


def costing(model: str, story: str, *costs: float | None) -> Results:
    bench = bench_of(len(story), model)
    attempts = [attempt_of(bench, at, outcome, cost=costs[at % len(costs)]) for at, outcome in enumerate(story)]
    return results_of([bench], attempts)[0]


def drawn(chart: Chart) -> dict[str, tuple[object, object]]:
    return {series.name: (series.x[0], series.y[0]) for series in chart.series if series.x}


def test_the_forest_has_both_denominators_with_their_intervals() -> None:
    chart = forest([results(*"++-e"), results(*"+-", model="lab/two")], EXAMPLES)
    first, hollow, second = chart.series
    assert (first.name, first.x, first.y, first.n, first.hollow) == ("lab/one", (0.5,), ("lab/one",), (4,), False)
    assert (first.x_low[0], first.x_high[0]) == wilson(2, 4)
    assert (hollow.name, hollow.y, hollow.n, hollow.hollow) == ("lab/one, over answered", ("lab/one",), (3,), True)
    assert hollow.x[0] == pytest.approx(2 / 3)
    assert (second.name, second.model) == ("lab/two", "lab/two")  # nothing unanswered, so no second mark
    assert chart.y.order == ("lab/one", "lab/two")
    assert chart.n == "n = 2 to 4 examples, 2 benches"


def test_guessing_is_one_over_the_number_of_choices() -> None:
    (line,) = forest([results(*"+-")], EXAMPLES).lines
    assert (line.label, line.value, line.along) == ("random", 0.25, "x")
    assert forest([results(*"+-")], {}).lines == ()


def test_the_literature_stands_beside_its_own_data_set_only() -> None:
    chart = forest([results(*"+-", dataset="longbench")], EXAMPLES)
    rows = {series.name: series for series in chart.series if not series.model}
    tutorial = rows["dspy tutorial, GPT-5, dev, 15 steps"]
    assert (tutorial.x, tutorial.n) == ((0.52,), (25,))
    assert (tutorial.x_low[0], tutorial.x_high[0]) == pytest.approx((0.335, 0.700), abs=5e-4)
    assert (rows["no context, five models"].x_low, rows["no context, five models"].x_high) == ((0.22,), (0.38,))
    assert set(rows) < set(chart.y.order)
    assert len(forest([results(*"+-")], EXAMPLES).series) == 1


def test_cost_against_accuracy_and_its_front() -> None:
    chart = pareto(
        [
            costing("lab/a", "++--", 1.0, 3.0),
            costing("lab/b", "+---", 1.0),
            costing("lab/c", "+++-", 4.0),
            costing("lab/d", "+---", 5.0),
        ],
        EXAMPLES,
    )
    places = drawn(chart)
    assert places["lab/a"] == (2.0, 0.5)
    assert places["lab/c"] == (4.0, 0.75)
    front = next(series for series in chart.series if series.name == "Pareto front")
    assert (front.x, front.y) == ((1.0, 2.0, 4.0), (0.25, 0.5, 0.75))  # lab/d costs more than all and is no better


def test_what_is_free_is_a_line_and_what_is_unknown_says_so() -> None:
    chart = pareto([costing(KEYLESS_MODEL, "+-", 0.0), costing("lab/a", "+-", 1.0, None)], EXAMPLES)
    assert [(line.label, line.value, line.along) for line in chart.lines] == [(f"{KEYLESS_MODEL}: $0", 0.5, "y")]
    assert drawn(chart) == {}
    assert "lab/a: its cost is unknown, so it is not on this chart." in chart.warnings


def test_one_example_has_no_interval_of_its_cost() -> None:
    (series,) = pareto([costing("lab/a", "+", 2.0)], EXAMPLES).series
    assert (series.x_low, series.x_high) == ((2.0,), (2.0,))


def test_context_size_in_classes_with_their_n() -> None:
    # x0 … x4 have 1 k, 10 k, … 10 M tokens, x5 has 10 k
    chart = by_size([results(*"++-+-e")], EXAMPLES)
    (series,) = chart.series
    assert series.x == ("under 10 k", "10 k–31.6 k", "100 k–316 k", "1 M–3.16 M", "over 10 M")
    assert (series.y, series.n) == ((1.0, 0.5, 0.0, 1.0, 0.0), (1, 2, 1, 1, 1))
    assert (series.low[1], series.high[1]) == wilson(1, 2)
    assert chart.x.order == series.x
    assert "The size of 6 examples is not known." in by_size([results(*"++-+-e")], {}).warnings


def test_differences_of_each_pair_with_its_table() -> None:
    chart = differences([results(*"++++-e"), results(*"+----+", model="lab/b")], EXAMPLES)
    over_all, answered = chart.series
    assert (over_all.x[0], over_all.y, over_all.n) == (pytest.approx(4 / 6 - 2 / 6), ("lab/one − lab/b",), (6,))
    assert (answered.x[0], answered.n, answered.hollow) == (pytest.approx(4 / 5 - 1 / 5), (5,), True)
    assert chart.table is not None
    assert chart.table.rows == (("lab/one − lab/b", "6", "1", "3", "1", "1", "0.625", "0.625", "39 more examples"),)
    assert [(line.value, line.along) for line in chart.lines] == [(0.0, "x")]


def test_one_bench_has_no_difference_and_different_ones_say_so() -> None:
    assert differences([results("+")], {}).warnings == ("Choose two benches or more to compare them.",)
    chart = differences([results(*"+-"), results(*"+-+", model="lab/b", prompts="q")], {})
    assert "These benches are of different examples, 2 of them in common." in chart.warnings
    assert "These benches used different prompts." in chart.warnings
