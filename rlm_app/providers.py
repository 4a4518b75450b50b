"""What is known of model providers without asking any: default models, local servers, and who speaks to them."""

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from rlm_app.baselines import baseline
from rlm_app.model import KEYLESS_MODEL

DEFAULTS = {
    "openai": ("openai/gpt-6.1-sol", "openai/gpt-6-luna"),
    "anthropic": ("anthropic/claude-sonnet-5-5", "anthropic/claude-haiku-4-5"),
    "gemini": ("gemini/gemini-3.8-flash", "gemini/gemini-3.5-flash-lite"),
    "openrouter": ("openrouter/openai/gpt-6.1-sol", "openrouter/openai/gpt-6-luna"),
    "groq": ("groq/openai/gpt-oss-120b", "groq/openai/gpt-oss-20b"),
    "mistral": ("mistral/mistral-medium-latest", "mistral/mistral-small-latest"),
    "xai": ("xai/grok-4.7", "xai/grok-code-fast-1"),
    "deepseek": ("deepseek/deepseek-v4-pro", "deepseek/deepseek-v4-flash"),
    "moonshot": ("moonshot/kimi-k3", "moonshot/kimi-k2.6"),
    "together_ai": ("together_ai/deepseek-ai/DeepSeek-V4-Pro-0813", "together_ai/deepseek-ai/DeepSeek-V4.1-Flash"),
    "fireworks_ai": (
        "fireworks_ai/accounts/fireworks/models/deepseek-v4-pro-0813",
        "fireworks_ai/accounts/fireworks/models/deepseek-v4p1-flash",
    ),
    "cerebras": ("cerebras/gpt-oss-120b", "cerebras/gpt-oss-120b"),
    "cohere_chat": ("cohere_chat/command-a-03-2025", "cohere_chat/command-r7b-12-2024"),
    "bedrock": (
        "bedrock/global.anthropic.claude-sonnet-5-5",
        "bedrock/global.anthropic.claude-haiku-4-5-20251001-v1:0",
    ),
}
"""Provider: root model and a cheaper one for sub-calls, from the price list that dspy 3.4.1 brings.

Azure has none: what its models are called is decided by whoever deploys them.
"""

OLLAMA = "ollama_chat"
LOCAL_SERVERS = {OLLAMA: ("Ollama", 11434), "lm_studio": ("LM Studio", 1234), "llamacpp": ("llama.cpp", 8080)}
"""Servers that are looked for on this machine: how their model strings begin, their names and usual ports."""

NATIVE = frozenset((*DEFAULTS, *LOCAL_SERVERS, "ollama", "hosted_vllm")) - {"bedrock"}
"""Beginnings of model strings that dspy's native engine serves; Azure's depends on how its address is set."""

AZURE_PLACES = ("AZURE_OPENAI_ENDPOINT", "AZURE_OPENAI_RESOURCE")
"""Variables by which the native engine finds Azure; with an address of another kind litellm has to."""


def local_address(provider: str) -> str:
    """Where a local server stands unless it is told otherwise; ends before `/models`."""
    return f"http://127.0.0.1:{LOCAL_SERVERS[provider][1]}/v1"


def is_here(address: str | None) -> bool:
    """Whether an address is a loopback one, i.e. that of this very machine; False for a provider's own."""
    host = urlsplit(address or "").hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


@dataclass(frozen=True)
class LocalServer:
    """A server that answered, with the models it offers; `address` ends before `/models`."""

    provider: str
    name: str
    address: str
    models: tuple[str, ...]

    @property
    def model_strings(self) -> tuple[str, ...]:
        return tuple(f"{self.provider}/{model}" for model in self.models)


def asked_model(model: str) -> str:
    """The model that is asked in the end, inside a baseline such as `direct/<model>`; empty where none is."""
    named = baseline(model)
    if named is None:
        return "" if model == KEYLESS_MODEL else model
    return "" if named.kind == "always" else named.inner


def provider_of(model: str) -> str:
    """How the string of the model that is asked begins; empty where none is asked."""
    return asked_model(model).partition("/")[0]
