"""`dspy.RLM`, unchanged, over a traced sandbox and traced models."""

import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, count
from typing import Any, Literal

import dspy
from pydantic import SecretStr

from rlm_app import prompts, toolkit
from rlm_app.adapters import keyless, models, sandboxes
from rlm_app.adapters.traced import Interpreter, NestedSandbox, Steps, TracedSandbox, cut
from rlm_app.errors import ModelFailed, RunLimited
from rlm_app.events import SubCallFinished, SubCallStarted
from rlm_app.model import KEYLESS_MODEL, Corpus, Question, RunConfig, Usage
from rlm_app.ports import Answer, RunContext
from rlm_app.settings import Settings
from rlm_app.stop import Stop


@dataclass
class Meter:
    """What a run has spent, and the switch that ends it when that is too much."""

    config: RunConfig
    run: RunContext
    total: Usage = Usage()
    unclaimed: Usage = field(default=Usage())
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, usage: Usage) -> None:
        """Count what a call used; the sub-calls of a batch end at the same time."""
        with self._lock:
            self.total += usage

    def check(self) -> None:
        """Raise before money is spent that the budget does not allow."""
        self.run.stop.check()
        limit, spent = self.config.max_cost, self.total.cost
        if limit is None or (spent is not None and spent < limit):
            return
        reached = f"The cost limit of ${limit:g} was reached (${spent or 0:.4f})."
        unknown = f"The price of {self.config.model} or of its sub-model is not known, so a cost limit cannot be kept."
        self.run.stop.request(RunLimited("max_cost", unknown if spent is None else reached))
        self.run.stop.check()

    def root(self, _prompt: str, call: Callable[[], tuple[Any, Usage]]) -> Any:
        """Around each call of the root model."""
        self.check()
        outputs, usage = self.run.stop.call(call)
        self.add(usage)
        self.unclaimed += usage
        return outputs

    def claim(self) -> Usage:
        """Usage of the root model since the last claim."""
        usage, self.unclaimed = self.unclaimed, Usage()
        return usage


class SubModel:
    """Tells each call of the sub-model as two events. What it raises holds none of the `keys`."""

    def __init__(self, meter: Meter, steps: Steps, keys: Sequence[SecretStr]) -> None:
        self._meter, self._steps, self._keys = meter, steps, keys

    def __call__(self, prompt: str, call: Callable[[], tuple[Any, Usage]]) -> Any:
        run, config = self._meter.run, self._meter.config
        self._meter.check()
        call_id = uuid.uuid4().hex[:12]
        run.emit(
            SubCallStarted,
            call_id=call_id,
            step=self._steps.number,
            model=config.sub_model or config.model,
            prompt=run.body(prompt),
        )
        started = time.monotonic()
        try:
            outputs, usage = run.stop.call(call)
        except Exception as error:
            seconds = time.monotonic() - started
            unknown = Usage(calls=1, cost=None)
            told = models.scrubbed(error, self._keys)
            said = str(told) or type(told).__name__
            run.emit(SubCallFinished, call_id=call_id, error=said, usage=unknown, seconds=seconds)
            raise told from None
        self._meter.add(usage)
        run.emit(
            SubCallFinished,
            call_id=call_id,
            response=run.body(models.text_of(outputs)),
            usage=usage,
            seconds=time.monotonic() - started,
        )
        return outputs


class TracedAction(dspy.Module):  # type: ignore[misc]
    """RLM's action predictor, told as it happens. `signature` stays visible, since RLM reads and adapts it."""

    def __init__(self, inner: Any, signature: type[dspy.Signature], meter: Meter, steps: Steps) -> None:
        super().__init__()
        self.signature = signature
        self._inner, self._meter, self._steps = inner, meter, steps

    def forward(self, **inputs: Any) -> dspy.Prediction:
        self._steps.settle(_last_output(inputs))
        self._meter.check()
        started = time.monotonic()
        action = self._inner(**inputs)
        self._steps.plan(action.reasoning or "", action.code or "", self._meter.claim(), time.monotonic() - started)
        return action


class TracedExtract(dspy.Module):  # type: ignore[misc]
    """RLM's fallback when the steps have run out; `used` tells that it was needed."""

    def __init__(self, inner: Any, meter: Meter, steps: Steps) -> None:
        super().__init__()
        self._inner, self._meter, self._steps = inner, meter, steps
        self.used = False

    def forward(self, **inputs: Any) -> dspy.Prediction:
        self._steps.settle(_last_output(inputs))
        self._meter.check()
        self.used = True
        return self._inner(**inputs)


def _last_output(inputs: dict[str, Any]) -> str:
    entries = inputs["repl_history"].entries
    return str(entries[-1].output) if entries else ""


