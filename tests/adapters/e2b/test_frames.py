"""Laws of the inbox: whatever a stream does, each frame is handed on once and in order."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlm_app.adapters.e2b.frames import INLINE, Broken, Damaged, Frame, Inbox, end_of_step


def line(number: int, body: object = None) -> str:
    return json.dumps({"q": number, "t": "call", "n": number, "body": body}) + "\n"


def mark(number: int) -> str:
    return "\n" + json.dumps({"q": 0, "t": "replay", "k": number}) + "\n"


class Worker:
    """Keeps frames until they are acknowledged, and says all of them again when asked."""

    def __init__(self, frames: int) -> None:
        self.lines = [line(number, "x" * (number % 7)) for number in range(1, frames + 1)]

    def after(self, newest: int) -> str:
        return "".join(self.lines[newest:])


@given(st.integers(1, 12), st.data())
def test_each_frame_comes_once_and_in_order_through_cuts_and_replays(frames: int, data: st.DataObject) -> None:
    worker, inbox, got = Worker(frames), Inbox(), []
    text, marks = worker.after(0), 0
    while inbox.newest < frames:
        cut = data.draw(st.integers(0, len(text)))
        size = data.draw(st.integers(1, 9))
        for start in range(0, cut, size):
            got += list(inbox.feed(text[start : min(start + size, cut)]))
        marks += 1
        inbox.await_replay(marks)
        stray = data.draw(st.sampled_from(["", text[-5:], mark(marks - 1), "garbage\n", line(frames)]))
        text = stray + mark(marks) + worker.after(data.draw(st.integers(0, inbox.newest)))
        if marks > 20:
            got += list(inbox.feed(text))
    assert [frame.number for frame in got] == list(range(1, frames + 1))
    assert [frame.body for frame in got] == ["x" * (number % 7) for number in range(1, frames + 1)]


def test_repeats_are_dropped() -> None:
    inbox = Inbox()
    assert len(list(inbox.feed(line(1) + line(1) + line(2) + line(1)))) == 2


@pytest.mark.parametrize("text", ["garbage\n", "[]\n", '{"q":"2"', "{}\n", line(3)])
def test_a_garbled_or_missing_line_asks_for_a_replay(text: str) -> None:
    inbox = Inbox()
    list(inbox.feed(line(1)))
    if text.endswith("\n"):
        with pytest.raises(Damaged):
            list(inbox.feed(text))
    inbox.await_replay(1)
    assert [frame.number for frame in inbox.feed("rest\n" + mark(1) + line(2))] == [2]


def test_only_the_newest_mark_ends_the_wait_for_a_replay() -> None:
    inbox = Inbox()
    list(inbox.feed(line(1)))
    inbox.await_replay(2)
    assert list(inbox.feed(mark(1) + line(3))) == []
    assert [frame.number for frame in inbox.feed(mark(2) + line(2) + line(3))] == [2, 3]


def test_a_greeting_before_the_first_frame_is_no_damage() -> None:
    assert list(Inbox().feed("Welcome\n\n" + line(1))) == [Frame("call", 1)]


@pytest.mark.parametrize(
    "text",
    [
        "x" * (INLINE + 2000),
        '{"q":1,"t":"nonsense","n":1}\n',
        '{"q":1,"t":"call","n":-1}\n',
        '{"q":1,"t":"call","n":"../../etc/passwd","file":{"bytes":1,"sha256":"a"}}\n',
        '{"q":1,"t":"call","n":1,"file":{"bytes":1000000000000,"sha256":"a"}}\n',
        '{"q":1,"t":"call","n":1,"file":{"bytes":-1,"sha256":"a"}}\n',
        '{"q":1,"t":"call","n":1,"file":"/etc/passwd"}\n',
    ],
)
def test_what_no_honest_worker_sends_is_refused(text: str) -> None:
    with pytest.raises(Broken):
        list(Inbox().feed(text))


def test_the_name_of_a_file_comes_from_numbers_alone() -> None:
    told = {"q": 1, "t": "call", "n": 7, "file": {"bytes": 3, "sha256": "abc", "path": "/etc/passwd"}}
    (frame,) = Inbox().feed(json.dumps(told) + "\n")
    assert frame.name == "call-7"


OUTPUT = {"head": "a", "tail": "", "chars": 1}


@pytest.mark.parametrize(
    "body",
    [
        None,
        {"kind": "ok"},
        {"kind": "ok", "output": {**OUTPUT, "chars": 0}},
        {"kind": "ok", "output": {**OUTPUT, "head": 3}},
        {"kind": "error", "output": OUTPUT},
        {"kind": "final", "value": 3, "output": OUTPUT},
        {"kind": ["ok"], "output": OUTPUT},
    ],
)
def test_the_end_of_a_step_is_checked(body: object) -> None:
    assert end_of_step({"kind": "ok", "output": OUTPUT})["kind"] == "ok"
    with pytest.raises(Broken):
        end_of_step(body)
