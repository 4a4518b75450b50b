"""Baselines answered through the models of `adapters.models`: one call, told as one step."""

import os
import time
from typing import Any

from dspy.clients.model_metadata import model_info, rate

from rlm_app import choosing
from rlm_app.adapters import models
from rlm_app.adapters.metering import Meter
from rlm_app.adapters.models.failures import kind_of
from rlm_app.baselines import UNKNOWN_WINDOW, Baseline, ModelFacts, Prompt, baseline, prompt, room_of
from rlm_app.codebase import Corpus
from rlm_app.errors import InvalidQuestion, ModelFailed, RlmAppError
from rlm_app.events import ReplyRejected, StepFinished, StepStarted
from rlm_app.model import KEYLESS_MODEL, Question, RunConfig, Usage
from rlm_app.ports import Answer, Answerer, RunContext
from rlm_app.settings import Settings

SHRINKS = 3  # times a context that the provider still finds too long is cut again
SHRINK = 0.75  # to this share


def window_of(model: str) -> tuple[int, str]:
    """Tokens that a model takes, and where that figure is from."""
    known = _listed(model).get("max_input_tokens")
    if isinstance(known, int) and known > 0:
        return known, "as dspy's list of models says"
    return UNKNOWN_WINDOW, f"since dspy's list of models does not know {model}"


def facts_of(model: str, settings: Settings) -> ModelFacts:
    """What is known of a model ahead of any call: by settings first, then dspy's list; this machine charges nothing."""
    window, _ = window_of(model)
    if own := settings.prices.get(model):
        return ModelFacts(window, (own.get("input", 0.0) / 1e6, own.get("output", 0.0) / 1e6))
    listed = _listed(model)
    paid_in, paid_out = rate(listed, "input_cost_per_token"), rate(listed, "output_cost_per_token")
    if paid_in is not None and paid_out is not None:
        return ModelFacts(window, (paid_in, paid_out))
    place = choosing.destination(model, settings)
    return ModelFacts(window, (0.0, 0.0) if model == KEYLESS_MODEL or (place and place.here) else None)


def _listed(model: str) -> dict[str, Any]:
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "true")  # else the list is fetched from the network
    provider, _, name = model.partition("/")
    found: dict[str, Any] = model_info(provider, name)
    return found


class BaselineAnswerer:
    """Answers for the baselines, and hands every other model on: implements `ports.Answerer`.

    `explorer` answers for models that explore.
    """

    def __init__(self, explorer: Answerer, settings: Settings) -> None:
        self._explorer, self._settings = explorer, settings

    def answer(self, corpus: Corpus, question: Question, config: RunConfig, run: RunContext) -> Answer:
        """See `ports.Answerer.answer`."""
        named = baseline(config.model)
        if named is None:
            return self._explorer.answer(corpus, question, config, run)
        run.phase("explore")
        if named.kind == "always":
            return _always(named.inner, question, run)
        return self._direct(named, corpus, question, run, Meter(config, run, run.before))

    def _direct(self, named: Baseline, corpus: Corpus, question: Question, run: RunContext, meter: Meter) -> Answer:
        if (told := _told_before(run)) is not None:
            return Answer(told, (), extracted=False, usage=Usage())
        window, why = window_of(named.inner)
        started = time.monotonic()
        try:
            sent, reply = self._ask(named, corpus, question, room_of(window), meter)
            if not reply.strip():
                raise ModelFailed(f"{named.inner} gave an empty reply; ask again or try another model.")
        except RlmAppError as error:
            if meter.owes:  # it may have been charged all the same
                body, seconds = run.body(getattr(error.__cause__, "reply", "")), time.monotonic() - started
                run.emit(ReplyRejected, step=1, reason=str(error), reply=body, usage=meter.claim(), seconds=seconds)
            raise
        seconds = time.monotonic() - started
        how = _sentence(named, sent, corpus, f"{window:,} tokens, {why}")
        return Answer(reply, (), extracted=False, usage=_tell(run, how, reply, meter.claim(), seconds))

    def _ask(self, named: Baseline, corpus: Corpus, question: Question, room: int, meter: Meter) -> tuple[Prompt, str]:
        run, settings = meter.run, self._settings.with_keys(meter.run.keys)
        reached = models.connection(named.inner, settings, cache=meter.config.cache, stop=run.stop)
        model = models.TracedLM(named.inner, around=meter.root, **reached)
        context = None if named.kind == "no-context" else corpus.text
        for _ in range(SHRINKS + 1):
            sent = prompt(question, context, room)
            try:
                return sent, models.text_of(model(sent.text))
            except Exception as error:
                run.stop.check()
                if kind_of(error) == "context" and context:  # tokens were estimated; a refused call costs nothing
                    room = int(len(sent.text) * SHRINK)
                    continue
                if models.is_model_error(error):
                    raise models.model_failure(error, named.inner, list(settings.provider_keys.values())) from error
                raise
        raise ModelFailed(f"The context does not fit {named.inner}, even cut; choose a model with a larger window.")


def _always(letter: str, question: Question, run: RunContext) -> Answer:
    if letter not in question.choices:
        raise InvalidQuestion(f"always-{letter} needs a question with a choice {letter}.")
    if _told_before(run) is None:
        _tell(run, f"Say {letter}, whatever is asked.", letter, Usage(), 0.0)  # which costs nothing
    return Answer(letter, (), extracted=False, usage=Usage())


def _tell(run: RunContext, reasoning: str, reply: str, usage: Usage, seconds: float) -> Usage:
    """Tell the one step, but for its start where a process that died has told that; returns the usage not told."""
    begun = run.before is not None and bool(run.before.steps)
    if not begun:
        run.emit(StepStarted, step=1, reasoning=reasoning, code="", usage=usage, model_seconds=seconds)
    run.emit(StepFinished, step=1, output=reply, output_chars=len(reply), submitted=True, seconds=0.0)
    return usage if begun else Usage()


def _told_before(run: RunContext) -> str | None:
    """The reply that was stored before the run's process died."""
    steps = run.before.steps if run.before else ()
    return steps[0].output if steps else None


def _sentence(named: Baseline, sent: Prompt, corpus: Corpus, window: str) -> str:
    if named.kind == "no-context":
        return f"Asked {named.inner} in one call without the context: {len(sent.text):,} characters."
    asked = f"Asked {named.inner} in one call of {len(sent.text):,} characters."
    if not sent.left_out:
        return f"{asked} The whole context was in it."
    share = sent.left_out / len(corpus.text)
    return f"{asked} {sent.left_out:,} characters ({share:.0%}) of the context were left out of its middle: {window}."
