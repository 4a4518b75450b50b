"""Real processes that work on one bench and are killed: every example is done once, every stored reply paid for once.

The questions go to a model server over real sockets, which counts what it is asked. Calls that were in flight when a
process died are the only ones that may be made again.
"""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from rlm_app.adapters.store import SqlStore
from rlm_app.benches import Bench
from rlm_app.benchmarking import Wanted
from rlm_app.events import RunFinished, RunResumed, StepStarted, fold
from rlm_app.model import RunConfig
from tests.benching import Says, bencher, make_bench, open_store, put_examples, services, work
from tests.fakes import wait_for
from tests.model_server import Reply, model_server, step
from tests.postgres import NoServer, database_url

ROOT = Path(__file__).parent.parent
EXAMPLES = 6
SEEN = "the first step has been"
WORKER = """
import sys
from rlm_app.wiring import bencher
here = bencher()
bench = here.start(here.resumable(sys.argv[1]), workers=2)
print("ready", flush=True)
here.wait(bench)
print(here.ending(bench), flush=True)
"""


class Asked:
    """The model: two steps for each question, and a count of what was asked."""

    def __init__(self) -> None:
        self.calls: Counter[tuple[str, int]] = Counter()
        self._lock = threading.Lock()

    def __call__(self, request: dict[str, Any]) -> Reply:
        said = str(request["messages"])
        number = 2 if SEEN in said else 1
        question = re.findall(r"Question \d+\?", said)[-1]
        with self._lock:
            self.calls[question, number] += 1
        code = "SUBMIT(answer='B', citations=[])" if number == 2 else f"print({SEEN[:9]!r} + {SEEN[9:]!r})"
        return Reply(step(code), seconds=0.25)


def process(home: Path, bench: Bench, url: str) -> "subprocess.Popen[str]":
    keyless = {name: value for name, value in os.environ.items() if not name.endswith("_API_KEY")}
    told = {"RLM_APP_HOME": str(home), "OPENAI_API_KEY": "none", "OPENAI_BASE_URL": url, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-c", WORKER, bench.id],
        env=keyless | told,
        cwd=home,
        stdout=subprocess.PIPE,
        text=True,
    )


def paid(store: SqlStore, bench: Bench) -> set[tuple[str, int]]:
    """The replies that are stored: question and step."""
    run_ids = [attempt.run_id for attempt in store.benches.attempts([bench.id]) if attempt.run_id]
    told = [store.events(run_id) for run_id in run_ids]
    return {(fold(run).question.text, event.step) for run in told for event in run if isinstance(event, StepStarted)}


def kill(worker: "subprocess.Popen[str]") -> None:
    worker.send_signal(signal.SIGKILL)
    worker.communicate()


def test_processes_that_are_killed_cost_only_the_calls_in_flight(tmp_path: Path) -> None:
    database = tmp_path / "rlm-app.db"
    store = open_store(tmp_path, database.name)
    put_examples(store, EXAMPLES)
    here = bencher(store)
    config = RunConfig(model="openai/gpt-5.4-mini", sub_model="openai/gpt-5.4-mini")
    bench = store.benches.create(here.plan(Wanted(config, dataset="tiny")).bench)
    asked = Asked()
    with model_server(asked) as server:
        alone, other = process(tmp_path, bench, server.url), process(tmp_path, bench, server.url)
        wait_for(lambda: len(asked.calls) >= 3, 60)
        kill(alone)  # one of two, which share the bench
        kept = paid(store, bench)
        before = sum(asked.calls.values())
        wait_for(lambda: sum(asked.calls.values()) > before + 2, 60)
        kill(other)  # and then all
        kept |= paid(store, bench)
        assert here.standing(bench.id).tally.done < EXAMPLES

        last = process(tmp_path, bench, server.url)
        assert last.communicate(timeout=90)[0].split() == ["ready", "done"]
    attempts = store.benches.attempts([bench.id], latest=False)
    assert [(a.outcome, a.steps, a.number) for a in attempts] == [("right", 2, 1)] * EXAMPLES
    assert len(kept) >= 2
    assert {asked.calls[reply] for reply in kept} == {1}
    assert sum(asked.calls.values()) - len(asked.calls) <= 4  # two kills, two calls in flight at each
    for attempt in attempts:
        told = store.events(attempt.run_id)
        ends = [event for event in told if isinstance(event, RunFinished)]
        assert [end.status for end in ends if end.status != "interrupted"] == ["answered"]
    assert any(isinstance(event, RunResumed) for attempt in attempts for event in store.events(attempt.run_id))
    store.close()


def test_a_database_that_drops_every_connection_costs_no_attempt(tmp_path: Path) -> None:
    import psycopg

    try:
        url = database_url()
    except NoServer as reason:
        pytest.skip(str(reason))
    store = SqlStore.open(url, tmp_path / "blobs")
    put_examples(store, 20)
    asked: Counter[str] = Counter()

    def reply(question: Any, run: Any) -> str:
        asked[question.text] += 1
        time.sleep(0.02)
        return "B"

    here = bencher(store, Says(reply))
    bench = make_bench(here)
    here.start(bench, workers=4)
    others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    dropped = 0
    while not here.wait(bench.id, 0.1):
        with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
            dropped += len(connection.execute(f"SELECT pg_terminate_backend(pid) {others}").fetchall())
    assert here.ending(bench.id) == "done"
    assert dropped > 1
    assert [a.outcome for a in here.attempts(bench.id, latest=False)] == ["right"] * 20
    assert set(asked.values()) == {1}
    store.close()


def test_two_stores_on_one_database_share_a_bench(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    put_examples(store, 10)
    second = open_store(tmp_path)
    asked: Counter[str] = Counter()

    def reply(question: Any, run: Any) -> str:
        asked[question.text] += 1
        time.sleep(0.02)
        return "B"

    one, two = bencher(store, Says(reply)), bencher(second, Says(reply))
    bench = make_bench(one)
    one.start(bench)
    assert work(two, bench) == "done"
    assert one.wait(bench.id, 10)
    assert set(asked.values()) == {1}
    assert services(second).benches.tally([bench.id])[bench.id].outcomes == {"right": 10}
    second.close()
    store.close()
