"""What can go wrong with a call of a model: each kind told apart, and told in one sentence without a key in it."""

import re
import socket
import ssl
from collections.abc import Iterator, Sequence
from typing import Literal
from urllib.parse import quote, quote_plus

import dspy
from pydantic import SecretStr

from rlm_app.errors import ModelFailed, RlmAppError
from rlm_app.model import Usage

Kind = Literal[
    "key", "key missing", "key form", "credit", "rate", "model", "context", "filter", "request", "server", "timeout",
    "refused", "unreachable", "tls", "cut", "garbage", "form", "other",
]  # fmt: skip

SENTENCES: dict[Kind, str] = {
    "key": "The key for {model} was refused; check the key that is set for its provider, and what it may use.",
    "key missing": "{model} is not configured; set the key of its provider.",
    "key form": "The key for {model} has characters that no key has, such as a line break; copy it anew.",
    "credit": "The account behind {model} has no credit or quota left; top it up or choose another model.",
    "rate": "The provider of {model} limits the rate of calls{wait}; wait a while or choose another model.",
    "model": "There is no model {model} at its provider; check its name and the address that is set for it.",
    "context": "The text no longer fits {model}; send it less at a time, or lower max steps or the output shown.",
    "filter": "{model} or a filter of its provider refused to answer; word the question differently or choose another "
    "model.",
    "request": "The provider of {model} did not take the request ({detail}); choose another model or check its "
    "settings.",
    "server": "The provider of {model} had an error of its own{status}; try again later.",
    "timeout": "{model} did not reply in time; try again, choose a faster model or raise RLM_APP_CALL_SECONDS.",
    "refused": "Nothing answers at the address of {model}; start its server or check the address that is set for it.",
    "unreachable": "{model} cannot be reached ({detail}); check the network and the address that is set for it.",
    "tls": "{model} cannot be reached safely ({detail}); check the certificate and whether the address begins with "
    "http or https.",
    "cut": "The connection to {model} broke off before its reply was whole; try again.",
    "garbage": "What came back from {model} is not a reply of a model; check the address that is set for it, and any "
    "proxy in between.",
    "form": "{model} gave a reply that is not in the form a step needs; try another model.",
    "other": "The call of {model} failed: {detail}",
}

_CONTEXT = re.compile(r"context.{0,12}(length|size|window)|maximum context|prompt is too long|too many tokens", re.I)
_FILTER = re.compile(r"content[ _]?(filter|policy|management)|ResponsibleAI|promptFeedback|blocked|\bSAFETY\b", re.I)


_HEADER = re.compile(r"forbidden byte in HTTP header value|'latin-1' codec can't encode")
"""What the engine says of a key that cannot be sent; nothing else in a header is ours to set."""


class Refused(dspy.LMInvalidRequestError):  # type: ignore[misc]
    """The model, or a filter before or behind it, refused: there is a reply, paid for, and it is none.

    Args:
        reply: what came with the refusal; may be empty.
        usage: what it took.
    """

    def __init__(self, reply: str, usage: Usage, model: str) -> None:
        super().__init__(reply or "refused without a word", model=model)
        self.reply, self.usage = reply, usage


def kind_of(error: BaseException) -> Kind:
    """What went wrong, from types, status and codes; from words only where a provider gives nothing else."""
    match error:
        case dspy.ContextWindowExceededError():
            return "context"
        case Refused():
            return "filter"
        case dspy.LMAuthError():
            return "key"
        case dspy.LMBillingError():
            return "credit"
        case dspy.LMRateLimitError():
            return "credit" if "insufficient_quota" in f"{error.provider_code} {error.message}" else "rate"
        case dspy.LMUnsupportedModelError():
            return "model"
        case dspy.LMInvalidRequestError():
            return _kind_of_request(error)
        case dspy.LMTimeoutError():
            return "timeout"
        case dspy.LMServerError():
            below = any(isinstance(cause, OSError) for cause in _causes(error))  # litellm calls it 500 all the same
            return _kind_of_transport(error) if below else _BY_CODE.get(str(error.provider_code), "server")
        case dspy.LMNotConfiguredError():
            return "key missing"
        case dspy.LMTransportError():
            return _kind_of_transport(error)
        case dspy.LMUnexpectedError() if any(_HEADER.search(str(cause)) for cause in _causes(error)):
            return "key form"
        case dspy.LMProviderError():
            return "garbage" if error.status is not None and error.status < 300 else "other"
        case dspy.LMStreamAssemblyError():
            return "cut"
        case dspy.AdapterParseError():
            return "form"
    return "other"


