"""The app's face, over the real store and jobs."""

import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from pydantic import SecretStr

from rlm_app import application, asking, owners
from rlm_app.adapters.store import SqlStore
from rlm_app.application import App
from rlm_app.errors import CloneRefused, InvalidConfig, InvalidQuestion, MissingKey, NotFound, StorageFailed
from rlm_app.events import Event
from rlm_app.model import Question, RunConfig, Usage
from rlm_app.owners import is_dead, owner_name
from rlm_app.ports import Answer, RunQuery
from rlm_app.providers import LocalServer
from rlm_app.settings import load_settings
from rlm_app.stop import Stop
from rlm_app.wiring import make_home
from tests.corpora import corpus_of
from tests.fakes import wait_for
from tests.scripted import FixedAnswerer, FixedSource, settings_at

CORPUS = corpus_of({"src/app.py": "def route(rule):\n    return rule\n"})
DONE = Answer("Done.", (), extracted=False, usage=Usage())


def open_with(home: Path, answerer, source=None) -> App:
    settings = settings_at(home)
    store = SqlStore.open(settings.store_url, home / "blobs")
    return App(settings, store, source or FixedSource(CORPUS), answerer)


def until_stopped(context) -> Answer:
    assert context.stop.wait(20)
    context.stop.check()
    raise AssertionError


def test_a_question_is_found_at_once_and_answered_in_the_background(tmp_path: Path) -> None:
    release = threading.Event()
    app = open_with(tmp_path, FixedAnswerer(lambda context: release.wait(10) and DONE))
    run_id = app.ask(" somewhere ", Question(text="Where?"))
    assert app.run(run_id).status == "running"
    assert app.run(run_id).source == "somewhere"
    release.set()
    assert app.wait(run_id, 10)
    assert app.run(run_id).status == "answered"
    assert app.store.runs(RunQuery())[0][0].status == "answered"


def test_what_cannot_be_asked_leaves_nothing_behind(tmp_path: Path) -> None:
    class Refusing(FixedSource):
        def validate(self, source: str) -> None:
            raise CloneRefused("Put no password in the address.")

    with pytest.raises(InvalidQuestion):
        open_with(tmp_path, FixedAnswerer(until_stopped)).ask("s", Question(text=""))
    app = open_with(tmp_path, FixedAnswerer(until_stopped), Refusing(CORPUS))
    with pytest.raises(CloneRefused):
        app.ask("https://user:secret@host/x", Question(text="Where?"))
    with pytest.raises(CloneRefused):
        app.load("https://user:secret@host/x")
    assert app.store.runs(RunQuery())[1] == 0


def test_stop_ends_a_run_of_this_process(tmp_path: Path) -> None:
    app = open_with(tmp_path, FixedAnswerer(until_stopped))
    run_id = app.ask("s", Question(text="Where?"))
    app.stop(run_id)
    assert app.wait(run_id, 2)
    assert app.run(run_id).status == "cancelled"


def test_stop_reaches_a_run_of_another_process_within_two_seconds(tmp_path: Path) -> None:
    app = open_with(tmp_path, FixedAnswerer(until_stopped))
    run_id = app.ask("s", Question(text="Where?"))
    other = open_with(tmp_path, FixedAnswerer(until_stopped))
    other.stop(run_id)
    assert app.wait(run_id, 2.5)
    assert other.run(run_id).status == "cancelled"


def test_a_second_app_leaves_the_runs_of_a_living_one_alone(tmp_path: Path) -> None:
    app = open_with(tmp_path, FixedAnswerer(until_stopped))
    run_id = app.ask("s", Question(text="Where?"))
    assert open_with(tmp_path, FixedAnswerer(until_stopped)).run(run_id).status == "running"
    app.stop(run_id)


