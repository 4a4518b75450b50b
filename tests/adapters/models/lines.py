"""A model at a test server, as the tests of calls use it."""

from typing import Any

from rlm_app.adapters import models
from rlm_app.adapters.models import Call, TracedLM
from rlm_app.settings import Settings, load_settings
from rlm_app.stop import Stop

CANARY = "sk-canary-0123456789"


def settings(url: str, provider: str = "openai", **changes: Any) -> Settings:
    """Settings that send `provider` to a test server, with the canary as its key and no retries."""
    changes = {"api_bases": {provider: url}, "call_retries": 0, **changes}
    return load_settings({"OPENAI_API_KEY": CANARY, "ANTHROPIC_API_KEY": CANARY}, _env_file=None, **changes)


class Line:
    """A traced model, and the calls that went through it."""

    def __init__(
        self, url: str, model: str = "openai/gpt-5.4", cache: bool = False, stop: Stop | None = None, **changes: Any
    ) -> None:
        self.calls: list[Call] = []
        given = settings(url, model.partition("/")[0], **changes)
        connection = models.connection(model, given, cache=cache, stop=stop)
        self.gate = connection["route"].gate
        self.lm = TracedLM(model, around=self._around, **connection)

    def _around(self, prompt: str, call: Call) -> Any:
        self.calls.append(call)
        return call()[0]

    def ask(self, prompt: str = "What?") -> Any:
        return self.lm(prompt)[0]
