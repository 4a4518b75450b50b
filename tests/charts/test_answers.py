"""The grid, letters, emergence and memorisation, on data checked by hand."""

from rlm_app.charts.answers import emergence, grid, letters, memorisation
from rlm_app.reports.results import results_of
from tests.attempts import attempt_of, bench_of, example_of, results

EXAMPLES = {f"x{n}": example_of(n) for n in range(6)}


def test_the_grid_has_every_run_hardest_example_first() -> None:
    a, b = results("++", "--", "+."), results("+", "-", "e", model="lab/b")
    chart = grid([a, b], {})
    (cells,) = chart.series
    assert chart.x.order == ("lab/one #1", "lab/one #2", "lab/b")
    assert chart.y.order == ("x1", "x2", "x0")
    found = {(x, y): (z, run) for x, y, z, run in zip(cells.x, cells.y, cells.z, cells.runs, strict=True)}
    assert len(found) == 8  # what waits is an empty cell
    assert found["lab/one #2", "x1"] == ("wrong", f"{a.bench.id}-1-2")
    assert found["lab/b", "x2"] == ("error", f"{b.bench.id}-2-1")


def test_letters_given_by_the_right_letter() -> None:
    # Keys are A, B, A, B; right ones give the key, wrong ones C.
    chart = letters([results(*"+--0e")], EXAMPLES)
    (cells,) = chart.series
    counts = {(x, y): z for x, y, z in zip(cells.x, cells.y, cells.z, strict=True) if z}
    assert counts == {("A", "A"): 1, ("C", "B"): 1, ("C", "A"): 1, ("none", "B"): 1}  # an error gave nothing
    assert chart.x.order == ("A", "B", "C", "D", "none")


def test_letters_need_the_keys() -> None:
    chart = letters([results(*"+-")], {})
    assert chart.empty
    assert "The key of 2 attempts is not known." in chart.warnings


def test_when_the_answer_first_appeared_and_what_came_after() -> None:
    bench = bench_of(5)
    attempts = [
        attempt_of(bench, 0, "+", first_seen=2, steps=4, cost=1.0, cost_after=0.5),
        attempt_of(bench, 1, "+", first_seen=1, steps=2, cost=1.0, cost_after=0.25),
        attempt_of(bench, 2, "+", first_seen=None, steps=9),
        attempt_of(bench, 3, "-", first_seen=3, steps=3, cost=None, cost_after=None),
        attempt_of(bench, 4, "e", first_seen=None),
    ]
    chart = emergence(results_of([bench], attempts), {})
    right, wrong = chart.series
    assert (right.x, right.y) == ((1, 2), (1 / 3, 2 / 3))  # of the third nothing is known, so it never arrives
    assert right.examples == ("x1", "x0")
    assert right.notes[0] == "$0.25 after it, of 2 steps"
    assert (wrong.x, wrong.y) == ((3,), (1.0,))
    assert chart.table is not None
    assert chart.table.rows == (
        ("lab/one, right", "3", "1.5", "4", "$0.75", "38%"),
        ("lab/one, wrong", "1", "3", "3", "cost unknown", "–"),
    )


def test_right_without_the_context_too() -> None:
    read, blind = results(*"++-+-e"), results(*"+--e++", model="no-context/lab/one")
    chart = memorisation([read, blind], {})
    kinds = {series.name: (series.n, series.notes) for series in chart.series}
    assert kinds == {  # x3 and x5 had errors and say nothing
        "only with context": ((1,), ("x1",)),
        "without it too": ((1,), ("x0",)),
        "only without it": ((1,), ("x4",)),
        "neither": ((1,), ("x2",)),
    }
    assert chart.series[0].x == (0.25,)
    assert chart.y.order == ("lab/one",)


def test_half_of_the_epochs_is_not_known_by_heart() -> None:
    read, blind = results("+++", "++-"), results("++", "+-", model="no-context/lab/one")
    kinds = {series.name: series.n for series in memorisation([read, blind], {}).series}
    assert kinds == {"only with context": (1,), "without it too": (1,), "only without it": (0,), "neither": (0,)}


def test_memorisation_needs_a_bench_without_context() -> None:
    chart = memorisation([results("+")], {})
    assert chart.empty
    assert "no-context/<model>" in chart.warnings[-1]
