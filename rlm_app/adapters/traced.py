"""The wrapper all sandboxes share: where steps become events, inputs are bound once, and a stop takes hold."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from dspy import CodeExecutionError, CodeInterpreterError, FinalOutput

from rlm_app import toolkit
from rlm_app.codebase import Corpus
from rlm_app.errors import RunError, SandboxLost, SandboxUnavailable
from rlm_app.events import SandboxEnded, SandboxStarted, StepFinished, StepStarted
from rlm_app.model import Step, Usage
from rlm_app.ports import Emit, RunContext
from rlm_app.stop import Stop

KEPT_HEAD, KEPT_TAIL = 64_000, 16_000  # characters of a step's output that are stored; the model sees fewer


class Cut(str):
    """Output that was cut where it arose; `chars` is its true length in characters."""

    chars: int

    @classmethod
    def of(cls, head: str, tail: str, chars: int) -> "Cut":
        left_out = chars - len(head) - len(tail)
        cut = cls(f"{head}\n… {left_out:,} characters left out …\n{tail}" if left_out else head + tail)
        cut.chars = chars
        return cut


def cut(text: str) -> Cut:
    """`text` within what is kept of a step's output, with the middle left out and counted."""
    if isinstance(text, Cut):
        return text
    if len(text) <= KEPT_HEAD + KEPT_TAIL:
        return Cut.of(text, "", len(text))
    return Cut.of(text[:KEPT_HEAD], text[-KEPT_TAIL:], len(text))


class Steps:
    """Tells each step in two halves: the action knows reasoning, code and cost, the sandbox knows the outcome.

    A step that dspy never executes (its code fence is of another language) or whose SUBMIT it rejects is finished
    with what dspy tells the model about it. Steps that are `stored` already are not told twice.
    """

    def __init__(self, emit: Emit, stored: Sequence[Step] = ()) -> None:
        self._emit, self._stored = emit, stored
        self.number = 0
        self._planned: tuple[str, str, Usage, float, str] | None = None
        self._running = False
        self._seconds = 0.0

    def plan(self, reasoning: str, code: str, usage: Usage, seconds: float, note: str = "") -> None:
        """The model has written a step; nothing has run yet."""
        self.number += 1
        self._planned = (reasoning, code, usage, seconds, note)

    def replay(self) -> Step | None:
        """The next of the steps that are stored already, which runs again but is not told again; None after them."""
        if self.number >= len(self._stored):
            return None
        step = self._stored[self.number]
        self.plan(step.reasoning, step.code, step.usage, step.model_seconds)
        return step

    @property
    def _current(self) -> Step | None:
        """What is stored of the step at hand."""
        return self._stored[self.number - 1] if 0 < self.number <= len(self._stored) else None

    def start(self, code: str) -> bool:
        """The sandbox is handed code; False where it is dspy's own set-up rather than a step."""
        if self._planned is None:
            return False
        reasoning, _, usage, seconds, note = self._planned
        self._planned, self._running, self._seconds = None, True, 0.0
        if self._current is None:
            told = {"reasoning": reasoning, "code": code, "usage": usage, "model_seconds": seconds, "note": note}
            self._emit(StepStarted, step=self.number, **told)
        return True

    def submitted(self, seconds: float) -> None:
        """SUBMIT was called; whether dspy takes it shows only later."""
        self._seconds = seconds

    def finish(self, output: str, *, seconds: float, failed: bool = False, submitted: bool = False) -> None:
        text = cut(output)
        self._running = False
        if self._current and self._current.seconds is not None:
            return
        self._emit(
            StepFinished,
            step=self.number,
            output=str(text),
            output_chars=text.chars,
            failed=failed,
            submitted=submitted,
            seconds=seconds,
        )

    def settle(self, told_to_model: str) -> None:
        """Finish a step that is still open when the next action is due, with what the model is told of it."""
        if self._planned is not None:
            self.start(self._planned[1])
        if self._running:
            self.finish(told_to_model, seconds=self._seconds, failed=True)

    def accept(self, output: str) -> None:
        """The submitted answer was taken."""
        if self._running:
            self.finish(output, seconds=self._seconds, submitted=True)


class Interpreter(Protocol):
    """A dspy `CodeInterpreter` that can also be killed from another thread."""

    tools: dict[str, Callable[..., Any]]
    output_fields: list[dict[str, Any]] | None
    execution_instructions: str

    def start(self) -> None: ...
    def execute(self, code: str, variables: dict[str, Any] | None = None) -> Any: ...
    def shutdown(self) -> None: ...
    def kill(self) -> None: ...


def try_out(sandbox: Interpreter, wrong: SandboxUnavailable) -> float:
    """Start a sandbox, run a line in it, end it, and return the seconds that took.

    Raises:
        SandboxUnavailable: `wrong`, where the line gives something else.
    """
    started = time.monotonic()
    try:
        if sandbox.execute("print(6 * 7)") != "42":
            raise wrong
    finally:
        sandbox.shutdown()
    return time.monotonic() - started


class Wrapper:
    """What RLM reads and sets on an interpreter, handed through to the one inside."""

    _inner: Interpreter

    @property
    def tools(self) -> dict[str, Callable[..., Any]]:
        return self._inner.tools

    @property
    def output_fields(self) -> list[dict[str, Any]] | None:
        return self._inner.output_fields

    @output_fields.setter
    def output_fields(self, fields: list[dict[str, Any]] | None) -> None:
        self._inner.output_fields = fields


