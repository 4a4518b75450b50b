"""No two callers hold one attempt, what ended is never leased again, no cap is passed, however many lease at once."""

import random
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from rlm_app.adapters.store import SqlStore
from rlm_app.benches import Attempt
from rlm_app.model import Usage
from tests.adapters.store.conftest import Open
from tests.adapters.store.told import bench

LAPSED = -1.0  # seconds: a lease that has run out already


def lease(
    store: SqlStore, bench_id: str, owner: str = "me", *, seconds: float = 60, allot: float | None = None
) -> Attempt | None:
    run_id = f"run-{random.getrandbits(64):x}"
    return store.benches.lease(bench_id, owner, seconds, run_id=run_id, allot=allot)


def taken(attempt: Attempt | None) -> Attempt:
    assert attempt is not None
    return attempt


def ended(attempt: Attempt, cost: float | None = 0.0) -> Attempt:
    return attempt.model_copy(update={"outcome": "right", "usage": Usage(cost=cost)})


def test_attempts_are_leased_in_the_order_of_the_examples_epoch_by_epoch(store: SqlStore) -> None:
    made = store.benches.create(bench("c", "a", "b", epochs=2))
    leased = [taken(lease(store, made.id)) for _ in range(6)]
    assert [(one.example, one.epoch) for one in leased] == [(name, epoch) for epoch in (1, 2) for name in "cab"]
    assert lease(store, made.id) is None
    assert store.benches.attempts([made.id]) == sorted(leased, key=lambda one: ("cab".index(one.example), one.epoch))


def test_a_leased_attempt_says_who_has_it_and_until_when(store: SqlStore) -> None:
    made = store.benches.create(bench())
    before = time.time()
    leased = taken(store.benches.lease(made.id, "me", 60, run_id="r", allot=0.5))
    assert (leased.outcome, leased.owner, leased.run_id, leased.allotted) == ("running", "me", "r", 0.5)
    assert before + 59 < leased.lease_until < time.time() + 61
    assert before - 1 < (leased.started or 0) < time.time() + 1
    assert 0 <= (leased.queue_seconds or 0) < 10


def test_a_lapsed_lease_comes_first_and_keeps_its_run(store: SqlStore) -> None:
    made = store.benches.create(bench("a", "b", "c"))
    waits = taken(lease(store, made.id))
    lapsed = taken(lease(store, made.id, "dead", seconds=LAPSED))
    store.benches.release(waits)
    again = taken(lease(store, made.id, "me"))
    assert (again.example, again.run_id, again.owner) == ("b", lapsed.run_id, "me")
    assert again.started == lapsed.started
    assert [taken(lease(store, made.id)).example for _ in range(2)] == ["a", "c"]


def test_who_lost_an_attempt_can_neither_finish_nor_release_it(store: SqlStore) -> None:
    made = store.benches.create(bench("a"))
    lost = taken(lease(store, made.id, "slow", seconds=LAPSED))
    now = taken(lease(store, made.id, "quick"))
    before = store.benches.attempts([made.id])
    assert not store.benches.finish(ended(lost))
    store.benches.release(lost)
    assert not store.benches.finish(ended(now.model_copy(update={"run_id": "another"})))
    assert store.benches.attempts([made.id]) == before
    assert store.benches.finish(ended(now))
    assert not store.benches.finish(ended(now))


def test_what_ended_is_never_leased_again(store: SqlStore) -> None:
    made = store.benches.create(bench("a"))
    assert store.benches.finish(ended(taken(lease(store, made.id, seconds=LAPSED))))
    assert lease(store, made.id) is None


def test_an_attempt_cannot_end_as_open(store: SqlStore) -> None:
    made = store.benches.create(bench("a"))
    with pytest.raises(ValueError, match="does not end as running"):
        store.benches.finish(taken(lease(store, made.id)))


def test_a_late_end_counts_where_nobody_took_the_attempt_meanwhile(store: SqlStore) -> None:
    made = store.benches.create(bench("a"))
    assert store.benches.finish(ended(taken(lease(store, made.id, seconds=LAPSED))))


