"""Language models: which one answers, how it is reached, and what its calls cost."""

import os
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Protocol

import dspy
from pydantic import SecretStr

from rlm_app.errors import InvalidConfig, MissingKey, ModelFailed, RlmAppError
from rlm_app.model import KEYLESS_MODEL, RunConfig, Usage
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

SANDBOXES = ("monty",)

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
    sandbox = "monty" if config.sandbox == "auto" else config.sandbox
    if sandbox not in SANDBOXES:
        raise InvalidConfig(f"There is no sandbox {sandbox!r}; choose {' or '.join(SANDBOXES)}.")
    return config.model_copy(update={"model": model, "sub_model": sub_model, "sandbox": sandbox})


def _check(model: str, settings: Settings) -> None:
    if model == KEYLESS_MODEL:
        return
    provider, _, rest = model.partition("/")
    if not rest or any(character.isspace() for character in model):
        raise InvalidConfig(
            f"{model!r} is not a model string; write provider/name, e.g. openai/gpt-5.4, or {KEYLESS_MODEL}."
        )
    if provider in PROVIDER_KEYS and provider not in settings.provider_keys and not _base_url(provider):
        raise MissingKey(f"{model} needs a key: set {PROVIDER_KEYS[provider]}, or choose {KEYLESS_MODEL}.")


def offered(settings: Settings) -> Sequence[str]:
    """Models worth offering in a list, the one in force first."""
    chosen = choose(settings)
    names = [chosen.model, *(DEFAULTS[p][0] for p in DEFAULTS if p in settings.provider_keys), KEYLESS_MODEL]
    return list(dict.fromkeys(names))


def connection(model: str, settings: Settings) -> dict[str, Any]:
    """Keyword arguments for `dspy.LM` that say how to reach `model`."""
    # Otherwise dspy fetches a price list from the network on its first call; the one it brings serves as well.
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "true")
    provider = model.partition("/")[0]
    found: dict[str, Any] = {"cache": False, "timeout": 300}
    if key := settings.provider_keys.get(provider):
        found["api_key"] = key.get_secret_value()
    if base := _base_url(provider):
        found |= {"api_base": base, "engine": "lm15"}
        found.setdefault("api_key", "none")  # servers of one's own often want no key, the client always some text
    return found


def _base_url(provider: str) -> str | None:
    names = BASE_URL_VARIABLES.get(provider, ())
    return next((os.environ[name] for name in names if os.environ.get(name)), None)


class Around(Protocol):
    """What surrounds each call of a model: it is handed the prompt and makes the call itself."""

    def __call__(self, prompt: str, call: Callable[[], tuple[Any, Usage]], /) -> Any: ...


_entries: ContextVar[list[dict[str, Any]]] = ContextVar("rlm_app_lm_entries")


class TracedLM(dspy.LM):  # type: ignore[misc]
    """A `dspy.LM` whose every call goes through `around`, with what it used.

    A call that dspy retries inside counts once, with the usage of the reply that was kept.
    """

    def __init__(self, model: str, *, around: Around, **connection: Any) -> None:
        super().__init__(model, **connection)
        self._around = around

    def __call__(self, prompt: str | None = None, *, messages: Any = None, **kwargs: Any) -> Any:
        def call() -> tuple[Any, Usage]:
            entries: list[dict[str, Any]] = []
            token = _entries.set(entries)
            try:
                outputs = super(TracedLM, self).__call__(prompt, messages=messages, **kwargs)
            finally:
                _entries.reset(token)
            return outputs, sum((usage_of(entry) for entry in entries), Usage())

        return self._around(prompt if isinstance(prompt, str) else "", call)

    def update_history(self, entry: dict[str, Any]) -> None:
        """Keep what dspy tells of a call for this call alone: its global history would hold every prompt for ever."""
        _entries.get([]).append(entry)


def usage_of(entry: dict[str, Any]) -> Usage:
    """What one entry of dspy's history says of tokens and cost."""
    usage = entry.get("usage") or {}
    details = usage.get("prompt_tokens_details") or {}
    return Usage(
        calls=1,
        tokens_in=usage.get("prompt_tokens") or 0,
        tokens_out=usage.get("completion_tokens") or 0,
        tokens_cached=details.get("cached_tokens") or 0,
        cost=0.0 if entry.get("model") == KEYLESS_MODEL else entry.get("cost"),
    )


SENTENCES: tuple[tuple[type[Exception], str], ...] = (
    (dspy.LMAuthError, "The key for {model} was refused; check the key that is set for its provider."),
    (dspy.LMBillingError, "The account behind {model} has no credit or quota left; top it up or choose another model."),
    (dspy.LMRateLimitError, "The provider of {model} limits the rate of calls; wait a while or choose another model."),
    (dspy.ContextWindowExceededError, "The conversation no longer fits {model}; lower max steps or the output shown."),
    (dspy.LMUnsupportedModelError, "There is no model {model} at its provider; check its name."),
    (dspy.LMTimeoutError, "{model} did not reply in time; try again or choose a faster model."),
    (dspy.LMServerError, "The provider of {model} had an error of its own; try again later."),
    (dspy.LMTransportError, "{model} cannot be reached; check the network and the address that is set for it."),
    (dspy.LMNotConfiguredError, "{model} is not configured; set the key of its provider."),
)


def model_failure(error: Exception, model: str, keys: Sequence[SecretStr] = ()) -> ModelFailed:
    """One sentence for a failure of the root model, with no key in it."""
    for kind, sentence in SENTENCES:
        if isinstance(error, kind):
            return ModelFailed(sentence.format(model=model))
    if isinstance(error, dspy.AdapterParseError):
        return ModelFailed(f"{model} gave a reply without the reasoning and code that a step needs; try another model.")
    return ModelFailed(f"The call of {model} failed: {scrub(_first_line(error), keys)}")


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]


def scrub(text: str, keys: Sequence[SecretStr]) -> str:
    """`text` without any of the keys."""
    for key in keys:
        if secret := key.get_secret_value():
            text = text.replace(secret, "[key]")
    return text


def is_model_error(error: BaseException) -> bool:
    """Whether dspy blames the model or the way to it, rather than us."""
    return isinstance(error, (dspy.LMError, dspy.AdapterParseError)) and not isinstance(error, RlmAppError)
