"""What can go wrong before the first step: one sentence that says what to do, and no sandbox left behind."""

import threading
import time
from typing import Any

import pytest
from dspy import CodeExecutionError, CodeInterpreterError

from rlm_app.adapters.e2b import E2BInterpreter, E2BLost, E2BUnavailable, kill_leftovers, leftovers, probe
from rlm_app.adapters.e2b.places import PLACES
from rlm_app.errors import SandboxUnavailable
from tests.adapters.e2b.conftest import Open
from tests.e2b_server import E2BServer


def refusal(interpreter: E2BInterpreter) -> str:
    with pytest.raises(E2BUnavailable) as caught:
        interpreter.execute("1")
    assert isinstance(caught.value, SandboxUnavailable)
    assert isinstance(caught.value, CodeInterpreterError)
    assert not isinstance(caught.value, CodeExecutionError)
    text = str(caught.value)
    assert "\n" not in text
    assert text.endswith(".")
    with pytest.raises(CodeInterpreterError):
        interpreter.execute("1")
    return text


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ({"status": 401}, "refused the key"),
        ({"status": 403, "message": "billing limit reached"}, "billing limit reached"),
        ({"status": 404, "message": "template 'x' not found"}, "does not know the template"),
        ({"status": 400, "message": "invalid argument"}, "invalid argument"),
        ({"status": 500, "times": 99}, "could not start a sandbox"),
        ({"refuse": True, "times": 99}, "cannot be reached"),
    ],
)
def test_a_create_that_fails_is_told(server: E2BServer, open_interpreter: Open, fault: Any, told: str) -> None:
    server.fault("create", **fault)
    assert told in refusal(open_interpreter())
    assert server.control.created == 0


def test_a_wrong_key_a_missing_key_and_an_unknown_template(
    server: E2BServer, open_interpreter: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "refused the key" in refusal(open_interpreter(api_key="e2b_wrong"))
    assert "does not know the template no-such" in refusal(open_interpreter(template="no-such"))
    monkeypatch.delenv("E2B_API_KEY")
    assert "set E2B_API_KEY" in refusal(open_interpreter())
    assert server.requests["create"] == 2


def test_an_api_that_is_not_there(server: E2BServer, open_interpreter: Open) -> None:
    address = "http://127.0.0.1:1"
    text = refusal(open_interpreter(api_url=address))
    assert text.startswith(f"{address} cannot be reached")
    assert "E2B_DOMAIN" in text


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ({"status": 429, "message": "you have reached the maximum number of concurrent sandboxes"}, "leftovers"),
        ({"status": 429, "message": "slow down"}, "rate limit"),
        ({"status": 503}, "no room"),
    ],
)
def test_a_limit_that_lasts_is_told_after_a_bounded_wait(
    server: E2BServer, open_interpreter: Open, fault: Any, told: str
) -> None:
    server.fault("create", times=99, **fault)
    started = time.monotonic()
    assert told in refusal(open_interpreter(start_seconds=0.4))
    assert time.monotonic() - started < 2
    assert server.requests["create"] == 2


def test_a_limit_that_passes_is_waited_for(server: E2BServer, open_interpreter: Open) -> None:
    server.fault("create", status=429, times=1)
    server.fault("create", status=503, times=1)
    assert open_interpreter().execute("1") == "1"
    assert server.requests["create"] == 3


def test_waiting_for_the_account_can_be_stopped(server: E2BServer, open_interpreter: Open) -> None:
    server.fault("create", status=429, times=99)
    interpreter = open_interpreter()
    threading.Timer(0.3, interpreter.kill).start()
    started = time.monotonic()
    with pytest.raises(CodeInterpreterError):
        interpreter.start()
    assert time.monotonic() - started < 1


def test_a_create_that_takes_too_long_leaves_no_sandbox(server: E2BServer, open_interpreter: Open) -> None:
    server.fault("create", delay=1)
    started = time.monotonic()
    assert "within 0.3 seconds" in refusal(open_interpreter(start_seconds=0.3))
    assert time.monotonic() - started < 1
    time.sleep(0.8)
    assert server.control.created == 1
    assert server.wait_until_empty(), "what came up late is ended"


