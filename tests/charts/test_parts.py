"""Right answers by a property of the examples."""

from rlm_app.charts.parts import by_property, properties
from rlm_app.scoring import wilson
from tests.attempts import example_of, results

EXAMPLES = {
    f"x{at}": example_of(at, difficulty=difficulty, language="Python", context_chars=10)
    for at, difficulty in enumerate(["easy", "easy", "hard", ""])
}


def test_each_group_has_its_share_interval_and_number() -> None:
    chart = by_property(
        [results("+", "-", "+", "+"), results("+", "+", ".", "-", model="lab/b")], EXAMPLES, "difficulty"
    )
    one, two = chart.series
    assert (one.x, one.y, one.n) == (("easy", "hard"), (0.5, 1.0), (2, 1))
    assert (one.low[0], one.high[0]) == wilson(1, 2)
    assert (two.x, two.y) == (("easy",), (1.0,)), "nothing has ended among its hard ones"
    assert chart.x.order == ("easy", "hard")
    assert "Some groups hold fewer than 5 attempts." in chart.warnings


def test_only_what_tells_examples_apart_is_offered() -> None:
    assert properties(EXAMPLES) == ["difficulty"]
    assert properties({}) == []


def test_without_examples_there_is_nothing_to_show() -> None:
    assert by_property([results("+")], {}, "length").empty
