"""Events go in one after the other, come out as they went in, and the row in History says what they add up to."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rlm_app.adapters.store import SqlStore
from rlm_app.adapters.store.index import summary
from rlm_app.adapters.store.texts import well_formed
from rlm_app.errors import StorageFailed
from rlm_app.events import Event, StepFinished, StepStarted, fold
from rlm_app.model import Body, Question, Usage
from rlm_app.ports import RunQuery
from tests.adapters.store.conftest import Open
from tests.adapters.store.generated import runs
from tests.adapters.store.told import call, finish, progress, resume, start, tell

many = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def row(store: SqlStore, run_id: str) -> object:
    return next((found for found in store.runs(RunQuery(limit=10_000))[0] if found.id == run_id), None)


@many
@given(st.data())
def test_the_row_of_a_run_is_always_the_summary_of_its_events(store: SqlStore, data: st.DataObject) -> None:
    run_id = f"run-{store.runs(RunQuery())[1]}"
    for told, event in enumerate(data.draw(runs(run_id)), 1):
        store.append(run_id, event)
        stored = store.events(run_id)
        assert len(stored) == told
        assert row(store, run_id) == summary(fold(stored))


def test_events_come_back_as_they_went_in(store: SqlStore) -> None:
    usage = Usage(calls=1, tokens_in=2**40, cost=None)
    events: list[Event] = [
        start(question="NUL \0 and 'quotes' stay, Ünïcode 🐍 too"),
        StepStarted(seq=1, step=1, reasoning="a\0b", code="x = '\\ud800'", usage=usage, model_seconds=0.1 + 0.2),
        StepFinished(seq=2, step=1, output="\r\n\t\x1b[0m", output_chars=10**12, seconds=1e-9),
        call(3, Body(chars=1, text="\0")),
        finish(4),
    ]
    tell(store, "r", *events)
    assert store.events("r") == events
    assert store.events("r", after=2) == events[3:]
    assert store.events("r", after=4) == []
    assert store.last_seq("r") == 4


def test_half_an_emoji_does_not_crash_and_two_halves_that_meet_are_whole(store: SqlStore) -> None:
    broken = StepStarted(seq=1, step=1, reasoning="cut \ud83d", code="\ud83d\ude00")
    tell(store, "r", start(source="\udcff", question="\ud800?"), broken, finish(2))
    read = store.events("r")[1]
    assert isinstance(read, StepStarted)
    assert (read.reasoning, read.code) == ("cut \ufffd", "😀")
    assert [(found.source, found.question) for found in store.runs(RunQuery())[0]] == [("\ufffd", "\ufffd?")]


@given(st.text(st.characters(exclude_categories=())))
def test_a_well_formed_text_is_left_alone_and_any_becomes_one(text: str) -> None:
    mended = well_formed(text)
    assert mended.encode().decode() == mended == well_formed(mended)
    if not any("\ud800" <= char <= "\udfff" for char in text):
        assert mended == text


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param([progress(0)], id="no start"),
        pytest.param([start(), progress(2)], id="a gap"),
        pytest.param([start(), progress(1), progress(1)], id="a number taken"),
        pytest.param([start(), progress(1), finish(1)], id="an end at a number taken"),
        pytest.param([start(), finish(2)], id="an end after a gap"),
        pytest.param([start(), finish(1), progress(2)], id="after the end"),
        pytest.param([start(), finish(1), finish(2)], id="a second end"),
        pytest.param([start(), finish(1), resume(2)], id="resumed after an answer"),
        pytest.param([start(), finish(1, "cancelled"), resume(2)], id="resumed after a stop"),
        pytest.param([start(), finish(1, "interrupted"), progress(2)], id="going on without a word"),
        pytest.param([start(), finish(1, "interrupted"), resume(3)], id="resumed after a gap"),
        pytest.param([start(), start()], id="a second start"),
        pytest.param([start("other")], id="the start of another run"),
        pytest.param([start().model_copy(update={"seq": 1})], id="a start that is not first"),
        pytest.param([start(), StepStarted(seq=2, step=1, reasoning="", code="")], id="a step after a gap"),
    ],
)
def test_an_event_out_of_order_is_refused_and_leaves_no_trace(store: SqlStore, wrong: list[Event]) -> None:
    tell(store, "r", *wrong[:-1])
    before = (store.events("r"), store.runs(RunQuery()))
    with pytest.raises(ValueError, match="run 'r'"):
        store.append("r", wrong[-1])
    assert (store.events("r"), store.runs(RunQuery())) == before


@pytest.mark.parametrize("run_id", ["", "nobody", "a\0b", "\ud800", "x" * 5000, "'; --"])
def test_an_unknown_run_has_no_events(store: SqlStore, run_id: str) -> None:
    assert store.events(run_id) == []
    assert store.last_seq(run_id) == -1


@pytest.mark.parametrize("run_id", ["a\0b", "\ud800"])
def test_a_run_has_a_name_that_every_database_holds(store: SqlStore, run_id: str) -> None:
    with pytest.raises(ValueError):
        store.append(run_id, start(run_id))
    assert store.runs(RunQuery()) == ([], 0)


class Interloped(SqlStore):
    """A store in which somebody else appends just after this one has read."""

    def events(self, run_id: str, after: int = -1) -> list[Event]:
        told = super().events(run_id, after)
        self.append(run_id, progress(len(told)))
        return told


def test_a_summary_leaves_out_no_event_that_came_meanwhile(store: SqlStore) -> None:
    store.append("r", start())
    with pytest.raises(ValueError):
        Interloped(store._database, store._blobs).append("r", finish(2))
    assert [event.type for event in store.events("r")] == ["run_started", "phase_progress"]


def test_what_could_not_be_read_back_is_refused(store: SqlStore) -> None:
    store.append("r", start())
    endless = StepFinished(seq=1, step=1, output="", output_chars=0, seconds=float("inf"))  # JSON has no infinity
    with pytest.raises(ValueError):
        store.append("r", endless)
    assert store.last_seq("r") == 0


def test_an_event_of_a_later_version_is_told_in_words(store: SqlStore) -> None:
    store.append("r", start())
    with store._database.writing() as connection:
        connection.exec_driver_sql('UPDATE events SET body = \'{"type": "dreamed", "seq": 0}\'')
    with pytest.raises(StorageFailed, match="update"):
        store.events("r")


def test_of_two_who_store_the_same_number_one_wins(store: SqlStore, open_store: Open) -> None:
    store.append("r", start())
    stores, together, taken = [store, open_store()], threading.Barrier(4), []

    def race(at: int) -> None:
        for seq in range(1, 11):
            together.wait(30)
            try:
                stores[at % 2].append("r", progress(seq, note=str(at)))
            except ValueError:
                taken.append(seq)
            together.wait(30)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(race, range(4)))
    assert sorted(taken) == sorted([*range(1, 11)] * 3)
    assert [event.seq for event in store.events("r")] == list(range(11))


def test_a_run_ends_once_and_nothing_follows_it_whoever_is_faster(store: SqlStore, open_store: Open) -> None:
    stores, winners = [store, open_store()], set()
    for number in range(12):
        run_id, together = f"r{number}", threading.Barrier(2)
        store.append(run_id, start(run_id))

        def append(at: int, run_id: str = run_id, together: threading.Barrier = together) -> None:
            together.wait(30)
            with suppress(ValueError):
                tell(stores[at], run_id, *([finish(1)] if at == 0 else [progress(1), progress(2)]))

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(append, range(2)))
        events = store.events(run_id)
        winners.add(tuple(event.type for event in events[1:]))
        assert row(store, run_id) == summary(fold(events))
    assert winners <= {("run_finished",), ("phase_progress", "phase_progress")}


@pytest.mark.parametrize("before", [[start()], [start(), finish(1, "interrupted")]], ids=["running", "interrupted"])
def test_of_two_who_resume_a_run_one_goes_on(store: SqlStore, open_store: Open, before: list[Event]) -> None:
    stores, won = [store, open_store()], []
    tell(store, "r", *before)
    together = threading.Barrier(2)

    def go_on(at: int) -> None:
        together.wait(30)
        with suppress(ValueError):
            stores[at].append("r", resume(len(before)))
            won.append(at)
            stores[at].append("r", progress(len(before) + 1, note=str(at)))

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(go_on, range(2)))
    assert len(won) == 1
    assert store.events("r")[-1] == store.events("r")[len(before) + 1]
    assert [found.status for found in store.runs(RunQuery())[0]] == ["running"]


def test_the_question_is_kept_whole(store: SqlStore) -> None:
    text = "long " * 4000
    store.append("r", start(question=text))
    assert store.runs(RunQuery())[0][0].question == Question(text=text).text
