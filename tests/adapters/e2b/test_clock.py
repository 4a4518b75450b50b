"""The clock of a step: an interrupt when its time is over, the end when that does not help, a pause for host tools."""

import time

import pytest
from dspy import CodeExecutionError

from rlm_app.adapters.e2b import E2BInterpreter
from rlm_app.adapters.e2b.link import Pace
from tests.adapters.e2b.conftest import Open, loss
from tests.e2b_server import E2BServer


def test_a_step_over_its_time_is_interrupted_and_state_is_kept(open_interpreter: Open) -> None:
    interpreter = open_interpreter(step_seconds=0.4)
    started = time.monotonic()
    with pytest.raises(CodeExecutionError) as caught:
        interpreter.execute("x = 41\nprint('begun')\nwhile True:\n    x_was = x")
    assert 0.4 <= time.monotonic() - started < 1.5
    for told in ("begun\n", "stopped after 0.4 seconds", '"<cell 1>", line ', "KeyboardInterrupt"):
        assert told in str(caught.value)
    assert interpreter.execute("x + 1") == "42"


@pytest.mark.parametrize(
    "code",
    [
        "import time\ntime.sleep(60)",
        "import threading\nthreading.Event().wait()",
        "import subprocess\nsubprocess.run(['sleep', '60'])",
        "while True:\n    print('x' * 1000)",
        "import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\nwhile True: pass",
    ],
)
def test_what_waits_or_floods_is_interrupted_too(open_interpreter: Open, code: str) -> None:
    interpreter = open_interpreter(step_seconds=0.3, pace=Pace(grace=3))
    with pytest.raises(CodeExecutionError, match="stopped after"):
        interpreter.execute(code)
    assert interpreter.execute("'next'") == "'next'"


def test_interrupts_come_again_and_again_without_touching_the_next_step(open_interpreter: Open) -> None:
    interpreter = open_interpreter(step_seconds=0.05, pace=Pace(grace=3))
    for _ in range(8):
        with pytest.raises(CodeExecutionError, match="stopped after"):
            interpreter.execute("while True: pass")
        assert interpreter.execute("sum(range(1000))") == "499500"


SESSION = "import gc, os, signal\nsession = next(o for o in gc.get_objects() if type(o).__name__ == 'Session')\n"


def test_an_interrupt_that_comes_before_its_step_is_heeded_and_one_of_no_step_is_not(
    interpreter: E2BInterpreter,
) -> None:
    interpreter.execute(f"{SESSION}session.interrupt(2)")
    with pytest.raises(CodeExecutionError, match="stopped after"):
        interpreter.execute("while True: pass")
    assert interpreter.execute("os.kill(os.getpid(), signal.SIGINT)\n'untouched'") == "'untouched'"


@pytest.mark.parametrize(
    "code",
    [
        "import time\nwhile True:\n    try:\n        time.sleep(60)\n    except BaseException: pass",
        "import signal, time\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\ntime.sleep(60)",
    ],
)
def test_what_does_not_heed_an_interrupt_is_ended(server: E2BServer, open_interpreter: Open, code: str) -> None:
    interpreter = open_interpreter(step_seconds=0.3, pace=Pace(grace=0.4))
    started = time.monotonic()
    assert "could not be interrupted" in loss(interpreter, code)
    assert 0.7 <= time.monotonic() - started < 2.5
    assert server.wait_until_empty()


def test_the_clock_stands_while_a_host_tool_runs(open_interpreter: Open) -> None:
    interpreter = open_interpreter(tools={"slow": lambda: time.sleep(0.25)}, step_seconds=0.4)
    assert interpreter.execute("for _ in range(3): slow()\n'done'") == "'done'"
    with pytest.raises(CodeExecutionError, match="stopped after"):
        interpreter.execute("slow()\nwhile True: pass")


def test_a_thread_that_goes_on_calling_does_not_stop_the_clock_for_ever(
    server: E2BServer, open_interpreter: Open
) -> None:
    """After an interrupt no tool begins."""
    interpreter = open_interpreter(tools={"slow": lambda: time.sleep(0.05)}, step_seconds=0.3)
    code = """
import threading, time
def call():
    while True:
        try:
            slow()
        except RuntimeError: pass
        time.sleep(0.05)
threading.Thread(target=call, daemon=True).start()
while True:
    try:
        time.sleep(60)
    except BaseException: pass
"""
    started = time.monotonic()
    assert "could not be interrupted" in loss(interpreter, code)
    assert time.monotonic() - started < 4
