"""Who works on a run: claimed, beaten, asked to stop, and finished for them when they are dead."""

import time

import pytest

from rlm_app.adapters.store import SqlStore
from rlm_app.errors import NotFound
from rlm_app.events import RunFinished, RunResumed, StepStarted, fold
from rlm_app.ports import RunQuery
from tests.adapters.store.conftest import Open
from tests.adapters.store.told import finish, progress, resume, start, tell


def status(store: SqlStore, run_id: str) -> str:
    return next(run.status for run in store.runs(RunQuery())[0] if run.id == run_id)


def test_an_owner_hears_which_of_its_runs_are_to_stop(store: SqlStore, open_store: Open) -> None:
    for run_id in ("a", "b", "c"):
        store.append(run_id, start(run_id))
        store.claim(run_id, "me" if run_id != "c" else "another")
    assert store.beat("me") == []
    elsewhere = open_store()
    elsewhere.request_stop("b")
    elsewhere.request_stop("c")
    assert store.beat("me") == ["b"]
    assert store.beat("me") == ["b"]
    tell(store, "b", finish(1, "cancelled"))
    assert store.beat("me") == []
    assert store.beat("nobody") == []


@pytest.mark.parametrize("run_id", ["nobody", "a\0b"])
def test_an_unknown_run_cannot_be_claimed_or_stopped(store: SqlStore, run_id: str) -> None:
    with pytest.raises(NotFound):
        store.claim(run_id, "me")
    with pytest.raises(NotFound):
        store.request_stop(run_id)


def test_to_stop_a_run_that_has_finished_does_nothing(store: SqlStore) -> None:
    tell(store, "r", start(), finish(1))
    before = store.events("r"), store.runs(RunQuery())
    store.request_stop("r")
    assert (store.events("r"), store.runs(RunQuery())) == before


def test_runs_of_the_dead_are_finished_and_those_of_the_living_are_not(store: SqlStore) -> None:
    for run_id, owner in (("lost", "dead"), ("alive", "me"), ("done", "dead"), ("unclaimed", "")):
        store.append(run_id, start(run_id))
        if owner:
            store.claim(run_id, owner)
    store.append("lost", StepStarted(seq=1, step=1, reasoning="r", code="c"))
    store.append("done", finish(1))
    asked: dict[str, float] = {}

    def is_dead(owner: str, seconds: float) -> bool:
        asked[owner] = seconds
        return owner != "me"

    assert sorted(store.interrupt_dead(is_dead)) == ["lost", "unclaimed"]
    assert set(asked) == {"dead", "me", ""}
    assert 0 <= asked["dead"] < 10
    assert asked[""] > 1000  # never claimed: it counts from its start
    assert [status(store, run_id) for run_id in ("lost", "alive", "done")] == ["interrupted", "running", "answered"]
    run = fold(store.events("lost"))
    assert run.status == "interrupted"
    assert "ended before the run" in (run.error or "")
    assert len(run.steps) == 1
    assert store.interrupt_dead(is_dead) == []


def test_an_interrupted_run_lasted_until_its_last_sign_of_life(store: SqlStore) -> None:
    store.append("r", start())
    last = StepStarted(seq=1, at=start(seconds=7).at, step=1, reasoning="r", code="c")
    store.append("r", last)
    assert store.interrupt_dead(lambda owner, seconds: True) == ["r"]
    assert fold(store.events("r")).seconds == 7


def test_who_was_taken_for_dead_and_is_not_cannot_go_on(store: SqlStore) -> None:
    store.append("r", start())
    store.interrupt_dead(lambda owner, seconds: True)
    with pytest.raises(ValueError):
        store.append("r", progress(2))
    assert isinstance(store.events("r")[-1], RunFinished)


def test_a_run_that_goes_on_while_it_is_judged_is_left_alone(store: SqlStore, open_store: Open) -> None:
    store.append("r", start())
    store.claim("r", "me")
    other = open_store()

    def is_dead(owner: str, seconds: float) -> bool:
        other.append("r", finish(1))
        return True

    assert store.interrupt_dead(is_dead) == []
    assert status(store, "r") == "answered"


def test_a_resumed_run_is_nobodys_until_claimed_and_not_asked_to_stop(store: SqlStore) -> None:
    store.append("r", start())
    store.claim("r", "dead")
    store.request_stop("r")
    assert store.interrupt_dead(lambda owner, seconds: True) == ["r"]
    store.append("r", resume(2))
    asked: list[tuple[str, bool]] = []
    store.interrupt_dead(lambda owner, seconds: bool(asked.append((owner, seconds < 60))))
    assert asked == [("", True)]
    store.claim("r", "me")
    assert store.beat("me") == []


def test_a_run_that_is_resumed_while_its_old_owner_is_judged_goes_on(store: SqlStore, open_store: Open) -> None:
    store.append("r", start())
    store.claim("r", "dead")
    other = open_store()

    def is_dead(owner: str, seconds: float) -> bool:
        other.append("r", resume(1))
        return True

    assert store.interrupt_dead(is_dead) == []
    assert isinstance(store.events("r")[-1], RunResumed)
    assert status(store, "r") == "running"


def test_a_beat_renews_the_life_of_a_run(store: SqlStore) -> None:
    store.append("r", start())
    store.claim("r", "me")
    time.sleep(0.15)
    store.beat("me")
    ages: list[float] = []
    store.interrupt_dead(lambda owner, seconds: bool(ages.append(seconds)))
    assert ages[0] < 0.15


def test_a_run_with_an_event_of_a_newer_version_is_left_to_that_version(store: SqlStore) -> None:
    from sqlalchemy import insert

    from rlm_app.adapters.store import schema

    tell(store, "newer", start("newer"))
    tell(store, "old", start("old"))
    event = {
        "run_id": "newer",
        "seq": 1,
        "at": start().time,
        "type": "novelty",
        "body": '{"type": "novelty", "seq": 1}',
    }
    with store._database.writing() as connection:
        columns = {column.name for column in schema.events.columns}
        connection.execute(insert(schema.events).values({k: v for k, v in event.items() if k in columns}))
    assert store.interrupt_dead(lambda owner, seconds: True) == ["old"]
