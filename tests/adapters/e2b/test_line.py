"""The line to the worker under fire: every call runs once, no step runs twice, and nobody notices."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from dspy import CodeInterpreterError

from rlm_app.adapters.e2b import E2BInterpreter, E2BLost
from rlm_app.adapters.e2b.link import Pace
from tests.adapters.e2b.conftest import Counted, Open
from tests.e2b_server import E2BServer

STEP = """
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(4) as pool:
    got = list(pool.map(ask, range({0}, {0} + 12)))
ran = globals().get("ran", 0) + 1
print(ran, got == [2 * n for n in range({0}, {0} + 12)])
"""


def run_steps(interpreter: E2BInterpreter, counted: Counted, between: Callable[[], object], steps: int = 3) -> None:
    """Steps that each ask twelve times, with the assertion that all happened exactly once."""
    interpreter.tools["ask"] = counted
    for step in range(steps):
        between()
        assert interpreter.execute(STEP.format(12 * step)) == f"{step + 1} True"
    assert sorted(counted.seen) == list(range(12 * steps))


@pytest.mark.parametrize("cut", [0, 40, 300, 700, 1500])
@pytest.mark.parametrize("quietly", [False, True])
def test_a_stream_cut_at_any_byte(
    server: E2BServer, interpreter: E2BInterpreter, counted: Counted, cut: int, quietly: bool
) -> None:
    server.fault("process.Start", cut_after=cut, end_quietly=quietly)
    server.fault("process.Connect", cut_after=2 * cut, end_quietly=not quietly)
    run_steps(interpreter, counted, lambda: None)
    assert server.requests["process.Connect"] + server.requests["process.Start"] >= 2, "cut early, it is started anew"


def test_streams_cut_before_and_during_steps(server: E2BServer, interpreter: E2BInterpreter, counted: Counted) -> None:
    def ask(n: int) -> int:
        if n % 12 == 5:
            server.cut_streams()
        return counted(n)

    interpreter.start()
    interpreter.tools["ask"] = ask
    for step in range(3):
        server.cut_streams()
        assert interpreter.execute(STEP.format(12 * step)) == f"{step + 1} True"
    assert sorted(counted.seen) == list(range(36))
    assert server.requests["process.Connect"] >= 3


@pytest.mark.parametrize("where", ["process.Start", "process.Connect"])
def test_a_stream_that_stalls_is_noticed(
    server: E2BServer, interpreter: E2BInterpreter, counted: Counted, where: str
) -> None:
    server.fault(where, stall_after=400)
    if where == "process.Connect":
        server.fault("process.Start", cut_after=300)
    started = time.monotonic()
    run_steps(interpreter, counted, lambda: None)
    assert time.monotonic() - started < 5
    assert server.requests["process.Connect"] >= 1


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 502, "message": "bad gateway"},
        {"status": 503},
        {"status": 429},
        {"refuse": True},
        {"lose_answer": True},
        {"delay": 0.1},
    ],
)
def test_a_message_that_fails_or_seems_to(
    server: E2BServer, interpreter: E2BInterpreter, counted: Counted, fault: Any
) -> None:
    """`lose_answer`: the message was taken, and is sent again because nobody knows."""

    def between() -> None:
        for skip in (0, 1, 2):
            server.fault("process.SendInput", skip=skip, **fault)

    run_steps(interpreter, counted, between)


@pytest.mark.parametrize("where", ["files.write", "files.read"])
@pytest.mark.parametrize("fault", [{"status": 502, "message": "bad gateway"}, {"refuse": True}, {"lose_answer": True}])
def test_a_file_that_fails_or_seems_to(
    server: E2BServer, interpreter: E2BInterpreter, counted: Counted, where: str, fault: Any
) -> None:
    interpreter.start()
    interpreter.tools["echo"] = lambda text: text[:2_000_000] + str(counted(len(text)))
    for _ in range(2):
        server.fault(where, **fault)
    code = "got = echo(text)\nlen(got), got[-7:]"
    assert interpreter.execute(code, {"text": "x" * 3_000_000}) == "(2000007, '6000000')"
    assert counted.seen == [3_000_000]


TAMPERINGS: dict[str, Callable[[bytes], list[bytes]]] = {
    "repeated": lambda data: [data, data],
    "garbage before": lambda data: [b"\x00\xff{not json\n", data],
    "garbage within": lambda data: [data[:20], b"\n!!!\n", data[20:]],
    "dropped": lambda data: [],
    "halved": lambda data: [data[: len(data) // 2]],
    "reversed": lambda data: [line + b"\n" for line in reversed(data.splitlines())],
}


@pytest.mark.parametrize("name", TAMPERINGS)
def test_a_stream_that_is_garbled_repeated_or_out_of_order(
    server: E2BServer, interpreter: E2BInterpreter, counted: Counted, name: str
) -> None:
    tamper, pieces = TAMPERINGS[name], 0

    def sometimes(data: bytes) -> list[bytes]:
        nonlocal pieces
        pieces += 1
        return tamper(data) if pieces % 5 == 3 else [data]

    for where in ("process.Start", *["process.Connect"] * 20):
        server.fault(where, tamper=sometimes)
    run_steps(interpreter, counted, lambda: None)


def test_a_silent_step_is_asked_after_and_left_alone(server: E2BServer, open_interpreter: Open) -> None:
    """Code that computes without a word answers the question, so its stream is not taken up anew."""
    interpreter = open_interpreter(pace=Pace(silence=0.1, answer=1, tick=0.02))
    interpreter.start()
    before = server.requests["process.SendInput"]
    assert interpreter.execute("import time\ntime.sleep(1)\n'done'") == "'done'"
    asked = server.requests["process.SendInput"] - before - 1
    assert 1 <= asked <= 5, "less and less often"
    assert server.requests["process.Connect"] == 0


def test_a_line_that_stays_down_ends_the_run(server: E2BServer, open_interpreter: Open) -> None:
    interpreter = open_interpreter(pace=Pace(mend=0.5, tick=0.05))
    interpreter.start()
    server.fault("process.Connect", times=999, status=502, message="bad gateway")
    server.cut_streams()
    started = time.monotonic()
    with pytest.raises(E2BLost, match="cannot be reached any more"):
        interpreter.execute("1")
    assert time.monotonic() - started < 3
    assert server.wait_until_empty()


def test_a_process_that_is_gone_when_the_stream_is_taken_up_again(
    server: E2BServer, interpreter: E2BInterpreter
) -> None:
    interpreter.start()
    server.fault("process.Connect", delay=0.3)
    server.cut_streams()
    with pytest.raises(CodeInterpreterError, match="has ended"):
        interpreter.execute("import os\nos._exit(1)")


def test_the_clock_of_a_step_stands_while_the_line_is_down(server: E2BServer, open_interpreter: Open) -> None:
    interpreter = open_interpreter(step_seconds=0.6)
    interpreter.start()
    interpreter.tools["cut"] = server.cut_streams
    server.fault("process.Connect", times=4, status=502, message="bad gateway")
    server.fault("process.Connect", delay=0.5)
    assert interpreter.execute("cut()\n'done'") == "'done'"


def test_the_worker_keeps_only_what_is_not_acknowledged(interpreter: E2BInterpreter, counted: Counted) -> None:
    run_steps(interpreter, counted, lambda: None)
    code = "import gc\nlen(next(o for o in gc.get_objects() if type(o).__name__ == 'Link')._kept)"
    assert interpreter.execute(code) in {"0", "1"}, "the acknowledgement of the last may be on its way"


def test_the_worker_takes_a_message_once(server: E2BServer, interpreter: E2BInterpreter) -> None:
    """The same line, twice on stdin: what a retry after a lost answer comes to."""
    interpreter.start()
    server.fault("process.SendInput", lose_answer=True, times=2)
    interpreter.execute("open('ran', 'a').write('x')")
    assert interpreter.execute("open('ran').read()") == "'x'"
    assert server.requests["process.SendInput"] == 4
