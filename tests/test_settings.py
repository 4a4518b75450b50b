from pathlib import Path

import pytest
from pydantic import SecretStr

from rlm_app.errors import InvalidConfig
from rlm_app.settings import load_settings


@pytest.fixture(autouse=True)
def _no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_keys_are_read_under_their_makers_names_and_never_shown() -> None:
    settings = load_settings({"OPENAI_API_KEY": "sk-canary", "GROQ_API_KEY": ""})
    assert list(settings.provider_keys) == ["openai"]
    assert "canary" not in repr(settings) + str(settings.model_dump())


def test_the_end_of_a_line_is_no_part_of_a_key() -> None:
    keys = load_settings({"OPENAI_API_KEY": "sk-canary\r\n", "GROQ_API_KEY": " \n"}).provider_keys
    assert {name: key.get_secret_value() for name, key in keys.items()} == {"openai": "sk-canary"}


@pytest.mark.parametrize("left_open", ["", "auto"])
def test_a_sub_model_left_open_is_none(left_open: str) -> None:
    assert load_settings({}, sub_model=left_open).sub_model is None


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


def test_secrets_toml_sets_keys_and_defaults_and_everything_else_wins(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("GROQ_API_KEY=sk-env-file\nRLM_APP_MAX_STEPS=7\n")
    (tmp_path / "secrets.toml").write_text(
        'OPENAI_API_KEY = "sk-toml"\nGROQ_API_KEY = "sk-toml"\nGOOGLE_API_KEY = "sk-google"\n'
        'RLM_APP_MAX_STEPS = 3\nRLM_APP_MAX_COST = 0.5\nRLM_APP_CACHE = true\n[RLM_APP_API_BASES]\nopenai = "http://x/v1"\n'
    )
    files = {"_env_file": str(tmp_path / ".env"), "_secrets_file": str(tmp_path / "secrets.toml")}
    settings = load_settings({"OPENAI_API_KEY": "sk-environment"}, **files)
    assert {name: key.get_secret_value() for name, key in settings.provider_keys.items()} == {
        "openai": "sk-environment",
        "gemini": "sk-google",
        "groq": "sk-env-file",
    }
    assert (settings.max_steps, settings.max_cost, settings.cache) == (7, 0.5, True)
    assert settings.api_bases == {"openai": "http://x/v1"}
    assert settings.sources == {
        "OPENAI_API_KEY": "environment",
        "GROQ_API_KEY": ".env",
        "GEMINI_API_KEY": "secrets.toml",
        "RLM_APP_MAX_STEPS": ".env",
        "RLM_APP_MAX_COST": "secrets.toml",
        "RLM_APP_CACHE": "secrets.toml",
        "RLM_APP_API_BASES": "secrets.toml",
    }


def test_what_streamlit_copied_into_the_environment_is_said_to_be_from_the_file(tmp_path: Path) -> None:
    (tmp_path / "secrets.toml").write_text('OPENAI_API_KEY = "sk-toml"\n')
    settings = load_settings(
        {"OPENAI_API_KEY": "sk-toml"}, _env_file=None, _secrets_file=str(tmp_path / "secrets.toml")
    )
    assert settings.sources["OPENAI_API_KEY"] == "secrets.toml"


def test_a_secrets_file_that_is_no_toml_is_one_sentence_without_its_text(tmp_path: Path) -> None:
    (tmp_path / "secrets.toml").write_text("OPENAI_API_KEY = sk-canary\n")
    with pytest.raises(InvalidConfig, match=r"secrets\.toml cannot be read as TOML") as caught:
        load_settings({}, _env_file=None, _secrets_file=str(tmp_path / "secrets.toml"))
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("prices", {"m": {"input": 1}}),
        ("prices", {"m": {"input": 1, "output": -1}}),
        ("prices", {"m": {"input": 1, "output": 1, "per_call": 1}}),
        ("api_bases", {"openai": "localhost:8080"}),
        ("on_limit", "explode"),
    ],
)
def test_prices_and_addresses_that_make_no_sense_are_refused(field: str, value: object) -> None:
    with pytest.raises(InvalidConfig, match=f"RLM_APP_{field.upper()}"):
        load_settings({}, _env_file=None, **{field: value})


def test_what_a_run_does_at_a_limit_and_with_stored_replies_is_passed_through() -> None:
    settings = load_settings({}, _env_file=None, on_limit="stop", cache=True)
    config = settings.run_config()
    assert (config.on_limit, config.cache, config.program) == ("stop", True, "")
    assert settings.run_config(on_limit="answer", cache=False).on_limit == "answer"


def test_a_saved_program_is_read_where_it_is_named(tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    file.write_text('{"explore": {"signature": {"instructions": "Look twice."}}}')
    settings = load_settings({"RLM_APP_PROGRAM": str(file)}, _env_file=None, program=file)
    assert settings.run_config().program == "Look twice."
    assert settings.run_config(program="Once.").program == "Once."
    with pytest.raises(InvalidConfig, match="check its path"):
        settings.run_config(program=tmp_path / "gone.json")


def test_keys_that_somebody_brings_come_first_and_leave_the_settings_alone() -> None:
    settings = load_settings({"OPENAI_API_KEY": "sk-canary"}, _env_file=None)
    theirs = settings.with_keys({"openai": SecretStr("sk-own-canary")})
    assert theirs.provider_keys["openai"].get_secret_value() == "sk-own-canary"
    assert theirs.sources["OPENAI_API_KEY"] == "this session"
    assert settings.provider_keys["openai"].get_secret_value() == "sk-canary"
    assert settings.with_keys({}) is settings
    assert "canary" not in repr(theirs) + str(theirs.model_dump())
