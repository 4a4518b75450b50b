"""The Settings page: what is in force and why, keys that are never shown, a test call over a real socket."""

import os
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from rlm_app.application import App
from rlm_app.events import EVENT
from rlm_app.model import KEYLESS_LABEL
from rlm_app.ports import RunQuery
from rlm_app.providers import DEFAULTS, LocalServer
from rlm_app.ui import visitor
from tests.fakes import ScriptedAnswerer, make_app
from tests.model_server import model_server
from tests.ui.conftest import Open, words

SOURCE = "https://example.org/acme/shop"
KEY = "sk-canary-visitor-1"
OLLAMA = LocalServer("ollama_chat", "Ollama", "http://127.0.0.1:11434/v1", ("qwen3:8b", "gemma3"))


@pytest.fixture(autouse=True)
def _no_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_BASE_URL", "OPENAI_API_BASE", "RLM_APP_MAX_STEPS"):
        monkeypatch.delenv(name, raising=False)


def bring(at: AppTest, provider: str, key: str) -> AppTest:
    at.selectbox(key="bring_provider").set_value(provider)
    at.text_input[0].set_value(key)
    next(button for button in at.button if button.label == "Use it").click()
    return at.run()


def ask_as_visitor(at: AppTest, app: App) -> str:
    at.switch_page("../../pages/ask.py")
    for name in ("model", "max_steps", "on_limit"):  # a browser forgets the fields of a page that it has left
        if name in at.session_state:
            del at.session_state[name]
    at.query_params["source"] = SOURCE
    at.run()
    at.text_area(key="question").set_value("Where is the cart?")
    next(button for button in at.button if button.label == "Ask").click()
    at.run()
    ((row,), _) = app.store.runs(RunQuery())
    assert app.wait(row.id, 10)
    return row.id


def test_what_is_in_force_is_said_with_its_reason(tmp_path: Path, open_page: Open) -> None:
    text = words(open_page(make_app(tmp_path, model="auto"), "settings"))
    for fact in (KEYLESS_LABEL, "no model key is set", "runs on this machine, needs no key", "Not set: OPENAI_API_KEY"):
        assert fact in text
    assert "None answers on this machine." in text


def test_servers_on_this_machine_are_listed_with_their_models(tmp_path: Path, open_page: Open) -> None:
    app = make_app(tmp_path, model="auto", api_bases={"groq": "https://gateway.example.org/v1"})
    app.local_models = lambda: (OLLAMA,)
    text = words(open_page(app, "settings"))
    for fact in ("Ollama answers at", "ollama_chat/qwen3:8b", "ollama_chat/gemma3", "https://gateway.example.org/v1"):
        assert fact in text


def test_a_key_of_the_session_is_used_for_the_run_and_found_nowhere(
    tmp_path: Path, open_page: Open, caplog: pytest.LogCaptureFixture
) -> None:
    answerer = ScriptedAnswerer()
    app = make_app(tmp_path, model="auto", answerer=answerer)
    at = bring(open_page(app, "settings"), "groq", f" {KEY} ")
    text = words(at)
    assert "GROQ_API_KEY is set for this session" in text
    assert "set in this session" in text
    assert at.text_input[0].value == "", "what was typed is cleared"
    run_id = ask_as_visitor(at, app)
    assert answerer.keys == [{"groq": KEY}]
    run = app.run(run_id)
    assert run.config.model == DEFAULTS["groq"][0]
    stored = "".join(EVENT.dump_json(event).decode() for event in app.store.events(run_id))
    files = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    for place in (text, words(at), stored, str(at.query_params), caplog.text, str(dict(os.environ)), repr(run)):
        assert KEY not in place
    assert KEY.encode() not in files
    assert KEY not in repr(at.session_state[visitor.KEYS])
    assert "bring_key_0" not in at.session_state, "nothing is kept of what was typed"


def test_a_key_of_the_session_is_forgotten_on_demand_and_is_nobody_elses(tmp_path: Path, open_page: Open) -> None:
    app = make_app(tmp_path, model="auto")
    at = bring(open_page(app, "settings"), "groq", KEY)
    assert KEYLESS_LABEL in words(open_page(app, "settings")), "another visitor has no key"
    at.button(key="forget-groq").click().run()
    assert KEYLESS_LABEL in words(at)
    assert at.session_state[visitor.KEYS] == {}


def test_the_test_button_reports_latency_or_the_reason(tmp_path: Path, open_page: Open) -> None:
    replies: list[object] = ["ready", (401, {"error": {"message": "bad key"}})]
    with model_server(lambda request: replies[len(server.requests) - 1]) as server:  # type: ignore[arg-type, return-value]
        app = make_app(tmp_path, model="openai/big", sub_model="openai/small", api_bases={"openai": server.url})
        at = open_page(app, "settings")
        assert not server.requests, "opening the page asks nobody"
        at.button(key="test").click().run()
        assert [request["model"] for request in server.requests] == ["openai/big"[7:], "small"]
    assert "openai/big replied in" in at.success[0].value.replace("\\", "")
    assert "openai/small" in at.error[0].value.replace("\\", "")
    assert "key" in at.error[0].value
    at.run()
    assert len(at.success) == 1, "the result stays until something changes"


def test_defaults_hold_for_the_session_and_say_what_the_environment_set(
    tmp_path: Path, open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RLM_APP_MAX_STEPS", "9")
    app = make_app(tmp_path)
    at = open_page(app, "settings")
    assert "RLM_APP_MAX_STEPS = 9, set in the environment" in words(at)
    at.number_input(key="default_max_steps").set_value(4)
    at.selectbox(key="default_on_limit").set_value("stop")
    next(button for button in at.button if button.label == "Keep for this session").click()
    at.run()
    config = app.run(ask_as_visitor(at, app)).config
    assert (config.max_steps, config.on_limit, config.max_llm_calls) == (4, "stop", 50)
    assert app.config().max_steps == 9, "other visitors keep the installation's"


def test_a_default_out_of_range_is_one_sentence_and_not_kept(tmp_path: Path, open_page: Open) -> None:
    at = open_page(make_app(tmp_path), "settings")
    at.number_input(key="default_max_steps").set_value(0)
    next(button for button in at.button if button.label == "Keep for this session").click()
    at.run()
    assert "max steps" in at.error[0].value
    assert visitor.DEFAULTS not in at.session_state


def test_prices_of_ones_own_are_shown(tmp_path: Path, open_page: Open) -> None:
    app = make_app(tmp_path, prices={"openai/mine": {"input": 1.5, "output": 6}})
    text = words(open_page(app, "settings"))
    assert "openai/mine" in text
    assert "$1.5" in text
    assert "never 0" in words(open_page(make_app(tmp_path), "settings"))