class RlmAnswerer:
    """Answers with `dspy.RLM`: implements `ports.Answerer`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        # dspy warns in each run that Monty has no sub-agents and that the steps ran out: known, and told as events.
        logging.getLogger("dspy.predict.rlm").setLevel(logging.ERROR)

    def answer(self, corpus: Corpus, question: Question, config: RunConfig, run: RunContext) -> Answer:
        """See `ports.Answerer.answer`."""
        run.phase("sandbox")
        meter, steps = Meter(config, run), Steps(run.emit)
        inner = self.interpreter(corpus, config, run.run_id)
        sandbox = TracedSandbox(inner, config.sandbox, corpus, steps, run)
        try:
            sandbox.start()
            run.phase("explore")
            return self._explore(sandbox, question, meter, steps)
        except Exception as error:
            run.stop.check()
            if models.is_model_error(error):
                raise models.model_failure(error, config.model, self._keys) from error
            raise
        finally:
            sandbox.shutdown()

    def interpreter(self, corpus: Corpus, config: RunConfig, run_id: str) -> Interpreter:
        """The sandbox of one run."""
        files = corpus if config.files_in_sandbox else None
        return sandboxes.make(config, self._settings, run_id=run_id, corpus=files)

    def _explore(self, sandbox: TracedSandbox, question: Question, meter: Meter, steps: Steps) -> Answer:
        config = meter.config
        factory = _Factory(
            sandbox, lambda: sandboxes.make(config, self._settings, run_id=meter.run.run_id), meter.run.stop
        )
        rlm = dspy.RLM(
            signature(question, toolkit.DOCUMENTATION),
            max_iters=config.max_steps,
            max_llm_calls=config.max_llm_calls,
            max_output_chars=config.max_output_chars,
            sub_lm=self._model(config.sub_model or config.model, SubModel(meter, steps, self._keys)),
            interpreter_factory=factory,
        )
        predict = rlm.generate_action
        action = self.action_for(question, config, predict)
        rlm.generate_action = TracedAction(action, predict.signature, meter, steps)
        rlm.extract = extract = TracedExtract(rlm.extract, meter, steps)
        with dspy.context(lm=self._model(config.model, meter.root)):
            prediction = rlm(context=sandbox.corpus.text, question=question.prompt)
        steps.accept(_shown(prediction))
        text = str(prediction.answer)
        if not text.strip():
            raise ModelFailed(f"{config.model} submitted an empty answer; ask again or try another model.")
        return Answer(str(cut(text)), _cited(prediction), extract.used, meter.claim())

    @property
    def _keys(self) -> list[SecretStr]:
        return list(self._settings.provider_keys.values())

    def _model(self, model: str, around: models.Around) -> models.TracedLM:
        return models.TracedLM(model, around=around, **self.connection(model))

    def action_for(self, question: Question, config: RunConfig, predict: Any) -> Any:
        """What writes the steps: dspy's own predictor, or the stand-in that needs no model."""
        return keyless.KeylessAction(question) if config.model == KEYLESS_MODEL else predict

    def connection(self, model: str) -> dict[str, Any]:
        """How `model` is reached, as arguments for `dspy.LM`."""
        if model == KEYLESS_MODEL:
            return {"cache": False, "engine": keyless.keyless_engine()}
        return models.connection(model, self._settings)


class _Factory:
    """Hands RLM the sandbox that has been started for it, and a fresh one to each RLM that is nested in it."""

    def __init__(self, sandbox: TracedSandbox, make: Callable[[], Interpreter], stop: Stop) -> None:
        self.execution_instructions = sandbox.execution_instructions
        self._sandboxes: Iterator[Any] = chain([sandbox], (NestedSandbox(make(), stop) for _ in count()))
        self._lock = threading.Lock()

    def __call__(self) -> Any:
        with self._lock:
            return next(self._sandboxes)


def signature(question: Question, helpers: str) -> type[dspy.Signature]:
    """`context, question -> answer, citations`; with choices the answer is one of their letters."""
    kind: Any = Literal[tuple(question.choices)] if question.choices else str
    fields = {
        "context": (str, dspy.InputField(desc="the whole codebase as one text, with a header line before each file")),
        "question": (str, dspy.InputField()),
        "answer": (
            kind,
            dspy.OutputField(desc="the letter" if question.choices else "markdown; names the places in code"),
        ),
        "citations": (list[str], dspy.OutputField(desc='the lines it rests on, each as "path:first-last"')),
    }
    task = prompts.instructions(helpers, multiple_choice=bool(question.choices))
    built: type[dspy.Signature] = dspy.Signature(fields, task)
    return built


def _cited(prediction: dspy.Prediction) -> tuple[str, ...]:
    return tuple(str(citation) for citation in prediction.citations or ())


def _shown(prediction: dspy.Prediction) -> str:
    return "\n".join([str(prediction.answer), *_cited(prediction)])
