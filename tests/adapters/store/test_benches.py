"""Benches are found again, told how far they are, retried, moved to another store and deleted."""

import pytest

from rlm_app.adapters.store import SqlStore
from rlm_app.benches import Attempt, Bench, Measures, Outcome
from rlm_app.errors import NotFound
from rlm_app.model import RunConfig, Usage
from tests.adapters.store.told import bench

USED = Usage(
    calls=3,
    cached_calls=1,
    tokens_in=2**40,
    tokens_out=20,
    tokens_cached=7,
    tokens_reasoning=5,
    bytes_sent=2**33,
    cost=0.25,
)


def do(store: SqlStore, bench_id: str, *outcomes: Outcome, usage: Usage = USED) -> list[Attempt]:
    """Lease an attempt for each outcome and finish it so."""
    done = []
    for outcome in outcomes:
        leased = store.benches.lease(bench_id, "me", 60, run_id=f"run{outcome}", allot=1.0)
        assert leased is not None
        done.append(leased.model_copy(update={"outcome": outcome, "usage": usage}))
        assert store.benches.finish(done[-1])
    return done


def test_a_bench_has_a_waiting_attempt_for_each_example_and_epoch(store: SqlStore) -> None:
    made = store.benches.create(bench("c", "a", epochs=2, versions=(("dspy", "3"),), shuffle=7))
    assert made.id == made.key
    assert made.created > 1e9
    assert store.benches.bench(made.id) == made
    attempts = store.benches.attempts([made.id])
    assert [(one.example, one.epoch, one.number) for one in attempts] == [
        ("c", 1, 1),
        ("c", 2, 1),
        ("a", 1, 1),
        ("a", 2, 1),
    ]
    assert attempts[0] == Attempt(bench=made.id, example="c", epoch=1)


def test_the_same_bench_is_found_again_as_it_was(store: SqlStore) -> None:
    made = store.benches.create(bench(created=5.0, versions=(("dspy", "3"),)))
    do(store, made.id, "right")
    before = store.benches.attempts([made.id])
    assert store.benches.create(bench(created=9.0)) == made
    assert store.benches.attempts([made.id]) == before
    assert store.benches.create(bench("other")).id != made.id


@pytest.mark.parametrize(
    ("first", "then", "stays"),
    [(1.0, 2.0, 2.0), (2.0, 1.0, 2.0), (2.0, None, 2.0), (None, 2.0, 2.0), (None, None, None)],
)
def test_a_cap_is_raised_by_asking_again_and_never_lifted(
    store: SqlStore, first: float | None, then: float | None, stays: float | None
) -> None:
    made = store.benches.create(bench(max_cost=first))
    assert store.benches.create(bench(max_cost=then)).max_cost == stays
    assert store.benches.bench(made.id).max_cost == stays


def test_a_cancelled_bench_is_one_until_it_is_resumed_or_created_again(store: SqlStore) -> None:
    made = store.benches.create(bench())
    for take_back in (lambda: store.benches.resume(made.id), lambda: store.benches.create(bench())):
        store.benches.cancel(made.id)
        assert store.benches.bench(made.id) == made.model_copy(update={"cancelled": True})
        assert store.benches.lease(made.id, "me", 60, run_id="r", allot=None) is None
        take_back()
        assert store.benches.bench(made.id) == made


def test_a_bench_is_found_by_the_start_of_its_id(store: SqlStore) -> None:
    for bench_id in ("abc1", "abc12", "abd", "x_%y"):
        store.benches.put_attempts(bench().model_copy(update={"id": bench_id}), [])
    assert store.benches.bench("abd").id == "abd"
    assert store.benches.bench("abc12").id == "abc12"
    assert store.benches.bench("abc1").id == "abc1"
    assert store.benches.bench("x_%").id == "x_%y"
    with pytest.raises(NotFound, match="More than one bench begins with abc; give more"):
        store.benches.bench("abc")
    for nothing in ("", "b", "_", "%", "a\0b", "\ud800"):
        with pytest.raises(NotFound, match="bench list"):
            store.benches.bench(nothing)


