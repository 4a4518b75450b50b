"""Everything that can be set from outside, read once from the environment, `.env` and `.streamlit/secrets.toml`.

Every name is an environment variable: `RLM_APP_` and the field in capitals, e.g. `RLM_APP_MAX_STEPS=20`. Keys of
model providers keep the names their makers gave them (`OPENAI_API_KEY`, …). The files take the same names; the
environment wins over `.env`, and that over `secrets.toml`.
"""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from rlm_app.errors import InvalidConfig
from rlm_app.model import RunConfig
from rlm_app.programs import load as load_program

PROVIDER_KEYS = {
    "openai": "OPENAI_API_KEY",
    "anthropic": "ANTHROPIC_API_KEY",
    "gemini": "GEMINI_API_KEY",
    "openrouter": "OPENROUTER_API_KEY",
    "groq": "GROQ_API_KEY",
    "mistral": "MISTRAL_API_KEY",
    "xai": "XAI_API_KEY",
    "deepseek": "DEEPSEEK_API_KEY",
    "moonshot": "MOONSHOT_API_KEY",
    "together_ai": "TOGETHERAI_API_KEY",
    "fireworks_ai": "FIREWORKS_API_KEY",
    "cerebras": "CEREBRAS_API_KEY",
    "cohere_chat": "COHERE_API_KEY",
    "bedrock": "AWS_BEARER_TOKEN_BEDROCK",
    "azure": "AZURE_OPENAI_API_KEY",
}
"""Provider, as a dspy model string begins, and the variable that holds its key; the order is the order of choice."""

OTHER_NAMES = {
    "gemini": "GOOGLE_API_KEY",
    "moonshot": "MOONSHOTAI_API_KEY",
    "together_ai": "TOGETHER_API_KEY",
    "azure": "AZURE_API_KEY",
}
"""A second name under which a provider's key is as common."""

SESSION = "this session"
"""Where a key comes from that a visitor brought along."""


def _default_home() -> Path:
    import platformdirs

    return platformdirs.user_data_path("rlm-app", appauthor=False)


ENV_FILE = str(Path(__file__).parents[1] / ".env")
"""Beside the app, not in the current folder: that may be a repository of a stranger, which must set nothing here."""

SECRETS_FILE = str(Path(__file__).parents[1] / ".streamlit" / "secrets.toml")


