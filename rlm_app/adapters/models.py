"""Language models: how one is reached, what its calls cost, and what its failures mean."""

import os
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Any, Protocol

import dspy
from pydantic import SecretStr

from rlm_app.choosing import base_url
from rlm_app.errors import ModelFailed, RlmAppError
from rlm_app.model import KEYLESS_MODEL, Usage
from rlm_app.settings import Settings


def connection(model: str, settings: Settings) -> dict[str, Any]:
    """Keyword arguments for `dspy.LM` that say how to reach `model`."""
    # Otherwise dspy fetches a price list from the network on its first call; the one it brings serves as well.
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "true")
    provider = model.partition("/")[0]
    found: dict[str, Any] = {"cache": False, "timeout": 300}
    if key := settings.provider_keys.get(provider):
        found["api_key"] = key.get_secret_value()
    if base := base_url(provider):
        found |= {"api_base": base, "engine": "lm15"}
        found.setdefault("api_key", "none")  # servers of one's own often want no key, the client always some text
    return found


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

        return self._around(text_of(prompt) or text_of(messages), call)

    def update_history(self, entry: dict[str, Any]) -> None:
        """Keep what dspy tells of a call for this call alone: its global history would hold every prompt for ever."""
        _entries.get([]).append(entry)


def text_of(said: Any) -> str:
    """The text of what goes to a model or comes back: a string, messages, dspy's list of outputs, request, response."""
    if isinstance(said, list) and all(isinstance(one, dict) and "content" in one for one in said):
        return "\n\n".join(one["content"] for one in said if isinstance(one["content"], str))
    if isinstance(said, list) and said:
        said = said[0].get("text") if isinstance(said[0], dict) else said[0]
    messages = getattr(said, "messages", None) or [getattr(said, "message", None)]
    parts = [getattr(part, "text", None) for message in messages for part in getattr(message, "parts", ())]
    system = getattr(said, "system", None)
    texts = [said if isinstance(said, str) else None, system if isinstance(system, str) else None, *parts]
    return "\n\n".join(text for text in texts if text)


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
        return ModelFailed(f"{model} gave a reply that is not in the form a step needs; try another model.")
    return ModelFailed(f"The call of {model} failed: {scrub(_first_line(error), keys)}")


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]


def scrub(text: str, keys: Sequence[SecretStr]) -> str:
    """`text` without any of the keys."""
    for key in keys:
        if secret := key.get_secret_value():
            text = text.replace(secret, "[key]")
    return text


def scrubbed(error: Exception, keys: Sequence[SecretStr]) -> Exception:
    """The same error, or one of its kind without the keys that its text holds: code in the sandbox may read it."""
    said = str(error)
    clean = scrub(said, keys)
    if clean == said:
        return error
    return dspy.LMError(clean) if isinstance(error, dspy.LMError) else RuntimeError(clean)


def is_model_error(error: BaseException) -> bool:
    """Whether dspy blames the model or the way to it, rather than us."""
    return isinstance(error, (dspy.LMError, dspy.AdapterParseError)) and not isinstance(error, RlmAppError)
