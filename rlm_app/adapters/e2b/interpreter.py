"""A dspy `CodeInterpreter` in a sandbox of E2B."""

import keyword
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from dspy import CodeExecutionError, CodeInterpreterError, FinalOutput

from rlm_app.adapters.e2b.faults import E2BLost, E2BUnavailable
from rlm_app.adapters.e2b.link import Pace
from rlm_app.adapters.e2b.options import Options
from rlm_app.adapters.e2b.session import Session
from rlm_app.adapters.traced import Cut, try_out
from rlm_app.errors import RunError
from rlm_app.stop import Stop


class E2BInterpreter:
    """Runs code in a sandbox of its own at E2B, which is opened by the first step and ended by `shutdown`.

        rlm = dspy.RLM("context, question -> answer", interpreter_factory=E2BInterpreter.factory(timeout=600))

    Args:
        tools: host functions that code may call by name, plain or async. They run here; their arguments and results
            are JSON. The dict may be changed between steps.
        output_fields: `[{"name": …}, …]`, what SUBMIT takes; None: one value of any kind.
        pace: waits of the line, for tests.
        options: see `Options`: `api_key`, `template`, `timeout`, `step_seconds`, …

    Raises:
        InvalidConfig: an option out of range.
    """

    execution_instructions = Options().instructions

    def __init__(
        self,
        *,
        tools: Mapping[str, Callable[..., Any]] | None = None,
        output_fields: list[dict[str, Any]] | None = None,
        pace: Pace | None = None,
        **options: Any,
    ) -> None:
        self.options = Options(**options)
        self.tools: dict[str, Callable[..., Any]] = dict(tools or {})
        self.output_fields = output_fields
        self.execution_instructions = self.options.instructions
        self._stop = Stop()
        self._session = Session(self.options, pace or Pace(), self._stop)
        self._starting = threading.Lock()
        self._executing = threading.Lock()
        self._started = False

    @classmethod
    def factory(cls, **options: Any) -> "Factory":
        """What `dspy.RLM` takes as `interpreter_factory`: makes interpreters with these options."""
        return Factory(cls, options)

    @property
    def sandbox_id(self) -> str | None:
        """E2B's name of the sandbox; None before there is one."""
        return self._session.sandbox_id

    @property
    def started_at(self) -> float | None:
        """When the sandbox was there, in seconds since the epoch."""
        return self._session.started_at

    @property
    def seconds(self) -> float:
        """How long the sandbox has been there, or was."""
        if self._session.started_at is None:
            return 0.0
        return (self._session.ended_at or time.time()) - self._session.started_at

    def start(self) -> None:
        """Open the sandbox, if it is not open.

        Raises:
            E2BUnavailable: one sentence that says what to do. The interpreter is of no more use.
            E2BLost: it was shut down or killed.
        """
        with self._starting:
            self._stop.check()
            if self._started:
                return
            try:
                self._session.start()
            except BaseException as error:
                cause = error if isinstance(error, RunError) else E2BLost("The start of the sandbox was interrupted.")
                self._close(cause)
                raise
            self._started = True

    def execute(self, code: str, variables: dict[str, Any] | None = None) -> FinalOutput | Cut | str | None:
        """Run one step; names, imports and files persist.

        `variables` are assigned before. Large ones are uploaded once and bound again by reference: a step that
        rebinds one's name leaves no trace, one that changes a large list or dict in place does.

        Raises:
            CodeExecutionError: the code failed, or ran over its time and was interrupted. State is kept.
            SyntaxError: the code is not Python.
            E2BUnavailable: the sandbox cannot be started.
            E2BLost: it is gone, was killed, or could not be interrupted. The interpreter is of no more use.
            CodeInterpreterError: names or values that cannot be used; nothing ran.
        """
        if not self._executing.acquire(blocking=False):
            raise CodeInterpreterError("This interpreter is executing a step already; use one for each thread.")
        try:
            fields = self._check(code, variables or {})
            self.start()
            try:
                done = self._session.run(code, variables or {}, self.tools, fields)
            except RunError as error:
                self._close(error)
                if self._session.aborted is not None:
                    raise self._session.aborted from None
                raise
            except (TypeError, ValueError, RecursionError) as error:
                raise CodeInterpreterError(f"The variables cannot be sent to the sandbox: {error}") from error
            except BaseException:
                self._close(E2BLost("The step was interrupted, so the sandbox was ended."))
                raise
            return self._outcome(done)
        finally:
            self._executing.release()

    def _check(self, code: str, variables: dict[str, Any]) -> list[str] | None:
        """The names of the output fields. Raises: CodeInterpreterError."""
        if not isinstance(code, str):
            raise CodeInterpreterError("The code of a step must be a string.")
        if not isinstance(variables, dict):
            raise CodeInterpreterError("The variables of a step must be a dict.")
        fields = None if self.output_fields is None else [_name(field) for field in self.output_fields]
        owned = {"SUBMIT", "__builtins__"}
        for what, names, taken in (
            ("tool", self.tools, owned),
            ("variable", variables, owned | set(self.tools)),
            ("output field", fields or (), set[str]()),
        ):
            for name in names:
                if not isinstance(name, str) or not name.isidentifier() or keyword.iskeyword(name) or name in taken:
                    raise CodeInterpreterError(f"{name!r} cannot be the name of a {what}.")
        return fields

    def _outcome(self, done: dict[str, Any]) -> FinalOutput | Cut | str | None:
        kind = done["kind"]
        if kind == "final":
            return FinalOutput(done["value"])
        if kind == "syntax":
            raise SyntaxError(done["error"])
        head, tail, chars = (done["output"][name] for name in ("head", "tail", "chars"))
        cut = chars > len(head) + len(tail)
        if kind == "ok":
            return Cut.of(head, tail, chars) if cut else (head + tail).rstrip("\n") or None
        printed = str(Cut.of(head, tail, chars)) if cut else head + tail
        if printed and not printed.endswith("\n"):
            printed += "\n"
        if kind == "interrupted":
            printed += f"The step was stopped after {self.options.step_seconds:g} seconds; what it set is kept.\n"
        raise CodeExecutionError(printed + done["error"])

    def kill(self) -> None:
        """End the sandbox from any thread: what runs raises `E2BLost` at once. `shutdown` waits until it is gone."""
        self._close(E2BLost("The sandbox was killed."))

    def _close(self, cause: RunError) -> None:
        self._stop.request(cause)
        threading.Thread(target=self._session.end, daemon=True).start()

    def shutdown(self) -> None:
        """End the sandbox. The interpreter is of no more use."""
        self._stop.request(E2BLost("The interpreter was shut down."))
        self._session.wait_for_opening(5)
        self._session.end()

    def __enter__(self) -> "E2BInterpreter":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()


def _name(field: Any) -> Any:
    return field.get("name") if isinstance(field, dict) else None


class Factory:
    """Makes interpreters, and tells the model what they are."""

    def __init__(self, make: Callable[..., E2BInterpreter], options: dict[str, Any]) -> None:
        self._make, self._options = make, options
        chosen = {name: value for name, value in options.items() if name not in {"tools", "output_fields", "pace"}}
        self.execution_instructions = Options(**chosen).instructions

    def __call__(self) -> E2BInterpreter:
        return self._make(**self._options)


def probe(**options: Any) -> float:
    """Start a sandbox, run a line in it, end it, and return the seconds that took.

    Raises:
        E2BUnavailable: it does not start or does not compute; one sentence that says what to do.
    """
    try:
        wrong = E2BUnavailable("The sandbox of E2B started but does not compute: check the template.")
        return try_out(E2BInterpreter(**options), wrong)
    except CodeExecutionError as error:
        raise E2BUnavailable(f"The sandbox of E2B started but does not compute ({error}).") from None
