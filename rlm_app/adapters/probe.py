"""One tiny call of a model, to see whether it answers."""

import time
from collections.abc import Callable
from typing import Any

from rlm_app.adapters import models
from rlm_app.errors import UserError
from rlm_app.model import Usage
from rlm_app.settings import Settings

PROMPT = "Reply with the one word: ready"
PROBE_SECONDS = 30  # a server of one's own may have to load the model first


def probe(model: str, settings: Settings) -> tuple[float, Usage]:
    """The seconds until the model has replied, and what that used. It is asked once, whatever happens.

    Raises:
        ModelFailed: one sentence that says why, without a key in it.
    """
    quick = settings.model_copy(update={"call_seconds": min(settings.call_seconds, PROBE_SECONDS), "call_retries": 0})
    used: list[Usage] = []

    def around(_prompt: str, call: Callable[[], tuple[Any, Usage]]) -> Any:
        outputs, usage = call()
        used.append(usage)
        return outputs

    try:
        lm = models.TracedLM(model, around=around, **models.connection(model, quick))
        started = time.monotonic()
        lm(PROMPT)
    except Exception as error:
        if isinstance(error, UserError):
            raise
        raise models.model_failure(error, model, list(settings.provider_keys.values())) from None
    return time.monotonic() - started, sum(used, Usage())
