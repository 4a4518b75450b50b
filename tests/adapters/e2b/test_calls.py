"""Host tools: how arguments arrive, how many run at once, and that each call runs once and inside its step."""

import asyncio
import contextvars
import functools
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from dspy import CodeExecutionError
from hypothesis import given
from hypothesis import strategies as st

from rlm_app.adapters.e2b import E2BInterpreter
from rlm_app.adapters.e2b.calls import call_by_name, without_secrets
from tests.adapters.e2b.conftest import Counted, Open

THREADS = "from concurrent.futures import ThreadPoolExecutor\nwith ThreadPoolExecutor(40) as p:\n    "


def by_names_only(function: Callable[..., Any]) -> Callable[..., Any]:
    """As dspy wraps tools: takes names alone, and shows the signature of what it wraps."""

    @functools.wraps(function)
    def invoke(**kwargs: Any) -> Any:
        return function(**kwargs)

    return invoke


def tool(a: int, b: int = 2, *, c: int = 3, **rest: int) -> object:
    return [a, b, c, rest]


@given(st.lists(st.integers(), max_size=3), st.dictionaries(st.sampled_from("abcde"), st.integers()))
def test_a_call_means_what_it_means_in_python(args: list[int], kwargs: dict[str, int]) -> None:
    def outcome(call: Callable[[], Any]) -> Any:
        try:
            return call()
        except TypeError:
            return TypeError

    assert outcome(lambda: call_by_name(by_names_only(tool), args, kwargs)) == outcome(lambda: tool(*args, **kwargs))


def test_what_takes_no_names_is_called_by_position() -> None:
    assert call_by_name(lambda *values: sum(values), [1, 2, 3], {}) == 6
    assert call_by_name(len, ["abc"], {}) == 3
    assert call_by_name(max, [1, 2], {}) == 2


def test_arguments_results_and_errors(open_interpreter: Open) -> None:
    def fail(kind: str) -> None:
        raise ValueError(f"no {kind}")

    interpreter = open_interpreter(tools={"tool": by_names_only(tool), "fail": fail, "odd": lambda: object()})
    assert interpreter.execute("tool(1), tool(1, b=5, z=9)") == "([1, 2, 3, {}], [1, 5, 3, {'z': 9}])"
    for code, told in (
        ("fail('luck')", "ValueError: no luck"),
        ("tool()", "TypeError"),
        ("tool(1, object())", "object cannot be sent"),
        ("odd()", "object is not JSON-compatible"),
        ("absent()", "NameError"),
    ):
        with pytest.raises(CodeExecutionError, match=told):
            interpreter.execute(code)
    assert (
        interpreter.execute("try:\n    fail('luck')\nexcept RuntimeError as e:\n    print(e)") == "ValueError: no luck"
    )


def test_tools_may_change_between_steps(open_interpreter: Open) -> None:
    interpreter = open_interpreter(tools={"a": lambda: 1})
    assert interpreter.execute("a()") == "1"
    interpreter.tools["a"] = lambda: 2
    interpreter.tools["b"] = lambda: 3
    assert interpreter.execute("a = 'overwritten'\nb()") == "3"
    assert interpreter.execute("a()") == "2"
    del interpreter.tools["a"]
    assert interpreter.execute("'a' in globals()") == "False"


def test_async_tools_and_context_variables(open_interpreter: Open) -> None:
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable")

    async def later(n: int) -> str:
        await asyncio.sleep(0.01)
        return variable.get() * n

    variable.set("x")
    interpreter = open_interpreter(tools={"later": by_names_only(later), "now": lambda: variable.get()})
    assert interpreter.execute("later(n=3), later(2), now()") == "('xxx', 'xx', 'x')"


def test_threads_call_at_once_up_to_the_limit_and_queue_beyond(open_interpreter: Open) -> None:
    lock, running, most = threading.Lock(), 0, 0

    def work(n: int) -> int:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.02)
        with lock:
            running -= 1
        return n

    interpreter = open_interpreter(tools={"work": work}, max_concurrent_calls=4)
    assert interpreter.execute(f"{THREADS}got = list(p.map(work, range(60)))\ngot == list(range(60))") == "True"
    assert most == 4


