"""Benches over the real store, with a data set of a few tiny questions and an answerer that is a function."""

import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from rlm_app.baselines import ModelFacts
from rlm_app.benches import shuffled
from rlm_app.benchmarking import Wanted, allotment
from rlm_app.errors import InvalidConfig, ModelFailed, NotFound, RunCancelled, RunLimited, StorageFailed
from rlm_app.events import RunFinished, fold
from rlm_app.model import Question, RunConfig
from rlm_app.ports import RunContext
from tests.benching import CHOICES, QUICK, Says, bencher, make_bench, open_store, put_examples, work
from tests.fakes import wait_for


@pytest.fixture
def store(tmp_path: Path):
    store = open_store(tmp_path)
    put_examples(store, 8)
    yield store
    store.close()


def outcomes(here, bench) -> list[str]:
    return [attempt.outcome for attempt in here.attempts(bench.id)]


def gated(gate: threading.Event):
    """Waits in each run until the gate opens, or the run is stopped."""

    def reply(question: Question, run: RunContext) -> str:
        while not gate.is_set() and not run.stop.wait(0.01):
            pass
        run.stop.check()
        return "B"

    return reply


def test_every_example_is_asked_once_in_each_epoch_and_scored(store) -> None:
    here = bencher(store, Says(lambda question, run: "A" if "3" in question.text else "The answer is (B)."))
    bench = make_bench(here, epochs=2)
    assert work(here, bench) == "done"
    attempts = here.attempts(bench.id)
    assert [(a.example, a.epoch) for a in attempts] == [(f"q{n:03}", e) for n in range(8) for e in (1, 2)]
    assert {a.example for a in attempts if a.outcome == "wrong"} == {"q003"}
    assert {(a.predicted, a.run_status, a.steps, a.usage.calls) for a in attempts if a.outcome == "right"} == {
        ("B", "answered", 1, 1)
    }
    assert here.report(bench.id).right == 14
    assert all(fold(store.events(a.run_id)).source == f"example:tiny/{a.example}" for a in attempts)
    assert all(a.measures.root_seconds == pytest.approx(0.1) for a in attempts)


@pytest.mark.parametrize(
    ("told", "outcome"),
    [
        ("I cannot tell.", "no answer"),
        (ModelFailed("The key was refused."), "error"),
        (RunLimited("max_cost", "Spent."), "limit"),
        (RunCancelled("Stopped."), "cancelled"),
        (KeyError("a bug"), "error"),
    ],
)
def test_what_is_no_letter_has_an_outcome_of_its_own(store, told: str | Exception, outcome: str) -> None:
    def reply(question: Question, run: RunContext) -> str:
        if isinstance(told, Exception):
            raise told
        return told

    here = bencher(store, Says(reply))
    bench = make_bench(here, limit=1)
    assert work(here, bench) == "done"
    (attempt,) = here.attempts(bench.id)
    assert (attempt.outcome, attempt.predicted) == (outcome, None)
    assert attempt.error == (
        "Something went wrong inside rlm-app itself; its log has the details. Please report it."
        if isinstance(told, KeyError)
        else str(told)
        if isinstance(told, Exception)
        else None
    )
    assert attempt.limit == ("max_cost" if outcome == "limit" else None)


def test_shuffled_choices_come_back_as_the_letters_of_the_data_set(store) -> None:
    seen: dict[str, dict[str, str]] = {}

    def right(question: Question, run: RunContext) -> str:
        seen[question.text] = question.choices
        return next(letter for letter, text in question.choices.items() if text == CHOICES["B"])

    here = bencher(store, Says(right))
    bench = make_bench(here, shuffle=7)
    work(here, bench)
    assert outcomes(here, bench) == ["right"] * 8
    assert {a.predicted for a in here.attempts(bench.id)} == {"B"}
    assert any(choices != CHOICES for choices in seen.values())
    example = store.datasets.examples("tiny", ["q000"])[0]
    assert seen["Question 0?"] == shuffled(example, 7, 1)[0].choices


