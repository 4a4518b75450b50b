"""SUBMIT ends a run with values by position or by name, and says what is wrong with others."""

import pytest
from dspy import CodeExecutionError, FinalOutput

from rlm_app.adapters.e2b import E2BInterpreter
from tests.adapters.e2b.conftest import Open


@pytest.mark.parametrize(
    ("code", "value"),
    [
        ("SUBMIT('a', 2)", {"answer": "a", "count": 2}),
        ("SUBMIT(count=2, answer='a')", {"answer": "a", "count": 2}),
        ("SUBMIT('a', count=2)", {"answer": "a", "count": 2}),
        ("try:\n    SUBMIT('a', 2)\nexcept Exception:\n    print('caught')", {"answer": "a", "count": 2}),
        ("try:\n    SUBMIT('a', 2)\nexcept:\n    print('caught')", {"answer": "a", "count": 2}),
        ("SUBMIT('a', 2)\nprint('not reached')\n1/0", {"answer": "a", "count": 2}),
        ("SUBMIT('x' * 3_000_000, {1: [None, 2.5]})", {"answer": "x" * 3_000_000, "count": {"1": [None, 2.5]}}),
        ("SUBMIT('\\ud800', 2)", {"answer": "\ud800", "count": 2}),
    ],
)
def test_submit_by_position_and_by_name(open_interpreter: Open, code: str, value: object) -> None:
    interpreter = open_interpreter(output_fields=[{"name": "answer", "type": "str"}, {"name": "count"}])
    assert interpreter.execute(code) == FinalOutput(value)
    assert interpreter.execute("'goes on'") == "'goes on'"


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("SUBMIT('a')", r"SUBMIT\(answer, count\) lacks count"),
        ("SUBMIT('a', 1, 2)", "3 values by position"),
        ("SUBMIT('a', answer='b')", "'answer'"),
        ("SUBMIT('a', other=1)", "'other'"),
        ("SUBMIT('a', object())", "object cannot be sent"),
    ],
)
def test_a_wrong_submit_says_what_to_write(open_interpreter: Open, code: str, told: str) -> None:
    interpreter = open_interpreter(output_fields=[{"name": "answer"}, {"name": "count"}])
    with pytest.raises(CodeExecutionError, match=told):
        interpreter.execute(code)


def test_submit_without_fields(interpreter: E2BInterpreter) -> None:
    assert interpreter.execute("SUBMIT(42)") == FinalOutput({"output": 42})
    assert interpreter.execute("SUBMIT(answer=42)") == FinalOutput({"answer": 42})
    with pytest.raises(CodeExecutionError, match="one value"):
        interpreter.execute("SUBMIT()")