def test_a_batch_of_fifty_prompts_of_500_kb(open_interpreter: Open) -> None:
    interpreter = open_interpreter(tools={"batch": lambda prompts: [prompt[-8:] for prompt in prompts]})
    code = "got = batch(['x' * 500_000 + f'{n:08}' for n in range(50)])\ngot == [f'{n:08}' for n in range(50)]"
    assert interpreter.execute(code) == "True"
    with pytest.raises(CodeExecutionError, match="send it in parts"):
        interpreter.execute("batch(['x' * 70_000_000])")


def test_a_step_ends_when_its_calls_have_ended(open_interpreter: Open) -> None:
    """A thread that is left over cannot have a tool run after its step, but its call is finished within it."""
    ended: list[float] = []

    def slow(n: int) -> int:
        time.sleep(0.3)
        ended.append(time.monotonic())
        return n

    interpreter = open_interpreter(tools={"slow": slow}, max_concurrent_calls=1)
    code = (
        "import threading, time\nfor n in range(3):\n    threading.Thread(target=slow, args=(n,), daemon=True).start()"
    )
    interpreter.execute(f"{code}\ntime.sleep(0.1)")
    after = time.monotonic()
    assert len(ended) == 1, "the one that had begun; the two that waited were refused"
    assert ended[0] <= after
    time.sleep(0.3)
    assert len(ended) == 1


def test_a_thread_that_is_left_over_is_refused_between_steps(open_interpreter: Open, counted: Counted) -> None:
    interpreter = open_interpreter(tools={"ask": counted})
    code = """
import threading, time
def later():
    time.sleep(0.2)
    try:
        ask(1)
    except RuntimeError as error:
        print("refused:", error)
threading.Thread(target=later).start()
"""
    interpreter.execute(code)
    time.sleep(0.4)
    assert counted.seen == []
    assert "refused: RuntimeError: no step is running" in str(interpreter.execute("print('next')"))


def test_a_process_that_a_step_starts_has_no_tools(open_interpreter: Open, counted: Counted) -> None:
    interpreter = open_interpreter(tools={"ask": counted})
    code = "import multiprocessing as m\nwith m.get_context('fork').Pool(1) as p:\n    p.map(ask, [1])"
    with pytest.raises(CodeExecutionError, match=r"pickle|use threads"):
        interpreter.execute(code)
    with pytest.raises(CodeExecutionError, match="use threads"):
        interpreter.execute(
            "import os\nif not os.fork():\n    ask(1)\nos.wait()\nraise ValueError('see what the child printed')"
        )
    assert counted.seen == []
    assert interpreter.execute("ask(2)") == "4"


def test_what_is_no_exception_ends_the_run(open_interpreter: Open) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    interpreter = open_interpreter(tools={"interrupted": interrupted})
    with pytest.raises(KeyboardInterrupt):
        interpreter.execute("interrupted()")


def test_keys_in_an_error_do_not_enter_the_sandbox(open_interpreter: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise ValueError("the key sk-canary-0123456789 is not valid")

    assert without_secrets("sk-canary-0123456789 x") == "*** x"
    interpreter = open_interpreter(tools={"fail": fail})
    with pytest.raises(CodeExecutionError, match=r"the key \*\*\* is not valid"):
        interpreter.execute("fail()")


def test_an_error_without_end_is_told_in_part(open_interpreter: Open) -> None:
    def fail() -> None:
        raise ValueError("x" * 10_000_000)

    with pytest.raises(CodeExecutionError) as caught:
        open_interpreter(tools={"fail": fail}).execute("fail()")
    assert len(str(caught.value)) < 20_000


def test_numpy_and_sets_are_sent_as_what_they_are(open_interpreter: Open) -> None:
    interpreter = open_interpreter(tools={"same": lambda value: value})
    code = "import numpy as np\nsame(np.int64(3)), same(np.arange(3)), same({1}), same(np.float64('nan')) > 0"
    assert interpreter.execute(code) == "(3, [0, 1, 2], [1], False)"


def test_one_interpreter_runs_one_step_at_a_time(interpreter: E2BInterpreter) -> None:
    from dspy import CodeInterpreterError

    interpreter.tools["nested"] = lambda: interpreter.execute("1")
    with pytest.raises(CodeExecutionError, match="executing a step already"):
        interpreter.execute("nested()")
    assert issubclass(CodeExecutionError, CodeInterpreterError)
    assert interpreter.execute("1") == "1"
