"""What happens in a run, told one event at a time, and the pure `fold` that adds events up to a `Run`.

Events are stored before anything else happens and are the only record of a run: live page, history, API, export and
restart all read the same list and fold it the same way.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from rlm_app.model import (
    Body,
    Citation,
    Frozen,
    Phase,
    Question,
    Receipt,
    Run,
    RunConfig,
    Selection,
    Status,
    Step,
    SubCall,
    Usage,
)

PhaseName = Literal["clone", "flatten", "sandbox", "explore", "check"]
FinalStatus = Literal["answered", "extracted", "limit", "cancelled", "failed", "interrupted"]


class _Event(Frozen):
    seq: int = Field(ge=0, description="per run, from 0, without gaps")
    at: datetime = Field(default_factory=lambda: datetime.now(UTC))

    @property
    def time(self) -> float:
        return self.at.timestamp()


class RunStarted(_Event):
    type: Literal["run_started"] = "run_started"
    run_id: str
    source: str
    question: Question
    config: RunConfig
    selection: Selection = Selection()
    versions: tuple[tuple[str, str], ...] = ()


class PhaseStarted(_Event):
    """A phase begins; the one before it is over."""

    type: Literal["phase_started"] = "phase_started"
    phase: PhaseName
    note: str = ""


class PhaseProgress(_Event):
    type: Literal["phase_progress"] = "phase_progress"
    phase: PhaseName
    done: int
    total: int | None = None
    note: str = ""


class ContextLoaded(_Event):
    """The corpus is stored; `receipt.digest` names it."""

    type: Literal["context_loaded"] = "context_loaded"
    receipt: Receipt


class StepStarted(_Event):
    """The model has written reasoning and code; `usage` and `model_seconds` are what that took."""

    type: Literal["step_started"] = "step_started"
    step: int = Field(ge=1)
    reasoning: str
    code: str
    usage: Usage = Usage()
    model_seconds: float = 0.0


class StepFinished(_Event):
    """The code has run. `output` may be cut; `output_chars` is its true length in characters."""

    type: Literal["step_finished"] = "step_finished"
    step: int = Field(ge=1)
    output: str
    output_chars: int
    failed: bool = False
    submitted: bool = False
    seconds: float


class SubCallStarted(_Event):
    type: Literal["sub_call_started"] = "sub_call_started"
    call_id: str
    step: int
    model: str
    prompt: Body


class SubCallFinished(_Event):
    """Exactly one of `response` and `error` is set."""

    type: Literal["sub_call_finished"] = "sub_call_finished"
    call_id: str
    response: Body | None = None
    error: str | None = None
    usage: Usage = Usage()
    seconds: float


class LimitReached(_Event):
    type: Literal["limit_reached"] = "limit_reached"
    limit: str = Field(description="as RunConfig names it")
    message: str


class RunFinished(_Event):
    """The last event of every run. `usage` is what the root model took outside any step (the fallback answer)."""

    type: Literal["run_finished"] = "run_finished"
    status: FinalStatus
    answer: str | None = None
    citations: tuple[Citation, ...] = ()
    error: str | None = None
    usage: Usage = Usage()


Event = Annotated[
    RunStarted
    | PhaseStarted
    | PhaseProgress
    | ContextLoaded
    | StepStarted
    | StepFinished
    | SubCallStarted
    | SubCallFinished
    | LimitReached
    | RunFinished,
    Field(discriminator="type"),
]
EVENT: TypeAdapter[Event] = TypeAdapter(Event)


def fold(events: Iterable[Event]) -> Run:
    """Add events up to the run they tell. Any prefix of a run's events is a valid argument, save the empty one.

    Raises:
        ValueError: the first event is not `RunStarted`.
    """
    run: Run | None = None
    for event in events:
        if isinstance(event, RunStarted):
            run = Run(
                id=event.run_id,
                source=event.source,
                question=event.question,
                config=event.config,
                selection=event.selection,
                started=event.time,
                versions=event.versions,
            )
        if run is None:
            raise ValueError("a run begins with RunStarted")
        run = replace(_apply(run, event), last_seq=event.seq)
    if run is None:
        raise ValueError("a run begins with RunStarted")
    return run


def _apply(run: Run, event: Event) -> Run:
    match event:
        case PhaseStarted():
            return replace(
                run, phases=(*_end_phase(run.phases, event.time), Phase(event.phase, event.time, note=event.note))
            )
        case PhaseProgress() if run.phases:
            now = replace(run.phases[-1], done=event.done, total=event.total, note=event.note)
            return replace(run, phases=(*run.phases[:-1], now))
        case ContextLoaded():
            return replace(run, receipt=event.receipt)
        case StepStarted():
            step = Step(event.step, event.reasoning, event.code, event.usage, event.model_seconds, event.time)
            return replace(run, steps=(*run.steps, step))
        case StepFinished():
            return _change_step(
                run,
                event.step,
                output=event.output,
                output_chars=event.output_chars,
                failed=event.failed,
                submitted=event.submitted,
                seconds=event.seconds,
            )
        case SubCallStarted():
            call = SubCall(event.call_id, event.step, event.model, event.time, event.prompt)
            step_calls = next((step.sub_calls for step in run.steps if step.number == event.step), ())
            return _change_step(run, event.step, sub_calls=(*step_calls, call))
        case SubCallFinished():
            return _finish_call(run, event)
        case LimitReached():
            return replace(run, limit=event.limit)
        case RunFinished():
            status: Status = event.status
            return replace(
                run,
                status=status,
                answer=event.answer,
                citations=event.citations,
                error=event.error,
                other_usage=event.usage,
                seconds=event.time - run.started,
                phases=_end_phase(run.phases, event.time),
            )
    return run


def _end_phase(phases: tuple[Phase, ...], at: float) -> tuple[Phase, ...]:
    if not phases or phases[-1].seconds is not None:
        return phases
    return (*phases[:-1], replace(phases[-1], seconds=max(at - phases[-1].started, 0.0)))


def _change_step(run: Run, number: int, **changes: object) -> Run:
    return replace(
        run,
        steps=tuple(replace(step, **changes) if step.number == number else step for step in run.steps),  # type: ignore[arg-type]
    )


def _finish_call(run: Run, event: SubCallFinished) -> Run:
    def finish(call: SubCall) -> SubCall:
        if call.call_id != event.call_id:
            return call
        return replace(call, response=event.response, error=event.error, usage=event.usage, seconds=event.seconds)

    steps = tuple(
        replace(step, sub_calls=tuple(map(finish, step.sub_calls)))
        if any(call.call_id == event.call_id for call in step.sub_calls)
        else step
        for step in run.steps
    )
    return replace(run, steps=steps)