def test_the_same_bench_again_does_only_what_is_missing(store) -> None:
    asked: list[str] = []
    here = bencher(store, Says(lambda question, run: asked.append(question.text) or "B"))
    bench = make_bench(here)
    work(here, bench)
    assert work(here, make_bench(here)) == "done"
    assert len(asked) == 8
    assert here.start(make_bench(here, epochs=2)) != bench.id


def test_a_stop_leaves_all_resumable_and_a_resume_pays_for_no_stored_step(store) -> None:
    gate = threading.Event()
    here = bencher(store, Says(gated(gate)))
    bench = make_bench(here)
    here.start(bench, workers=3)
    wait_for(lambda: here.standing(bench.id).tally.outcomes.get("running") == 3)
    held = {a.example: a.run_id for a in here.attempts(bench.id) if a.outcome == "running"}
    wait_for(lambda: all(store.last_seq(run_id) > 1 for run_id in held.values()))
    begun = time.monotonic()
    here.stop(bench.id)
    assert here.wait(bench.id, 5)
    assert time.monotonic() - begun < 2
    assert here.ending(bench.id) == "stopped"
    assert outcomes(here, bench) == ["waiting"] * 8
    assert {fold(store.events(run_id)).status for run_id in held.values()} == {"interrupted"}

    gate.set()
    again = bencher(store, Says(gated(gate)))
    assert work(again, again.resumable(bench.id)) == "done"
    assert outcomes(again, bench) == ["right"] * 8
    for example, run_id in held.items():
        (attempt,) = [a for a in again.attempts(bench.id) if a.example == example]
        assert attempt.run_id == run_id
        assert fold(store.events(run_id)).resumed == 1


def test_a_run_that_ended_before_its_attempt_did_is_only_scored(store) -> None:
    here = bencher(store, Says())
    bench = here.services.benches.create(make_bench(here, limit=1))
    attempt = store.benches.lease(bench.id, "elsewhere/1/1/x", -1, run_id="already", allot=None)
    work(bencher(store, Says(lambda question, run: "B")), make_bench(here, limit=1))
    assert attempt.run_id == here.attempts(bench.id)[0].run_id == "already"
    events = store.events("already")

    store.benches.retry(bench.id, ["right"])
    lapsed = store.benches.lease(bench.id, "elsewhere/1/1/y", -1, run_id="already2", allot=None)
    for event in events:  # the run of the new attempt has ended, and its worker died before it could say so
        told = event.model_copy(update={"run_id": "already2"}) if event.seq == 0 else event
        store.append("already2", told)

    def never(question: Question, run: RunContext) -> str:
        raise AssertionError("asked again")

    again = bencher(store, Says(never))
    assert work(again, again.resumable(bench.id)) == "done"
    assert lapsed.number == 2
    assert [(a.run_id, a.outcome, a.number) for a in again.attempts(bench.id)] == [("already2", "right", 2)]


def test_a_lease_that_was_lost_stops_its_run_and_stores_nothing(store) -> None:
    ended = threading.Event()

    def until_stopped(question: Question, run: RunContext) -> str:
        if run.stop.wait(10):
            ended.set()
        return "B"

    here = bencher(store, Says(until_stopped))
    bench = make_bench(here, limit=1)
    here.start(bench, workers=1)
    wait_for(lambda: store.last_seq(here.attempts(bench.id)[0].run_id or "") > 1)
    (held,) = here.attempts(bench.id)
    told = len(store.events(held.run_id))
    store.benches.release(held)  # as a worker that took it for lapsed would make it
    taken = store.benches.lease(bench.id, "another/1/1/z", 60, run_id="other", allot=None)
    assert taken.run_id == held.run_id
    assert ended.wait(5)  # the lease is renewed every half second
    time.sleep(0.2)
    assert len(store.events(held.run_id)) == told
    assert here.attempts(bench.id)[0].owner == "another/1/1/z"
    here.stop(bench.id)
    assert here.wait(bench.id, 5)


