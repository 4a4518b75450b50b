"""Rows of the leaderboard: which ones fit, which are charted, and what the literature adds."""

import pytest

from rlm_app.benches import Score
from rlm_app.reports.leaderboard import Row, Wanted, literature, rows_of, usual
from tests.attempts import bench_of


def row(model: str = "lab/one", state: str = "done", **fields: object) -> Row:
    outcomes = {"done": {"right": 3, "wrong": 1}, "running": {"right": 1, "running": 1}, "stopped": {"waiting": 4}}
    return Row(bench_of(4, model, **fields), Score(outcomes=outcomes[state]))


@pytest.mark.parametrize(
    ("wanted", "fits"),
    [
        (Wanted(), True),
        (Wanted(model="ONE"), True),
        (Wanted(model=" small "), True),
        (Wanted(model="two"), False),
        (Wanted(dataset="d"), True),
        (Wanted(dataset="e"), False),
        (Wanted(state="running"), False),
        (Wanted("d", "one", "done"), True),
    ],
)
def test_a_row_fits_what_is_looked_for(wanted: Wanted, fits: bool) -> None:
    assert wanted.fits(row(config={"sub_model": "lab/small"})) is fits


@pytest.mark.parametrize("state", ["done", "running", "stopped"])
def test_a_bench_is_done_once_nothing_is_open(state: str) -> None:
    assert row(state=state).state == state


def test_the_literature_stands_beside_its_own_data_set_alone() -> None:
    longbench = row(dataset="longbench-dev")
    assert literature([row()], Wanted()) == ()
    assert any(reference.label == "RLM, GPT-5" for reference in literature([row(), longbench], Wanted()))
    assert {one.label for one in literature([longbench], Wanted(model="qwen"))} == {
        "RLM, Qwen3-Coder-480B",
        "RLM without sub-calls, Qwen3-Coder-480B",
    }
    assert literature([longbench], Wanted(state="running")) == ()


def test_without_a_choice_the_newest_benches_that_are_alike_are_charted() -> None:
    newest, other = row(state="stopped", dataset="x"), row("lab/two", split="dev")
    first, second, third = row("lab/three"), row("lab/four"), row("lab/five")
    assert usual([newest, first, other, second, third], 2) == [first, second]
    assert usual([newest], 2) == []
    better = Row(bench_of(4, "lab/six"), Score(outcomes={"right": 4}))
    assert usual([first, better, second], 2) == [better, first]


def test_a_bench_that_nothing_is_known_of_has_a_row() -> None:
    (only,) = rows_of([bench_of(2)], {})
    assert (only.total, only.n, only.over_all.value) == (0, 0, None)