def test_benches_are_listed_newest_first(store: SqlStore) -> None:
    made = [store.benches.create(bench(f"e{time}", created=time)) for time in (2.0, 3.0, 1.0)]
    assert store.benches.benches() == [made[1], made[0], made[2]]


@pytest.mark.parametrize("bench_id", ["nobody", "", "a\0b", "\ud800"])
def test_no_method_knows_an_unknown_bench(store: SqlStore, bench_id: str) -> None:
    there = store.benches.create(bench()).id
    benches = store.benches
    for ask in (
        lambda: benches.lease(bench_id, "me", 60, run_id="r", allot=None),
        lambda: benches.attempts([there, bench_id]),
        lambda: benches.tally([there, bench_id]),
        lambda: benches.retry(bench_id, ["error"]),
        lambda: benches.cancel(bench_id),
        lambda: benches.resume(bench_id),
        lambda: benches.delete_bench(bench_id),
    ):
        with pytest.raises(NotFound, match="There is no bench"):
            ask()


# Outcomes


def test_how_an_attempt_ended_is_kept_whole(store: SqlStore) -> None:
    made = store.benches.create(bench("a"))
    leased = store.benches.lease(made.id, "me", 60, run_id="r", allot=None)
    assert leased is not None
    ended = leased.model_copy(
        update={
            "outcome": "right",
            "predicted": "B",
            "run_status": "limit",
            "limit": "max_steps",
            "error": "half an emoji",
            "steps": 12,
            "usage": USED,
            "seconds": 1.5,
            "finished": 1e9,
            "measures": Measures(sub_calls=3, coverage=0.1 + 0.2, first_seen=4),
        }
    )
    assert store.benches.finish(ended)
    kept = ended.model_copy(update={"lease_until": 0.0})
    assert store.benches.attempts([made.id]) == [kept]
    assert Attempt.model_validate(kept.model_dump()) == kept


def test_a_tally_counts_latest_outcomes_and_what_every_attempt_used(store: SqlStore) -> None:
    made = store.benches.create(bench("a", "b", "c", "d", epochs=2))
    other = store.benches.create(bench("a", model="openai/other"))
    do(store, made.id, "right", "error", "wrong")
    store.benches.lease(made.id, "me", 60, run_id="r", allot=0.5)
    assert store.benches.retry(made.id, ["error"]) == 1
    tallies = store.benches.tally([made.id, other.id])
    tally = tallies[made.id]
    assert tally.outcomes == {"right": 1, "wrong": 1, "running": 1, "waiting": 5}
    assert (tally.total, tally.done, tally.allotted) == (8, 2, 0.5)
    assert tally.usage == USED + USED + USED
    assert (tallies[other.id].total, tallies[other.id].usage) == (1, Usage())
    assert store.benches.tally([]) == {}


def test_a_cost_that_is_not_known_makes_the_sum_unknown(store: SqlStore) -> None:
    made = store.benches.create(bench("a", "b", "c"))
    do(store, made.id, "right")
    do(store, made.id, "right", usage=USED.model_copy(update={"cost": None}))
    assert store.benches.tally([made.id])[made.id].usage == (USED + USED).model_copy(update={"cost": None})
    assert store.benches.tally([made.id])[made.id].usage.calls == 6


def test_a_bench_without_examples_has_a_tally(store: SqlStore) -> None:
    store.benches.put_attempts(bench().model_copy(update={"id": "empty"}), [])
    tally = store.benches.tally(["empty"])["empty"]
    assert (tally.total, tally.outcomes, tally.usage) == (0, {}, Usage())


