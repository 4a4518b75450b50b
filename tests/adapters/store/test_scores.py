"""What benches have come to: the same figures from aggregates as from their attempts."""

from statistics import median

import pytest

from rlm_app.adapters.store import SqlStore
from rlm_app.benches import Attempt, Bench
from rlm_app.reports.leaderboard import Row
from rlm_app.reports.results import results_of
from tests.adapters.store.told import bench
from tests.attempts import attempt_of, bench_of


def put(store: SqlStore, told: Bench, *attempts: Attempt) -> Row:
    store.benches.put_attempts(told, attempts)
    return Row(told, store.benches.scores([told.id])[told.id])


@pytest.mark.parametrize("seconds", [(), (3.0,), (1.0, 9.0), (5.0, 1.0, 9.0), (2.0, 8.0, 4.0, 1.0)])
def test_the_median_is_that_of_the_runs_that_ended(store: SqlStore, seconds: tuple[float, ...]) -> None:
    told = bench_of(6)
    timed = [attempt_of(told, at, "+", seconds=value) for at, value in enumerate(seconds)]
    row = put(store, told, *timed, attempt_of(told, 5, ".", seconds=None))
    assert row.score.median_seconds == (pytest.approx(median(seconds)) if seconds else None)


def test_a_score_agrees_with_the_attempts(store: SqlStore) -> None:
    told = bench_of(7)
    made = [attempt_of(told, at, outcome, cost=0.1 * at, steps=at) for at, outcome in enumerate("+-0lec.")]
    row = put(store, told, *made)
    (results,) = results_of([told], made)
    assert (row.over_all, row.over_answered) == (results.over_all, results.over_answered)
    assert row.n == 5
    assert row.mean_cost == pytest.approx((0 + 0.1 + 0.2 + 0.3 + 0.4) / 5)
    assert (row.mean_steps, row.mean_tokens) == (2.0, 100.0)
    assert (row.total, row.done, row.state) == (7, 6, "stopped")


def test_epochs_of_one_example_are_no_independent_evidence(store: SqlStore) -> None:
    told = bench_of(3, epochs=4)
    stories = ("++++", "+-e-", "----")
    made = [
        attempt_of(told, at, outcome, epoch)
        for at, told_ in enumerate(stories)
        for epoch, outcome in enumerate(told_, 1)
    ]
    row = put(store, told, *made)
    (results,) = results_of([told], made)
    assert row.score.groups == ((4, 4, 4), (1, 3, 4), (0, 4, 4))
    assert (row.over_all, row.over_answered) == (results.over_all, results.over_answered)


def test_one_unknown_price_makes_the_cost_unknown(store: SqlStore) -> None:
    told = bench_of(2)
    row = put(store, told, attempt_of(told, 0), attempt_of(told, 1, "-", cost=None))
    assert row.mean_cost is None


def test_only_the_newest_attempt_counts(store: SqlStore) -> None:
    told = bench_of(1)
    row = put(store, told, attempt_of(told, 0, "e", cost=9.0), attempt_of(told, 0, "+", number=2))
    assert row.score.outcomes == {"right": 1}
    assert row.mean_cost == 0.5


def test_a_bench_without_results_has_no_shares(store: SqlStore) -> None:
    made = store.benches.create(bench("a", "b"))
    scores = store.benches.scores([made.id, "none"])
    assert list(scores) == [made.id]
    row = Row(made, scores[made.id])
    assert (row.over_all.value, row.mean_cost, row.mean_tokens, row.score.median_seconds) == (None, None, None, None)
    assert (row.state, row.done, row.total) == ("stopped", 0, 2)
