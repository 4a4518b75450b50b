"""The gate's laws, without a network and mostly without a clock."""

import threading
import time
from contextlib import ExitStack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlm_app.adapters.models.calls import LONGEST_PAUSE, PATIENCE, pause
from rlm_app.adapters.models.gate import Gate, Gates
from rlm_app.errors import RunCancelled
from rlm_app.stop import Stop


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@given(st.integers(-3, 50), st.lists(st.sampled_from(["ok", "429", "late 429", "tick"]), max_size=200))
def test_the_limit_stays_between_one_and_its_ceiling_and_only_a_429_lowers_it(ceiling: int, told: list[str]) -> None:
    clock = Clock()
    gate = Gate(ceiling, clock)
    for what in told:
        before = gate.limit
        match what:
            case "ok":
                gate.succeeded()
                assert gate.limit >= before
            case "429":
                gate.limited(clock.now)
                assert gate.limit <= before
            case "late 429":
                gate.limited(clock.now - 100)
            case "tick":
                clock.now += 1
        assert 1 <= gate.limit <= max(ceiling, 1)


@given(st.integers(1, 100))
def test_the_many_429s_of_one_moment_count_once(burst: int) -> None:
    clock = Clock()
    gate = Gate(20, clock)
    clock.now = 5
    for _ in range(burst):
        gate.limited(began=4)
    assert gate.limit == 16
    gate.limited(began=5)  # began when the limit was cut: this one was sent with the new limit known
    assert gate.limit == 12


def test_it_recovers_by_a_call_in_about_four_rounds() -> None:
    gate = Gate(20, Clock())
    for _ in range(3):
        gate.limited(began=0)
    assert gate.limit == 10
    successes = 0
    while gate.limit < 11:
        gate.succeeded()
        successes += 1
    assert 20 <= successes <= 44, "from 10.24"


def test_no_more_than_the_limit_are_inside_and_they_enter_in_the_order_they_came() -> None:
    gate, entered = Gate(1), []

    def enter(name: int) -> None:
        with gate.turn(Stop()):
            entered.append(name)

    with ExitStack() as inside:
        inside.enter_context(gate.turn(Stop()))
        threads = []
        for name in range(5):
            threads.append(threading.Thread(target=enter, args=(name,)))
            threads[-1].start()
            time.sleep(0.01)
        assert gate.inside == 1
        assert not entered
    for thread in threads:
        thread.join(2)
    assert entered == [0, 1, 2, 3, 4]
    assert gate.inside == 0


def test_a_stop_ends_the_wait_at_once_and_takes_no_place() -> None:
    gate, stop, raised = Gate(1), Stop(), []

    def wait() -> None:
        with pytest.raises(RunCancelled) as caught, gate.turn(stop):
            raise AssertionError("entered")
        raised.append(caught.value)

    with gate.turn(Stop()):
        waiting = threading.Thread(target=wait)
        waiting.start()
        time.sleep(0.02)
        stopped = time.monotonic()
        stop.request(RunCancelled("Stopped."))
        waiting.join(2)
        assert time.monotonic() - stopped < 0.2
        assert raised
        assert gate.inside == 1
    with gate.turn(Stop()):
        assert gate.inside == 1


def test_who_is_let_through_at_the_moment_of_a_stop_gives_the_place_back() -> None:
    gate, stop = Gate(1), Stop()
    stop.request(RunCancelled("Stopped."))
    with pytest.raises(RunCancelled), gate.turn(stop):
        raise AssertionError("entered")
    assert gate.inside == 0


@given(st.lists(st.booleans(), min_size=1, max_size=30))
def test_whatever_stops_no_place_is_ever_lost(stopped: list[bool]) -> None:
    gate = Gate(3)
    stops = [Stop() for _ in stopped]

    def work(stop: Stop) -> None:
        try:
            with gate.turn(stop):
                pass
        except RunCancelled:
            pass

    threads = [threading.Thread(target=work, args=(stop,)) for stop in stops]
    for thread in threads:
        thread.start()
    for stop, now in zip(stops, stopped, strict=True):
        if now:
            stop.request(RunCancelled("Stopped."))
    for thread in threads:
        thread.join(5)
        assert not thread.is_alive()
    assert gate.inside == 0


def test_one_gate_for_each_provider_and_address() -> None:
    gates = Gates()
    gate = gates.at("openai", "", 20)
    assert gates.at("openai", "", 5) is gate
    assert gate.limit == 20
    assert gates.at("openai", "http://127.0.0.1:1/v1", 5).limit == 5
    assert gates.at("groq", "", 20) is not gate


@given(st.integers(1, 100), st.none() | st.floats(0, PATIENCE), st.floats(0, 1))
def test_a_pause_is_never_shorter_than_asked_and_never_endless(tries: int, asked: float | None, chance: float) -> None:
    seconds = pause(tries, asked, chance)
    assert seconds is not None
    assert seconds >= (asked or 0)
    assert 0.25 <= seconds <= max(LONGEST_PAUSE, PATIENCE * 1.05)


def test_pauses_double_and_spread_and_a_provider_that_asks_for_too_much_is_given_up() -> None:
    assert [pause(tries, None, 0) for tries in range(1, 9)] == [0.5, 1, 2, 4, 8, 16, 30, 30]
    assert pause(1, None, 1) == 0.25
    assert pause(1, PATIENCE + 1, 0) is None