class Settings(BaseSettings):
    """How this installation runs. Sizes carry their unit in their name; keys are `SecretStr` and stay here."""

    model_config = SettingsConfigDict(env_prefix="RLM_APP_", env_file=ENV_FILE, extra="ignore", frozen=True)

    home: Path = Field(default_factory=_default_home, description="folder for database, blobs and clones")
    database_url: str = Field(default="", description="SQLAlchemy URL; empty: SQLite in `home`")
    host: str = "127.0.0.1"
    port: int = Field(default=8501, ge=1, le=65535)

    model: str = Field(default="auto", min_length=1, description="a dspy model string, keyless/bm25, or auto")
    sub_model: str | None = Field(default=None, description="for sub-calls; None or auto: what fits the model")
    sandbox: Literal["auto", "monty", "e2b", "pyodide"] = "auto"
    max_steps: int = Field(default=15, ge=1, le=100)
    max_llm_calls: int = Field(default=50, ge=0, le=10_000)
    max_seconds: float = Field(default=1800, ge=1, le=86_400)
    max_cost: float | None = Field(default=None, gt=0, description="USD a run")
    on_limit: Literal["answer", "stop"] = Field(default="answer", description="at a limit, answer with what is there?")
    cache: bool = Field(default=False, description="take replies that dspy has stored from earlier, equal calls")
    program: Path | None = Field(default=None, description="file of a saved program, whose prompt replaces ours")

    api_bases: dict[str, str] = Field(default_factory=dict, description='{"openai": "http://…/v1"}, by provider')
    prices: dict[str, dict[str, float]] = Field(
        default_factory=dict, description='USD per million tokens: {"openai/my-model": {"input": 1, "output": 4}}'
    )
    provider_calls: int = Field(default=20, ge=1, le=1000, description="calls of one provider at the same time")
    call_seconds: float = Field(default=300, ge=1, le=3600, description="for one reply of a model")
    call_retries: int = Field(default=5, ge=0, le=20, description="of a call that failed for a passing reason")

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
    sources: dict[str, str] = Field(default_factory=dict, description="where each variable that is set was found")

    @field_validator("sub_model")
    @classmethod
    def _fitting(cls, sub_model: str | None) -> str | None:
        return None if sub_model in ("", "auto") else sub_model  # "" is how a line of `.env` is left open

    @field_validator("api_bases")
    @classmethod
    def _addresses(cls, bases: dict[str, str]) -> dict[str, str]:
        if wrong := next((base for base in bases.values() if not base.startswith(("http://", "https://"))), None):
            raise ValueError(f"an address begins with http:// or https://, unlike {wrong!r}")
        return bases

    @field_validator("prices")
    @classmethod
    def _tariffs(cls, prices: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
        for tariff in prices.values():
            if not {"input", "output"} <= set(tariff) <= {"input", "output", "cached"} or min(tariff.values()) < 0:
                raise ValueError("a price has input and output, and may have cached, none of them below 0")
        return prices

    @field_validator("home")
    @classmethod
    def _expand(cls, home: Path) -> Path:
        return home.expanduser().absolute()

    @property
    def store_url(self) -> str:
        return self.database_url or f"sqlite:///{self.home / 'rlm-app.db'}"

    def with_keys(self, keys: Mapping[str, SecretStr]) -> "Settings":
        """These settings with keys that somebody brought along, by provider; they come before those set here."""
        if not keys:
            return self
        where = {PROVIDER_KEYS[provider]: SESSION for provider in keys if provider in PROVIDER_KEYS}
        return self.model_copy(
            update={"provider_keys": {**self.provider_keys, **keys}, "sources": {**self.sources, **where}}
        )

    def run_config(self, **changes: Any) -> RunConfig:
        """The defaults for one run, with those `changes` that are not None.

        `model` and `sub_model` are as given and still may be "auto": `wiring` resolves them. `program` is a prompt, or
        the path of a file that has one.

        Raises:
            InvalidConfig: a value out of range, or a file that is no program.
        """
        names = set(RunConfig.model_fields) & set(type(self).model_fields)
        fields = {name: getattr(self, name) for name in names}
        fields |= {name: value for name, value in changes.items() if value is not None}
        program = fields["program"] or ""
        fields["program"] = load_program(program) if isinstance(program, Path) else program
        try:
            return RunConfig(**fields)
        except ValidationError as error:
            raise InvalidConfig(_sentence(error)) from None


def load_settings(environment: Mapping[str, str] = os.environ, **overrides: Any) -> Settings:
    """Settings from the environment, `.env` and `secrets.toml`, with `overrides`.

    Whoever names another `_env_file` has no `secrets.toml` read but the `_secrets_file` he names.

    Raises:
        InvalidConfig: a value out of range or of the wrong kind, or a file that cannot be read.
    """
    env_file = overrides.get("_env_file", ENV_FILE)
    secrets_file = overrides.pop("_secrets_file", None if "_env_file" in overrides else SECRETS_FILE)
    found = {".env": _env_file(env_file), "secrets.toml": _secrets(secrets_file)}
    keys, sources = _keys(environment, found)
    given: dict[str, Any] = {"e2b_api_key": keys.pop("e2b", None), "provider_keys": keys, "sources": sources}
    given |= {**_defaults(found, sources), **overrides}
    try:
        return Settings(**given)
    except ValidationError as error:
        raise InvalidConfig(_sentence(error, prefix="RLM_APP_")) from None
    except SettingsError as error:
        name = next((name for name in Settings.model_fields if f'"{name}"' in str(error)), "settings")
        raise InvalidConfig(
            f"The setting RLM_APP_{name.upper()} is not usable: write it as JSON, as rlm_app/settings.py describes."
        ) from None


def _keys(
    environment: Mapping[str, str], files: Mapping[str, Mapping[str, Any]]
) -> tuple[dict[str, str], dict[str, str]]:
    """The keys that are set, by provider, and where each variable of a key was found."""
    keys: dict[str, str] = {}
    sources: dict[str, str] = {}
    for provider, first in {**PROVIDER_KEYS, "e2b": "E2B_API_KEY"}.items():
        for name in filter(None, (first, OTHER_NAMES.get(provider))):
            places = {"environment": environment, **files}
            where = next((where for where, values in places.items() if str(values.get(name) or "").strip()), None)
            if where and provider not in keys:
                keys[provider] = str(places[where][name]).strip()  # a file read into a variable ends its line
                # Streamlit copies what secrets.toml says into the environment of its server.
                copied = where == "environment" and files["secrets.toml"].get(name) == keys[provider]
                sources[first] = "secrets.toml" if copied else where
    return keys, sources


def _defaults(files: Mapping[str, Mapping[str, Any]], sources: dict[str, str]) -> dict[str, Any]:
    """The fields that secrets.toml alone sets; adds to `sources` where every field that is set was found."""
    fields = {f"RLM_APP_{name.upper()}": name for name in Settings.model_fields}
    environment = {name.upper() for name in os.environ}
    defaults = {}
    for variable, name in fields.items():
        if variable in environment:
            sources[variable] = "environment"
        elif variable in files[".env"]:
            sources[variable] = ".env"
        elif variable in files["secrets.toml"]:
            sources[variable] = "secrets.toml"
            defaults[name] = files["secrets.toml"][variable]
    return defaults


def _env_file(path: str | None) -> dict[str, Any]:
    """What a `.env` file sets, by variable; nothing where there is none. Raises: InvalidConfig."""
    from dotenv import dotenv_values

    try:
        return {name: value for name, value in dotenv_values(path).items() if value} if path else {}
    except (OSError, UnicodeDecodeError):
        raise InvalidConfig(f"The file {path} cannot be read as UTF-8 text; mend it or remove it.") from None


def _secrets(path: str | None) -> dict[str, Any]:
    """What a `secrets.toml` says at its top level; nothing where there is none. Raises: InvalidConfig."""
    if not path or not Path(path).exists():
        return {}
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):  # whose text may quote a key
        raise InvalidConfig(f"The file {path} cannot be read as TOML; mend it or remove it.") from None


def _sentence(error: ValidationError, prefix: str = "") -> str:
    first = error.errors(include_input=False, include_url=False)[0]
    name = str(first["loc"][0]) if first["loc"] else "settings"
    shown = prefix + name.upper() if prefix else name.replace("_", " ")
    return f"The setting {shown} is not usable: {first['msg'][0].lower()}{first['msg'][1:]}."
