import pytest

from rlm_app import choosing
from rlm_app.errors import InvalidConfig, MissingKey
from rlm_app.model import KEYLESS_MODEL, RunConfig
from rlm_app.settings import Settings, load_settings


def settings(**keys: str) -> Settings:
    return load_settings({name.upper() + "_API_KEY": key for name, key in keys.items()}, _env_file=None)


@pytest.fixture(autouse=True)
def _no_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    for names in choosing.BASE_URL_VARIABLES.values():
        for name in names:
            monkeypatch.delenv(name, raising=False)


def test_auto_takes_the_first_provider_with_a_key_and_else_the_baseline() -> None:
    assert choosing.choose(settings()).model == KEYLESS_MODEL
    choice = choosing.choose(settings(anthropic="k", groq="k"))
    assert (choice.model.split("/")[0], choice.why) == ("anthropic", "ANTHROPIC_API_KEY is set")
    named = load_settings({"OPENAI_API_KEY": "k"}, model="ollama/x", _env_file=None)
    assert choosing.choose(named).model == "ollama/x"


def test_resolve_fills_in_what_auto_stands_for() -> None:
    resolved = choosing.resolve(RunConfig(model="auto", sandbox="auto"), settings(openai="k"))
    assert resolved.model == "openai/gpt-5.4"
    assert resolved.sub_model == "openai/gpt-5.4-mini"
    assert resolved.sandbox == "monty"
    assert choosing.resolve(RunConfig(model="auto"), settings()).sub_model == KEYLESS_MODEL


def test_a_model_that_cannot_be_reached_is_refused_before_anything_starts() -> None:
    with pytest.raises(MissingKey, match="OPENAI_API_KEY"):
        choosing.resolve(RunConfig(model="openai/gpt-5.4"), settings())
    for name in ("gpt-5", "openai/", "openai/ gpt"):
        with pytest.raises(InvalidConfig, match="model string"):
            choosing.resolve(RunConfig(model=name), settings(openai="k"))


def test_a_server_of_ones_own_needs_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://localhost:8080/v1")
    assert choosing.resolve(RunConfig(model="openai/local"), settings()).model == "openai/local"
