"""Code that turns on the bridge: it has the worker's own link in its hands, and gets nowhere on this host."""

import time

import psutil
import pytest
from dspy import CodeExecutionError

from rlm_app.adapters.e2b import E2BInterpreter, E2BLost
from rlm_app.adapters.e2b.frames import MAX_BODY
from tests.adapters.e2b.conftest import Counted, Open
from tests.e2b_server import E2BServer

LINK = "import gc, json, os, time\nlink = next(o for o in gc.get_objects() if type(o).__name__ == 'Link')\n"
WRITE = "number = link._number + 1\nlink._write(json.dumps({'q': number, %s}).encode() + b'\\n')\ntime.sleep(5)"


def test_a_hundred_thousand_calls_at_once_are_refused(server: E2BServer, open_interpreter: Open) -> None:
    seen = []

    def slow(n: int) -> None:
        seen.append(n)
        time.sleep(0.2)

    interpreter = open_interpreter(tools={"slow": slow}, max_concurrent_calls=4)
    interpreter.start()
    before = psutil.Process().memory_info().rss
    code = (
        "for n in range(100_000):\n"
        "    link.send('call', n, json.dumps({'name': 'slow', 'args': [n], 'kwargs': {}}))\ntime.sleep(5)"
    )
    with pytest.raises(E2BLost, match="more than 16 open calls"):
        interpreter.execute(LINK + code)
    assert len(seen) <= 16
    assert psutil.Process().memory_info().rss - before < 100e6
    assert server.wait_until_empty()


@pytest.mark.parametrize(
    ("frame", "told"),
    [
        ("'t': 'call', 'n': 1, 'file': {'bytes': 10**13, 'sha256': 'x'}", "bytes"),
        ("'t': 'call', 'n': '../../../etc/passwd', 'file': {'bytes': 9, 'sha256': 'x'}", "no known kind"),
        ("'t': 'call', 'n': 1, 'body': 'x' * 5_000_000", "without end"),
        ("'t': 'done', 'n': 1, 'body': {'kind': 'ok', 'output': {'head': 1, 'tail': '', 'chars': 2}}", "output"),
        ("'t': 'done', 'n': 1, 'body': {'kind': 'final', 'value': 3}", "end of a step"),
        ("'t': 'done', 'n': 1, 'file': {'bytes': 9, 'sha256': 'x'}", "not what it was said to be"),
        ("'t': 'surprise', 'n': 1", "no known kind"),
    ],
)
def test_a_frame_that_no_worker_sends_ends_the_run(
    server: E2BServer, open_interpreter: Open, frame: str, told: str
) -> None:
    interpreter = open_interpreter()
    with pytest.raises(E2BLost, match=f"broke its protocol.*{told}"):
        interpreter.execute(LINK + WRITE % frame)
    assert server.wait_until_empty()


def test_a_file_that_is_larger_than_it_was_said_to_be_is_not_read_on(open_interpreter: Open, counted: Counted) -> None:
    interpreter = open_interpreter(tools={"ask": counted})
    interpreter.start()
    before = psutil.Process().memory_info().rss
    code = (
        "import queue\nopen('.rlm/call-77', 'wb').truncate(60_000_000)\nlink._waiting[77] = queue.SimpleQueue()\n"
        "link._number += 1\nline = json.dumps({'q': link._number, 't': 'call', 'n': 77,"
        " 'file': {'bytes': 10, 'sha256': 'x'}}).encode() + b'\\n'\nlink._kept.append((link._number, line))\n"
        "link._write(line)\nprint(link._waiting[77].get())"
    )
    assert "is not what it was said to be" in str(interpreter.execute(LINK + code))
    assert counted.seen == []
    assert psutil.Process().memory_info().rss - before < 50e6


def test_a_line_without_end_is_not_gathered(open_interpreter: Open) -> None:
    with pytest.raises(E2BLost, match="a line without end"):
        open_interpreter().execute(LINK + "while True: link._write(b'x' * 100_000)")


def test_a_line_of_brackets_does_not_exhaust_the_reader(open_interpreter: Open) -> None:
    with pytest.raises(E2BLost, match="brackets"):
        open_interpreter().execute(LINK + "link._write(b'[' * 200_000 + b'\\n')\ntime.sleep(5)")


def test_endless_garbage_ends_the_run(open_interpreter: Open) -> None:
    interpreter = open_interpreter(step_seconds=1)
    started = time.monotonic()
    with pytest.raises((E2BLost, CodeExecutionError)):
        interpreter.execute(LINK + "while True: link._write(b'garbage\\n')")
    assert time.monotonic() - started < 30


def test_an_end_that_is_forged_does_not_pass_for_the_next_steps(interpreter: E2BInterpreter) -> None:
    forged = "{'kind': 'ok', 'output': {'head': 'forged', 'tail': '', 'chars': 6}}"
    code = f"link.send('done', 1, json.dumps({forged}))\ntime.sleep(0.3)\nprint('own output of the first step')"
    assert interpreter.execute(LINK + code) == "forged"
    assert "'second'" in str(interpreter.execute("'second'"))


def test_a_body_that_is_too_large_is_refused_before_it_is_sent(open_interpreter: Open, counted: Counted) -> None:
    interpreter = open_interpreter(tools={"ask": counted})
    for code in (f"ask('x' * {MAX_BODY})", f"SUBMIT('x' * {MAX_BODY})"):
        with pytest.raises(CodeExecutionError, match="too many for one exchange"):
            interpreter.execute(code)
    assert counted.seen == []


def test_calls_in_one_step_are_bounded(open_interpreter: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    from rlm_app.adapters.e2b import calls

    monkeypatch.setattr(calls, "MAX_CALLS", 5)
    counted = Counted()
    interpreter = open_interpreter(tools={"ask": counted})
    with pytest.raises(CodeExecutionError, match="5 times"):
        interpreter.execute("for n in range(100): ask(n)")
    assert counted.seen == [0, 1, 2, 3, 4]
    assert interpreter.execute("ask(7)") == "14"
