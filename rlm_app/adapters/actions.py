"""RLM's two predictors, told as they happen: the one that writes a step, and the one that answers at the end."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import dspy

from rlm_app.adapters import models
from rlm_app.adapters.metering import Meter
from rlm_app.adapters.traced import Steps
from rlm_app.errors import ModelFailed, RunError, RunLimited
from rlm_app.events import ReplyRejected

UNUSABLE_REPLIES = 3
"""So many in a row end a run: a model that misses the form thrice rarely finds it, and each try is paid for."""

_FENCE = re.compile(r"```\w*")

CUT = "The reply was cut at the model's token limit."


class TracedAction(dspy.Module):  # type: ignore[misc]
    """RLM's action predictor. `signature` stays visible, since RLM reads and adapts it.

    Steps that are stored already, of a run that is being resumed, are written again without the model. `seen` is what
    RLM asked with last.
    """

    def __init__(self, inner: Any, signature: type[dspy.Signature], meter: Meter, steps: Steps) -> None:
        super().__init__()
        self.signature = signature
        self.seen: dict[str, Any] = {}
        self._inner, self._meter, self._steps = inner, meter, steps

    def forward(self, **inputs: Any) -> dspy.Prediction:
        self._steps.settle(_last_output(inputs))
        self.seen = inputs
        if stored := self._steps.replay():
            return dspy.Prediction(reasoning=stored.reasoning, code=stored.code)
        for _ in range(UNUSABLE_REPLIES):
            self._meter.check()
            started = time.monotonic()
            with _told(self._meter, self._steps.number + 1) as rejected:
                action = self._inner(**inputs)
                if not _FENCE.sub("", action.code or "").strip():
                    raise dspy.AdapterParseError("RLM", self.signature, action.reasoning or "")
                note = CUT if self._meter.finish_reason == "length" else ""
                seconds = time.monotonic() - started
                self._steps.plan(action.reasoning or "", action.code, self._meter.claim(), seconds, note)
                return action
        raise ModelFailed(
            f"{self._meter.config.model} gave {UNUSABLE_REPLIES} replies in a row that no step can be made of. "
            f"{rejected[-1]} Try another model."
        )


@contextmanager
def _told(meter: Meter, step: int) -> Iterator[list[str]]:
    """Within the block, a reply that is unusable is told and goes no further; a call that fails is told and does.

    The list receives the reason of an unusable reply.
    """
    started, reasons = time.monotonic(), list[str]()

    def tell(reason: str, reply: str) -> None:
        reasons.append(reason)
        seconds, body = time.monotonic() - started, meter.run.body(reply)
        meter.run.emit(ReplyRejected, step=step, reason=reason, reply=body, usage=meter.claim(), seconds=seconds)

    try:
        yield reasons
    except dspy.AdapterParseError as error:
        reply = str(error.lm_response or "")
        tell(_reason(reply, meter.finish_reason), reply)
    except models.Refused as error:
        tell("The model, or a filter of its provider, refused to answer.", error.reply)
    except dspy.LMError as error:
        tell(models.sentence_of(error, meter.config.model, meter.keys), "")
        raise
    except RunError as error:
        if meter.owes:
            tell(f"No reply came before the run was ended: {error}", "")
        raise


def _reason(reply: str, finish: str | None) -> str:
    if finish == "length":
        return CUT
    if not reply.strip():
        return "The reply was empty."
    return "The reply has no code where a step needs it, or lacks a field."


class TracedExtract(dspy.Module):  # type: ignore[misc]
    """RLM's fallback when the steps have run out; `used` tells that it was needed."""

    def __init__(self, inner: Any, meter: Meter, steps: Steps) -> None:
        super().__init__()
        self._inner, self._meter, self._steps = inner, meter, steps
        self.used = False

    def forward(self, **inputs: Any) -> dspy.Prediction:
        self._steps.settle(_last_output(inputs))
        config = self._meter.config
        if config.on_limit == "stop":
            raise RunLimited("max_steps", f"The limit of {config.max_steps} steps was reached.")
        self._meter.answering = True
        self._meter.check()
        self.used = True
        with _told(self._meter, self._steps.number + 1) as rejected:
            return self._inner(**inputs)
        raise ModelFailed(f"{config.model} gave no usable answer at the end of its steps. {rejected[-1]}")


def _last_output(inputs: dict[str, Any]) -> str:
    entries = inputs["repl_history"].entries
    return str(entries[-1].output) if entries else ""


def answer_now(action: TracedAction, extract: Callable[..., Any], reached: RunLimited) -> Any:
    """What the model answers from the steps so far. Raises: `reached`, where there is no answer to be had."""
    if not action.seen or not action.seen["repl_history"].entries:
        raise reached
    try:
        return extract(variables_info=action.seen["variables_info"], repl_history=action.seen["repl_history"])
    except (dspy.LMError, dspy.AdapterParseError, RunError) as error:
        raise reached from error
