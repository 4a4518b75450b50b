"""Every way a model can fail, from the socket to what is stored and what a person reads."""

import logging
from pathlib import Path

import pytest

from rlm_app.adapters.answerer import RlmAnswerer
from rlm_app.adapters.store import SqlStore
from rlm_app.application import App
from rlm_app.events import ReplyRejected, RunFinished
from rlm_app.model import Question
from rlm_app.settings import load_settings
from tests.adapters.models.lines import CANARY
from tests.adapters.models.test_failures import REFUSALS
from tests.corpora import corpus_of
from tests.model_server import Reply, model_server, step
from tests.scripted import FixedSource

CORPUS = corpus_of({"src/app.py": "def route(rule):\n    return rule\n"})


def app_at(home: Path, url: str) -> App:
    keys = {"OPENAI_API_KEY": CANARY}
    settings = load_settings(
        keys, _env_file=None, home=home, api_bases={"openai": url}, call_retries=0, call_seconds=1, sandbox="monty"
    )
    store = SqlStore.open(settings.store_url, home / "blobs")
    return App(settings, store, FixedSource(CORPUS), RlmAnswerer(settings))


def everything_stored(home: Path) -> bytes:
    return b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file())


@pytest.mark.parametrize("case", REFUSALS)
def test_a_root_model_that_fails_ends_the_run_as_failed(
    case: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    reply, _, words = REFUSALS[case]
    with model_server(lambda request: reply) as server:
        app = app_at(tmp_path, server.url)
        run_id = app.ask("somewhere", Question(text="Where?"), app.config(model="openai/gpt-5.4"))
        assert app.wait(run_id, 30)
    run = app.run(run_id)
    assert run.status == "failed"
    assert run.answer is None
    with pytest.raises(AssertionError, match=words):
        raise AssertionError(run.error)
    events = app.store.events(run_id)
    assert isinstance(events[-1], RunFinished)
    assert [event for event in events if isinstance(event, ReplyRejected)], "the call that failed is told in its place"
    assert CANARY.encode() not in everything_stored(tmp_path)
    assert "canary" not in caplog.text


@pytest.mark.parametrize("case", REFUSALS)
def test_a_sub_model_that_fails_is_an_error_in_the_trajectory_and_never_an_answer(case: str, tmp_path: Path) -> None:
    code = "try:\n    print(llm_query('What?'))\nexcept Exception as error:\n    print('failed:', error)"
    steps = iter([step(code), step("SUBMIT(answer='x', citations=[])")])
    reply, _, words = REFUSALS[case]
    with model_server(lambda request: Reply(next(steps)) if request["model"] == "gpt-5.4" else reply) as server:
        app = app_at(tmp_path, server.url)
        config = app.config(model="openai/gpt-5.4", sub_model="openai/gpt-5.4-mini")
        run_id = app.ask("somewhere", Question(text="Where?"), config)
        assert app.wait(run_id, 30)
    run = app.run(run_id)
    assert run.status == "answered"
    (call,) = run.sub_calls
    assert call.response is None
    sentence = words.replace("gpt-5.4", "gpt-5.4-mini")
    with pytest.raises(AssertionError, match=sentence):
        raise AssertionError(call.error)
    assert run.steps[0].output is not None
    assert run.steps[0].output.startswith("failed: ")
    assert CANARY.encode() not in everything_stored(tmp_path)


def test_four_runs_at_once_share_what_their_provider_bears(tmp_path: Path) -> None:
    code = "for _ in range(5):\n    assert llm_query_batched(['What?'] * 10) == ['Yes.'] * 10"

    def reply(request: dict) -> Reply:
        if request["model"] == "gpt-5.4":
            done = "FINAL" in str(request) or "no output" in str(request)
            return Reply(step("SUBMIT(answer='x', citations=[])" if done else code))
        return Reply("Yes.", seconds=0.1)

    with model_server(reply, most=10) as server:
        app = app_at(tmp_path, server.url)
        app = App(
            app.settings,
            app.store,
            FixedSource(CORPUS),
            RlmAnswerer(app.settings.model_copy(update={"call_retries": 8})),
        )
        config = app.config(model="openai/gpt-5.4", sub_model="openai/gpt-5.4-mini")
        ids = [app.ask("somewhere", Question(text="Where?"), config) for _ in range(4)]
        assert all(app.wait(run_id, 60) for run_id in ids)
    runs = [app.run(run_id) for run_id in ids]
    assert [run.status for run in runs] == ["answered"] * 4
    assert sum(len(run.sub_calls) for run in runs) == 200
    assert all(call.response for run in runs for call in run.sub_calls), "those that were turned away came again"
    assert max(in_flight for _, in_flight in server.parallel) == 10
