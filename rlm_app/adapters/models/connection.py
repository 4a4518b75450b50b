"""How a model is reached: settings and the model's own needs come to the arguments of a `TracedLM`."""

import os
from typing import Any

from dspy.clients.model_metadata import model_info

from rlm_app.adapters.models.calls import Route
from rlm_app.adapters.models.gate import GATES
from rlm_app.adapters.models.providers import engine_for
from rlm_app.adapters.models.usage import Tariff
from rlm_app.choosing import base_url
from rlm_app.providers import is_here
from rlm_app.settings import Settings
from rlm_app.stop import Stop


def connection(model: str, settings: Settings, *, cache: bool = False, stop: Stop | None = None) -> dict[str, Any]:
    """Keyword arguments for `TracedLM` that say how to reach `model`, e.g. `openai/gpt-5.4`.

    With `cache` a reply that dspy has stored from an earlier, equal call is taken instead. `stop` ends what waits.

    Nothing is said of temperature and tokens: dspy demands of OpenAI's reasoning models that they be left alone (or
    1.0, and 16,000 or more), and its native engine gives Anthropic the `max_tokens` that it demands.

    Raises:
        InvalidConfig: the model needs litellm, which is not installed.
    """
    # Otherwise dspy fetches a price list from the network on its first call; the one it brings serves as well.
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "true")
    provider, _, name = model.partition("/")
    # The engine is named outright: dspy left to itself may choose litellm for a request or a variable that it sees.
    found = {"engine": engine_for(model, settings), "cache": cache, "timeout": settings.call_seconds, "stop": stop}
    if key := settings.provider_keys.get(provider):
        found["api_key"] = key.get_secret_value()
    if base := base_url(provider, settings):
        found["api_base"] = base
        found.setdefault("api_key", "none")  # servers of one's own often want no key, the client always some text
    if model_info(provider, name).get("mode") == "responses":
        found["model_type"] = "responses"  # OpenAI serves these, e.g. its pro models, nowhere else
    tariff = Tariff(settings.prices.get(model, {}), is_here(base))
    gate = GATES.at(provider, base or "", settings.provider_calls)
    return {**found, "route": Route(gate, settings.call_retries, tariff)}