def test_a_cancel_from_anywhere_ends_the_work_and_a_resume_takes_it_back(store) -> None:
    gate = threading.Event()
    here = bencher(store, Says(gated(gate)))
    bench = make_bench(here)
    here.start(bench, workers=2)
    wait_for(lambda: here.standing(bench.id).tally.outcomes.get("running") == 2)
    store.benches.cancel(bench.id)  # as another process does
    assert here.wait(bench.id, 5)
    assert here.ending(bench.id) == "stopped"
    assert here.bench(bench.id).cancelled
    gate.set()
    assert work(here, here.resumable(bench.id)) == "done"
    assert outcomes(here, bench) == ["right"] * 8


def test_a_run_that_somebody_stops_is_cancelled_and_the_others_go_on(store) -> None:
    gate = threading.Event()
    here = bencher(store, Says(gated(gate)))
    bench = make_bench(here)
    here.start(bench, workers=2)
    wait_for(lambda: here.standing(bench.id).tally.outcomes.get("running") == 2)
    first = here.attempts(bench.id)[0]
    wait_for(lambda: store.last_seq(first.run_id) > 1)
    store.request_stop(first.run_id)
    wait_for(lambda: here.attempts(bench.id)[0].outcome == "cancelled")
    gate.set()
    assert here.wait(bench.id, 10)
    assert outcomes(here, bench) == ["cancelled"] + ["right"] * 7


def test_a_retry_makes_new_attempts_of_errors_alone_and_keeps_the_old(store) -> None:
    broken = {"now": True}

    def reply(question: Question, run: RunContext) -> str:
        if broken["now"] and "1" in question.text:
            raise ModelFailed("The provider had an error.")
        return "B"

    here = bencher(store, Says(reply))
    bench = make_bench(here)
    work(here, bench)
    assert outcomes(here, bench).count("error") == 1
    broken["now"] = False
    assert here.retry(bench.id[:6]) == 1
    work(here, here.resumable(bench.id))
    assert outcomes(here, bench) == ["right"] * 8
    assert [(a.number, a.outcome) for a in here.attempts(bench.id, latest=False) if a.example == "q001"] == [
        (1, "error"),
        (2, "right"),
    ]


def test_what_a_superseded_attempt_cost_is_in_the_report(store) -> None:
    def reply(question: Question, run: RunContext) -> str:
        return "B" if run.before or "1" not in question.text else "no letter"

    here = bencher(store, Says(reply, cost=0.01))
    bench = make_bench(here)
    work(here, bench)
    assert here.retry(bench.id, ["no answer"]) == 1
    work(here, here.resumable(bench.id))
    report, tally = here.report(bench.id), here.standing(bench.id).tally
    assert (report.n, report.tokens) == (8, 9 * 110)
    assert report.cost == pytest.approx(0.09) == tally.usage.cost


def test_a_retry_that_could_not_be_made_leaves_the_errors_as_they_are(store) -> None:
    def reply(question: Question, run: RunContext) -> str:
        raise ModelFailed("The provider had an error.")

    here = bencher(store, Says(reply))
    bench = make_bench(here)
    work(here, bench)
    store.datasets.delete_dataset("tiny")
    with pytest.raises(NotFound):
        here.retry(bench.id)
    assert outcomes(here, bench) == ["error"] * 8


def test_with_epochs_the_interval_on_the_way_is_that_of_the_report(store) -> None:
    here = bencher(store, Says(lambda question, run: "B" if "1" in question.text else "A"))
    bench = make_bench(here, epochs=3)
    work(here, bench)
    report = here.report(bench.id)
    assert here.standing(bench.id).interval == report.interval
    assert [one.interval for one in here.standings()] == [report.interval]


@pytest.mark.parametrize("budget", [0, -1, float("inf"), float("nan")])
def test_a_budget_that_is_none_is_refused_when_a_bench_goes_on(store, budget: float) -> None:
    here = bencher(store)
    bench = make_bench(here)
    work(here, bench)
    with pytest.raises(InvalidConfig, match="budget"):
        here.resumable(bench.id, budget)