def test_the_runs_of_a_killed_process_become_interrupted_at_the_next_start(tmp_path: Path) -> None:
    script = f"""
import time
from pathlib import Path
from rlm_app.model import Question
from tests.test_wiring import FixedAnswerer, open_with
def steps(context):
    from rlm_app.events import StepStarted
    context.emit(StepStarted, step=1, reasoning="r", code="c")
    print("stepped", flush=True)
    time.sleep(60)
app = open_with(Path({str(tmp_path)!r}), FixedAnswerer(steps))
print(app.ask("s", Question(text="Where?")), flush=True)
time.sleep(60)
"""
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    lines = {process.stdout.readline().strip(), process.stdout.readline().strip()}
    run_id = (lines - {"stepped"}).pop()
    assert open_with(tmp_path, FixedAnswerer(until_stopped)).run(run_id).status == "running"
    process.kill()
    process.wait()
    seen = []
    app = open_with(tmp_path, FixedAnswerer(lambda context: seen.append(context.before) or DONE))
    run = app.run(run_id)
    assert run.status == "interrupted"
    assert len(run.steps) == 1, "what was stored is kept"
    app.resume(run_id)
    assert app.wait(run_id, 10)
    assert (app.run(run_id).status, app.run(run_id).resumed) == ("answered", 1)
    assert len(seen[0].steps) == 1, "and handed to whoever goes on"
    with pytest.raises(InvalidConfig, match="ask the question again"):
        app.resume(run_id)


def test_owners_are_dead_when_their_process_is_gone_or_their_beat_too_old() -> None:
    host, pid, start = owner_name().split("/")
    assert not is_dead(owner_name(), 10_000)
    assert is_dead(f"{host}/{pid}/{int(start) - 5}", 0), "the number was given to another process"
    assert is_dead(f"{host}/999999999/{start}", 0)
    assert not is_dead("elsewhere/1/1", 10)
    assert is_dead("elsewhere/1/1", 100)


def test_loading_ahead_shows_progress_and_ends_in_a_receipt(tmp_path: Path) -> None:
    release = threading.Event()
    source = FixedSource(CORPUS, lambda stop: release.wait(10))
    app = open_with(tmp_path, FixedAnswerer(until_stopped), source)
    loading = app.load("s")
    assert app.load("s") is loading, "a second tab joins"
    assert not loading.finished
    release.set()
    deadline = time.monotonic() + 5
    while not loading.finished and time.monotonic() < deadline:
        time.sleep(0.01)
    assert loading.receipt.files == 1
    assert app.loading("s") is loading
    assert app.corpus(loading.receipt.digest).text == CORPUS.text


def test_a_load_can_be_stopped_and_started_again(tmp_path: Path) -> None:
    def wait(stop: Stop) -> None:
        assert stop.wait(10)
        stop.check()

    app = open_with(tmp_path, FixedAnswerer(until_stopped), FixedSource(CORPUS, wait))
    loading = app.load("s")
    app.stop_loading(loading)
    deadline = time.monotonic() + 5
    while not loading.finished and time.monotonic() < deadline:
        time.sleep(0.01)
    assert loading.cancelled
    again = app.load("s")
    assert again is not loading
    app.stop_loading(again)


def test_a_running_run_is_stopped_before_it_is_deleted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    app = open_with(tmp_path, FixedAnswerer(until_stopped))
    run_id = app.ask("s", Question(text="Where?"))
    app.delete(run_id)
    assert app.wait(run_id, 0), "it had ended by then"
    assert app.store.runs(RunQuery())[1] == 0
    assert not caplog.records


def test_a_run_whose_machine_vanished_is_found_out_when_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = open_with(tmp_path, FixedAnswerer(until_stopped))
    asking.begin(asking.Request("orphan", "s", Question(text="Where?"), RunConfig()), app.store)
    app.store.claim("orphan", "elsewhere/1/1")
    assert app.run("orphan").status == "running", "it beat a moment ago"
    monkeypatch.setattr(application, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(owners, "DEAD_SECONDS", -1.0)
    assert app.run("orphan").status == "interrupted"


def test_an_id_is_never_taken_for_an_option() -> None:
    ids = {application.new_id() for _ in range(5000)}
    assert len(ids) == 5000
    assert all(run_id.isalnum() and len(run_id) == 12 for run_id in ids)


def test_an_unknown_run_is_said_to_be_unknown(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="History"):
        open_with(tmp_path, FixedAnswerer(until_stopped)).run("nothing")


def test_a_data_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageFailed, match="RLM_APP_HOME"):
        make_home(settings_at(tmp_path / "file" / "home"))


def test_the_config_in_force_says_what_auto_stands_for(tmp_path: Path) -> None:
    app = open_with(tmp_path, FixedAnswerer(until_stopped))
    assert isinstance(app.config(), RunConfig)
    assert app.config(max_steps=3, model=None).max_steps == 3