_BY_CODE: dict[str, Kind] = {
    "400": "request",
    "401": "key",
    "402": "credit",
    "403": "key",
    "404": "model",
    "429": "rate",
}
"""OpenRouter sends these inside a reply with status 200."""


def _kind_of_request(error: dspy.LMInvalidRequestError) -> Kind:
    said = f"{error.message} {error.provider_code}"
    if _CONTEXT.search(said):
        return "context"
    if _FILTER.search(said):
        return "filter"
    return "model" if error.status == 404 else "request"


def _kind_of_transport(error: BaseException) -> Kind:
    """From the standard library's error below: the layers between have one type for all of them."""
    for cause in _causes(error):
        if _HEADER.search(str(cause)):
            return "key form"
        if isinstance(cause, ssl.SSLError):
            return "tls"
        if isinstance(cause, TimeoutError):
            return "timeout"
        if isinstance(cause, ConnectionRefusedError):
            return "refused"
        if isinstance(cause, (ConnectionResetError, BrokenPipeError)):
            return "cut"
        if isinstance(cause, (socket.gaierror, OSError)):
            return "unreachable"
    return "cut"


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__


def sentence_of(error: BaseException, model: str, keys: Sequence[SecretStr] = ()) -> str:
    """What went wrong and what to do, in one sentence."""
    status, wait = getattr(error, "status", None), getattr(error, "retry_after", None)
    return SENTENCES[kind_of(error)].format(
        model=model,
        detail=scrub(_first_line(error), keys),
        status=f" ({status})" if status else "",
        wait=f" and asks for {wait:,.0f} s of patience" if wait and wait >= 1 else "",
    )


def model_failure(error: BaseException, model: str, keys: Sequence[SecretStr] = ()) -> ModelFailed:
    """A failure of a model, as it ends a run."""
    return ModelFailed(sentence_of(error, model, keys))


def is_model_error(error: BaseException) -> bool:
    """Whether dspy blames the model or the way to it, rather than us."""
    return isinstance(error, (dspy.LMError, dspy.AdapterParseError)) and not isinstance(error, RlmAppError)


def _first_line(error: BaseException) -> str:
    said = str(getattr(error, "message", None) or error).strip()
    return (said.splitlines() or [type(error).__name__])[0][:300].rstrip(".")


_SECRETS = (
    re.compile(r"(?i)\b(?:bearer|basic)\s+[\w.~+/=*-]{6,}"),
    re.compile(r"(?i)(?<=[\"'&?\s])(?:x-)?(?:goog-)?api[-_]?key[\"']?\s*[:=]\s*[\"']?[^\s\"'&,}]{6,}"),
    re.compile(r"\b(?:(?:sk|gsk|xai)[-_][\w*.-]{8,}|AIza[\w*-]{20,})"),
    re.compile(r"(?<=://)[^/\s@]+(?=@)"),
)
"""What looks like a key even where it is none of ours, e.g. one that a provider echoes with stars in its middle."""


def scrub(text: str, keys: Sequence[SecretStr]) -> str:
    """`text` without any of the keys, plain or as a URL writes them, and without what looks like one."""
    secrets = {key.get_secret_value() for key in keys}
    spellings = {spell(secret) for secret in secrets for spell in (str, quote, _quote_all, quote_plus)} - {""}
    for written in sorted(spellings, key=len, reverse=True):  # one may begin another, also of another key
        text = text.replace(written, "[key]")
    for pattern in _SECRETS:
        text = pattern.sub("[key]", text)
    return text


def _quote_all(secret: str) -> str:
    return quote(secret, safe="")


def scrubbed(error: Exception, keys: Sequence[SecretStr]) -> Exception:
    """The same error, or one of its kind without the keys that its text holds: code in the sandbox may read it."""
    said = str(error)
    clean = scrub(said, keys)
    if clean == said:
        return error
    return dspy.LMError(clean) if isinstance(error, dspy.LMError) else RuntimeError(clean)
