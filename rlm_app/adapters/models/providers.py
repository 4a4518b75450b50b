"""What dspy's engines need before they reach a provider: a declaration, or the package litellm."""

from functools import cache
from importlib.util import find_spec

from dspy import lm15
from dspy._vendor.lm15.access import AccessPolicy
from dspy._vendor.lm15.compat import OpenAIChatCompat

from rlm_app.choosing import engine_of
from rlm_app.errors import InvalidConfig
from rlm_app.providers import LOCAL_SERVERS, local_address
from rlm_app.settings import Settings

COMPATIBLE = {
    "mistral": "https://api.mistral.ai/v1",
    "together_ai": "https://api.together.xyz/v1",
    "fireworks_ai": "https://api.fireworks.ai/inference/v1",
    "cerebras": "https://api.cerebras.ai/v1",
    "cohere_chat": "https://api.cohere.ai/compatibility/v1",
    **{name: local_address(name) for name in ("lm_studio", "llamacpp")},
}
"""Providers that speak OpenAI's chat completions at these addresses, and need only be declared to dspy's native engine
to be spared litellm."""


def engine_for(model: str, settings: Settings) -> str:
    """The `engine` of `dspy.LM` for a model, ready for use.

    Raises:
        InvalidConfig: it is litellm, which is not installed.
    """
    if engine_of(model, settings) == "native":
        _declare(model.partition("/")[0])
        return "lm15"
    if find_spec("litellm") is None:
        raise InvalidConfig(
            f"{model} is reached through the package litellm, which is not installed: run `pip install litellm`, or "
            "choose a model of another provider."
        )
    return "litellm"


@cache
def _declare(provider: str) -> None:
    """Tell dspy's native engine of a compatible provider, under the name that its price data has too."""
    if provider not in COMPATIBLE:
        return
    access = AccessPolicy(provider=provider.replace("_", "-"), base_url=COMPATIBLE[provider])
    compat = OpenAIChatCompat.preset("lmstudio" if provider in LOCAL_SERVERS else "openai")
    lm15.register_provider(lm15.ProviderDefinition.chat(access, compat=compat), metadata_namespaces=(provider,))