def test_a_lower_budget_is_refused_and_not_passed_over(store) -> None:
    here = bencher(store)
    bench = make_bench(here, max_cost=5)
    work(here, bench)
    for again in (here.resumable(bench.id, 1.0), make_bench(here, max_cost=1)):
        with pytest.raises(InvalidConfig, match=r"budget of \$5.* raised and not lowered"):
            here.start(again)
    assert work(here, make_bench(here)) == "done"
    assert here.bench(bench.id).max_cost == 5


def test_a_budget_holds_whatever_the_workers_and_says_what_to_do(store) -> None:
    here = bencher(store, Says(cost=0.01))
    bench = make_bench(here, max_cost=0.055, max_example_cost=0.012)
    assert allotment(bench) == 0.012
    assert work(here, bench, workers=4) == "budget"
    standing = here.standing(bench.id)
    assert standing.tally.usage.cost <= 0.055
    assert (standing.tally.done, standing.tally.outcomes["waiting"]) == (5, 3)
    assert f"bench resume {bench.id} --max-cost" in here.left_over(bench.id)
    assert work(here, here.resumable(bench.id, max_cost=0.2)) == "done"


def test_a_budget_is_passed_at_most_by_what_the_runs_under_way_pass_theirs_by(store) -> None:
    here = bencher(store, Says(cost=0.02))  # a last call that costs 0.008 more than the attempt may spend
    bench = make_bench(here, max_cost=0.055, max_example_cost=0.012)
    assert work(here, bench, workers=4) == "budget"
    assert here.standing(bench.id).tally.usage.cost <= 0.055 + 4 * 0.008 + 1e-9


def test_an_attempt_without_a_limit_of_its_own_may_spend_four_even_shares(store) -> None:
    here = bencher(store)
    assert allotment(make_bench(here)) is None
    assert allotment(make_bench(here, max_cost=0.8)) == pytest.approx(0.4)
    assert allotment(make_bench(here, max_cost=0.8, limit=2)) == pytest.approx(0.8)
    limits: list[float | None] = []

    class Remembers(Says):
        def answer(self, corpus, question, config, run):
            limits.append(config.max_cost)
            return super().answer(corpus, question, config, run)

    spender = bencher(store, Remembers(cost=0.0))
    work(spender, make_bench(spender, max_cost=0.8), workers=1)
    assert limits == [pytest.approx(0.4)] * 8


def test_an_unknown_price_and_a_budget_do_not_go_together(store) -> None:
    here = bencher(store, facts=lambda model: ModelFacts(1000, None))
    with pytest.raises(InvalidConfig, match="price of test/model is not known"):
        make_bench(here, max_cost=1.0)
    here = bencher(store, Says(cost=None))
    bench = make_bench(here, max_cost=1.0)
    assert work(here, bench, workers=1) == "budget"
    assert "price" in here.left_over(bench.id)


def test_storage_that_comes_back_costs_no_attempt(store) -> None:
    failing = {"left": 6}
    append = store.append

    class Flaky:
        def __getattr__(self, name):
            return getattr(store, name)

        def append(self, run_id, event):
            if failing["left"] and event.seq == 3:
                failing["left"] -= 1
                if failing["left"] % 2:
                    append(run_id, event)  # it came through, and only its word was lost
                raise StorageFailed("The database went away.")
            append(run_id, event)

    here = bencher(store, Says(), seen_as=Flaky())
    bench = make_bench(here)
    assert work(here, bench) == "done"
    assert outcomes(here, bench) == ["right"] * 8
    assert failing["left"] == 0
    assert {fold(store.events(attempt.run_id)).resumed for attempt in here.attempts(bench.id)} == {0}


