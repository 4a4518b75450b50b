"""The tools of this host, run for the worker: each call exactly once, and none outside a step."""

import asyncio
import contextvars
import inspect
import json
import os
import re
import threading
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any

from rlm_app.adapters.e2b.frames import MAX_BODY, Broken, Frame

MAX_CALLS = 100_000  # in one step
MAX_ERROR = 8_000  # characters of a tool's error that the sandbox is told
_SECRET = re.compile("KEY|TOKEN|SECRET|PASSWORD|CREDENTIAL")

Tool = Callable[..., Any]


class HostCalls:
    """Runs at most `limit` tools at a time; calls beyond wait in order.

    Args:
        body: fetches what a frame says.
        answer: takes each answer, as JSON, when it is ready.
        changed: called after `open` has changed.
        abort: called with what is no `Exception`, like `KeyboardInterrupt`, from a tool.
    """

    def __init__(
        self,
        limit: int,
        body: Callable[[Frame], Any],
        answer: Callable[[str], None],
        changed: Callable[[], None],
        abort: Callable[[BaseException], None],
    ) -> None:
        self._limit, self._body, self._answer, self._changed, self._abort = limit, body, answer, changed, abort
        self.max_open = 4 * limit
        self._lock = threading.Lock()
        self._queue: deque[Frame] = deque()
        self._workers = self._calls = 0
        self._step: tuple[Mapping[str, Tool], contextvars.Context] | None = None
        self.open = 0

    def begin(self, tools: Mapping[str, Tool]) -> None:
        """A step begins that may call these, with the context variables of this thread."""
        self._calls = 0
        self._step = (dict(tools), contextvars.copy_context())

    def end(self) -> None:
        """The step is over: what has not begun is refused."""
        with self._lock:
            self._step = None

    def take(self, frame: Frame) -> None:
        """Queue a call.

        Raises:
            Broken: more calls are open than the worker may open.
        """
        with self._lock:
            if self.open >= self.max_open:
                raise Broken(f"more than {self.max_open} open calls")
            self.open += 1
            self._queue.append(frame)
            spawn = self._workers < self._limit
            self._workers += spawn
        self._changed()
        if spawn:
            threading.Thread(target=self._work, daemon=True).start()

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._queue:
                    self._workers -= 1
                    return
                frame, step = self._queue.popleft(), self._step
                self._calls += 1
            answer = self._serve(frame, step)
            if answer is not None:
                self._answer(answer)
            with self._lock:
                self.open -= 1
            self._changed()

    def _serve(self, frame: Frame, step: tuple[Mapping[str, Tool], contextvars.Context] | None) -> str | None:
        try:
            if step is None:
                raise RuntimeError("no step is running; end threads before the step ends")
            if self._calls > MAX_CALLS:
                raise RuntimeError(f"a step may call tools {MAX_CALLS:,} times")
            tools, context = step
            value = context.copy().run(self._call, frame, tools)
            text = json.dumps({"id": frame.number, "value": value}, default=jsonable)
            if len(text) > MAX_BODY:
                raise ValueError(f"the tool's result of {len(text):,} bytes is too large")
        except Exception as error:
            told = without_secrets(f"{type(error).__name__}: {error}"[:MAX_ERROR])
            return json.dumps({"id": frame.number, "error": told})
        except BaseException as error:  # ends the run, like Ctrl-C in a tool
            self._abort(error)
            return None
        return text

    def _call(self, frame: Frame, tools: Mapping[str, Tool]) -> Any:
        request = self._body(frame)
        if not isinstance(request, dict) or not isinstance(request.get("name"), str):
            raise ValueError("a call without a name")
        name, args, kwargs = request["name"], request.get("args"), request.get("kwargs")
        if name not in tools:
            raise NameError(f"there is no tool {name!r}")
        if not isinstance(args, list) or not isinstance(kwargs, dict):
            raise ValueError("a call without arguments")
        result = call_by_name(tools[name], args, kwargs)
        return asyncio.run(_wait_for(result)) if inspect.isawaitable(result) else result


async def _wait_for(awaitable: Any) -> Any:
    return await awaitable


def call_by_name(tool: Tool, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """`tool(*args, **kwargs)` with each argument by name where that is possible.

    dspy wraps tools in functions that take only names, and keeps their signature.

    Raises:
        TypeError: the arguments do not fit.
    """
    if not args:
        return tool(**kwargs)
    try:
        parameters = inspect.signature(tool)
    except ValueError:  # some built-in functions have none
        return tool(*args, **kwargs)
    bound = parameters.bind(*args, **kwargs)
    by_position = {inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.VAR_POSITIONAL}
    names: dict[str, Any] = {}
    for name, value in bound.arguments.items():
        kind = parameters.parameters[name].kind
        if kind in by_position:
            return tool(*args, **kwargs)
        names |= value if kind is inspect.Parameter.VAR_KEYWORD else {name: value}
    return tool(**names)


def jsonable(value: Any) -> Any:
    """The plain form of a pydantic model. Raises: TypeError for what has none."""
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    raise TypeError(f"{type(value).__name__} is not JSON-compatible")


def without_secrets(text: str) -> str:
    """`text` without the values of this host's variables that hold keys, since it goes into the sandbox."""
    for name, value in os.environ.items():
        if len(value) >= 8 and _SECRET.search(name.upper()):
            text = text.replace(value, "***")
    return text


class Answers:
    """Sends answers as they become ready, all that are ready in one message."""

    def __init__(self, send: Callable[[str], None]) -> None:
        self._send = send
        self._ready: SimpleQueue[str | None] = SimpleQueue()
        self.put = self._ready.put
        threading.Thread(target=self._pump, daemon=True).start()

    def close(self) -> None:
        self._ready.put(None)

    def _pump(self) -> None:
        while (first := self._ready.get()) is not None:
            batch = [first]
            with suppress(Empty):
                while (one := self._ready.get_nowait()) is not None:
                    batch.append(one)
                self._ready.put(None)  # taken too early
            self._send(f"[{','.join(batch)}]")
