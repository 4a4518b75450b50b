"""What a bench is: many questions, one configuration, and one attempt for each example and epoch."""

import hashlib
import json
import random
from typing import Any, Literal

from pydantic import Field

from rlm_app.examples import Example
from rlm_app.model import Frozen, Question, RunConfig, Status, Usage

Outcome = Literal["waiting", "running", "right", "wrong", "no answer", "limit", "error", "cancelled"]
"""`limit`: a budget was spent before there was an answer. An answer given at a limit is right or wrong like any."""

OPEN: tuple[Outcome, ...] = ("waiting", "running")


class Bench(Frozen):
    """Everything that decides how a bench goes. `id` is the hash of it: asking for the same bench again finds it."""

    id: str = ""
    dataset: str
    revision: str = Field(description="digest of the data set")
    split: str
    config: RunConfig
    examples: tuple[str, ...]
    epochs: int = Field(default=1, ge=1, le=100)
    shuffle: int | None = Field(default=None, description="seed that permutes the choices; None: as they come")
    prompts: str = Field(description="version of the prompts")
    max_cost: float | None = Field(default=None, gt=0, description="USD for the whole bench")
    created: float = 0.0
    versions: tuple[tuple[str, str], ...] = ()
    cancelled: bool = False

    @property
    def key(self) -> str:
        """The id that this bench must have: SHA-256 of what decides its results, 12 hexadecimal digits."""
        decisive: dict[str, Any] = self.model_dump(
            include={"dataset", "revision", "config", "examples", "epochs", "shuffle", "prompts"}
        )
        return hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()[:12]


class Measures(Frozen):
    """What the stored events of one run say beyond its cost: computed once, when the attempt ends.

    Seconds add up over calls, also where calls ran side by side. `first_seen` is the step at which the final answer
    first appears; `cost_after` the USD spent after that step. `coverage` is the share of the context's distinct lines
    that were printed or sent to the sub-model. None where it cannot be known.
    """

    sub_calls: int = 0
    duplicate_sub_calls: int = 0
    failed_sub_calls: int = 0
    failed_steps: int = 0
    rejected_replies: int = 0
    root_seconds: float = 0.0
    sub_seconds: float = 0.0
    sandbox_seconds: float = 0.0
    sub_tokens: int = 0
    first_seen: int | None = None
    cost_after: float | None = None
    failed_step_cost: float | None = None
    coverage: float | None = None


class Attempt(Frozen):
    """One example, asked once in one epoch. A retry is a new attempt (`number` + 1) and the old one is kept.

    Letters are those of the data set, whatever order the model saw. Times are seconds since the epoch, UTC; `seconds`
    is the run's own time, `queue_seconds` the time between the bench's start, or this attempt's making, and its start.
    """

    bench: str
    example: str
    epoch: int = Field(ge=1)
    number: int = Field(default=1, ge=1)
    outcome: Outcome = "waiting"
    run_id: str | None = None
    owner: str = ""
    lease_until: float = 0.0
    allotted: float | None = Field(default=None, description="USD that this attempt may spend, while it runs")
    predicted: str | None = None
    run_status: Status | None = None
    limit: str | None = None
    error: str | None = None
    steps: int = 0
    usage: Usage = Usage()
    seconds: float | None = None
    queue_seconds: float | None = None
    started: float | None = None
    finished: float | None = None
    measures: Measures = Measures()

    @property
    def key(self) -> tuple[str, str, int, int]:
        return (self.bench, self.example, self.epoch, self.number)


class Tally(Frozen):
    """How far a bench is: latest attempts only. `cost` is USD over every attempt ever made, None where unknown."""

    total: int
    outcomes: dict[Outcome, int]
    usage: Usage = Usage()
    allotted: float = Field(default=0.0, description="USD set aside for attempts that run now")

    @property
    def done(self) -> int:
        return self.total - sum(self.outcomes.get(outcome, 0) for outcome in OPEN)


class Score(Frozen):
    """What the latest attempts of a bench add up to: enough for a list of benches, with no attempt read.

    All but `outcomes` is over those that ended and count, the cancelled ones left out. `tokens` are in and out; `cost`
    is USD, None where the price of any is unknown; seconds are the runs' own. With several epochs `groups` counts for
    each example (right, answered, ended), since epochs of one example are no independent evidence.
    """

    outcomes: dict[Outcome, int] = Field(default_factory=dict)
    tokens: int = 0
    cost: float | None = 0.0
    steps: int = 0
    median_seconds: float | None = None
    groups: tuple[tuple[int, int, int], ...] = ()


def shuffled(example: Example, seed: int | None, epoch: int) -> tuple[Question, dict[str, str]]:
    """The question as the model sees it, and for each letter it sees the letter of the data set.

    Without a seed nothing moves. With one, each epoch has an order of its own, the same on every machine.
    """
    letters = list(example.question.choices)
    order = letters.copy()
    if seed is not None:
        random.Random(f"{seed}/{example.id}/{epoch}").shuffle(order)
    choices = {shown: example.question.choices[own] for shown, own in zip(letters, order, strict=True)}
    return Question(text=example.question.text, choices=choices), dict(zip(letters, order, strict=True))
