"""What happens in a run, told one event at a time, and the pure `fold` that adds events up to a `Run`.

Events are stored before anything else happens and are the only record of a run: live page, history, API, export and
restart all read the same list and fold it the same way.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from rlm_app.codebase import Receipt, Selection
from rlm_app.model import (
    Body,
    Citation,
    Frozen,
    Phase,
    Question,
    Rejected,
    Run,
    RunConfig,
    SandboxUse,
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


class SandboxStarted(_Event):
    """A sandbox is there; `name` is what its maker calls it, e.g. E2B's id."""

    type: Literal["sandbox_started"] = "sandbox_started"
    kind: str
    name: str | None = None


class SandboxEnded(_Event):
    """The sandbox is gone; `seconds` is how long it was held, which some makers charge for.

    `bytes_sent` is what went into it: context, helpers and code. Replies of the sub-model are told with its calls.
    """

    type: Literal["sandbox_ended"] = "sandbox_ended"
    seconds: float
    bytes_sent: int | None = None


class RunResumed(_Event):
    """Another process goes on with a run whose own has died: it replays the stored steps and asks no model for them.

    The one event that may follow `RunFinished`, and only where that said `interrupted`.
    """

    type: Literal["run_resumed"] = "run_resumed"


class ReplyRejected(_Event):
    """The root model's reply was none that a step can be made of; `reason` says why, in one sentence."""

    type: Literal["reply_rejected"] = "reply_rejected"
    step: int = Field(ge=1, description="the step that was asked for")
    reason: str
    reply: Body
    usage: Usage = Usage()
    seconds: float


class StepStarted(_Event):
    """The model has written reasoning and code; `usage` and `model_seconds` are what that took.

    `note` is one sentence about the reply where there is something to say, e.g. that it was cut at the token limit.
    """

    type: Literal["step_started"] = "step_started"
    step: int = Field(ge=1)
    reasoning: str
    code: str
    usage: Usage = Usage()
    model_seconds: float = 0.0
    note: str = ""


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
    """Exactly one of `response` and `error` is set.

    `seconds` is what the model took; `waited` the time before that, for a turn at its provider and between tries.
    """

    type: Literal["sub_call_finished"] = "sub_call_finished"
    call_id: str
    response: Body | None = None
    error: str | None = None
    usage: Usage = Usage()
    seconds: float
    waited: float = 0.0


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
    mendable: bool = Field(default=False, description="a failure that the user can mend, as `UserError` says")
    usage: Usage = Usage()


Event = Annotated[
    RunStarted
    | PhaseStarted
    | PhaseProgress
    | ContextLoaded
    | SandboxStarted
    | SandboxEnded
    | RunResumed
    | ReplyRejected
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
    """Add events up to the run they tell, in time linear in their number.

    Any prefix of a run's events is a valid argument, save the empty one.

    Raises:
        ValueError: the first event is not `RunStarted`.
    """
    told = iter(events)
    first = next(told, None)
    if not isinstance(first, RunStarted):
        raise ValueError("a run begins with RunStarted")
    so_far = _SoFar(first)
    for event in told:
        so_far.add(event)
    return so_far.run()


class _SoFar:
    """A run while it is being added up: changed in place, since copying it for each event would be quadratic."""

    def __init__(self, start: RunStarted) -> None:
        self._start = start
        self._last: Event = start
        self._receipt: Receipt | None = None
        self._limit: str | None = None
        self._sandbox: SandboxUse | None = None
        self._phases: list[Phase] = []
        self._steps: list[Step] = []
        self._at: dict[int, int] = {}  # where a step's number stands in the list
        self._calls: dict[str, SubCall] = {}
        self._rejected: list[Rejected] = []
        self._resumed = 0

    def add(self, event: Event) -> None:
        self._last = event
        match event:
            case PhaseStarted():
                self._end_phase(event.time)
                self._phases.append(Phase(event.phase, event.time, note=event.note))
            case PhaseProgress() if self._phases:
                self._phases[-1] = replace(self._phases[-1], done=event.done, total=event.total, note=event.note)
            case ContextLoaded():
                self._receipt = event.receipt
            case SandboxStarted():
                self._sandbox = SandboxUse(event.kind, event.name, event.time)
            case SandboxEnded() if self._sandbox:
                self._sandbox = replace(self._sandbox, seconds=event.seconds, bytes_sent=event.bytes_sent)
            case RunResumed():
                self._resumed += 1
                self._end_phase(event.time)
            case ReplyRejected():
                self._rejected.append(Rejected(event.step, event.reason, event.reply, event.usage))
            case StepStarted():
                self._at[event.step] = len(self._steps)
                self._steps.append(
                    Step(
                        event.step,
                        event.reasoning,
                        event.code,
                        event.usage,
                        event.model_seconds,
                        event.time,
                        note=event.note,
                    )
                )
            case StepFinished() if event.step in self._at:
                at = self._at[event.step]
                self._steps[at] = replace(
                    self._steps[at],
                    output=event.output,
                    output_chars=event.output_chars,
                    failed=event.failed,
                    submitted=event.submitted,
                    seconds=event.seconds,
                )
            case SubCallStarted():
                self._calls[event.call_id] = SubCall(event.call_id, event.step, event.model, event.time, event.prompt)
            case SubCallFinished() if event.call_id in self._calls:
                self._calls[event.call_id] = replace(
                    self._calls[event.call_id],
                    response=event.response,
                    error=event.error,
                    usage=event.usage,
                    seconds=event.seconds,
                    waited=event.waited,
                )
            case LimitReached():
                self._limit = event.limit

    def _end_phase(self, at: float) -> None:
        if self._phases:
            self._phases[-1] = replace(self._phases[-1], seconds=max(at - self._phases[-1].started, 0.0))

    def run(self) -> Run:
        calls: dict[int, list[SubCall]] = {}
        for call in self._calls.values():
            calls.setdefault(call.step, []).append(call)
        steps = list(self._steps)
        for number, at in self._at.items():
            turned_down = tuple(reply for reply in self._rejected if reply.step == number)
            steps[at] = replace(steps[at], sub_calls=tuple(calls.get(number, ())), rejected=turned_down)
        run = Run(
            id=self._start.run_id,
            source=self._start.source,
            question=self._start.question,
            config=self._start.config,
            selection=self._start.selection,
            started=self._start.time,
            versions=self._start.versions,
            receipt=self._receipt,
            limit=self._limit,
            sandbox=self._sandbox,
            steps=tuple(steps),
            rejected=tuple(reply for reply in self._rejected if reply.step not in self._at),
            resumed=self._resumed,
            last_seq=self._last.seq,
        )
        if isinstance(self._last, RunFinished):
            self._end_phase(self._last.time)
            run = _finished(run, self._last)
        return replace(run, phases=tuple(self._phases))


def _finished(run: Run, end: RunFinished) -> Run:
    return replace(
        run,
        status=end.status,
        answer=end.answer,
        citations=end.citations,
        error=end.error,
        mendable=end.mendable,
        other_usage=end.usage,
        seconds=end.time - run.started,
    )
