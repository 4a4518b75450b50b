"""A server of our own for the real SDK, and interpreters on it that are quick to notice silence.

After each test: no sandbox is left, no place is taken, and no canary came through in any byte that the server received.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from dspy import CodeExecutionError, CodeInterpreterError

from rlm_app.adapters.e2b import E2BInterpreter, E2BLost
from rlm_app.adapters.e2b.link import Pace
from rlm_app.adapters.e2b.places import PLACES
from rlm_app.errors import SandboxLost
from tests.e2b_server import E2BServer

QUICK = Pace(silence=0.4, answer=0.4, mend=5, grace=0.5, tick=0.05)
CANARIES = {"OPENAI_API_KEY": "sk-canary-0123456789", "SOME_SETTING": "canary-of-the-environment"}

Open = Callable[..., E2BInterpreter]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[E2BServer]:
    for name, value in CANARIES.items():
        monkeypatch.setenv(name, value)
    with E2BServer() as server:
        server.canaries += [value.encode() for value in CANARIES.values()] + [str(Path(__file__).parents[3]).encode()]
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        yield server
        assert server.wait_until_empty(), "a sandbox is left"
        assert server.leaks == []
    assert PLACES.taken == 0
    assert not PLACES.held


@pytest.fixture
def open_interpreter(server: E2BServer) -> Iterator[Open]:
    opened: list[E2BInterpreter] = []

    def make(**options: Any) -> E2BInterpreter:
        opened.append(E2BInterpreter(**{"pace": QUICK, **options}))
        return opened[-1]

    yield make
    for interpreter in opened:
        interpreter.shutdown()


@pytest.fixture
def interpreter(open_interpreter: Open) -> E2BInterpreter:
    return open_interpreter()


class Counted:
    """A host tool that remembers each call; doubling is its work."""

    def __init__(self) -> None:
        self.seen: list[int] = []

    def __call__(self, n: int) -> int:
        self.seen.append(n)
        return 2 * n


@pytest.fixture
def counted() -> Counted:
    return Counted()


def loss(interpreter: E2BInterpreter, code: str) -> str:
    """The sentence that a lost sandbox leaves; and after it nothing runs."""
    with pytest.raises(CodeInterpreterError) as caught:
        interpreter.execute(code)
    assert isinstance(caught.value, SandboxLost)
    assert not isinstance(caught.value, CodeExecutionError)
    with pytest.raises(E2BLost):
        interpreter.execute("1")
    return str(caught.value)
