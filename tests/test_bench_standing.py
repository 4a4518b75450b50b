"""What whoever watches a bench is told: shares, intervals, and the time that is left."""

import pytest

from rlm_app.benches import Bench, Tally
from rlm_app.benchmarking import Standing
from rlm_app.benchmarking.pace import pace
from rlm_app.model import RunConfig, Usage

BENCH = Bench(
    dataset="d", revision="r", split="all", config=RunConfig(), examples=tuple(map(str, range(50))), prompts="p"
)
OUTCOMES = {"right": 13, "wrong": 10, "error": 2, "cancelled": 5, "waiting": 20}
TALLY = Tally(total=50, outcomes=OUTCOMES, usage=Usage(tokens_in=1_400_000, tokens_out=90_000, cost=0.34))


def test_cancelled_attempts_are_done_and_do_not_count() -> None:
    standing = Standing(BENCH, TALLY)
    assert (TALLY.done, standing.counted, standing.right, standing.errors) == (30, 25, 13, 2)
    low, high = standing.interval  # 13 of 25, as published: 33.5 to 70.0
    assert (low, high) == (pytest.approx(0.335, abs=0.0005), pytest.approx(0.700, abs=0.0005))


def test_epochs_of_one_example_are_no_independent_evidence() -> None:
    bench = BENCH.model_copy(update={"epochs": 20, "examples": ("a", "b", "c")})
    tally = Tally(total=60, outcomes={"right": 40, "wrong": 20})
    low, high = Standing(bench, tally, groups=((20, 20, 20), (20, 20, 20), (0, 20, 20))).interval
    assert (low, high) == (0, 1)  # three examples say next to nothing; 40 of 60 would be 54 to 77 %


def test_the_time_left_is_by_the_pace_of_this_process() -> None:
    standing = Standing(BENCH, TALLY, since=1000.0, done_before=10)
    assert standing.remaining(1040.0) == pytest.approx(40.0)  # 20 done in 40 s, 20 to do
    assert Standing(BENCH, TALLY, since=1000.0, done_before=30).remaining(1040.0) is None


def test_the_line_that_is_shown_while_it_works() -> None:
    line = pace(Standing(BENCH, TALLY, since=1000.0, done_before=10), 1040.0)
    assert line == "right 52.0 % [33.5, 70.0] · 2 errors · 1.49 M tokens · $0.34 · about 40 s left"
    unknown = Tally(total=2, outcomes={"waiting": 2}, usage=Usage(cost=None))
    assert pace(Standing(BENCH, unknown), 0.0) == "right – · 0 tokens · cost unknown"
