"""One call of a model: its turn at the provider's gate, its tries, what it used, and who is told of it."""

import random
import time
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Protocol

import dspy

from rlm_app.adapters.models.failures import Refused, kind_of
from rlm_app.adapters.models.gate import Gate
from rlm_app.adapters.models.usage import Tariff, usage_of, usage_of_failed
from rlm_app.model import Usage
from rlm_app.stop import Stop

PASSING = {"rate", "server", "timeout", "cut"}
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0  # seconds
PATIENCE = 120.0  # seconds: a provider that asks for more is out of quota for now, and the run had better say so


@dataclass(frozen=True)
class Route:
    """What stands between us and a provider, and what it charges. `retries` are tries after the first."""

    gate: Gate
    retries: int = 0
    tariff: Tariff = Tariff()


def pause(tries: int, asked: float | None, chance: float) -> float | None:
    """Seconds to wait after so many failed tries, or None to give up.

    Doubles from 0.5 s to 30 s, less up to a half by `chance` (0 to 1), so that many callers do not come back as one;
    never less than `asked`, the provider's Retry-After.
    """
    if asked is not None and asked > PATIENCE:
        return None
    own = min(FIRST_PAUSE * 2.0 ** min(tries - 1, 10), LONGEST_PAUSE) * (1 - chance / 2)
    return max(own, (asked or 0.0) * (1 + chance / 20))


class Outputs(list[Any]):
    """dspy's list of outputs, and how the reply ended: `stop`, or `length` where it was cut at the token limit."""

    finish_reason: str

    @classmethod
    def of(cls, outputs: Any, finish_reason: str) -> Any:
        """An `Outputs` where dspy gave a list; a typed reply says itself how it ended."""
        if not isinstance(outputs, list):
            return outputs
        made = cls(outputs)
        made.finish_reason = finish_reason
        return made


class Call:
    """A call that is about to be made: calling it makes it, with retries, and gives outputs and usage.

    Afterwards, also where it failed: `usage` is what it used; `seconds` what the model took for the last try; `waited`
    the seconds before that, for a turn at the gate, between tries, and in tries that failed; `tries` how many there
    were; `finish` how the reply ended, as in `Outputs`.

    A call counts once, with the usage of the reply that was kept; its text was sent as often as it was tried.
    """

    def __init__(self, prompt: str, make: Callable[[], tuple[Any, list[dict[str, Any]]]], route: Route, stop: Stop):
        self._prompt, self._make, self._route, self._stop = prompt, make, route, stop
        self.usage = Usage()
        self.seconds = self.waited = 0.0
        self.tries = 0
        self.finish = ""

    def __call__(self) -> tuple[Any, Usage]:
        """Make it.

        Raises:
            RunError: the cause of a stop; no try begins after it.
            dspy.LMError: `Refused`, or what went wrong with the last try.
        """
        began = time.monotonic()
        try:
            outputs = self._persist()
            return Outputs.of(outputs, self.finish), self.usage
        except dspy.LMError as error:
            error.usage = self.usage = usage_of_failed(error, self._route.tariff, self._bytes)
            raise
        finally:
            self.waited = time.monotonic() - began - self.seconds

    @property
    def _bytes(self) -> int:
        return self.tries * len(self._prompt.encode(errors="replace"))

    def _persist(self) -> Any:
        while True:
            try:
                return self._try()
            except dspy.LMError as error:
                if kind_of(error) not in PASSING or self.tries > self._route.retries:
                    raise
                seconds = pause(self.tries, error.retry_after, random.random())
                if seconds is None:
                    raise
            if self._stop.wait(seconds):
                self._stop.check()

    def _try(self) -> Any:
        with self._route.gate.turn(self._stop) as turn:
            self.tries += 1
            started = time.monotonic()
            try:
                outputs, entries = self._make()
                self._take_in(entries)
            except dspy.LMError as error:
                if kind_of(error) == "rate":
                    turn.limited()
                raise
            finally:
                self.seconds = time.monotonic() - started
            turn.succeeded()
            return outputs

    def _take_in(self, entries: list[dict[str, Any]]) -> None:
        self.usage = sum((usage_of(entry, self._route.tariff, self._bytes) for entry in entries), Usage())
        for entry in entries:
            model, response = str(entry.get("model")), entry.get("response")
            if (body := getattr(response, "provider_data", None)) and not REPLY_FIELDS & set(body):
                raise dspy.LMProviderError("no reply in it", model=model, status=200)  # dspy makes an empty text of it
            self.finish, refusal = _ending(entry, response)
            if refusal is not None:
                raise Refused(refusal, self.usage, model)


REPLY_FIELDS = {"choices", "output", "content", "candidates"}
"""One of these holds the text, in each of the formats there are."""


def _ending(entry: Mapping[str, Any], response: Any) -> tuple[str, str | None]:
    """How a reply ended, and what it refused with; None where it did not."""
    if isinstance(response, dspy.lm15.Response):
        finish = str(response.finish_reason)
        refusals = [part.text for part in response.message.parts if part.type == "refusal"]
    else:  # litellm's
        choice = next(iter(getattr(response, "choices", None) or ()), None)
        finish = str(getattr(choice, "finish_reason", "") or "")
        said = (getattr(getattr(choice, "message", None), "provider_specific_fields", None) or {}).get("refusal")
        refusals = [said] if said else []
    if refusals or finish == "content_filter":
        return finish, "".join(refusals) or text_of(entry.get("outputs"))
    return finish, None


class Around(Protocol):
    """What surrounds each call of a model: it is handed the prompt and makes the call itself."""

    def __call__(self, prompt: str, call: Call, /) -> Any: ...


_entries: ContextVar[list[dict[str, Any]]] = ContextVar("rlm_app_lm_entries")


class TracedLM(dspy.LM):  # type: ignore[misc]
    """A `dspy.LM` whose every call goes through `around`, and by `route` to its provider.

    Args:
        stop: ends waits for a turn and between tries, so that nothing is sent after it.
        route: None for an engine of our own, which has no gate and is tried once.
    """

    def __init__(
        self, model: str, *, around: Around, stop: Stop | None = None, route: Route | None = None, **connection: Any
    ) -> None:
        super().__init__(model, **{**connection, "num_retries": 0})  # ours know the gate, the stop and Retry-After
        self._around, self._stop = around, stop or Stop()
        self._route = route or Route(Gate(1_000))

    def __call__(self, prompt: str | None = None, *, messages: Any = None, **kwargs: Any) -> Any:
        def make() -> tuple[Any, list[dict[str, Any]]]:
            entries: list[dict[str, Any]] = []
            token = _entries.set(entries)
            try:
                return super(TracedLM, self).__call__(prompt, messages=messages, **kwargs), entries
            finally:
                _entries.reset(token)

        text = text_of(prompt) or text_of(messages)
        return self._around(text, Call(text, make, self._route, self._stop))

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
