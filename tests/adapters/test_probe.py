"""One tiny call, over a real socket."""

import pytest
from pydantic import SecretStr

from rlm_app import wiring
from rlm_app.errors import InvalidConfig, MissingKey, ModelFailed
from rlm_app.settings import Settings, load_settings
from tests.model_server import model_server

KEY = "sk-canary-12345"


@pytest.fixture(autouse=True)
def _no_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_BASE_URL", "OPENAI_API_BASE", "LM_STUDIO_API_BASE"):
        monkeypatch.delenv(name, raising=False)


def at(url: str, **keys: str) -> Settings:
    return load_settings(keys, _env_file=None, api_bases={"openai": url, "lm_studio": url})


def test_a_model_that_answers_says_how_long_it_took_and_what_it_used() -> None:
    with model_server(lambda request: "ready") as server:
        seconds, usage = wiring.probe_model(at(server.url), "lm_studio/qwen3")
        assert 0 < seconds < 5
        assert usage.calls == 1
        assert usage.tokens_in > 0
        assert server.requests[-1]["model"] == "qwen3"


def test_the_key_of_the_session_is_used_and_is_in_no_sentence() -> None:
    with model_server(lambda request: (401, {"error": {"message": f"bad key {KEY}"}})) as server:
        with pytest.raises(ModelFailed) as caught:
            wiring.probe_model(at(server.url), "direct/openai/x", {"openai": SecretStr(KEY)})
        assert server.headers[-1]["Authorization"] == f"Bearer {KEY}"
    assert "key" in str(caught.value)
    assert KEY not in str(caught.value)


def test_a_server_that_is_not_there_and_one_that_is_too_busy_are_asked_once() -> None:
    with pytest.raises(ModelFailed, match="openai/x"):
        wiring.probe_model(at("http://127.0.0.1:9/v1"), "openai/x")
    with model_server(lambda request: (429, {"error": {"message": "slow down"}})) as server:
        with pytest.raises(ModelFailed, match="rate"):
            wiring.probe_model(at(server.url), "openai/x")
        assert len(server.requests) == 1


def test_a_missing_key_is_said_before_anything_is_sent() -> None:
    with pytest.raises(MissingKey, match="ANTHROPIC_API_KEY"):
        wiring.probe_model(load_settings({}, _env_file=None), "anthropic/x")


def test_where_no_model_is_asked_there_is_nothing_to_test() -> None:
    with pytest.raises(InvalidConfig, match="nothing to test"):
        wiring.probe_model(load_settings({}, _env_file=None), "keyless/bm25")
