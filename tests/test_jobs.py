import signal
import threading

import pytest

from rlm_app.errors import RunCancelled
from rlm_app.jobs import Jobs
from rlm_app.stop import Stop


def test_no_more_run_at_once_than_there_are_workers() -> None:
    jobs, release, running, most = Jobs(2), threading.Event(), [], []
    lock = threading.Lock()

    def work(stop: Stop) -> None:
        with lock:
            running.append(1)
            most.append(len(running))
        release.wait(10)
        with lock:
            running.pop()

    for key in "abcd":
        jobs.submit(key, work)
    assert not jobs.wait("a", 0.3)
    release.set()
    assert all(jobs.wait(key, 10) for key in "abcd")
    assert max(most) == 2
    assert len(most) == 4
    assert jobs.running() == []


def test_a_waiting_job_can_be_stopped_and_is_told() -> None:
    jobs, release, told = Jobs(1), threading.Event(), []
    jobs.submit("first", lambda stop: release.wait(10) and None)
    jobs.submit("second", lambda stop: told.append(stop.cause))
    assert jobs.stop("second")
    assert jobs.wait("second", 5)
    release.set()
    assert isinstance(told[0], RunCancelled)
    assert not jobs.stop("second")


def test_a_job_that_fails_frees_its_place() -> None:
    jobs = Jobs(1)
    jobs.submit("bad", lambda stop: 1 / 0 and None)
    assert jobs.wait("bad", 5)
    done = threading.Event()
    jobs.submit("good", lambda stop: done.set())
    assert done.wait(5)


def test_a_ctrl_c_while_waiting_does_not_have_a_job_pass_for_ended() -> None:
    jobs, release = Jobs(1), threading.Event()
    jobs.submit("long", lambda stop: release.wait(20) and None)
    threading.Timer(0.3, lambda: signal.raise_signal(signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        jobs.wait("long", 5)
    assert not jobs.wait("long", 0.1)
    release.set()
    assert jobs.wait("long", 5)
