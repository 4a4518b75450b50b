"""Everything that can be set from outside, read once from the environment and `.env`.

Every name is an environment variable: `RLM_APP_` and the field in capitals, e.g. `RLM_APP_MAX_STEPS=20`. Keys of
model providers keep the names their makers gave them (`OPENAI_API_KEY`, …).
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from rlm_app.errors import InvalidConfig
from rlm_app.model import RunConfig

PROVIDER_KEYS = {
    "openai": "OPENAI_API_KEY",
    "anthropic": "ANTHROPIC_API_KEY",
    "gemini": "GEMINI_API_KEY",
    "openrouter": "OPENROUTER_API_KEY",
    "groq": "GROQ_API_KEY",
    "mistral": "MISTRAL_API_KEY",
}
"""Provider, as a dspy model string begins, and the variable that holds its key; the order is the order of choice."""


def _default_home() -> Path:
    import platformdirs

    return platformdirs.user_data_path("rlm-app", appauthor=False)


ENV_FILE = str(Path(__file__).parents[1] / ".env")
"""Beside the app, not in the current folder: that may be a repository of a stranger, which must set nothing here."""


class Settings(BaseSettings):
    """How this installation runs. Sizes carry their unit in their name; keys are `SecretStr` and stay here."""

    model_config = SettingsConfigDict(env_prefix="RLM_APP_", env_file=ENV_FILE, extra="ignore", frozen=True)

    home: Path = Field(default_factory=_default_home, description="folder for database, blobs and clones")
    database_url: str = Field(default="", description="SQLAlchemy URL; empty: SQLite in `home`")
    host: str = "127.0.0.1"
    port: int = Field(default=8501, ge=1, le=65535)

    model: str = Field(default="auto", min_length=1, description="a dspy model string, keyless/bm25, or auto")
    sub_model: str | None = None
    sandbox: Literal["auto", "monty", "e2b", "pyodide"] = "auto"
    max_steps: int = Field(default=15, ge=1, le=100)
    max_llm_calls: int = Field(default=50, ge=0, le=10_000)
    max_seconds: float = Field(default=1800, ge=1, le=86_400)
    max_cost: float | None = Field(default=None, gt=0, description="USD a run")
    step_seconds: float = Field(default=60, ge=1, le=3600, description="sandbox time of one step, host calls apart")
    files_in_sandbox: bool = Field(default=False, description="put the code into the sandbox as files too; E2B only")
    e2b_template: str | None = Field(default=None, description="None: E2B's code interpreter")
    e2b_internet: bool = Field(default=False, description="lets the code in a sandbox out to the internet")
    e2b_sandboxes: int = Field(default=20, ge=1, le=1000, description="open at the same time; more wait")
    concurrent_calls: int = Field(default=16, ge=1, le=256, description="sub-calls of one step at the same time")
    workers: int = Field(default=4, ge=1, le=64, description="runs at the same time; more wait")

    local_paths: bool = Field(default=True, description="may folders of this machine be asked about?")
    private_hosts: frozenset[str] = Field(default=frozenset(), description="Git hosts allowed on private addresses")
    git_tokens: dict[str, SecretStr] = Field(default_factory=dict, description='{"github.com": "…"} for private code')
    max_corpus_mb: float = Field(default=100, gt=0, le=4000, description="millions of characters of text")
    max_clone_mb: float = Field(default=2000, gt=0, description="MB on disk for one clone")
    clone_seconds: float = Field(default=600, ge=1)
    cache_mb: float = Field(default=5000, gt=0, description="MB on disk for all clones")

    e2b_api_key: SecretStr | None = Field(default=None, repr=False, description="from E2B_API_KEY")
    provider_keys: dict[str, SecretStr] = Field(default_factory=dict, repr=False, description="by provider")

    @field_validator("home")
    @classmethod
    def _expand(cls, home: Path) -> Path:
        return home.expanduser().absolute()

    @property
    def store_url(self) -> str:
        return self.database_url or f"sqlite:///{self.home / 'rlm-app.db'}"

    def run_config(self, **changes: Any) -> RunConfig:
        """The defaults for one run, with those `changes` that are not None.

        `model` and `sub_model` are as given and still may be "auto": `wiring` resolves them.

        Raises:
            InvalidConfig: a value out of range.
        """
        names = set(RunConfig.model_fields) & set(type(self).model_fields)
        fields = {name: getattr(self, name) for name in names}
        fields |= {name: value for name, value in changes.items() if value is not None}
        try:
            return RunConfig(**fields)
        except ValidationError as error:
            raise InvalidConfig(_sentence(error)) from None


def load_settings(environment: Mapping[str, str] = os.environ, **overrides: Any) -> Settings:
    """Settings from the environment and `.env`, with `overrides`.

    Raises:
        InvalidConfig: a value out of range or of the wrong kind.
    """
    environment = {**_file(overrides.get("_env_file", ENV_FILE)), **environment}
    keys = {provider: environment[name] for provider, name in PROVIDER_KEYS.items() if environment.get(name)}
    e2b = environment.get("E2B_API_KEY") or None
    try:
        return Settings(**{"provider_keys": keys, "e2b_api_key": e2b, **overrides})
    except ValidationError as error:
        raise InvalidConfig(_sentence(error, prefix="RLM_APP_")) from None
    except SettingsError as error:
        name = next((name for name in Settings.model_fields if f'"{name}"' in str(error)), "settings")
        raise InvalidConfig(
            f"The setting RLM_APP_{name.upper()} is not usable: write it as JSON, as rlm_app/settings.py describes."
        ) from None


def _file(path: str | None) -> dict[str, str]:
    """What a `.env` file sets, by variable; nothing where there is none. Raises: InvalidConfig."""
    from dotenv import dotenv_values

    try:
        return {name: value for name, value in dotenv_values(path).items() if value} if path else {}
    except (OSError, UnicodeDecodeError):
        raise InvalidConfig(f"The file {path} cannot be read as UTF-8 text; mend it or remove it.") from None


def _sentence(error: ValidationError, prefix: str = "") -> str:
    first = error.errors(include_input=False, include_url=False)[0]
    name = str(first["loc"][0]) if first["loc"] else "settings"
    shown = prefix + name.upper() if prefix else name.replace("_", " ")
    return f"The setting {shown} is not usable: {first['msg'][0].lower()}{first['msg'][1:]}."
