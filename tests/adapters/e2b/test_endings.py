"""How sandboxes end: by the code, by the clock, by the host, by E2B. Nothing runs on, and none is left."""

import subprocess
import sys
import textwrap
import threading
import time

import pytest
from dspy import CodeExecutionError, CodeInterpreterError

from rlm_app.adapters.e2b import E2BInterpreter, E2BLost
from tests.adapters.e2b.conftest import Counted, Open, loss
from tests.e2b_server import E2BServer


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("import os\nos._exit(0)", "has ended"),
        ("import os\nos._exit(3)", "exit status 3"),
        ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", "SIGKILL"),
        ("import ctypes\nctypes.string_at(0)", "SIGSEGV"),
        ("import os\nos.closerange(3, 2000)\nprint('x')", "ended|broke"),
    ],
)
def test_code_that_ends_its_process_ends_the_run(
    server: E2BServer, open_interpreter: Open, counted: Counted, code: str, told: str
) -> None:
    interpreter = open_interpreter(tools={"ask": counted}, step_seconds=2)
    with pytest.raises(E2BLost, match=told):
        interpreter.execute(f"ask(1)\n{code}")
    assert counted.seen == [1]
    assert server.wait_until_empty()
    assert server.control.created == 1, "no second sandbox takes its place"


def test_a_memory_bomb_is_an_error_of_the_code(interpreter: E2BInterpreter) -> None:
    for _ in range(2):
        with pytest.raises(CodeExecutionError, match="MemoryError"):
            interpreter.execute("x = []\nfor n in range(250):\n    x.append('y' * 10_000_000)")
        assert interpreter.execute("del x\n'alive'") == "'alive'"


def test_no_thread_outlives_its_sandbox(server: E2BServer, open_interpreter: Open) -> None:
    def use() -> None:
        interpreter = open_interpreter(tools={"ask": lambda n: n})
        interpreter.execute("ask(1)")
        interpreter.shutdown()

    use()
    before = threading.active_count()
    for _ in range(5):
        use()
    deadline = time.monotonic() + 3
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.02)
    assert threading.active_count() <= before


@pytest.mark.parametrize("code", ["while True: pass", "import time\ntime.sleep(60)", "slow()"])
def test_kill_from_another_thread_ends_a_step_at_once(server: E2BServer, open_interpreter: Open, code: str) -> None:
    interpreter = open_interpreter(tools={"slow": lambda: time.sleep(1.5)})
    interpreter.start()
    threading.Timer(0.3, interpreter.kill).start()
    started = time.monotonic()
    assert loss(interpreter, code) == "The sandbox was killed."
    assert time.monotonic() - started < 0.8
    assert server.wait_until_empty()


def test_kill_is_at_once_even_where_the_network_hangs(server: E2BServer, interpreter: E2BInterpreter) -> None:
    interpreter.start()
    for where in ("process.SendInput", "files.write", "kill"):
        server.fault(where, delay=1.2)
    threading.Timer(0.1, interpreter.kill).start()
    started = time.monotonic()
    loss(interpreter, "1")
    assert time.monotonic() - started < 0.6
    interpreter.shutdown()
    assert not server.alive, "shutdown waits until it is gone"


def test_kill_before_and_during_the_start(server: E2BServer, open_interpreter: Open) -> None:
    early = open_interpreter()
    early.kill()
    with pytest.raises(E2BLost):
        early.execute("1")
    server.fault("create", delay=0.6)
    late = open_interpreter()
    threading.Timer(0.2, late.kill).start()
    started = time.monotonic()
    with pytest.raises(CodeInterpreterError):
        late.execute("1")
    assert time.monotonic() - started < 0.5
    late.shutdown()
    assert server.control.created == 1
    assert server.wait_until_empty()


def test_shutdown_during_a_step(server: E2BServer, interpreter: E2BInterpreter) -> None:
    interpreter.start()
    threading.Timer(0.2, interpreter.shutdown).start()
    assert "shut down" in loss(interpreter, "while True: pass")
    assert server.wait_until_empty()


def test_a_kill_that_fails_is_repeated(server: E2BServer, interpreter: E2BInterpreter) -> None:
    interpreter.start()
    server.fault("kill", status=500)
    server.fault("kill", refuse=True)
    interpreter.shutdown()
    assert not server.alive


def test_a_sandbox_that_is_gone_ends_the_run(server: E2BServer, open_interpreter: Open, counted: Counted) -> None:
    between, within = open_interpreter(), open_interpreter(tools={"ask": counted})
    between.start()
    server.kill_boxes()
    time.sleep(0.2)
    assert "ended" in loss(between, "1")
    within.start()
    threading.Timer(0.2, server.kill_boxes).start()
    assert "ended" in loss(within, "ask(1)\nwhile True: pass")
    assert counted.seen == [1]


def test_a_lease_that_ran_out_is_told(server: E2BServer, interpreter: E2BInterpreter) -> None:
    interpreter.start()
    for box in server.alive:
        box.ends = 0
    server.cut_streams()
    assert "no longer has this sandbox" in loss(interpreter, "1")


def test_the_lease_is_renewed_while_the_sandbox_is_in_use(server: E2BServer, open_interpreter: Open) -> None:
    interpreter = open_interpreter(timeout=1)
    interpreter.start()
    server.fault("renew", status=500)
    time.sleep(1.4)
    assert interpreter.execute("'still here'") == "'still here'"
    assert server.control.renewed >= 2
    interpreter.shutdown()
    renewed = server.control.renewed
    time.sleep(0.5)
    assert server.control.renewed == renewed


def test_a_renewal_that_finds_no_sandbox_ends_the_run(server: E2BServer, open_interpreter: Open) -> None:
    interpreter = open_interpreter(timeout=1)
    interpreter.start()
    server.fault("renew", status=404, times=99)
    assert "no longer has this sandbox" in loss(interpreter, "import time\ntime.sleep(30)")


def test_a_process_that_ends_without_shutdown_ends_its_sandboxes(server: E2BServer) -> None:
    code = """
        from rlm_app.adapters.e2b import E2BInterpreter
        kept = [E2BInterpreter(), E2BInterpreter()]
        for interpreter in kept:
            interpreter.start()
        raise SystemExit("a bug")
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=30)
    assert done.stderr.strip() == "a bug"
    assert server.control.created == server.control.killed == 2


def test_an_error_on_the_hosts_side_of_a_step_ends_the_sandbox(server: E2BServer, interpreter: E2BInterpreter) -> None:
    def use() -> None:
        with interpreter:
            interpreter.execute("1")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        use()
    assert not server.alive
