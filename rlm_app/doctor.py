"""What is configured and whether it works, one line each, with what to do."""

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

from rlm_app import wording
from rlm_app.choosing import Setup, check_model, describe, engine_of
from rlm_app.errors import RlmAppError
from rlm_app.model import KEYLESS_LABEL
from rlm_app.settings import Settings, load_settings
from rlm_app.wording import plural

LOW_SPACE_GB = 2
OLDEST_GIT = (2, 37)  # the first with http.curloptResolve


@dataclass(frozen=True)
class Check:
    """`note` is worth knowing; `fails` must be mended before the app can work as it is set up."""

    name: str
    state: Literal["ok", "note", "fails"]
    finding: str


def examine(settings: Settings | None = None, *, live: bool = False) -> Iterator[Check]:
    """Check everything a run needs. No model is asked, unless `live`, which makes one tiny call of each in force.

    Only that and E2B, where its key is set, need a network.
    """
    try:
        settings = settings or load_settings()
    except RlmAppError as error:
        yield Check("settings", "fails", str(error))
        return
    for name, check in (
        ("data", _data),
        ("store", _store),
        ("git", _git),
        ("sandbox", _sandbox),
        ("leftovers", _leftovers),
        ("model", _model),
        ("servers", _servers),
        ("keys", _keys),
    ):
        yield _guarded(name, check, settings)
    if live:
        setup = _setup(settings)
        for name, model in {"root call": setup.model, "sub-call": setup.sub_model}.items():
            yield _guarded(name, partial(_call, model=model), settings)


def _guarded(name: str, check: Callable[[Settings], Check], settings: Settings) -> Check:
    try:
        return replace(check(settings), name=name)
    except RlmAppError as error:
        return Check(name, "fails", str(error))


def _data(settings: Settings) -> Check:
    from rlm_app.wiring import make_home

    make_home(settings)
    free = shutil.disk_usage(settings.home).free / 1e9
    if free < LOW_SPACE_GB:
        return Check("data", "note", f"{settings.home} has {free:.1f} GB free; a large clone may not fit.")
    return Check("data", "ok", f"{settings.home}, {free:.0f} GB free; RLM_APP_HOME moves it")


def _store(settings: Settings) -> Check:
    from rlm_app.ports import RunQuery
    from rlm_app.wiring import open_store

    _, total = open_store(settings).runs(RunQuery(limit=1))
    kind = "SQLite" if settings.store_url.startswith("sqlite") else "PostgreSQL"
    return Check("store", "ok", f"{kind}, {plural(total, 'run')}")


def _git(settings: Settings) -> Check:
    try:
        found = subprocess.run(["git", "--version"], capture_output=True, text=True, check=True, timeout=10).stdout
    except (OSError, subprocess.SubprocessError):
        return Check(
            "git", "fails", "git does not run; install it (Debian: apt install git, macOS: xcode-select --install)."
        )
    if tuple(map(int, re.findall(r"\d+", found)[:2])) < OLDEST_GIT:
        return Check(
            "git", "fails", f"{found.strip()} is too old to pin a server's checked address; 2.37 or newer does."
        )
    return Check("git", "ok", found.strip())


def _sandbox(settings: Settings) -> Check:
    from rlm_app.wiring import probe_sandbox

    name, seconds = probe_sandbox(settings)
    return Check("sandbox", "ok", f"{name} starts and ends in {1000 * seconds:,.0f} ms")


def _leftovers(settings: Settings) -> Check:
    from rlm_app.wiring import sandbox_leftovers

    if settings.e2b_api_key is None:
        return Check("leftovers", "ok", "no E2B key, so no sandboxes to look for")
    if left := sandbox_leftovers(settings, remove=False):
        return Check(
            "leftovers", "note", f"sandboxes at E2B that serve no run: {left}; `rlm-app doctor --clean` ends them"
        )
    return Check("leftovers", "ok", "no sandbox at E2B without a run")


def _setup(settings: Settings) -> Setup:
    from rlm_app.wiring import open_local_models

    return describe(settings, open_local_models(settings)())


def _model(settings: Settings) -> Check:
    setup = _setup(settings)
    if setup.keyless:
        what = f"{setup.model} ({KEYLESS_LABEL}): {setup.model_why}; set OPENAI_API_KEY or another to use a model"
        return Check("model", "note", what)
    check_model(setup.model, settings)
    what = f"{setup.model} (sub-calls: {setup.sub_model}): {setup.model_why}"
    slow = [model for model in (setup.model, setup.sub_model) if engine_of(model, settings) == "litellm"]
    if slow:
        return Check("model", "note", f"{what}; {slow[0]} is reached through litellm, which takes seconds to load")
    return Check("model", "ok", what)


def _servers(settings: Settings) -> Check:
    servers = _setup(settings).servers
    if not servers:
        return Check("servers", "ok", "no model server answers on this machine, which is fine")
    found = [f"{server.name} at {server.address} with {', '.join(server.model_strings[:5])}" for server in servers]
    return Check("servers", "ok", "; ".join(found))


def _keys(settings: Settings) -> Check:
    keys = _setup(settings).keys
    have = [f"{key.name} ({key.source})" for key in keys if key.source]
    lack = [key.name for key in keys if not key.source]
    return Check("keys", "ok" if have else "note", f"set: {', '.join(have) or 'none'}; not set: {', '.join(lack)}")


def _call(settings: Settings, model: str) -> Check:
    from rlm_app.wiring import probe_model

    if engine_of(model) == "none":
        return Check("call", "note", f"{model} asks no language model, so there is nothing to test")
    seconds, usage = probe_model(settings, model)
    return Check("call", "ok", f"{model} replied in {wording.seconds(seconds)} ({wording.cost(usage.cost)})")