def test_a_retry_is_a_new_attempt_and_the_old_one_is_kept(store: SqlStore) -> None:
    made = store.benches.create(bench("a", "b", "c"))
    done = do(store, made.id, "error", "wrong", "error")
    assert store.benches.retry(made.id, ["right", "error", "waiting", "running"]) == 2
    assert store.benches.retry(made.id, ["error"]) == 0
    latest = [(one.example, one.number, one.outcome) for one in store.benches.attempts([made.id])]
    assert latest == [("a", 2, "waiting"), ("b", 1, "wrong"), ("c", 2, "waiting")]
    every = store.benches.attempts([made.id], latest=False)
    assert [one.key[1:] for one in every] == [("a", 1, 1), ("a", 1, 2), ("b", 1, 1), ("c", 1, 1), ("c", 1, 2)]
    assert [one.outcome for one in every if one.number == 1] == [one.outcome for one in done]
    again = store.benches.lease(made.id, "me", 60, run_id="new", allot=None)
    assert again is not None
    assert (again.example, again.number, again.run_id) == ("a", 2, "new")


def test_attempts_of_several_benches_come_in_the_order_asked_for(store: SqlStore) -> None:
    one, two = (store.benches.create(bench("b", "a", model=model)).id for model in ("m/one", "m/two"))
    for order in ([one, two], [two, one]):
        found = [(attempt.bench, attempt.example) for attempt in store.benches.attempts(order)]
        assert found == [(bench_id, example) for bench_id in order for example in "ba"]


# Moving and deleting


def test_a_bench_moves_to_another_store_attempts_and_all(store: SqlStore) -> None:
    made = store.benches.create(bench("a", "b", "c", max_cost=50.0))
    do(store, made.id, "error", "right")
    store.benches.retry(made.id, ["error"])
    store.benches.cancel(made.id)
    exported, attempts = store.benches.bench(made.id), store.benches.attempts([made.id], latest=False)
    tally = store.benches.tally([made.id])
    store.benches.delete_bench(made.id)
    store.benches.put_attempts(exported, reversed(attempts))
    assert store.benches.bench(made.id) == exported
    assert store.benches.attempts([made.id], latest=False) == attempts
    assert store.benches.tally([made.id]) == tally
    with pytest.raises(ValueError, match="there already"):
        store.benches.put_attempts(exported, attempts)


@pytest.mark.parametrize("wrong", [["a", "a"], ["elsewhere"]])
def test_attempts_that_fit_no_bench_are_refused_and_leave_no_trace(store: SqlStore, wrong: list[str]) -> None:
    strays = [Attempt(bench="x", example=example, epoch=1) for example in wrong]
    with pytest.raises(ValueError, match="no place"):
        store.benches.put_attempts(bench("a", "b"), strays)
    assert store.benches.benches() == []


def test_a_bench_names_each_example_once(store: SqlStore) -> None:
    with pytest.raises(ValueError, match="once"):
        store.benches.create(bench("a", "a"))
    assert store.benches.benches() == []


def test_a_deleted_bench_leaves_its_runs_to_the_caller(store: SqlStore) -> None:
    made, other = store.benches.create(bench("a", "b", "c")), store.benches.create(bench("z"))
    do(store, made.id, "error", "right")
    store.benches.retry(made.id, ["error"])
    store.benches.lease(made.id, "me", 60, run_id="runagain", allot=None)
    assert sorted(store.benches.delete_bench(made.id)) == ["runagain", "runerror", "runright"]
    assert store.benches.benches() == [other]
    assert len(store.benches.attempts([other.id])) == 1
    assert store.benches.create(bench("a", "b", "c")).id == made.id
    assert {one.outcome for one in store.benches.attempts([made.id], latest=False)} == {"waiting"}


def test_a_bench_keeps_its_configuration(store: SqlStore) -> None:
    config = RunConfig(model="openai/big", sub_model="openai/small", max_steps=3, max_cost=0.5)
    told = Bench(dataset="d", revision="r", split="dev", config=config, examples=("a",), prompts="p", shuffle=0)
    assert store.benches.create(told).config == config
