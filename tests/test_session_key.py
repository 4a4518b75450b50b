"""A key that a visitor brings, from the question to the provider and back: it is in the header and nowhere else."""

import json
from pathlib import Path

import pytest
from pydantic import SecretStr

from rlm_app.events import EVENT
from rlm_app.export import to_markdown
from rlm_app.model import Question
from rlm_app.settings import load_settings
from rlm_app.web.api import run_json
from rlm_app.wiring import open_app
from tests.model_server import Reply, model_server, step
from tests.repositories import make_repository

KEY = "sk-canary-session-1"


def ask(home: Path, reply: Reply) -> tuple[object, str, list[str]]:
    """The run of one question with the visitor's key, all that is stored of it, and the keys the provider saw."""
    repository = home / "shop"
    make_repository(repository, {"cart.py": b"class Cart: ...\n"})
    with model_server(lambda request: reply) as server:
        bases = {"openai": server.url}
        settings = load_settings({}, home=home / "data", model="auto", api_bases=bases, call_retries=0, _env_file=None)
        app = open_app(settings)
        keys = {"openai": SecretStr(KEY)}
        run_id = app.ask(str(repository), Question(text="Where?"), app.config(model="openai/x", keys=keys), keys=keys)
        assert app.wait(run_id, 30)
        seen = [headers["Authorization"] for headers in server.headers if "Authorization" in headers]
    run = app.run(run_id)
    stored = b"".join(EVENT.dump_json(event) for event in app.store.events(run_id)).decode()
    files = b"".join(path.read_bytes() for path in (home / "data").rglob("*") if path.is_file()).decode(
        errors="replace"
    )
    shown = to_markdown(run) + json.dumps(run_json(run)) + repr(run)
    return run, stored + files + shown, seen


def test_it_reaches_its_provider_and_is_stored_nowhere(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    run, everything, seen = ask(tmp_path, step('SUBMIT(answer="Here.", citations=["cart.py:1-1"])'))
    assert run.status == "answered", run.error  # type: ignore[attr-defined]
    assert set(seen) == {f"Bearer {KEY}"}
    assert KEY not in everything + caplog.text


def test_a_provider_that_repeats_it_in_a_refusal_does_not_give_it_away(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run, everything, seen = ask(tmp_path, (400, {"error": {"message": f"odd request with key {KEY}"}}))
    assert run.status == "failed"  # type: ignore[attr-defined]
    assert set(seen) == {f"Bearer {KEY}"}
    assert KEY not in everything + caplog.text