def test_a_process_that_was_killed_and_not_yet_buried_is_dead() -> None:
    sleeper = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    host, _, _ = owner_name().split("/")
    owner = f"{host}/{sleeper.pid}/{int(psutil.Process(sleeper.pid).create_time())}"
    assert not is_dead(owner, 0)
    sleeper.kill()
    wait_for(lambda: is_dead(owner, 0))
    sleeper.communicate()


def test_a_clock_that_was_set_does_not_make_a_living_owner_dead() -> None:
    host, pid, start = owner_name().split("/")
    assert not is_dead(f"{host}/{pid}/{int(start) - 2}", 0)
    assert not is_dead(f"{host}/{pid}/{int(start) + 2}", 0)


def test_keys_that_are_brought_serve_one_run_and_are_stored_nowhere(tmp_path: Path) -> None:
    seen = []
    app = open_with(tmp_path, FixedAnswerer(lambda context: seen.append(context.keys) or DONE))
    brought = {"groq": SecretStr("sk-canary-1")}
    with pytest.raises(MissingKey):
        app.config(model="groq/x")
    config = app.config(keys=brought, model="groq/x")
    run_id = app.ask("s", Question(text="Where?"), config, keys=brought)
    other = app.ask("s", Question(text="Where?"))
    brought.clear()
    assert app.wait(run_id, 10)
    assert app.wait(other, 10)
    assert sorted(len(keys) for keys in seen) == [0, 1]
    assert max(seen, key=len)["groq"].get_secret_value() == "sk-canary-1"
    assert all(b"canary" not in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


def test_a_server_on_this_machine_answers_where_nothing_else_is_set(tmp_path: Path) -> None:
    settings = load_settings({}, home=tmp_path, model="auto", _env_file=None)
    store = SqlStore.open(settings.store_url, tmp_path / "blobs")
    server = LocalServer("llamacpp", "llama.cpp", "http://127.0.0.1:8080/v1", ("m",))
    app = App(settings, store, FixedSource(CORPUS), FixedAnswerer(until_stopped), lambda: [server])
    assert (app.setup.model, app.config().model) == ("llamacpp/m", "llamacpp/m")
    assert app.config(keys={"groq": SecretStr("k")}).model.startswith("groq/")
    assert app.notes(app.config()) == []
    assert app.notes(app.config(model="vertex_ai/x")) == [
        "vertex_ai/x is reached through litellm, which takes some seconds to load."
    ]


class FullDisk:
    """A store that takes no event while it is full."""

    def __init__(self, store: SqlStore) -> None:
        self._store, self.full, self.full_at_claim = store, False, False

    def append(self, run_id: str, event: Event) -> None:
        if self.full:
            raise StorageFailed("The disk is full; free some space.")
        self._store.append(run_id, event)

    def claim(self, run_id: str, owner: str) -> None:
        if self.full_at_claim:
            self.full = True
            raise StorageFailed("The disk is full; free some space.")
        self._store.claim(run_id, owner)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


def test_a_run_whose_end_could_not_be_stored_ends_once_there_is_space(tmp_path: Path) -> None:
    settings = settings_at(tmp_path)
    store = FullDisk(SqlStore.open(settings.store_url, tmp_path / "blobs"))

    def fill(context) -> Answer:
        store.full = True
        return DONE

    app = App(settings, store, FixedSource(CORPUS), FixedAnswerer(fill))  # type: ignore[arg-type]
    run_id = app.ask("somewhere", Question(text="Where?"))
    assert app.wait(run_id, 10)
    assert app.run(run_id).status == "running"
    store.full = False
    wait_for(lambda: app.run(run_id).status == "failed")
    assert "disk is full" in (app.run(run_id).error or "")


def test_a_run_that_could_not_be_claimed_does_not_stay_running(tmp_path: Path) -> None:
    settings = settings_at(tmp_path)
    store = FullDisk(SqlStore.open(settings.store_url, tmp_path / "blobs"))
    app = App(settings, store, FixedSource(CORPUS), FixedAnswerer(until_stopped))  # type: ignore[arg-type]
    store.full_at_claim = True
    with pytest.raises(StorageFailed):
        app.ask("somewhere", Question(text="Where?"))
    store.full = False
    wait_for(lambda: [run.status for run in app.store.runs(RunQuery())[0]] == ["failed"])
