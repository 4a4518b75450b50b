"""Inputs are uploaded once, bound again each step, and uploaded again when they have changed."""

import hashlib
import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from rlm_app.adapters.e2b import E2BInterpreter
from rlm_app.adapters.e2b.inputs import SMALL, Inputs
from tests.adapters.e2b.conftest import Open
from tests.e2b_server import E2BServer

BIG = "ü" + "0123456789\r\n" * 400_000


class Uploads(dict[str, bytes]):
    """Stands for the sandbox's folder; counts how often something was written."""

    count = 0

    def __call__(self, name: str, data: bytes) -> dict[str, Any]:
        self.count += 1
        self[name] = data
        return {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}

    def value(self, place: dict[str, Any]) -> Any:
        if "value" in place:
            return place["value"]
        text = self[f"input-{place['sha256']}"].decode("utf-8", "surrogatepass")
        return text if place["kind"] == "text" else json.loads(text)


LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters(), max_size=5)
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8)


@given(st.lists(VALUES, min_size=1, max_size=6))
def test_what_arrives_is_what_was_given_whether_large_or_small(values: list[Any]) -> None:
    uploads = Uploads()
    inputs = Inputs(uploads)
    for value in values:
        for given_value in (value, [value, "x" * SMALL]):
            for _ in range(2):
                assert uploads.value(inputs.place({"name": given_value})["name"]) == given_value
    assert uploads.count == len(uploads)


@given(VALUES, VALUES)
def test_a_list_that_changes_in_place_is_seen(before: Any, after: Any) -> None:
    uploads = Uploads()
    inputs = Inputs(uploads)
    value = ["x" * SMALL, before]
    inputs.place({"name": value})
    value[1] = after
    arrived = uploads.value(inputs.place({"name": value})["name"])[1]
    assert (arrived, type(arrived)) == (after, type(after))


def test_a_string_is_known_again_without_reading_it() -> None:
    inputs = Inputs(Uploads())
    text = "x" * 50_000_000
    inputs.place({"context": text})
    started = time.perf_counter()
    for _ in range(100):
        inputs.place({"context": text})
    assert time.perf_counter() - started < 0.05


def test_models_go_as_their_plain_form() -> None:
    class Point(BaseModel):
        x: int

    assert Inputs(Uploads()).place({"p": [Point(x=1)]}) == {"p": {"value": [{"x": 1}]}}


def test_one_upload_for_a_whole_run(server: E2BServer, interpreter: E2BInterpreter) -> None:
    for step in range(4):
        assert interpreter.execute("len(context), hash(context) == hash(context[:])", {"context": BIG}) == (
            f"({len(BIG)}, True)"
        )
        interpreter.execute(f"context = {step}")
    assert server.requests["files.write"] == 2, "the worker and the context"
    assert server.sent_bytes["process.SendInput"] < 20_000
    assert interpreter.execute("context[-4:], context[0]", {"context": BIG}) == "('89\\r\\n', 'ü')"


def test_a_changed_input_is_uploaded_again_and_an_old_one_is_not(
    server: E2BServer, interpreter: E2BInterpreter
) -> None:
    other = BIG + "!"
    assert interpreter.execute("context[-1]", {"context": BIG}) == "'\\n'"
    assert interpreter.execute("context[-1]", {"context": other}) == "'!'"
    assert interpreter.execute("context[-1]", {"context": BIG, "more": BIG}) == "'\\n'"
    assert server.requests["files.write"] == 3


@pytest.mark.parametrize("value", [{"a": [1, None, True, "x" * 100_000]}, "\udc80" * 70_000, float("inf"), 10**30])
def test_other_values_arrive_as_they_are(interpreter: E2BInterpreter, value: object) -> None:
    interpreter.execute("value = value", {"value": value})
    interpreter.tools["same"] = lambda given: given == value
    assert interpreter.execute("same(value)") == "True"


def test_an_input_that_the_step_destroys_in_the_sandbox_is_uploaded_again(
    server: E2BServer, interpreter: E2BInterpreter
) -> None:
    interpreter.execute("import glob, os\nfor f in glob.glob('.rlm/input-*'): os.unlink(f)", {"context": BIG})
    interpreter.execute("open('ran', 'a').write('x')", {"other": "y" * 100_000})
    assert interpreter.execute("open('ran', 'a').write('x')\nlen(context)", {"context": BIG}) == str(len(BIG))
    assert interpreter.execute("open('ran').read()") == "'xx'"
    assert server.requests["files.write"] == 4


def test_answers_and_code_that_are_large_go_by_files(server: E2BServer, open_interpreter: Open) -> None:
    interpreter = open_interpreter(tools={"book": lambda title: "w" * len(title)})
    assert interpreter.execute(f"# {'c' * 2_000_000}\nlen(book('t' * 5_000_000))") == "5000000"
    assert interpreter.execute("import os\nsorted(os.listdir('.rlm'))") == "['worker.pyz']"
    assert server.requests["files.write"] == 3