def test_storage_that_fails_for_good_ends_the_work_and_leaves_the_rest_to_be_resumed(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    put_examples(store, 4)

    class Full:
        def __getattr__(self, name):
            return getattr(store, name)

        def append(self, run_id, event):
            if isinstance(event, RunFinished):
                raise StorageFailed("The disk is full; free some space and try again.")
            store.append(run_id, event)

    here = bencher(store, Says(), timing=replace(QUICK, lease=0.5, patience=0.2), seen_as=Full())
    bench = make_bench(here)
    with pytest.raises(StorageFailed, match="disk is full"):
        work(here, bench)
    assert "right" not in outcomes(here, bench)
    mended = bencher(store, Says())
    assert work(mended, mended.resumable(bench.id)) == "done"
    assert outcomes(mended, bench) == ["right"] * 4
    store.close()


def test_two_benchers_share_one_bench(store) -> None:
    asked: list[str] = []
    reply = lambda question, run: run.stop.wait(0.02) or asked.append(question.text) or "B"  # noqa: E731
    one, two = bencher(store, Says(reply)), bencher(store, Says(reply))
    bench = make_bench(one, epochs=3)
    one.start(bench)
    two.start(bench)
    assert one.wait(bench.id, 20)
    assert two.wait(bench.id, 20)
    assert len(asked) == 24
    assert outcomes(one, bench) == ["right"] * 24


def test_a_deleted_bench_takes_its_runs_along(store) -> None:
    here = bencher(store)
    bench = make_bench(here)
    work(here, bench)
    run_ids = [attempt.run_id for attempt in here.attempts(bench.id)]
    here.delete(bench.id[:5])
    assert [store.events(run_id) for run_id in run_ids] == [[]] * 8
    with pytest.raises(NotFound):
        here.bench(bench.id)


def test_a_data_set_that_changed_is_told_and_not_mixed(store) -> None:
    here = bencher(store)
    bench = make_bench(here)
    here.services.benches.create(bench)
    store.datasets.put_dataset(
        store.datasets.dataset("tiny").model_copy(update={"digest": "other"}), store.datasets.examples("tiny")
    )
    with pytest.raises(InvalidConfig, match="has changed"):
        work(here, here.resumable(bench.id))


def test_a_bench_of_other_prompts_is_told_and_not_mixed(store) -> None:
    here = bencher(store)
    old = here.services.benches.create(make_bench(here).model_copy(update={"prompts": "of-last-year"}))
    with pytest.raises(InvalidConfig, match="other prompts"):
        work(here, here.resumable(old.id))


def test_nothing_is_said_of_the_time_left_of_a_bench_that_others_work_on(store) -> None:
    put_examples(store, 4)
    here = bencher(store)
    bench = store.benches.create(make_bench(here))
    here.take(bench.id)
    assert here.standing(bench.id).tally.done == 1
    assert here.standing(bench.id).remaining(time.time() + 5) is None
    assert here.standings()[0].remaining(time.time() + 5) is None


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({"split": "test"}, "dev, all"),
        ({"limit": 0}, "limit"),
        ({"epochs": 101}, "epochs"),
        ({"max_cost": -1.0}, "budget"),
        ({"max_cost": float("nan")}, "budget"),
        ({"dataset": "none"}, "none"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused_in_words(store, wanted: dict, words: str) -> None:
    with pytest.raises((InvalidConfig, NotFound), match=words):
        bencher(store).plan(Wanted(RunConfig(model="test/model"), **{"dataset": "tiny", **wanted}))


def test_an_estimate_says_what_is_known_and_where_from(store) -> None:
    here = bencher(store)
    planned = here.plan(Wanted(RunConfig(model="test/model"), dataset="tiny", epochs=3))
    assert str(planned.estimate) == (
        "24 attempts · tokens unknown · cost unknown · time unknown · no runs yet with this model"
    )
    work(here, planned.bench)
    later = here.plan(Wanted(RunConfig(model="test/model"), dataset="tiny", split="dev")).estimate
    assert (later.attempts, later.tokens, later.cost) == (4, (440, 440), pytest.approx((0.04, 0.04)))
    assert "24 earlier runs" in later.basis
    direct = here.plan(Wanted(RunConfig(model="direct/test/model"), dataset="tiny")).estimate
    assert direct.cost[0] > 0
    assert "contexts" in direct.basis
    assert here.plan(Wanted(RunConfig(model="always-C"), dataset="tiny")).free
    assert not planned.free
