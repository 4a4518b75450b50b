"""Stand-ins that tests pass in: a fixed source, a model that plays a script, and a record of what was told."""

import math
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import dspy

from rlm_app.adapters import models
from rlm_app.adapters.answerer import RlmAnswerer
from rlm_app.codebase import Corpus, Receipt, Selection
from rlm_app.events import EVENT, Event, RunStarted, fold
from rlm_app.model import Body, Question, Run, RunConfig
from rlm_app.ports import Answer, Progress, RunContext
from rlm_app.settings import Settings
from rlm_app.stop import Stop
from tests.corpora import receipt_of


class FixedSource:
    """Implements `ports.Source` with one corpus; `before` runs at the start of each load."""

    def __init__(self, corpus: Corpus, before: Callable[[Stop], None] = lambda stop: None) -> None:
        self.corpus, self.before = corpus, before

    def validate(self, source: str) -> None: ...

    def load(self, source: str, selection: Selection, *, stop: Stop, progress: Progress) -> tuple[Corpus, Receipt]:
        progress("clone", 0, None, "Fetching")
        self.before(stop)
        progress("flatten", len(self.corpus.files), len(self.corpus.files), "Reading files")
        return self.corpus, receipt_of(self.corpus, source)


class FixedAnswerer:
    """Implements `ports.Answerer` with a function."""

    def __init__(self, answer: Callable[[RunContext], Answer]) -> None:
        self._answer = answer

    def answer(self, corpus: Corpus, question: Question, config: RunConfig, run: RunContext) -> Answer:
        return self._answer(run)


class ScriptedAction(dspy.Module):
    """A root model that writes the given steps, the last one over and over; an exception in the script is raised."""

    def __init__(self, script: Iterable[str | Exception]) -> None:
        super().__init__()
        self.script, self.seen = list(script), []

    def forward(self, **inputs: Any) -> dspy.Prediction:
        self.seen.append(inputs)
        code = self.script[min(len(self.seen), len(self.script)) - 1]
        if isinstance(code, Exception):
            raise code
        return dspy.Prediction(reasoning=f"Step {len(self.seen)}", code=code)


class EchoEngine:
    """A dspy engine that replies with a function of the last message's text."""

    def __init__(self, reply: Callable[[str], str]) -> None:
        self.reply = reply

    def complete(self, request: Any) -> Any:
        from dspy.lm15 import Message, Response, TextPart, Usage

        prompt = "".join(getattr(part, "text", "") for part in request.messages[-1].parts)
        parts = (TextPart(text=self.reply(prompt)),)
        usage = Usage(input_tokens=len(prompt), output_tokens=7)
        return Response(None, request.model, Message(role="assistant", parts=parts), "stop", usage)


class ScriptedAnswerer(RlmAnswerer):
    """The real answerer, with a script in place of the root model and a function in place of the sub-model."""

    def __init__(
        self,
        script: Iterable[str | Exception],
        reply: Callable[[str], str] = str.upper,
        step_seconds: float = 10,
        price: dict[str, float] | None = None,
    ) -> None:
        super().__init__(Settings(step_seconds=step_seconds, _env_file=None))
        self.action, self.engine = ScriptedAction(script), EchoEngine(reply)
        self.route = models.Route(models.Gate(1000), tariff=models.Tariff(price or {}))

    def action_for(self, question: Question, config: RunConfig, predict: Any) -> Any:
        return self.action

    def connection(self, model: str, config: RunConfig, run: RunContext) -> dict[str, Any]:
        return {"cache": False, "engine": self.engine, "route": self.route}


class Told:
    """Collects events in memory as `RunContext` tells them, and folds them."""

    def __init__(
        self, question: Question | None = None, config: RunConfig | None = None, seconds: float = math.inf
    ) -> None:
        self.deadline = time.monotonic() + seconds
        self.question, self.config = question or Question(text="Where?"), config or RunConfig(model="scripted/model")
        self.stop = Stop()
        self.before: Run | None = None
        self.events: list[Event] = []
        self.emit(RunStarted, run_id="r", source="s", question=self.question, config=self.config)

    def emit(self, kind: type, /, **fields: object) -> None:
        self.events.append(EVENT.validate_python(kind(seq=len(self.events), **fields)))

    @property
    def context(self) -> RunContext:
        return RunContext(
            "r",
            self.emit,
            lambda phase: None,
            lambda text: Body(chars=len(text), text=text),
            lambda body: body.text or "",
            self.stop,
            self.deadline,
            self.before,
        )

    @property
    def run(self) -> Run:
        return fold(self.events)

    def answer(self, answerer: RlmAnswerer, corpus: Corpus) -> Answer:
        return answerer.answer(corpus, self.question, self.config, self.context)


def settings_at(home: Path, **changes: Any) -> Settings:
    return Settings(home=home, _env_file=None, **changes)
