"""What a call of a model used: tokens, bytes and cost, as dspy's history tells them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import dspy

from rlm_app.adapters.models.failures import kind_of
from rlm_app.model import KEYLESS_MODEL, Usage


@dataclass(frozen=True)
class Tariff:
    """What is known of a model's price apart from dspy's data.

    Args:
        price: USD per million tokens: `input`, `output` and, where it differs from `input`, `cached`. It comes before
            dspy's data.
        here: the model is served by this machine, which charges nothing. Counts where neither `price` nor dspy's data
            know the model; a proxy on this machine to a hosted model costs what that model costs.
    """

    price: Mapping[str, float] = field(default_factory=dict)
    here: bool = False

    def cost(self, usage: Usage, listed: float | None) -> float | None:
        """USD, or None where unknown; `listed` is what dspy's data say, and a reply without tokens has no price."""
        if self.price:
            if not usage.tokens_in + usage.tokens_out:
                return None
            price_in = self.price.get("input", 0.0)
            fresh = (usage.tokens_in - usage.tokens_cached) * price_in
            cached = usage.tokens_cached * self.price.get("cached", price_in)
            return (fresh + cached + usage.tokens_out * self.price.get("output", 0.0)) / 1e6
        return 0.0 if listed is None and self.here else listed


def usage_of(entry: Mapping[str, Any], tariff: Tariff = Tariff(), bytes_sent: int = 0) -> Usage:
    """What one entry of dspy's history says. A reply from dspy's cache cost nothing and sent nothing."""
    if _from_cache(entry):
        return Usage(calls=1, cached_calls=1)
    said = entry.get("usage") or {}
    prompt, completion = (said.get(f"{kind}_tokens_details") or {} for kind in ("prompt", "completion"))
    keyless = entry.get("model") == KEYLESS_MODEL
    usage = Usage(
        calls=1,
        tokens_in=said.get("prompt_tokens") or said.get("input_tokens") or 0,
        tokens_out=said.get("completion_tokens") or said.get("output_tokens") or 0,
        tokens_cached=prompt.get("cached_tokens") or 0,
        tokens_reasoning=completion.get("reasoning_tokens") or 0,
        bytes_sent=0 if keyless else bytes_sent,
    )
    cost = 0.0 if keyless else tariff.cost(usage, entry.get("cost"))
    return usage.model_copy(update={"cost": cost})


def _from_cache(entry: Mapping[str, Any]) -> bool:
    """dspy marks such a reply by nothing but this: the usage of the call is empty, and that of the reply is not."""
    if entry.get("usage"):
        return False
    response = entry.get("response")
    usage = response.get("usage") if isinstance(response, dict) else getattr(response, "usage", None)
    if isinstance(usage, dspy.lm15.Usage):
        return usage.input_tokens is not None or usage.output_tokens is not None
    return bool(usage)


def usage_of_failed(error: BaseException, tariff: Tariff = Tariff(), bytes_sent: int = 0) -> Usage:
    """What a call that failed used, as `Call` left it on the error; otherwise nothing where the server turned the
    request down or was never reached, and an unknown cost where the model may have worked for nothing."""
    if isinstance(told := getattr(error, "usage", None), Usage):
        return told
    kind = kind_of(error)
    charged = kind in {"timeout", "cut", "garbage", "other"} and not tariff.here
    reached = kind not in {"refused", "unreachable", "tls", "key missing", "key form"}
    return Usage(calls=1, cost=None if charged else 0.0, bytes_sent=bytes_sent if reached else 0)