class TracedSandbox(Wrapper):
    """A dspy `CodeInterpreter` over another: binds the corpus and the toolkit once, and tells every step.

    dspy hands all inputs to every execute. Here each is passed once, kept under a private name, and rebound by
    reference before each step, so a model that overwrites `context` finds it again in its next one.
    """

    def __init__(self, inner: Interpreter, kind: str, corpus: Corpus, steps: Steps, run: RunContext) -> None:
        self._inner, self._kind, self.corpus, self._steps = inner, kind, corpus, steps
        self._emit, self._stop = run.emit, run.stop
        self._bound: dict[str, Any] = {}
        self._started: float | None = None
        self._ended = False
        self._sent = 0  # bytes

    @property
    def execution_instructions(self) -> str:
        return self._inner.execution_instructions

    def start(self) -> None:
        """Start the sandbox and put corpus and toolkit in.

        Raises:
            SandboxUnavailable: it cannot be started.
            RunError: the cause of a stop.
        """
        if self._started is not None:
            return
        started = time.monotonic()
        try:
            with self._stop.calling(self._inner.kill):
                self._inner.start()
                self._set_up()
        except RunError:  # a sandbox that knows our errors has said it better
            self._stop.check()
            raise
        except (CodeInterpreterError, SyntaxError, OSError) as error:
            self._stop.check()
            raise SandboxUnavailable(f"The sandbox could not be started: {error}") from error
        self._started = started
        self._emit(SandboxStarted, kind=self._kind, name=getattr(self._inner, "sandbox_id", None))

    def _set_up(self) -> None:
        self._bound = {}
        self._bind({"context": self.corpus.text})
        variables = {toolkit.INDEX_NAME: toolkit.index(self.corpus)}
        self._pass(f"{toolkit.CONTEXT_NAME} = {_private('context')}", variables)
        self._pass(toolkit.source())
        self._pass("\n".join(f"{_private(name)} = {name}" for name in toolkit.NAMES))

    def _bind(self, variables: Mapping[str, Any]) -> None:
        new = {name: value for name, value in variables.items() if self._bound.get(name) is not value}
        if new:
            self._pass("\n".join(f"{_private(name)} = {name}" for name in new), dict(new))
            self._bound |= new

    def _pass(self, code: str, variables: dict[str, Any] | None = None) -> Any:
        self._sent += _bytes(code) + sum(_bytes(value) for value in (variables or {}).values())
        return self._inner.execute(code, variables)

    def _rebind(self, variables: Mapping[str, Any]) -> None:
        def rebind() -> None:
            self._bind(variables)
            names = dict.fromkeys([*self._bound, *toolkit.NAMES])
            self._pass("\n".join(f"{name} = {_private(name)}" for name in names))

        try:
            rebind()
        except CodeExecutionError:  # the sandbox began anew after a time limit, and all names are gone
            self._set_up()
            rebind()

    def execute(self, code: str, variables: dict[str, Any] | None = None) -> Any:
        """Run one step and tell it before and after.

        Raises:
            CodeExecutionError, SyntaxError: dspy shows it to the model and goes on.
            SandboxLost: the sandbox died.
            RunError: the cause of a stop.
        """
        self.start()
        self._stop.check()
        is_step = self._steps.start(code)
        started = time.monotonic()
        try:
            with self._stop.calling(self._inner.kill):
                if variables:
                    self._rebind(variables)
                result = self._pass(code)
        except (CodeExecutionError, SyntaxError) as error:
            self._stop.check()
            if is_step:
                self._steps.finish(str(error), seconds=time.monotonic() - started, failed=True)
            raise
        except CodeInterpreterError as error:
            self._stop.check()
            if isinstance(error, RunError):
                raise
            raise SandboxLost(f"The sandbox was lost in the middle of step {self._steps.number}: {error}") from error
        self._stop.check()
        if is_step:
            self._tell(result, time.monotonic() - started)
        return result

    def _tell(self, result: Any, seconds: float) -> None:
        if isinstance(result, FinalOutput):
            self._steps.submitted(seconds)
            return
        lines = "\n".join(map(str, result)) if isinstance(result, list) else result
        self._steps.finish(lines if isinstance(lines, str) else str(lines or ""), seconds=seconds)

    def shutdown(self) -> None:
        self._inner.shutdown()
        if self._started is not None and not self._ended:
            self._ended = True
            self._emit(SandboxEnded, seconds=time.monotonic() - self._started, bytes_sent=self._sent)


class NestedSandbox(Wrapper):
    """A sandbox of its own for an RLM that a model starts inside a step: not traced, but stopped with the rest."""

    def __init__(self, inner: Interpreter, stop: Stop) -> None:
        self._inner, self._stop = inner, stop

    def start(self) -> None:
        with self._stop.calling(self._inner.kill):
            self._inner.start()

    def execute(self, code: str, variables: dict[str, Any] | None = None) -> Any:
        with self._stop.calling(self._inner.kill):
            return self._inner.execute(code, variables)

    def shutdown(self) -> None:
        self._inner.shutdown()


def _bytes(value: object) -> int:
    """Size in UTF-8 of what is handed over: a text, or a list that is written out."""
    text = value if isinstance(value, str) else repr(value)
    return len(text) if text.isascii() else len(text.encode(errors="surrogatepass"))


def _private(name: str) -> str:
    return f"_rlm_{name}"