def test_a_released_attempt_waits_again_with_its_run(store: SqlStore) -> None:
    made = store.benches.create(bench("a", "b"))
    leased = taken(lease(store, made.id))
    store.benches.release(leased)
    assert store.benches.attempts([made.id])[0].outcome == "waiting"
    again = taken(lease(store, made.id, "other"))
    assert (again.example, again.run_id, again.owner) == ("a", leased.run_id, "other")


def test_an_owner_prolongs_its_own_leases_and_hears_what_it_still_holds(store: SqlStore) -> None:
    made = store.benches.create(bench("a", "b", "c", "d"))
    mine, finished, lost = [taken(lease(store, made.id, seconds=seconds)) for seconds in (5, 5, LAPSED)]
    elsewhere = taken(lease(store, made.id, "other"))
    assert elsewhere.run_id == lost.run_id
    store.benches.finish(ended(finished))
    assert store.benches.renew("me", 100) == {mine.run_id}
    assert store.benches.renew("nobody", 100) == frozenset()
    until = {one.example: one.lease_until for one in store.benches.attempts([made.id])}
    assert until["a"] > time.time() + 90
    assert until["c"] == elsewhere.lease_until


def test_a_deleted_bench_takes_its_attempts_from_their_holders(store: SqlStore) -> None:
    made = store.benches.create(bench("a"))
    leased = taken(lease(store, made.id))
    store.benches.delete_bench(made.id)
    assert not store.benches.finish(ended(leased))
    assert store.benches.renew("me", 60) == frozenset()


# The cap


def test_nothing_is_leased_that_could_pass_the_cap(store: SqlStore) -> None:
    made = store.benches.create(bench("a", "b", "c", "d", max_cost=0.3))
    first, second = (taken(lease(store, made.id, allot=0.1)) for _ in range(2))
    assert lease(store, made.id, allot=0.11) is None
    third = taken(lease(store, made.id, allot=0.1))  # 3 × 0.1 is 0.30000000000000004
    assert lease(store, made.id, allot=0.01) is None
    store.benches.finish(ended(first, cost=0.05))
    assert lease(store, made.id, allot=0.06) is None
    assert taken(lease(store, made.id, allot=0.05)).example == "d"
    for one in (second, third):
        store.benches.finish(ended(one, cost=0.1))


def test_a_lapsed_attempt_is_leased_again_though_the_cap_is_reached(store: SqlStore) -> None:
    made = store.benches.create(bench("a", "b", max_cost=1.0))
    lapsed = taken(lease(store, made.id, "dead", seconds=LAPSED, allot=1.0))
    assert taken(lease(store, made.id, allot=1.0)).run_id == lapsed.run_id
    assert lease(store, made.id, allot=1.0) is None


def test_what_a_released_attempt_has_cost_counts_until_it_is_leased_again(store: SqlStore) -> None:
    made = store.benches.create(bench("a", "b", max_cost=1.0))
    one = taken(lease(store, made.id, allot=0.5))
    two = taken(lease(store, made.id, allot=0.5))
    store.benches.release(one.model_copy(update={"usage": Usage(calls=1, cost=0.4)}))
    assert store.benches.tally([made.id])[made.id].usage == Usage(calls=1, cost=0.4)
    assert lease(store, made.id, allot=0.6) is None
    again = taken(lease(store, made.id, allot=0.5))
    assert (again.run_id, again.usage.cost) == (one.run_id, 0.4)
    assert store.benches.finish(ended(two, cost=0.5))


@pytest.mark.parametrize("unknown", ["allotted", "spent", "running"])
def test_with_a_cap_what_is_not_known_leases_nothing(store: SqlStore, unknown: str) -> None:
    made = store.benches.create(bench("a", "b"))
    if unknown != "allotted":
        leased = taken(lease(store, made.id, allot=None))
        if unknown == "spent":
            store.benches.finish(ended(leased, cost=None))
    store.benches.create(bench("a", "b", max_cost=100.0))
    assert lease(store, made.id, allot=None if unknown == "allotted" else 0.1) is None


def test_what_costs_nothing_runs_under_any_cap(store: SqlStore) -> None:
    made = store.benches.create(bench("a", "b", max_cost=0.01))
    for _ in range(2):
        assert store.benches.finish(ended(taken(lease(store, made.id, allot=0.0))))


