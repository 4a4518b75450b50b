"""`dspy.RLM`, unchanged, over a traced sandbox and traced models."""

import logging
import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain, count
from typing import Any, Literal

import dspy
from pydantic import SecretStr

from rlm_app import prompts, toolkit
from rlm_app.adapters import keyless, models, sandboxes
from rlm_app.adapters.actions import TracedAction, TracedExtract, answer_now
from rlm_app.adapters.metering import Meter, SubCallFailed, SubModel, Unpayable
from rlm_app.adapters.traced import Interpreter, NestedSandbox, Steps, TracedSandbox, cut
from rlm_app.codebase import Corpus
from rlm_app.errors import ModelFailed, RunLimited
from rlm_app.model import KEYLESS_MODEL, Question, RunConfig
from rlm_app.ports import Answer, RunContext
from rlm_app.settings import Settings
from rlm_app.stop import Stop

ANSWER_SHARE, ANSWER_SECONDS = 0.15, 60.0
"""Of the time limit, this share and at most so many seconds are kept for the answer with what there is by then."""


class RlmAnswerer:
    """Answers with `dspy.RLM`: implements `ports.Answerer`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        # dspy warns in each run that Monty has no sub-agents and that the steps ran out: known, and told as events.
        logging.getLogger("dspy.predict.rlm").setLevel(logging.ERROR)

    def answer(self, corpus: Corpus, question: Question, config: RunConfig, run: RunContext) -> Answer:
        """See `ports.Answerer.answer`."""
        run.phase("sandbox")
        with _exploring(run, config) as exploring:
            return self._answer(corpus, question, Meter(config, exploring, run.before, self._keys(run)), run)

    def _answer(self, corpus: Corpus, question: Question, meter: Meter, run: RunContext) -> Answer:
        config, exploring = meter.config, meter.run
        steps = Steps(run.emit, run.before.steps if run.before else ())
        sandbox = TracedSandbox(self.interpreter(corpus, config, run.run_id), config.sandbox, corpus, steps, exploring)
        try:
            sandbox.start()
            run.phase("explore")
            return self._explore(sandbox, question, meter, steps, run)
        except Exception as error:
            exploring.stop.check()
            if models.is_model_error(error):
                raise models.model_failure(error, config.model, meter.keys) from error
            raise
        finally:
            sandbox.shutdown()

    def interpreter(self, corpus: Corpus, config: RunConfig, run_id: str) -> Interpreter:
        """The sandbox of one run."""
        files = corpus if config.files_in_sandbox else None
        return sandboxes.make(config, self._settings, run_id=run_id, corpus=files)

    def _explore(
        self, sandbox: TracedSandbox, question: Question, meter: Meter, steps: Steps, run: RunContext
    ) -> Answer:
        config = meter.config
        rlm = self._rlm(sandbox, question, meter, steps, run)
        action, extract = rlm.generate_action, rlm.extract
        limited = None
        try:
            with dspy.context(lm=self._model(config.model, meter.root, meter)):
                prediction = rlm(context=sandbox.corpus.text, question=question.prompt)
        except RunLimited as reached:
            if config.on_limit == "stop" or isinstance(reached, Unpayable):
                raise
            meter.run, limited = run, reached  # whose switch is the outer one: the answer may still be written
            steps.settle(str(reached))
            with dspy.context(lm=self._model(config.model, meter.root, meter)):
                prediction = answer_now(action, extract, reached)
        steps.accept(_shown(prediction))
        text = str(prediction.answer)
        if not text.strip():
            raise ModelFailed(f"{config.model} submitted an empty answer; ask again or try another model.")
        return Answer(str(cut(text)), _cited(prediction), extract.used and limited is None, meter.claim(), limited)

    def _rlm(self, sandbox: TracedSandbox, question: Question, meter: Meter, steps: Steps, run: RunContext) -> dspy.RLM:
        """RLM as it is, with both its predictors told and its sub-calls metered."""
        config = meter.config
        factory = _Factory(sandbox, lambda: sandboxes.make(config, self._settings, run_id=run.run_id), meter.run.stop)
        sub_model = SubModel(meter, lambda: steps.number)
        rlm = dspy.RLM(
            signature(question, toolkit.DOCUMENTATION, config.program),
            max_iters=config.max_steps,
            max_llm_calls=config.max_llm_calls,
            max_output_chars=config.max_output_chars,
            sub_lm=self._model(config.sub_model or config.model, sub_model, meter, Stored(run, steps)),
            interpreter_factory=factory,
        )
        predict = rlm.generate_action
        action = self.action_for(question, config, predict)
        rlm.generate_action = TracedAction(action, predict.signature, meter, steps)
        rlm.extract = TracedExtract(rlm.extract, meter, steps)
        return rlm

    def _keys(self, run: RunContext) -> list[SecretStr]:
        return [*run.keys.values(), *self._settings.provider_keys.values()]

    def _model(
        self, model: str, around: models.Around, meter: Meter, stored: "Stored | None" = None
    ) -> models.TracedLM:
        connection = self.connection(model, meter.config, meter.run)
        if stored is None:
            return models.TracedLM(model, around=around, **connection)
        return _ResumedLM(model, around=around, stored=stored, **connection)

    def action_for(self, question: Question, config: RunConfig, predict: Any) -> Any:
        """What writes the steps: dspy's own predictor, or the stand-in that needs no model."""
        return keyless.KeylessAction(question) if config.model == KEYLESS_MODEL else predict

    def connection(self, model: str, config: RunConfig, run: RunContext) -> dict[str, Any]:
        """How `model` is reached, as arguments for `TracedLM`."""
        if model == KEYLESS_MODEL:
            return {"cache": False, "engine": keyless.keyless_engine()}
        settings = self._settings.with_keys(run.keys)
        return models.connection(model, settings, cache=config.cache, stop=run.stop)


