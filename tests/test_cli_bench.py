"""`rlm-app bench` as people use it, over a data set of tiny questions and models that cost nothing."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from rlm_app import cli, wiring
from rlm_app.settings import PROVIDER_KEYS
from tests.benching import open_store, put_examples
from tests.fakes import wait_for
from tests.model_server import Reply, model_server


@dataclass
class Done:
    returncode: int
    stdout: str
    stderr: str

    @property
    def json(self) -> dict:
        return json.loads(self.stdout)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    store = open_store(home, "rlm-app.db")
    put_examples(store, 6, expected="BBC")
    store.close()
    return home


@pytest.fixture
def bench(home: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    """The command in this process, as quick as it gets."""

    def call(*arguments: object, home: Path = home, **environment: str) -> Done:
        for name in PROVIDER_KEYS.values():
            monkeypatch.delenv(name, raising=False)
        for name, value in {"RLM_APP_HOME": str(home), "COLUMNS": "120", **environment}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["rlm-app", "bench", *map(str, arguments)])
        wiring._app.cache_clear()
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capfd.readouterr()
        return Done(int(ended.value.code or 0), out, err)

    return call


@pytest.fixture
def run(bench: Callable[..., Done]) -> Callable[..., Done]:
    return lambda model, *more: bench("run", "--dataset", "tiny", "--model", model, *more)


def test_a_bench_from_start_to_report(run, bench) -> None:
    done = run("always-B", "--json", "--epochs", "2")
    assert (done.returncode, done.stderr) == (0, "")
    report = done.json
    assert (report["n"], report["right"], report["model"], report["cost"]) == (12, 8, "always-B", 0)
    assert report["interval"][0] < report["accuracy"] < report["interval"][1]
    assert {"id", "dataset", "split", "answered", "errors", "limits", "tokens", "steps", "seconds"} <= report.keys()
    again = bench("resume", report["id"][:6], "--json")
    assert again.json == report
    assert "66.7 %" in bench("report", report["id"]).stdout
    assert bench("report", report["id"], "--md").stdout.startswith("# always-B on tiny")
    rows = list(csv.DictReader(io.StringIO(bench("report", report["id"], "--csv").stdout)))
    assert [row["outcome"] for row in rows].count("right") == 8
    assert "12 of 12 done, done" in bench("status", report["id"]).stdout
    assert bench("status", report["id"], "--json").json["outcomes"] == {"right": 8, "wrong": 4}


def test_what_the_terminal_shows_of_a_run(run) -> None:
    done = run("keyless/bm25", "--limit", "2")
    assert done.returncode == 0, done.stderr
    assert "retrieval baseline, no language model" in done.stdout
    assert "no language model takes part" in done.stderr


def test_benches_are_listed_newest_first_and_compared(run, bench) -> None:
    ids = [run(model, "--json").json["id"] for model in ("always-C", "always-D")]
    listed = [one["id"] for one in bench("list", "--json").json["benches"]]
    assert listed[:2] == ids[::-1]
    assert ids[0] in bench("list").stdout
    pair = bench("compare", *ids, "--json").json["pairs"][0]
    assert (pair["over_all"]["only_a"], pair["over_all"]["only_b"]) == (2, 0)
    assert "only a 2, only b 0" in bench("compare", *ids).stdout


def test_a_bench_goes_to_a_zip_and_into_another_home(run, bench, tmp_path: Path) -> None:
    bench_id = run("always-A", "--json").json["id"]
    file = tmp_path / "a.zip"
    assert "Wrote 6 runs" in bench("export", bench_id, "-o", file).stdout
    (tmp_path / "other").mkdir()
    loaded = bench("import", file, home=tmp_path / "other")
    assert bench_id in loaded.stdout
    assert "tiny is not here" in loaded.stdout
    assert bench("report", bench_id, "--json", home=tmp_path / "other").json["n"] == 6
    assert bench("delete", bench_id, "--yes").returncode == 0
    assert bench("status", bench_id).returncode == 2


def test_a_cancelled_bench_is_resumed(run, bench) -> None:
    bench_id = run("always-B", "--limit", "1", "--json").json["id"]
    assert f"bench resume {bench_id}" in bench("cancel", bench_id).stdout
    assert bench("status", bench_id, "--json").json["cancelled"] is True
    assert bench("resume", bench_id, "--json").json["right"] == 1
    assert bench("status", bench_id, "--json").json["cancelled"] is False


def test_errors_are_told_and_can_be_tried_again(bench) -> None:
    with model_server(lambda request: Reply(status=400, body={"error": {"message": "no"}})) as server:
        environment = {"OPENAI_API_KEY": "none", "OPENAI_BASE_URL": server.url}
        arguments = ("--dataset", "tiny", "--model", "openai/gpt-5.4-mini", "--no-context", "--limit", "2", "--json")
        failed = bench("run", *arguments, "--yes", **environment).json
    assert (failed["model"], failed["errors"], failed["accuracy"]) == ("no-context/openai/gpt-5.4-mini", 2, 0)
    with model_server(lambda request: "The correct answer is (B)") as server:
        environment["OPENAI_BASE_URL"] = server.url
        mended = bench("retry", failed["id"], "--errors", "--json", **environment).json
        assert len(server.requests) == 2
    assert (mended["errors"], mended["right"]) == (0, 2)
    assert "--errors" in bench("retry", failed["id"]).stderr
    assert "OPENAI_API_KEY" in bench("resume", failed["id"], OPENAI_BASE_URL="").stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("run", "--dataset", "none", "--model", "always-A"), "none"),
        (("run", "--dataset", "tiny", "--split", "test", "--model", "always-A"), "choose one of"),
        (("run", "--dataset", "tiny", "--model", "nonsense"), "model string"),
        (("run", "--dataset", "tiny", "--model", "always-E"), "choice E"),
        (("run", "--dataset", "tiny", "--model", "openai/gpt-5.4"), "OPENAI_API_KEY"),
        (("run", "--dataset", "tiny", "--model", "direct/keyless/bm25"), "language model"),
        (("run", "--dataset", "tiny", "--model", "always-A", "--epochs", "0"), "epochs"),
        (("run", "--dataset", "tiny", "--model", "always-A", "--max-cost", "0"), "budget"),
        (("run", "--dataset", "tiny", "--model", "always-A", "--max-steps", "0"), "max steps"),
        (("run", "--dataset", "tiny", "--model", "always-A", "--cluster", "nonsense://"), "cannot be reached"),
        (("run", "--dataset", "[/x]", "--model", "always-A"), "[/x]"),
        (("status", "zzz"), "no bench zzz"),
        (("resume", "zzz"), "no bench zzz"),
        (("cancel", "zzz"), "no bench zzz"),
        (("retry", "zzz", "--errors"), "no bench zzz"),
        (("delete", "zzz", "--yes"), "no bench zzz"),
        (("report", "zzz"), "no bench zzz"),
        (("report", "zzz", "--csv", "--md"), "Choose one"),
        (("compare", "zzz"), "no bench zzz"),
        (("export", "zzz", "-o", "x.zip"), "no bench zzz"),
        (("import", "nothing.zip"), "check its path"),
    ],
)
def test_bad_input_is_one_sentence_on_stderr(bench, arguments: tuple[str, ...], words: str) -> None:
    done = bench(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    told = [line for line in done.stderr.splitlines() if not line.startswith("Bench ")]
    assert len(told) == 1
    assert words in told[0]


def test_ctrl_c_says_how_to_go_on_and_loses_nothing(home: Path, bench) -> None:
    with model_server(lambda request: Reply("The correct answer is (B)", seconds=0.7)) as server:
        environment = {"OPENAI_API_KEY": "none", "OPENAI_BASE_URL": server.url}
        command = ["bench", "run", "--dataset", "tiny", "--model", "direct/openai/gpt-5.4-mini", "--workers", "1"]
        process = subprocess.Popen(
            [sys.executable, "-c", "from rlm_app.cli import main; main()", *command],
            env=os.environ | environment | {"RLM_APP_HOME": str(home)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        wait_for(lambda: len(server.requests) == 2, 60)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
        assert (process.returncode, out) == (1, "")
        last = err.splitlines()[-1]
        assert last.startswith("Stopped: 1 of 6 are done. Go on with: rlm-app bench resume ")
        bench_id = last.split()[-1]
        assert bench("status", bench_id, "--json").json["outcomes"] == {"right": 1, "waiting": 5}
        asked = len(server.requests)
        assert bench("resume", bench_id, "--json", **environment).json["right"] == 4
        assert len(server.requests) - asked == 5
