"""A real Dask cluster of two processes on this machine, one of them killed; and what a cluster is told and not told."""

import json
import os
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from rlm_app.adapters.cluster import ClusterCrew, packed, unpacked
from rlm_app.adapters.store import SqlStore
from rlm_app.benches import Bench
from rlm_app.benchmarking import Wanted
from rlm_app.errors import InvalidConfig, RunCancelled
from rlm_app.events import StepStarted
from rlm_app.model import RunConfig
from rlm_app.settings import Settings, load_settings
from rlm_app.stop import Stop
from rlm_app.wiring import cluster_check, cluster_job
from tests.benching import bencher, make_bench, open_store, put_examples
from tests.fakes import wait_for
from tests.model_server import Reply, model_server

distributed = pytest.importorskip("distributed")
pytestmark = pytest.mark.xdist_group("cluster")  # one cluster for all of them


def settings_at(home: Path, **changes: Any) -> Settings:
    return load_settings(
        {"OPENAI_API_KEY": "sk-secret", "E2B_API_KEY": "e2b-secret"}, _env_file=None, home=home, **changes
    )


def test_settings_go_without_keys_and_passwords() -> None:
    url = "postgresql://me:hunter2@db.example.org/runs"
    tokens = {"github.com": SecretStr("ghp-secret")}
    sent = packed(settings_at(Path("/data"), database_url=url, git_tokens=tokens, max_steps=7))
    assert not [secret for secret in ("secret", "hunter2") if secret in sent]
    assert json.loads(sent)["database_url"] == "postgresql://me@db.example.org/runs"
    assert unpacked(sent).max_steps == 7


def test_a_worker_takes_keys_folder_and_database_from_its_own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = packed(settings_at(Path("/data"), database_url="postgresql://db.example.org/runs"))
    assert (unpacked(sent).home, unpacked(sent).database_url) == (Path("/data"), "postgresql://db.example.org/runs")
    monkeypatch.setenv("RLM_APP_HOME", "/mnt/shared")
    monkeypatch.setenv("RLM_APP_DATABASE_URL", "postgresql://worker:pw@db.example.org/runs")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-its-own")
    there = unpacked(sent)
    assert (there.home, there.database_url) == (Path("/mnt/shared"), "postgresql://worker:pw@db.example.org/runs")
    assert there.provider_keys["openai"].get_secret_value() == "sk-its-own"


def test_a_cluster_that_is_not_there_is_told_in_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rlm_app.adapters.cluster.CONNECT_SECONDS", 0.5)
    store = open_store(tmp_path)
    put_examples(store, 1)
    bench = store.benches.create(make_bench(bencher(store)))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
    for wrong in (address, "nonsense://x"):
        crew = ClusterCrew(wrong, store.benches, packed(settings_at(tmp_path)), cluster_job, cluster_check)
        with pytest.raises(InvalidConfig, match="cannot be reached"):
            crew.work(bench, Stop())
    store.close()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cluster")


class Asked:
    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self._lock = threading.Lock()

    def __call__(self, request: dict[str, Any]) -> Reply:
        with self._lock:
            self.calls[str(request["messages"])] += 1
        return Reply("The correct answer is (B).", seconds=0.4)


@pytest.fixture(scope="module")
def asked() -> Asked:
    return Asked()


@pytest.fixture(scope="module")
def cluster(home: Path, asked: Asked) -> Iterator[Any]:
    """Two worker processes whose environment has the key and the address of the model."""
    with pytest.MonkeyPatch.context() as environment, model_server(asked) as server:
        environment.setenv("OPENAI_API_KEY", "none")
        environment.setenv("OPENAI_BASE_URL", server.url)
        two = distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=True,
            dashboard_address=None,
            local_directory=str(home / "dask"),
        )
        with two:
            yield two


@pytest.fixture(scope="module")
def store(home: Path) -> Iterator[SqlStore]:
    store = open_store(home, "rlm-app.db")
    put_examples(store, 10)
    yield store
    store.close()


def crew(cluster: Any, store: SqlStore, home: Path) -> ClusterCrew:
    payload = packed(settings_at(home))
    return ClusterCrew(cluster.scheduler_address, store.benches, payload, cluster_job, cluster_check)


def bench_of(store: SqlStore, **wanted: Any) -> Bench:
    config = RunConfig(model="no-context/openai/gpt-5.4-mini")
    return store.benches.create(bencher(store).plan(Wanted(config, dataset="tiny", **wanted)).bench)


def test_a_worker_that_is_killed_costs_only_its_call_in_flight(
    cluster: Any, store: SqlStore, home: Path, asked: Asked
) -> None:
    bench, ended = bench_of(store), []
    working = threading.Thread(target=lambda: ended.append(crew(cluster, store, home).work(bench, Stop())))
    working.start()
    wait_for(lambda: store.benches.tally([bench.id])[bench.id].done >= 2, 60)
    os.kill(next(iter(cluster.workers.values())).pid, signal.SIGKILL)
    working.join(60)
    assert ended == ["done"]
    attempts = store.benches.attempts([bench.id], latest=False)
    assert [(attempt.outcome, attempt.predicted, attempt.number) for attempt in attempts] == [("right", "B", 1)] * 10
    for attempt in attempts:
        assert sum(isinstance(event, StepStarted) for event in store.events(attempt.run_id)) == 1
    assert len(asked.calls) == 10
    assert sum(asked.calls.values()) <= 11
    assert len({attempt.owner.split("/")[1] for attempt in attempts}) >= 2  # more than one process took part


def test_a_bench_that_is_done_asks_nothing_more_and_a_stop_reaches_the_workers(
    cluster: Any, store: SqlStore, home: Path, asked: Asked
) -> None:
    assert crew(cluster, store, home).work(bench_of(store), Stop()) == "done"  # unless the test before has
    before = sum(asked.calls.values())
    assert crew(cluster, store, home).work(bench_of(store), Stop()) == "done"
    assert sum(asked.calls.values()) == before

    bench, stop, ended = bench_of(store, epochs=4), Stop(), []
    working = threading.Thread(target=lambda: ended.append(crew(cluster, store, home).work(bench, stop)))
    working.start()
    wait_for(lambda: store.benches.tally([bench.id])[bench.id].done >= 2, 60)
    stop.request(RunCancelled("Stopped."))
    working.join(60)
    assert ended == ["stopped"]
    wait_for(lambda: store.benches.tally([bench.id])[bench.id].outcomes.get("running", 0) == 0, 60)
    done = store.benches.tally([bench.id])[bench.id].done
    time.sleep(0.6)
    assert store.benches.tally([bench.id])[bench.id].done == done < 40


def test_a_worker_that_cannot_reach_the_store_says_why_before_anything_starts(
    cluster: Any, store: SqlStore, home: Path, tmp_path: Path
) -> None:
    bench = bench_of(store, limit=3)
    elsewhere = packed(settings_at(tmp_path / "elsewhere"))
    wrong = ClusterCrew(cluster.scheduler_address, store.benches, elsewhere, cluster_job, cluster_check)
    with pytest.raises(InvalidConfig, match="cannot work on this bench: There is no bench"):
        wrong.work(bench, Stop())
