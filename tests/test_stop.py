import threading
import time
from contextvars import ContextVar

import pytest

from rlm_app.errors import RunCancelled, RunLimited
from rlm_app.stop import Stop


def test_the_first_cause_wins() -> None:
    stop = Stop()
    first = RunLimited("max_cost", "spent")
    stop.request(first)
    stop.request(RunCancelled("late"))
    with pytest.raises(RunLimited) as caught:
        stop.check()
    assert caught.value is first


def test_a_blocking_call_is_abandoned_at_once() -> None:
    stop, release = Stop(), threading.Event()
    threading.Timer(0.05, stop.request, (RunCancelled("stop"),)).start()
    started = time.monotonic()
    with pytest.raises(RunCancelled):
        stop.call(lambda: release.wait(30))
    release.set()
    assert time.monotonic() - started < 5


def test_a_call_keeps_result_error_and_context() -> None:
    variable: ContextVar[str] = ContextVar("variable", default="outside")
    variable.set("inside")
    stop = Stop()
    assert stop.call(variable.get) == "inside"
    with pytest.raises(ZeroDivisionError):
        stop.call(lambda: 1 / 0)


def test_calling_runs_its_callback_only_inside_the_block() -> None:
    stop, called = Stop(), []
    with stop.calling(lambda: called.append("during")):
        pass
    with stop.calling(lambda: called.append("killed")):
        stop.request(RunCancelled("stop"))
    assert called == ["killed"]
    with pytest.raises(RunCancelled):
        stop.calling(lambda: called.append("late")).__enter__()
    assert called == ["killed"]


def test_a_callback_that_fails_does_not_disturb_the_one_who_stops() -> None:
    stop, called = Stop(), []
    with stop.calling(lambda: called.append(1 / 0)), stop.calling(lambda: called.append(1)):
        stop.request(RunCancelled("stop"))
    assert called == [1]
