"""Which models answer, and why: settings, keys and a run's own wishes come to names. Needs no model and no dspy."""

import os
from collections.abc import Sequence
from dataclasses import dataclass

from rlm_app.errors import InvalidConfig, MissingKey
from rlm_app.model import KEYLESS_MODEL, RunConfig
from rlm_app.settings import PROVIDER_KEYS, Settings

DEFAULTS = {
    "openai": ("openai/gpt-5.4", "openai/gpt-5.4-mini"),
    "anthropic": ("anthropic/claude-sonnet-5", "anthropic/claude-haiku-4-5"),
    "gemini": ("gemini/gemini-3.8-flash", "gemini/gemini-3.5-flash-lite"),
    "openrouter": ("openrouter/openai/gpt-5.4", "openrouter/openai/gpt-5.4-mini"),
    "groq": ("groq/openai/gpt-oss-120b", "groq/openai/gpt-oss-20b"),
    "mistral": ("mistral/mistral-large-latest", "mistral/mistral-small-latest"),
}
"""Provider: root model and a cheaper one for sub-calls, from the price list that dspy 3.4.1 brings."""

SANDBOXES = {"monty": "Monty", "e2b": "E2B", "pyodide": "Pyodide"}
"""Sandboxes by the name that settings use, and as people read it."""

BASE_URL_VARIABLES = {
    "openai": ("OPENAI_BASE_URL", "OPENAI_API_BASE"),
    "anthropic": ("ANTHROPIC_BASE_URL", "ANTHROPIC_API_BASE"),
}
"""Left to itself dspy answers these by importing litellm (3 to 11 s); passed as `api_base` its native engine serves."""


@dataclass(frozen=True)
class Choice:
    """The models of a run and, in words, why those."""

    model: str
    sub_model: str
    why: str


def choose(settings: Settings) -> Choice:
    """The models in force when a run names none."""
    if settings.model != "auto":
        return Choice(settings.model, settings.sub_model or settings.model, "set by RLM_APP_MODEL")
    for provider in PROVIDER_KEYS:
        if provider in settings.provider_keys:
            model, sub_model = DEFAULTS[provider]
            return Choice(model, settings.sub_model or sub_model, f"{PROVIDER_KEYS[provider]} is set")
    return Choice(KEYLESS_MODEL, KEYLESS_MODEL, "no model key is set")


@dataclass(frozen=True)
class Setup:
    """What is configured, in words for people: what will answer, where code runs, and why those."""

    model: str
    model_why: str
    sub_model: str
    sandbox: str
    sandbox_why: str
    keys: tuple[tuple[str, bool], ...] = ()

    @property
    def keyless(self) -> bool:
        return self.model == KEYLESS_MODEL


def describe(settings: Settings) -> Setup:
    """What the settings come to."""
    choice = choose(settings)
    keys = [(name, provider in settings.provider_keys) for provider, name in PROVIDER_KEYS.items()]
    keys.append(("E2B_API_KEY", settings.e2b_api_key is not None))
    sandbox, why = choose_sandbox(settings)
    return Setup(choice.model, choice.why, choice.sub_model, SANDBOXES[sandbox], why, tuple(keys))


def resolve(config: RunConfig, settings: Settings) -> RunConfig:
    """The configuration with every "auto" replaced by what it stands for.

    Raises:
        InvalidConfig: not a model string, or no such sandbox.
        MissingKey: the model's provider needs a key that is not set.
    """
    chosen = choose(settings)
    model = chosen.model if config.model == "auto" else config.model
    default_sub = chosen.sub_model if model == chosen.model else model
    sub_model = model if model == KEYLESS_MODEL else (config.sub_model or default_sub)
    for name in (model, sub_model):
        _check(name, settings)
    sandbox = choose_sandbox(settings)[0] if config.sandbox == "auto" else config.sandbox
    if sandbox not in SANDBOXES:
        raise InvalidConfig(f"There is no sandbox {sandbox!r}; choose one of {', '.join(SANDBOXES)}.")
    if sandbox == "e2b" and settings.e2b_api_key is None:
        raise MissingKey("The sandbox e2b needs a key: set E2B_API_KEY, or choose monty.")
    return config.model_copy(update={"model": model, "sub_model": sub_model, "sandbox": sandbox})


def _check(model: str, settings: Settings) -> None:
    if model == KEYLESS_MODEL:
        return
    provider, _, rest = model.partition("/")
    if not rest or any(character.isspace() for character in model):
        raise InvalidConfig(
            f"{model!r} is not a model string; write provider/name, e.g. openai/gpt-5.4, or {KEYLESS_MODEL}."
        )
    if provider in PROVIDER_KEYS and provider not in settings.provider_keys and not base_url(provider):
        raise MissingKey(f"{model} needs a key: set {PROVIDER_KEYS[provider]}, or choose {KEYLESS_MODEL}.")


def choose_sandbox(settings: Settings) -> tuple[str, str]:
    """The sandbox in force when a run names none, and why."""
    if settings.sandbox != "auto":
        return settings.sandbox, "set by RLM_APP_SANDBOX"
    if settings.e2b_api_key is not None:
        return "e2b", "E2B_API_KEY is set"
    return "monty", "runs on this machine, needs no key"


def offered_sandboxes(settings: Settings) -> Sequence[str]:
    """Sandboxes worth offering in a list, the one in force first."""
    others = [name for name in SANDBOXES if name != "e2b" or settings.e2b_api_key is not None]
    return list(dict.fromkeys([choose_sandbox(settings)[0], *others]))


def offered(settings: Settings) -> Sequence[str]:
    """Models worth offering in a list, the one in force first."""
    chosen = choose(settings)
    names = [chosen.model, *(DEFAULTS[p][0] for p in DEFAULTS if p in settings.provider_keys), KEYLESS_MODEL]
    return list(dict.fromkeys(names))


def base_url(provider: str) -> str | None:
    """The address that the environment gives for a provider, e.g. a server of one's own."""
    names = BASE_URL_VARIABLES.get(provider, ())
    return next((os.environ[name] for name in names if os.environ.get(name)), None)
