"""Which models answer, and why: settings, keys and a run's own wishes come to names. Needs no model and no dspy."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

from rlm_app.baselines import baseline
from rlm_app.errors import InvalidConfig, MissingKey
from rlm_app.model import KEYLESS_MODEL, RunConfig
from rlm_app.providers import (
    AZURE_PLACES,
    DEFAULTS,
    LOCAL_SERVERS,
    NATIVE,
    OLLAMA,
    LocalServer,
    asked_model,
    is_here,
    local_address,
    provider_of,
)
from rlm_app.settings import PROVIDER_KEYS, SESSION, Settings

SANDBOXES = {"monty": "Monty", "e2b": "E2B", "pyodide": "Pyodide"}
"""Sandboxes by the name that settings use, and as people read it."""

KEY_ELSEWHERE = ("bedrock", "azure")
"""Clouds that also take credentials of their own kinds, which only they can judge."""


@dataclass(frozen=True)
class Choice:
    """The models of a run and, in words, why those."""

    model: str
    sub_model: str
    why: str


def choose(settings: Settings, local: Sequence[LocalServer] = ()) -> Choice:
    """The models in force when a run names none; `local` are the servers that answered on this machine."""
    if settings.model != "auto":
        where = settings.sources.get("RLM_APP_MODEL", "")
        why = "set by RLM_APP_MODEL" + (f" in {where}" if where.startswith((".env", "secrets")) else "")
        return Choice(settings.model, settings.sub_model or settings.model, why)
    serving = {server.provider: server for server in local if server.models}
    # A key of one's own comes before the installation's.
    for provider in sorted(DEFAULTS, key=lambda name: settings.sources.get(PROVIDER_KEYS[name]) != SESSION):
        if provider in settings.provider_keys:
            model, sub_model = DEFAULTS[provider]
            why = f"{PROVIDER_KEYS[provider]} is set"
            why += " for this session" if settings.sources.get(PROVIDER_KEYS[provider]) == SESSION else ""
            if (own := serving.get(provider)) and model not in own.model_strings:
                model = sub_model = own.model_strings[0]
                why += f" and {own.address} offers this model"
            return Choice(model, settings.sub_model or sub_model, why)
    for server in serving.values():
        model = server.model_strings[0]
        return Choice(model, settings.sub_model or model, f"{server.name} answers at {server.address}")
    return Choice(KEYLESS_MODEL, KEYLESS_MODEL, "no model key is set and no model server answers on this machine")


class KeyState(NamedTuple):
    """A key by its variable, and where it was found; empty where it is not set."""

    name: str
    source: str


@dataclass(frozen=True)
class Setup:
    """What is configured, in words for people: what will answer, where code runs, and why those."""

    model: str
    model_why: str
    sub_model: str
    sandbox: str
    sandbox_why: str
    keys: tuple[KeyState, ...] = ()
    servers: tuple[LocalServer, ...] = ()

    @property
    def keyless(self) -> bool:
        return self.model == KEYLESS_MODEL


def describe(settings: Settings, local: Sequence[LocalServer] = ()) -> Setup:
    """What the settings come to."""
    choice = choose(settings, local)
    held = {PROVIDER_KEYS[name] for name in settings.provider_keys if name in PROVIDER_KEYS}
    held |= {"E2B_API_KEY"} if settings.e2b_api_key is not None else set()
    names = (*PROVIDER_KEYS.values(), "E2B_API_KEY")
    keys = tuple(KeyState(name, settings.sources.get(name, "settings") if name in held else "") for name in names)
    sandbox, why = choose_sandbox(settings)
    return Setup(choice.model, choice.why, choice.sub_model, SANDBOXES[sandbox], why, keys, tuple(local))


def resolve(config: RunConfig, settings: Settings, local: Sequence[LocalServer] = ()) -> RunConfig:
    """The configuration with every "auto" replaced by what it stands for.

    Raises:
        InvalidConfig: not a model string, or no such sandbox.
        MissingKey: the model's provider needs a key that is not set.
    """
    chosen = choose(settings, local)
    model = config.model
    if model.endswith("auto") and model.removesuffix("auto") in ("", "direct/", "no-context/"):
        model = model.removesuffix("auto") + chosen.model
    check_model(model, settings)
    if model == KEYLESS_MODEL or baseline(model):
        sub_model = model  # nobody makes a sub-call
    else:
        sub_model = config.sub_model if config.sub_model not in (None, "auto") else _sub_model(model, chosen)
        check_model(sub_model, settings)
    sandbox = choose_sandbox(settings)[0] if config.sandbox == "auto" else config.sandbox
    if sandbox not in SANDBOXES:
        raise InvalidConfig(f"There is no sandbox {sandbox!r}; choose one of {', '.join(SANDBOXES)}.")
    if sandbox == "e2b" and settings.e2b_api_key is None:
        raise MissingKey("The sandbox e2b needs a key: set E2B_API_KEY, or choose monty.")
    return config.model_copy(update={"model": model, "sub_model": sub_model, "sandbox": sandbox})


def _sub_model(model: str, chosen: Choice) -> str:
    return chosen.sub_model if model == chosen.model else model


def check_model(model: str, settings: Settings) -> None:
    """Refuse what cannot be asked, without asking it.

    Raises:
        InvalidConfig: neither a model string nor a baseline.
        MissingKey: its provider needs a key that is not set.
    """
    named, asked = baseline(model), asked_model(model)
    if model == KEYLESS_MODEL or (named and named.kind == "always"):
        return
    if asked == KEYLESS_MODEL or baseline(asked):
        raise InvalidConfig(f"{model} makes no sense: only a language model can stand inside a baseline; name one.")
    provider, _, name = asked.partition("/")
    if not name or any(character.isspace() for character in asked):
        raise InvalidConfig(
            f"{model!r} is not a model string; write provider/name, e.g. openai/gpt-6.1-sol, or {KEYLESS_MODEL}."
        )
    if provider in KEY_ELSEWHERE or provider not in PROVIDER_KEYS or provider in settings.provider_keys:
        return
    if not base_url(provider, settings):
        raise MissingKey(f"{asked} needs a key: set {PROVIDER_KEYS[provider]}, or choose {KEYLESS_MODEL}.")


def choose_sandbox(settings: Settings) -> tuple[str, str]:
    """The sandbox in force when a run names none, and why."""
    if settings.sandbox != "auto":
        return settings.sandbox, "set by RLM_APP_SANDBOX"
    if settings.e2b_api_key is not None:
        return "e2b", "E2B_API_KEY is set"
    return "monty", "runs on this machine, needs no key"


def offered_sandboxes(settings: Settings) -> Sequence[str]:
    """Sandboxes worth offering in a list, the one in force first."""
    others = [name for name in SANDBOXES if name != "e2b" or settings.e2b_api_key is not None]
    return list(dict.fromkeys([choose_sandbox(settings)[0], *others]))


def offered(settings: Settings, local: Sequence[LocalServer] = ()) -> Sequence[str]:
    """Models worth offering in a list, the one in force first."""
    keyed = [DEFAULTS[provider][0] for provider in DEFAULTS if provider in settings.provider_keys]
    served = [model for server in local for model in server.model_strings]
    return list(dict.fromkeys([choose(settings, local).model, *keyed, *served, KEYLESS_MODEL]))


def base_url(provider: str, settings: Settings | None = None) -> str | None:
    """The address at which a provider is reached where it is not its public one, e.g. of a server of one's own.

    Settings come first, then `<PROVIDER>_BASE_URL` or `<PROVIDER>_API_BASE`, for Ollama `OLLAMA_HOST`, then the usual
    place of a local server. Left to itself dspy answers those variables by importing litellm (3 to 11 s); passed as
    `api_base` its native engine serves.
    """
    if settings and (given := settings.api_bases.get(provider)):
        return given
    prefix = provider.upper()
    if given := os.environ.get(f"{prefix}_BASE_URL") or os.environ.get(f"{prefix}_API_BASE"):
        return given
    if provider in (OLLAMA, "ollama"):
        return _ollama(os.environ.get("OLLAMA_HOST", ""))
    return local_address(provider) if provider in LOCAL_SERVERS else None


def _ollama(host: str) -> str:
    """OLLAMA_HOST as an address: it may lack scheme, host or port, and name the address that a server listens at."""
    parts = urlsplit(host if "://" in host else f"//{host.strip()}")
    try:
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme, LOCAL_SERVERS[OLLAMA][1])
    except ValueError:
        port = LOCAL_SERVERS[OLLAMA][1]
    name = parts.hostname if parts.hostname not in (None, "0.0.0.0", "::") else "127.0.0.1"
    return f"{parts.scheme or 'http'}://{f'[{name}]' if ':' in str(name) else name}:{port}{parts.path.rstrip('/')}/v1"


def engine_of(model: str, settings: Settings | None = None) -> Literal["native", "litellm", "none"]:
    """Through what dspy speaks to a model: its native engine, litellm (3 to 11 s to import), or nothing at all."""
    provider = provider_of(model)
    if not provider:
        return "none"
    if provider == "azure":
        found = not base_url(provider, settings) and any(os.environ.get(name) for name in AZURE_PLACES)
        return "native" if found else "litellm"
    return "native" if provider in NATIVE else "litellm"


@dataclass(frozen=True)
class Destination:
    """Where what is sent to a model goes: a provider by name, or a server by host and whether that is this machine."""

    name: str
    here: bool = False


def destination(model: str, settings: Settings) -> Destination | None:
    """Where prompts for a model go, as it is set up now; None where no model is asked."""
    if not (provider := provider_of(model)):
        return None
    base = base_url(provider, settings)
    if base is None:
        return Destination(provider)
    host = urlsplit(base).hostname or "an address of your own"
    if is_here(base):
        return Destination(LOCAL_SERVERS.get(provider, (host, 0))[0], here=True)
    return Destination(host)
