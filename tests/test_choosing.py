"""Which models answer and why, from settings, keys and what runs on this machine."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from rlm_app import choosing
from rlm_app.errors import InvalidConfig, MissingKey
from rlm_app.model import KEYLESS_MODEL, RunConfig
from rlm_app.providers import DEFAULTS, LOCAL_SERVERS, LocalServer
from rlm_app.settings import PROVIDER_KEYS, Settings, load_settings

OLLAMA = LocalServer("ollama_chat", "Ollama", "http://127.0.0.1:11434/v1", ("qwen3:8b", "gemma3"))


def settings(**keys: str) -> Settings:
    return load_settings({name.upper() + "_API_KEY": key for name, key in keys.items()}, _env_file=None)


@pytest.fixture(autouse=True)
def _no_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    for provider in (*PROVIDER_KEYS, *LOCAL_SERVERS, "hosted_vllm"):
        for ending in ("BASE_URL", "API_BASE"):
            monkeypatch.delenv(f"{provider.upper()}_{ending}", raising=False)
    for name in ("OLLAMA_HOST", "AZURE_OPENAI_ENDPOINT", "AZURE_OPENAI_RESOURCE", "RLM_APP_MODEL"):
        monkeypatch.delenv(name, raising=False)


def test_auto_is_the_setting_then_a_key_then_a_local_server_then_the_baseline(monkeypatch: pytest.MonkeyPatch) -> None:
    named = load_settings({"OPENAI_API_KEY": "k"}, model="ollama/x", _env_file=None)
    assert choosing.choose(named, [OLLAMA]).model == "ollama/x"
    keyed = choosing.choose(settings(anthropic="k", groq="k"), [OLLAMA])
    assert (keyed.model.split("/")[0], keyed.why) == ("anthropic", "ANTHROPIC_API_KEY is set")
    local = choosing.choose(settings(), [OLLAMA])
    assert (local.model, local.sub_model) == ("ollama_chat/qwen3:8b", "ollama_chat/qwen3:8b")
    assert local.why == "Ollama answers at http://127.0.0.1:11434/v1"
    assert choosing.choose(settings(), [LocalServer("lm_studio", "LM Studio", "http://x", ())]).model == KEYLESS_MODEL
    assert choosing.choose(settings()).model == KEYLESS_MODEL


def test_a_key_for_the_session_comes_before_those_of_the_installation() -> None:
    mine = settings(openai="k").with_keys({"groq": SecretStr("own")})
    choice = choosing.choose(mine)
    assert (choice.model, choice.why) == (DEFAULTS["groq"][0], "GROQ_API_KEY is set for this session")
    keys = {key.name: key.source for key in choosing.describe(mine).keys}
    assert (keys["OPENAI_API_KEY"], keys["GROQ_API_KEY"], keys["XAI_API_KEY"]) == ("environment", "this session", "")


def test_a_server_of_ones_own_decides_what_its_models_are_called(monkeypatch: pytest.MonkeyPatch) -> None:
    own = LocalServer("openai", "A server of your own", "http://127.0.0.1:9/v1", ("llama",))
    assert choosing.choose(settings(openai="k"), [own]).model == "openai/llama"
    gateway = LocalServer("openai", "A server of your own", "http://g/v1", ("x", DEFAULTS["openai"][0][7:]))
    assert choosing.choose(settings(openai="k"), [gateway]).model == DEFAULTS["openai"][0]


def test_resolve_fills_in_what_auto_stands_for() -> None:
    resolved = choosing.resolve(RunConfig(model="auto", sandbox="auto"), settings(openai="k"))
    assert (resolved.model, resolved.sub_model) == DEFAULTS["openai"]
    assert resolved.sandbox == "monty"
    assert choosing.resolve(RunConfig(model="auto"), settings()).sub_model == KEYLESS_MODEL
    assert choosing.resolve(RunConfig(model="auto"), settings(), [OLLAMA]).model == "ollama_chat/qwen3:8b"
    named = choosing.resolve(RunConfig(model="openai/x", sub_model="auto"), settings(openai="k"))
    assert named.sub_model == "openai/x"


def test_a_model_that_cannot_be_reached_is_refused_before_anything_starts() -> None:
    with pytest.raises(MissingKey, match="OPENAI_API_KEY"):
        choosing.resolve(RunConfig(model="openai/gpt-5.4"), settings())
    for name in ("gpt-5", "openai/", "openai/ gpt", "direct/", "direct/gpt", "always-", "always-AA"):
        with pytest.raises(InvalidConfig, match="model string"):
            choosing.resolve(RunConfig(model=name), settings(openai="k"))


@pytest.mark.parametrize("model", ["always-A", "always-D", "direct/openai/gpt-5.4", "no-context/openai/x"])
def test_baselines_are_models_that_make_no_sub_calls(model: str) -> None:
    resolved = choosing.resolve(RunConfig(model=model), settings(openai="k"))
    assert (resolved.model, resolved.sub_model) == (model, model)


def test_the_model_inside_a_baseline_is_checked_too() -> None:
    with pytest.raises(MissingKey, match="OPENAI_API_KEY"):
        choosing.resolve(RunConfig(model="direct/openai/gpt-5.4"), settings())
    for name in ("direct/keyless/bm25", "no-context/always-A", "direct/auto"):
        with pytest.raises(InvalidConfig, match="only a language model"):
            choosing.resolve(RunConfig(model=name), settings())
    inside = choosing.resolve(RunConfig(model="no-context/auto"), settings(openai="k"))
    assert inside.model == f"no-context/{DEFAULTS['openai'][0]}"


def test_addresses_come_from_settings_then_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert choosing.base_url("openai", settings()) is None
    monkeypatch.setenv("OPENAI_API_BASE", "http://localhost:8080/v1")
    assert choosing.base_url("openai") == "http://localhost:8080/v1"
    assert choosing.resolve(RunConfig(model="openai/local"), settings()).model == "openai/local", "it needs no key"
    monkeypatch.setenv("OPENAI_BASE_URL", "http://localhost:8081/v1")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://localhost:8082")
    assert choosing.base_url("openai", settings()) == "http://localhost:8081/v1"
    assert choosing.base_url("anthropic", settings()) == "http://localhost:8082"
    mine = load_settings({}, _env_file=None, api_bases={"openai": "https://own/v1"})
    assert choosing.base_url("openai", mine) == "https://own/v1"


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("", "http://127.0.0.1:11434/v1"),
        ("0.0.0.0", "http://127.0.0.1:11434/v1"),
        ("0.0.0.0:9999", "http://127.0.0.1:9999/v1"),
        (":9999", "http://127.0.0.1:9999/v1"),
        ("box", "http://box:11434/v1"),
        ("http://box:80/", "http://box:80/v1"),
        ("https://ollama.example.org", "https://ollama.example.org:443/v1"),
        ("[::1]:7", "http://[::1]:7/v1"),
        ("box:port", "http://box:11434/v1"),
    ],
)
def test_ollamas_own_variable_is_read_as_ollama_reads_it(
    monkeypatch: pytest.MonkeyPatch, host: str, address: str
) -> None:
    monkeypatch.setenv("OLLAMA_HOST", host)
    assert choosing.base_url("ollama_chat") == choosing.base_url("ollama") == address


@given(st.text(max_size=30))
def test_any_text_is_a_model_or_one_sentence(name: str) -> None:
    sentence = ""
    try:
        choosing.resolve(RunConfig(model=name), settings())
    except (InvalidConfig, MissingKey) as error:
        sentence = str(error)
    assert "\n" not in sentence


def test_which_models_go_through_litellm(monkeypatch: pytest.MonkeyPatch) -> None:
    for native in ("openai/x", "ollama_chat/x", "lm_studio/x", "llamacpp/x", "mistral/x", "direct/anthropic/x"):
        assert choosing.engine_of(native) == "native"
    for other in ("bedrock/x", "vertex_ai/x", "azure/x"):
        assert choosing.engine_of(other) == "litellm"
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", "https://mine.example.org")
    assert choosing.engine_of("azure/x") == "native"
    monkeypatch.setenv("AZURE_API_BASE", "https://mine.example.org")
    assert choosing.engine_of("azure/x") == "litellm"
    assert choosing.engine_of(KEYLESS_MODEL) == choosing.engine_of("always-A") == "none"


def test_what_is_offered_begins_with_what_is_in_force() -> None:
    assert choosing.offered(settings(groq="k"), [OLLAMA]) == [
        DEFAULTS["groq"][0],
        "ollama_chat/qwen3:8b",
        "ollama_chat/gemma3",
        KEYLESS_MODEL,
    ]
