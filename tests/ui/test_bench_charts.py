"""Where a click on a chart of benches leads, and the literature on it or not."""

from dataclasses import replace
from typing import Any

import pytest

from rlm_app.charts.colours import colours
from rlm_app.reports.results import Results
from rlm_app.ui.benches.charts import COST, FREE, aim, leading, made, offered, others, telling, title
from rlm_app.ui.benches.shown import Shown
from tests.attempts import attempt_of, example_of, results

EXAMPLES = {f"x{at}": example_of(at, difficulty=["easy", "hard"][at % 2]) for at in range(3)}
ONE, TWO = results("+", "-", "e"), results("+", "+", "-", model="lab/one-more")


def seen(*some: Results, literature: bool = True) -> Shown:
    return Shown(some, EXAMPLES, colours(["lab/one", "lab/one-more"]), literature)


def click(**point: Any) -> dict[str, Any]:
    return {"selection": {"points": [point]}}


@pytest.mark.parametrize(
    ("name", "point", "where"),
    [
        ("accuracy", {"curve_number": 0, "x": 0.3, "y": 0}, {"bench": ONE.bench.id}),
        ("accuracy", {"curve_number": 1, "x": 0.3, "y": 0}, {"bench": ONE.bench.id}),
        ("accuracy", {"curve_number": 2, "x": 0.3, "y": 1}, {"bench": TWO.bench.id}),
        ("by difficulty", {"curve_number": 1, "x": "hard"}, {"bench": TWO.bench.id, "part": "difficulty: hard"}),
        ("context-size", {"curve_number": 0, "x": "a"}, {"bench": ONE.bench.id, "part": "context tokens: a"}),
        ("letters", {"curve_number": 1}, {"bench": TWO.bench.id}),
        ("accuracy", {"curve_number": 99}, None),
        ("accuracy", {}, None),
    ],
)
def test_a_point_of_several_attempts_leads_to_its_bench(
    name: str, point: dict[str, Any], where: dict[str, str] | None
) -> None:
    shown = seen(ONE, TWO)
    found = aim(made(name, shown), shown, click(**point))
    assert (found and {key: found[key] for key in found if key != "tab"}) == where
    assert not found or "part" not in found or found["tab"] == "Examples", "where the part can be seen"


def test_the_literature_can_be_left_out() -> None:
    longbench = results("+", "-", "+", dataset="longbench")
    with_it, without = made("accuracy", seen(longbench)), made("accuracy", seen(longbench, literature=False))
    assert "RLM, GPT-5" in with_it.y.order
    assert without.y.order == ("lab/one",)
    assert [series.name for series in without.series] == ["lab/one"]
    reference = next(at for at, series in enumerate(with_it.series) if not series.model)
    assert aim(with_it, seen(longbench), click(curve_number=reference)) is None


def test_every_chart_has_a_title_before_it_is_made() -> None:
    titles = [title(name) for name in (*others(()), "by difficulty")]
    assert all(titles)
    assert len(set(titles)) == len(titles)


def test_the_breakdown_shown_first_is_one_that_tells_something() -> None:
    assert telling(seen(ONE)) == "by difficulty"
    assert telling(Shown((ONE,), {}, {})) == "steps"


def of_cost(cost: float | None, model: str = "lab/one") -> Results:
    alone = results("+", model=model)
    return replace(alone, attempts=(attempt_of(alone.bench, 0, cost=cost),))


def test_that_benches_cost_nothing_is_said_of_cost_alone_and_only_where_it_is_so() -> None:
    assert FREE not in made("accuracy", seen(results("."))).warnings
    assert made(COST, seen(of_cost(0.0))).warnings == (FREE,)
    assert FREE not in made(COST, seen(of_cost(0.0), of_cost(None, "lab/one-more"))).warnings


def test_no_chart_is_offered_that_would_stay_empty() -> None:
    free, priced = seen(of_cost(0.0)), seen(of_cost(0.5), of_cost(0.5, "lab/one-more"))
    assert leading(free) == ("accuracy", "by difficulty")
    assert leading(priced) == ("accuracy", COST)
    assert "differences" not in offered(free, others(()))
    assert COST not in offered(free, others(()))
    assert {"differences", COST, "by difficulty"} <= set(offered(priced, others(())))
    assert "by difficulty" not in offered(priced, others(()), without=("by difficulty",))
