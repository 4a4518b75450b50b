"""The way through litellm, for providers that dspy's native engine does not know. Run with `-m slow`: it imports it."""

import subprocess
import sys
from importlib.util import find_spec

import pytest

SCRIPT = """
import dspy
from rlm_app.adapters.models import engine_of
from rlm_app.adapters.models.failures import kind_of
from tests.adapters.models.lines import Line
from tests.model_server import Reply, error, model_server

MODEL = "custom_openai/x"  # litellm's name for a server that speaks OpenAI's format
assert engine_of(MODEL) == "litellm"
for kind, reply in {
    "key": error(401, "invalid_api_key"),
    "model": error(404, "model_not_found"),
    "rate": error(429, "rate_limit_exceeded"),
    "credit": error(429, "insufficient_quota"),
    "server": error(500, "oops"),
    "context": error(400, "context_length_exceeded", "maximum context length is 8192 tokens"),
    "filter": Reply(None, refusal="no"),
    "timeout": Reply("Yes.", seconds=3),
}.items():
    with model_server(lambda request: reply) as server:
        line = Line(server.url, MODEL, call_seconds=1)
        try:
            raise SystemExit(f"{kind}: {line.ask()}")
        except dspy.LMError as failed:
            assert kind_of(failed) == kind, (kind, kind_of(failed), failed)
        assert len(server.requests) == 1, kind
with model_server(lambda request: "Yes.") as server:
    line = Line(server.url, MODEL)
    assert line.ask() == "Yes."
    usage = line.calls[0].usage
    assert (usage.tokens_in, usage.tokens_cached, usage.tokens_reasoning) == (1000, 200, 40), usage
try:
    Line("http://127.0.0.1:9/v1", MODEL).ask()
except dspy.LMError as failed:
    assert kind_of(failed) == "refused", failed
print("done")
"""


@pytest.mark.slow
@pytest.mark.skipif(find_spec("litellm") is None, reason="litellm is not installed")
def test_failures_and_usage_are_told_the_same_and_nothing_is_tried_twice() -> None:
    told = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=110)
    assert told.stdout.endswith("done\n"), told.stderr[-2000:]
