import threading
import time

import pytest
from dspy import CodeExecutionError, CodeInterpreterError, FinalOutput

from rlm_app.adapters.monty import MontySandbox, probe
from rlm_app.adapters.traced import KEPT_HEAD, KEPT_TAIL, Cut


@pytest.fixture
def sandbox():
    sandbox = MontySandbox(step_seconds=5)
    yield sandbox
    sandbox.shutdown()


def test_it_computes_and_keeps_state(sandbox) -> None:
    assert sandbox.execute("x = 41") is None
    assert sandbox.execute("print(x + 1)") == "42"
    assert sandbox.execute("SUBMIT(answer='a')") == FinalOutput({"answer": "a"})


def test_a_flood_keeps_head_and_tail_and_its_true_length(sandbox) -> None:
    output = sandbox.execute("print('start')\nfor i in range(3000):\n    print('x' * 1000)\nprint('end')")
    assert isinstance(output, Cut)
    assert output.chars == 6 + 3000 * 1001 + 4
    assert output.startswith("start\nxxx")
    assert output.endswith("\nend\n")
    assert len(output) < KEPT_HEAD + KEPT_TAIL + 100
    assert f"{output.chars - KEPT_HEAD - KEPT_TAIL:,} characters left out" in output


def test_a_flood_in_one_print_is_cut_alike(sandbox) -> None:
    output = sandbox.execute("print('a' + 'x' * 500_000 + 'b')")
    assert output.chars == 500_003
    assert output.startswith("ax")
    assert output.endswith("xb\n")


def test_short_output_after_a_flood_is_not_the_flood(sandbox) -> None:
    sandbox.execute("print('x' * 500_000)")
    assert sandbox.execute("print('short')") == "short"
    assert sandbox.execute("1 + 1") == "2"


def test_an_endless_loop_can_be_killed_from_another_thread(sandbox) -> None:
    sandbox.start()
    threading.Timer(0.3, sandbox.kill).start()
    started = time.monotonic()
    with pytest.raises(CodeInterpreterError) as caught:
        sandbox.execute("while True:\n    pass")
    assert not isinstance(caught.value, CodeExecutionError)
    assert time.monotonic() - started < 3


def test_killing_one_sandbox_leaves_the_others_alone(sandbox) -> None:
    other = MontySandbox()
    other.start()
    sandbox.start()
    sandbox.kill()
    assert other.execute("print('alive')") == "alive"
    other.shutdown()


def test_a_step_over_its_time_fails_and_a_new_one_works() -> None:
    sandbox = MontySandbox(step_seconds=0.3)
    with pytest.raises(CodeExecutionError, match="time limit"):
        sandbox.execute("while True:\n    pass")
    assert sandbox.execute("print('again')") == "again"
    sandbox.shutdown()


def test_a_memory_bomb_is_an_error_of_the_code() -> None:
    sandbox = MontySandbox(step_seconds=60)
    with pytest.raises(CodeExecutionError, match="MemoryError"):
        sandbox.execute("x = []\nwhile True:\n    x.append('y' * 10_000_000)")
    sandbox.shutdown()


@pytest.mark.parametrize(
    "code",
    ["open('/etc/passwd').read()", "import os\nprint(os.environ['HOME'])", "import socket", "import subprocess"],
)
def test_host_files_environment_and_network_are_out_of_reach(sandbox, code: str) -> None:
    with pytest.raises((CodeExecutionError, SyntaxError)):
        sandbox.execute(code)


def test_probe_is_silent_when_all_is_well() -> None:
    probe()
