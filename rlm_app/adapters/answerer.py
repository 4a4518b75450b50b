"""`dspy.RLM`, unchanged, over a traced sandbox and traced models."""

import logging
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import dspy

from rlm_app import prompts, toolkit
from rlm_app.adapters import keyless, models
from rlm_app.adapters.monty import MontySandbox
from rlm_app.adapters.traced import Steps, TracedSandbox
from rlm_app.errors import RunLimited
from rlm_app.events import SubCallFinished, SubCallStarted
from rlm_app.model import KEYLESS_MODEL, Corpus, Question, RunConfig, Usage
from rlm_app.ports import Answer, RunContext
from rlm_app.settings import Settings


@dataclass
class Meter:
    """What a run has spent, and the switch that ends it when that is too much."""

    config: RunConfig
    run: RunContext
    total: Usage = Usage()
    unclaimed: Usage = field(default=Usage())

    def check(self) -> None:
        """Raise before money is spent that the budget does not allow."""
        self.run.stop.check()
        limit, spent = self.config.max_cost, self.total.cost
        if limit is not None and spent is not None and spent >= limit:
            self.run.stop.request(RunLimited("max_cost", f"The cost limit of ${limit:g} was reached (${spent:.4f})."))
            self.run.stop.check()

    def root(self, _prompt: str, call: Callable[[], tuple[Any, Usage]]) -> Any:
        """Around each call of the root model."""
        self.check()
        outputs, usage = self.run.stop.call(call)
        self.total += usage
        self.unclaimed += usage
        return outputs

    def claim(self) -> Usage:
        """Usage of the root model since the last claim."""
        usage, self.unclaimed = self.unclaimed, Usage()
        return usage


class SubModel:
    """Tells each call of the sub-model as two events."""

    def __init__(self, meter: Meter, steps: Steps) -> None:
        self._meter, self._steps = meter, steps

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
            run.emit(SubCallFinished, call_id=call_id, error=str(error), usage=unknown, seconds=seconds)
            raise
        self._meter.total += usage
        text = outputs[0] if isinstance(outputs, list) and outputs else outputs
        text = text.get("text") if isinstance(text, dict) else text
        run.emit(
            SubCallFinished,
            call_id=call_id,
            response=run.body(str(text)),
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
        sandbox = TracedSandbox(self.interpreter(), corpus, steps, run.stop)
        try:
            sandbox.start()
            run.phase("explore")
            return self._explore(sandbox, question, meter, steps)
        except Exception as error:
            run.stop.check()
            if models.is_model_error(error):
                keys = list(self._settings.provider_keys.values())
                raise models.model_failure(error, config.model, keys) from error
            raise
        finally:
            sandbox.shutdown()

    def interpreter(self) -> MontySandbox:
        """The sandbox of one run."""
        return MontySandbox(self._settings.step_seconds)

    def _explore(self, sandbox: TracedSandbox, question: Question, meter: Meter, steps: Steps) -> Answer:
        config = meter.config
        factory = _Factory(sandbox)
        rlm = dspy.RLM(
            signature(question, toolkit.DOCUMENTATION),
            max_iters=config.max_steps,
            max_llm_calls=config.max_llm_calls,
            max_output_chars=config.max_output_chars,
            sub_lm=self._model(config.sub_model or config.model, SubModel(meter, steps)),
            interpreter_factory=factory,
        )
        predict = rlm.generate_action
        action = self.action_for(question, config, predict)
        rlm.generate_action = TracedAction(action, predict.signature, meter, steps)
        rlm.extract = extract = TracedExtract(rlm.extract, meter, steps)
        with dspy.context(lm=self._model(config.model, meter.root)):
            prediction = rlm(context=sandbox.corpus.text, question=question.prompt)
        steps.accept(_shown(prediction))
        return Answer(str(prediction.answer), _cited(prediction), extract.used, meter.claim())

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
    """Hands RLM the sandbox that has been started for it."""

    execution_instructions = MontySandbox.execution_instructions

    def __init__(self, sandbox: TracedSandbox) -> None:
        self._sandbox = sandbox

    def __call__(self) -> TracedSandbox:
        return self._sandbox


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