@contextmanager
def _exploring(run: RunContext, config: RunConfig) -> Iterator[RunContext]:
    """The run as its exploration sees it: the switch is also pressed when only the time to answer is left."""
    stop = Stop()
    left = run.deadline - time.monotonic()
    kept = min(ANSWER_SHARE * config.max_seconds, ANSWER_SECONDS)
    reached = RunLimited("max_seconds", f"The time limit of {config.max_seconds:g} s was reached.")
    timed = config.on_limit == "answer" and math.isfinite(left)
    timer = threading.Timer(max(left - kept, 0.0) if timed else 0.0, stop.request, (reached,))
    timer.daemon = True
    with run.stop.calling(lambda: stop.request(run.stop.cause or reached)):
        if timed:
            timer.start()
        try:
            yield replace(run, stop=stop)
        finally:
            timer.cancel()


class Stored:
    """Replies of the sub-model that were stored before a run was resumed: each serves once more, in its own step.

    So does a failure, where its step has ended: other luck would lead the code elsewhere than the later steps know.
    """

    def __init__(self, run: RunContext, steps: Steps) -> None:
        self._steps, self._lock = steps, threading.Lock()
        self._replies: dict[tuple[int, str], list[str | SubCallFailed]] = {}
        for step in run.before.steps if run.before else ():
            for call in step.sub_calls:
                replies = self._replies.setdefault((step.number, run.text(call.prompt)), [])
                if call.response:
                    replies.append(run.text(call.response))
                elif call.error is not None and step.seconds is not None:
                    replies.append(SubCallFailed(call.error))

    def take(self, prompt: str) -> str | None:
        """The reply that is stored, or None. Raises: SubCallFailed, where that is what is stored."""
        with self._lock:
            replies = self._replies.get((self._steps.number, prompt))
            reply = replies.pop(0) if replies else None
        if isinstance(reply, SubCallFailed):
            raise reply
        return reply


class _ResumedLM(models.TracedLM):
    """A sub-model that is not asked what it has been asked before, by `llm_query` or by a sub-agent.

    Calls that offer tools or want several replies are made again: of those the text alone is stored.
    """

    def __init__(self, model: str, *, around: models.Around, stored: Stored, **connection: Any) -> None:
        super().__init__(model, around=around, **connection)
        self._stored = stored

    def __call__(self, prompt: Any = None, *, messages: Any = None, **kwargs: Any) -> Any:
        plain = not kwargs.get("tools") and (kwargs.get("n") or 1) == 1
        reply = self._stored.take(models.text_of(prompt) or models.text_of(messages)) if plain else None
        return super().__call__(prompt, messages=messages, **kwargs) if reply is None else [reply]


class _Factory:
    """Hands RLM the sandbox that has been started for it, and a fresh one to each RLM that is nested in it."""

    def __init__(self, sandbox: TracedSandbox, make: Callable[[], Interpreter], stop: Stop) -> None:
        self.execution_instructions = sandbox.execution_instructions
        self._sandboxes: Iterator[Any] = chain([sandbox], (NestedSandbox(make(), stop) for _ in count()))
        self._lock = threading.Lock()

    def __call__(self) -> Any:
        with self._lock:
            return next(self._sandboxes)


def signature(question: Question, helpers: str, task: str = "") -> type[dspy.Signature]:
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
    told = prompts.instructions(helpers, multiple_choice=bool(question.choices), task=task)
    built: type[dspy.Signature] = dspy.Signature(fields, told)
    return built


def _cited(prediction: dspy.Prediction) -> tuple[str, ...]:
    return tuple(str(citation) for citation in prediction.citations or ())


def _shown(prediction: dspy.Prediction) -> str:
    return "\n".join([str(prediction.answer), *_cited(prediction)])
