from pathlib import Path

import pytest

from rlm_app.errors import InvalidConfig
from rlm_app.settings import load_settings


@pytest.fixture(autouse=True)
def _no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_keys_are_read_under_their_makers_names_and_never_shown() -> None:
    settings = load_settings({"OPENAI_API_KEY": "sk-canary", "GROQ_API_KEY": ""})
    assert list(settings.provider_keys) == ["openai"]
    assert "canary" not in repr(settings) + str(settings.model_dump())


def test_variables_and_a_dotenv_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("RLM_APP_MAX_STEPS=7\nRLM_APP_MODEL=openai/x\n")
    monkeypatch.setenv("RLM_APP_MAX_STEPS", "9")
    settings = load_settings({}, _env_file=str(tmp_path / ".env"))
    assert (settings.max_steps, settings.model) == (9, "openai/x")


def test_a_file_in_the_current_folder_sets_nothing(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("RLM_APP_MODEL=openai/evil\nOPENAI_API_KEY=k\n")
    settings = load_settings({})
    assert settings.model != "openai/evil"
    assert all(key.get_secret_value() != "k" for key in settings.provider_keys.values())


def test_a_value_out_of_range_is_one_sentence_that_names_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RLM_APP_MAX_STEPS", "0")
    with pytest.raises(InvalidConfig) as caught:
        load_settings({})
    assert "RLM_APP_MAX_STEPS" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_run_takes_changes_over_defaults_and_refuses_what_is_out_of_range() -> None:
    settings = load_settings({}, max_steps=5)
    assert settings.run_config().max_steps == 5
    assert settings.run_config(max_steps=6, max_cost=None).max_steps == 6
    assert settings.run_config().max_output_chars == 10_000
    with pytest.raises(InvalidConfig, match="max steps"):
        settings.run_config(max_steps=1000)


def test_home_decides_where_everything_is(tmp_path: Path) -> None:
    settings = load_settings({}, home=tmp_path)
    assert str(tmp_path) in settings.store_url
    assert load_settings({}, home=tmp_path, database_url="postgresql://h/d").store_url == "postgresql://h/d"


def test_a_key_may_stand_in_the_dotenv_file_and_the_environment_wins(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("OPENAI_API_KEY=sk-file\nGROQ_API_KEY=sk-groq\n")
    keys = load_settings({"OPENAI_API_KEY": "sk-environment"}, _env_file=str(tmp_path / ".env")).provider_keys
    assert {name: key.get_secret_value() for name, key in keys.items()} == {
        "openai": "sk-environment",
        "groq": "sk-groq",
    }


def test_what_is_no_json_or_no_text_is_one_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RLM_APP_GIT_TOKENS", "ghp_canary")
    with pytest.raises(InvalidConfig, match=r"RLM_APP_GIT_TOKENS .* as JSON") as caught:
        load_settings({})
    assert "canary" not in str(caught.value)
    monkeypatch.delenv("RLM_APP_GIT_TOKENS")
    (tmp_path / ".env").write_bytes(b"\xff\xfe=1\n")
    with pytest.raises(InvalidConfig, match=r"\.env cannot be read"):
        load_settings({}, _env_file=str(tmp_path / ".env"))