def test_a_higher_cap_goes_on(store: SqlStore) -> None:
    made = store.benches.create(bench("a", "b", max_cost=1.0))
    store.benches.finish(ended(taken(lease(store, made.id, allot=1.0)), cost=1.0))
    assert lease(store, made.id, allot=1.0) is None
    store.benches.create(bench("a", "b", max_cost=2.0))
    assert taken(lease(store, made.id, allot=1.0)).example == "b"


# Many at once


def test_eight_threads_of_two_openings_never_hold_one_attempt_together(store: SqlStore, open_store: Open) -> None:
    names = [f"e{number}" for number in range(60)]
    made = store.benches.create(bench(*names))
    stores, finished, together = [store, open_store()], [], threading.Barrier(8)

    def work(at: int) -> None:
        together.wait(30)
        while leased := lease(stores[at % 2], made.id, f"owner{at}"):
            assert stores[at % 2].benches.finish(ended(leased))
            finished.append(leased.example)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert Counter(finished) == Counter(names)


def test_of_many_who_want_one_lapsed_attempt_one_gets_it(store: SqlStore, open_store: Open) -> None:
    stores, together = [store, open_store()], threading.Barrier(8)
    for round_ in range(5):
        made = store.benches.create(bench(f"e{round_}"))
        taken(lease(store, made.id, "dead", seconds=LAPSED))

        def want(at: int, bench_id: str = made.id) -> Attempt | None:
            together.wait(30)
            return lease(stores[at % 2], bench_id, f"owner{at}")

        with ThreadPoolExecutor(8) as pool:
            assert sum(got is not None for got in pool.map(want, range(8))) == 1


def test_the_cap_holds_while_many_lease_and_finish(store: SqlStore, open_store: Open) -> None:
    """At each moment what was spent and what is allotted stay within the cap, and all of it that fits is used."""
    made = store.benches.create(bench(*(f"e{number}" for number in range(80)), max_cost=3.0))
    stores, together, over = [store, open_store()], threading.Barrier(8), list[float]()

    def work(at: int) -> None:
        here, chance = stores[at % 2], random.Random(at)
        together.wait(30)
        while leased := lease(here, made.id, f"owner{at}", allot=0.25):
            tally = here.benches.tally([made.id])[made.id]
            over.append((tally.usage.cost or 0.0) + tally.allotted)
            here.benches.finish(ended(leased, cost=chance.uniform(0, 0.25)))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    tally = store.benches.tally([made.id])[made.id]
    assert max(over) <= 3.0 + 1e-6
    assert 2.75 < (tally.usage.cost or 0.0) <= 3.0
    assert tally.outcomes["waiting"] > 0


def test_of_two_who_retry_at_once_one_makes_the_attempts(store: SqlStore, open_store: Open) -> None:
    made = store.benches.create(bench())
    for _ in range(3):
        leased = taken(lease(store, made.id))
        store.benches.finish(leased.model_copy(update={"outcome": "error"}))
    stores, together = [store, open_store()], threading.Barrier(2)

    def retry(at: int) -> int:
        together.wait(30)
        return stores[at].benches.retry(made.id, ["error"])

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(retry, range(2))) == [0, 3]


def test_of_two_who_create_a_bench_at_once_both_have_it(store: SqlStore, open_store: Open) -> None:
    stores, together = [store, open_store()], threading.Barrier(2)

    def create(at: int) -> object:
        together.wait(30)
        return stores[at].benches.create(bench())

    with ThreadPoolExecutor(2) as pool:
        one, two = pool.map(create, range(2))
    assert one == two
    assert len(store.benches.attempts([store.benches.benches()[0].id])) == 3


@pytest.mark.parametrize("url", ["postgres"], indirect=True)
def test_machines_whose_clocks_differ_agree_by_the_clock_of_the_server(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, now = store.benches.create(bench("a", "b")), time.time()
    for wrong in (now - 9000, now + 9000):
        monkeypatch.setattr(time, "time", lambda wrong=wrong: wrong)
        assert abs(taken(lease(store, made.id, seconds=60)).lease_until - now - 60) < 30
    assert lease(store, made.id) is None
