"""The types of a run that cross rooms. All frozen; pydantic where they also cross a disk, a process or a browser."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from rlm_app.codebase import Receipt, Selection

MAX_QUESTION_CHARS = 20_000
KEYLESS_MODEL = "keyless/bm25"
KEYLESS_LABEL = "retrieval baseline, no language model"


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Question(Frozen):
    """What is asked; with `choices` ({"A": text, …}) the answer is one of their letters."""

    text: str
    choices: dict[str, str] = Field(default_factory=dict)

    @field_validator("text")
    @classmethod
    def _strip(cls, text: str) -> str:
        return text.strip()

    @property
    def prompt(self) -> str:
        """Question and choices as the model reads them."""
        return "\n".join([self.text, *(f"{letter}. {choice}" for letter, choice in self.choices.items())])


class RunConfig(Frozen):
    """How a question is to be answered. Its hash names it."""

    model: str = KEYLESS_MODEL
    sub_model: str | None = Field(default=None, description="None: the root model")
    sandbox: str = "monty"
    files_in_sandbox: bool = Field(default=False, description="the code as files too, where the sandbox has a disk")
    max_steps: int = Field(default=15, ge=1, le=100)
    max_llm_calls: int = Field(default=50, ge=0, le=10_000, description="sub-calls in one run")
    max_seconds: float = Field(default=1800.0, ge=1, le=86_400)
    max_cost: float | None = Field(default=None, gt=0, description="USD; None: no limit")
    max_output_chars: int = Field(
        default=10_000, ge=500, le=200_000, description="of a step's output shown to the model"
    )
    on_limit: Literal["answer", "stop"] = Field(
        default="answer", description="at a limit: answer with what was found so far, or stop without an answer"
    )
    cache: bool = Field(default=False, description="take replies that dspy has stored from earlier, equal calls")
    program: str = Field(default="", max_length=50_000, description="task prompt of a saved program; empty: ours")

    @property
    def digest(self) -> str:
        return hashlib.sha256(json.dumps(self.model_dump(), sort_keys=True).encode()).hexdigest()[:16]


class Usage(Frozen):
    """Tokens and cost of model calls; adding two gives their sum.

    `cost` is USD, or None where the price of any call in it is unknown. `tokens_cached` is a part of `tokens_in`,
    `tokens_reasoning` of `tokens_out`; `cached_calls` were answered from dspy's cache, and cost nothing. `bytes_sent`
    is the text of the prompts in UTF-8, as far as it left this process for a model.
    """

    calls: int = 0
    cached_calls: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    tokens_cached: int = 0
    tokens_reasoning: int = 0
    bytes_sent: int = 0
    cost: float | None = 0.0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            calls=self.calls + other.calls,
            cached_calls=self.cached_calls + other.cached_calls,
            tokens_in=self.tokens_in + other.tokens_in,
            tokens_out=self.tokens_out + other.tokens_out,
            tokens_cached=self.tokens_cached + other.tokens_cached,
            tokens_reasoning=self.tokens_reasoning + other.tokens_reasoning,
            bytes_sent=self.bytes_sent + other.bytes_sent,
            cost=None if self.cost is None or other.cost is None else self.cost + other.cost,
        )


CitationStatus = Literal["verified", "not found", "out of range"]


class Citation(Frozen):
    """Lines that an answer rests on, and whether they are there.

    `not found`: no such file, or the quoted text is not in those lines. `out of range`: the file has fewer lines.
    """

    path: str
    first: int
    last: int
    quote: str | None = None
    status: CitationStatus
    url: str | None = Field(default=None, description="those lines at that commit on the repository's host")

    @property
    def label(self) -> str:
        return f"{self.path}:{self.first}" + (f"-{self.last}" if self.last != self.first else "")


class Body(Frozen):
    """A text that an event carries: inline when short, otherwise in a blob named by its SHA-256."""

    chars: int
    text: str | None = None
    blob: str | None = None


Status = Literal["running", "answered", "extracted", "limit", "cancelled", "failed", "interrupted"]


@dataclass(frozen=True)
class SubCall:
    """One call of the sub-model from inside a step."""

    call_id: str
    step: int
    model: str
    started: float
    prompt: Body
    response: Body | None = None
    usage: Usage = Usage()
    seconds: float | None = None
    waited: float = 0.0
    error: str | None = None


@dataclass(frozen=True)
class Rejected:
    """A reply of the root model that no step could be made of, and why."""

    step: int
    reason: str
    reply: Body
    usage: Usage


@dataclass(frozen=True)
class Step:
    """One turn of the loop: reasoning and code by the model, output by the sandbox.

    `seconds` is None while it runs; `model_seconds` is the root call that wrote it.
    """

    number: int
    reasoning: str
    code: str
    usage: Usage
    model_seconds: float
    started: float
    output: str | None = None
    output_chars: int = 0
    failed: bool = False
    submitted: bool = False
    seconds: float | None = None
    sub_calls: tuple[SubCall, ...] = ()
    rejected: tuple[Rejected, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class SandboxUse:
    """The sandbox of a run: what it was, its name where it has one, how long it was held, in seconds.

    `bytes_sent` is what went into it: context, helpers and code; None while it is held.
    """

    kind: str
    name: str | None
    started: float
    seconds: float | None = None
    bytes_sent: int | None = None


@dataclass(frozen=True)
class Phase:
    """A stretch of work around the steps, e.g. the clone. `seconds` is None while it runs."""

    name: str
    started: float
    seconds: float | None = None
    done: int = 0
    total: int | None = None
    note: str = ""


@dataclass(frozen=True)
class Run:
    """What the events of one run add up to. Made by `events.fold`, never stored.

    Times are seconds since the epoch, UTC. `status` is `running` until `RunFinished` is among the events. `rejected`
    are the replies that no step followed; those that one followed are with that step. `resumed` counts how often a
    process went on with the run after another had died.
    """

    id: str
    source: str
    question: Question
    config: RunConfig
    started: float
    selection: Selection = Selection()
    status: Status = "running"
    receipt: Receipt | None = None
    phases: tuple[Phase, ...] = ()
    sandbox: SandboxUse | None = None
    steps: tuple[Step, ...] = ()
    answer: str | None = None
    citations: tuple[Citation, ...] = ()
    limit: str | None = None
    error: str | None = None
    mendable: bool = False
    rejected: tuple[Rejected, ...] = ()
    resumed: int = 0
    other_usage: Usage = Usage()
    seconds: float | None = None
    last_seq: int = -1
    versions: tuple[tuple[str, str], ...] = ()

    @property
    def sub_calls(self) -> tuple[SubCall, ...]:
        return tuple(call for step in self.steps for call in step.sub_calls)

    @property
    def all_rejected(self) -> tuple[Rejected, ...]:
        """Every reply that was turned down, whether or not a step followed it."""
        return (*self.rejected, *(reply for step in self.steps for reply in step.rejected))

    @property
    def root_usage(self) -> Usage:
        turned_down = (reply.usage for reply in self.all_rejected)
        return sum((*(step.usage for step in self.steps), *turned_down), self.other_usage)

    @property
    def sub_usage(self) -> Usage:
        return sum((call.usage for call in self.sub_calls), Usage())

    @property
    def usage(self) -> Usage:
        return self.root_usage + self.sub_usage

    @property
    def keyless(self) -> bool:
        """True where no language model took part: answers must be labelled `KEYLESS_LABEL`."""
        return self.config.model == KEYLESS_MODEL


@dataclass(frozen=True)
class RunSummary:
    """One row of History: what the store keeps beside the events so that a list need not fold every run."""

    id: str
    started: float
    status: Status
    source: str
    repository: str
    commit: str
    question: str
    model: str
    sandbox: str
    steps: int
    cost: float | None
    seconds: float | None


def json_of(value: BaseModel) -> dict[str, Any]:
    return value.model_dump(mode="json")