def test_a_create_whose_answer_is_lost_makes_one_sandbox(server: E2BServer, open_interpreter: Open) -> None:
    server.fault("create", lose_answer=True)
    assert open_interpreter().execute("1") == "1"
    assert server.requests["create"] == 2
    assert server.control.created == 1


def test_a_sandbox_that_nobody_heard_of_is_found_by_its_tag(server: E2BServer, open_interpreter: Open) -> None:
    server.fault("create", lose_answer=True, times=99)
    refusal(open_interpreter())
    assert server.control.created == 1
    assert server.wait_until_empty()


@pytest.mark.parametrize("where", ["files.write", "process.Start"])
@pytest.mark.parametrize("fault", [{"status": 502}, {"refuse": True}, {"lose_answer": True}, {"status": 500}])
def test_a_fault_between_create_and_the_first_step_is_mended(
    server: E2BServer, interpreter: E2BInterpreter, where: str, fault: Any
) -> None:
    server.fault(where, **fault)
    assert interpreter.execute("1") == "1"
    assert server.control.created == 1


def test_a_template_without_python_says_so(server: E2BServer, open_interpreter: Open) -> None:
    server.control.profile = "export PATH=/nowhere\n"
    assert "no python3" in refusal(open_interpreter())


def test_places_are_for_the_whole_process(server: E2BServer, open_interpreter: Open) -> None:
    first, second = open_interpreter(), open_interpreter(max_open_sandboxes=1)
    first.start()
    assert PLACES.taken == 1
    threading.Timer(0.3, first.shutdown).start()
    started = time.monotonic()
    assert second.execute("1") == "1"
    assert time.monotonic() - started >= 0.3
    assert "places for sandboxes" in refusal(open_interpreter(max_open_sandboxes=1, start_seconds=0.2))
    third = open_interpreter(max_open_sandboxes=1)
    threading.Timer(0.2, third.kill).start()
    with pytest.raises(CodeInterpreterError):
        third.start()
    started = time.monotonic()
    third.shutdown()
    assert time.monotonic() - started < 1, "nobody waits on for the place"
    assert PLACES.taken == 1


def test_many_starts_at_once_keep_within_the_places(server: E2BServer, open_interpreter: Open) -> None:
    most, got = 0, []

    def use() -> None:
        nonlocal most
        interpreter = open_interpreter(max_open_sandboxes=2)
        got.append(interpreter.execute("6 * 7"))
        most = max(most, len(server.alive))
        interpreter.shutdown()

    threads = [threading.Thread(target=use) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert got == ["42"] * 6
    assert most <= 2


def test_leftovers_are_found_by_their_tag_and_ended(server: E2BServer, open_interpreter: Open) -> None:
    from e2b_code_interpreter import Sandbox

    ours = open_interpreter(run_id="in use here")
    ours.start()
    for run in ("crashed", "alive elsewhere"):
        Sandbox.create(metadata={"made_by": "rlm-app", "rlm_run": run})
    foreign = Sandbox.create(metadata={"made_by": "somebody else"})
    assert {one.run_id for one in leftovers()} == {"crashed", "alive elsewhere"}
    assert [one.run_id for one in leftovers(run_id="crashed")] == ["crashed"]
    (found,) = leftovers(keep={"alive elsewhere"})
    assert found.run_id == "crashed"
    assert found.started_at.tzinfo is not None
    assert kill_leftovers(keep={"alive elsewhere"}) == [found]
    assert [one.run_id for one in kill_leftovers()] == ["alive elsewhere"]
    assert {box.id for box in server.alive} == {ours.sandbox_id, foreign.sandbox_id}
    foreign.kill()
    with pytest.raises(E2BUnavailable, match="refused the key"):
        leftovers(api_key="e2b_wrong")


def test_probe(server: E2BServer) -> None:
    assert 0 < probe() < 10
    assert server.wait_until_empty()
    with pytest.raises(E2BUnavailable, match="refused the key"):
        probe(api_key="e2b_wrong")


def test_after_shutdown_nothing_starts(server: E2BServer, interpreter: E2BInterpreter) -> None:
    interpreter.shutdown()
    interpreter.shutdown()
    with pytest.raises(E2BLost):
        interpreter.execute("1")
    assert server.requests["create"] == 0
