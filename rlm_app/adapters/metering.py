"""What a run spends on models, checked before each call, and the calls themselves, told as events."""

import threading
import time
import uuid
from collections.abc import Callable, Sequence
from typing import Any

from pydantic import SecretStr

from rlm_app.adapters import models
from rlm_app.errors import RunError, RunLimited
from rlm_app.events import SubCallFinished, SubCallStarted
from rlm_app.model import Run, RunConfig, Usage
from rlm_app.ports import RunContext


class Meter:
    """What a run has spent, and the budget that says whether another call may be made.

    A call is refused where it could not be paid any more, never cut short: with N calls in flight the budget is passed
    by what those N cost at most. With `on_limit="answer"` exploring ends one root call early, so that the fallback
    answer fits in.

    Args:
        config: the budgets.
        run: where events go; its `stop` ends the exploration.
        before: what is stored of the run, where it is being resumed; what that cost counts.
        keys: which no text of a failure may hold.
    """

    def __init__(
        self, config: RunConfig, run: RunContext, before: Run | None = None, keys: Sequence[SecretStr] = ()
    ) -> None:
        self.config, self.run, self.keys = config, run, keys
        self._total, self._unclaimed = _spent(before) if before else Usage(), Usage()
        steps = before.steps if before else ()
        self._dearest = max((step.usage.cost or 0.0 for step in steps), default=0.0)  # USD, of the root calls so far
        self._lock = threading.Lock()
        self.finish_reason: str | None = None
        self.answering = False

    def add(self, usage: Usage) -> None:
        """Count what a call used; the sub-calls of a batch end at the same time."""
        with self._lock:
            self._total += usage

    def check(self) -> None:
        """Raise before money is spent that the budget does not allow. Raises: RunLimited, or the cause of a stop."""
        self.run.stop.check()
        limit, spent = self.config.max_cost, self._total.cost
        if limit is None:
            return
        if spent is None:
            names = f"{self.config.model} or of its sub-model"
            raise Unpayable(f"The price of {names} is not known, so a cost limit cannot be kept; set it in Settings.")
        if spent >= limit:
            raise Unpayable(f"The cost limit of ${limit:g} was reached (${spent:.4f}).")
        if self.config.on_limit == "answer" and not self.answering and spent + self._dearest >= limit:
            raise RunLimited(
                "max_cost", f"The cost limit of ${limit:g} was reached (${spent:.4f}, and an answer to pay)."
            )

    def root(self, _prompt: str, call: models.Call) -> Any:
        """Around each call of the root model."""
        self.check()
        try:
            outputs, usage = self.run.stop.call(call)
        except Exception as error:
            self._unclaimed += self.failed(error, call)
            raise
        self.add(usage)
        self._unclaimed += usage
        self._dearest = max(self._dearest, usage.cost or 0.0)
        self.finish_reason = getattr(outputs, "finish_reason", None)
        return outputs

    def failed(self, error: BaseException, call: models.Call) -> Usage:
        """What a call that failed used. An unknown cost is told, and does not end a run that has a cost limit."""
        if isinstance(error, RunError) and not call.tries:
            return Usage()  # it was still waiting for its turn
        used = models.usage_of_failed(error)
        if used.cost is not None:
            self.add(used)
        return used

    @property
    def owes(self) -> bool:
        """Whether a root call was made that nobody has claimed."""
        return self._unclaimed.calls > 0

    def claim(self) -> Usage:
        """Usage of the root model since the last claim."""
        usage, self._unclaimed = self._unclaimed, Usage()
        return usage


def _spent(before: Run) -> Usage:
    """What a run has cost that is being resumed. As in `Meter.failed`, a failure of unknown cost does not count."""
    failed = [(call.usage, call.error is not None) for call in before.sub_calls]
    failed += [(reply.usage, not reply.reply.chars) for reply in before.all_rejected]
    counted = [usage for usage, came_to_nothing in failed if usage.cost is not None or not came_to_nothing]
    return sum((*(step.usage for step in before.steps), *counted), before.other_usage)


class Unpayable(RunLimited):
    """The cost limit leaves nothing for another call, not even for an answer."""

    def __init__(self, message: str) -> None:
        super().__init__("max_cost", message)


class SubCallFailed(RuntimeError):
    """A call of the sub-model failed: an exception to the code that made it.

    Not dspy's `LMError`: `llm_query_batched` would make text of that, which could pass for an answer.
    """


class SubModel:
    """Tells each call of the sub-model as two events. What it raises holds none of the meter's keys."""

    def __init__(self, meter: Meter, step: Callable[[], int]) -> None:
        self._meter, self._step = meter, step

    def __call__(self, prompt: str, call: models.Call) -> Any:
        run, config = self._meter.run, self._meter.config
        self._meter.check()
        call_id, model = uuid.uuid4().hex[:12], config.sub_model or config.model
        run.emit(SubCallStarted, call_id=call_id, step=self._step(), model=model, prompt=run.body(prompt))
        started = time.monotonic()
        try:
            outputs, usage = run.stop.call(call)
        except BaseException as error:  # a panic in Rust is no Exception, and the call has to end all the same
            seconds = time.monotonic() - started
            used = self._meter.failed(error, call)
            said = self._sentence(error, model)
            run.emit(SubCallFinished, call_id=call_id, error=said, usage=used, seconds=seconds)
            if isinstance(error, (RunError, KeyboardInterrupt)):
                raise
            raise SubCallFailed(said) from None
        self._meter.add(usage)
        run.emit(
            SubCallFinished,
            call_id=call_id,
            response=run.body(models.text_of(outputs)),
            usage=usage,
            seconds=call.seconds,
            waited=call.waited,
        )
        return outputs

    def _sentence(self, error: BaseException, model: str) -> str:
        if models.is_model_error(error):
            return str(models.model_failure(error, model, self._meter.keys))
        return models.scrub(str(error), self._meter.keys) or type(error).__name__
