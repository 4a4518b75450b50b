"""`rlm-app dataset` and `rlm-app questions`, as people type them."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from rlm_app import cli, wiring
from rlm_app.adapters import stdlib
from tests.datasets.test_collection import LIBRARY
from tests.fakes import make_corpus
from tests.longbench_files import longbench_rows, row, write_file
from tests.repositories import make_repository


class Done(NamedTuple):
    code: int
    out: str
    err: str


Run = Callable[..., Done]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """The command in this process, with its data in a folder of the test."""
    home = tmp_path / "home"
    home.mkdir()
    settings = {"RLM_APP_HOME": str(home), "COLUMNS": "100", "HF_ENDPOINT": "http://127.0.0.1:9"}
    for name, value in {**settings, "HF_HUB_CACHE": str(home / "hub")}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(stdlib, "load", lambda: make_corpus(LIBRARY))  # the real one takes seconds

    def call(*arguments: object) -> Done:
        monkeypatch.setattr(sys, "argv", ["rlm-app", *map(str, arguments)])
        wiring._app.cache_clear()
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capfd.readouterr()
        return Done(int(ended.value.code or 0), out, err)

    return call


def test_import_list_show_and_delete(tmp_path: Path, run: Run) -> None:
    assert "rlm-app dataset import stdlib" in run("dataset", "list").out
    path = write_file(tmp_path / "data.parquet", longbench_rows())
    done = run("dataset", "import", path, "--name", "lb")
    assert (done.code, done.err) == (0, "")
    assert "lb: 50 examples from data.parquet" in done.out
    assert "10 rows of other domains were left out." in done.out
    (listed,) = json.loads(run("dataset", "list", "--json").out)["datasets"]
    assert (listed["name"], listed["splits"]) == ("lb", {"dev": 25, "test": 25, "all": 50})
    assert "dev 25, test 25" in run("dataset", "list").out
    assert "What does part 2 do?" in run("dataset", "show", "lb").out
    assert run("dataset", "delete", "lb", "--yes").out == "Deleted lb.\n"
    gone = run("dataset", "show", "lb")
    assert (gone.code, gone.err.count("\n")) == (2, 1)


def test_the_key_is_shown_only_when_it_is_asked_for(tmp_path: Path, run: Run) -> None:
    run(
        "dataset", "import", write_file(tmp_path / "d.jsonl", [row(2, kind="x", evidence=["a.py:1-2"])]), "--name", "lb"
    )
    one = ("dataset", "show", "lb", "--example", row(2)["_id"])
    assert "The answer is" not in run(*one).out
    assert "The answer is C, from a.py:1-2." in run(*one, "--key").out
    (hidden,) = json.loads(run(*one, "--json").out)["shown"]
    (shown,) = json.loads(run(*one, "--json", "--key").out)["shown"]
    assert not {"expected", "evidence"} & set(hidden)
    assert (shown["expected"], shown["evidence"]) == ("C", ["a.py:1-2"])


def test_the_embedded_set_is_made_as_large_as_one_likes(run: Run) -> None:
    done = run("dataset", "import", "stdlib", "-n", 14, "--seed", 3, "--json")
    assert done.code == 0, done.err
    assert json.loads(done.out)["splits"] == {"all": 14, "quick": 12}


def test_questions_go_to_stdout_a_file_or_a_data_set(tmp_path: Path, run: Run) -> None:
    folder = tmp_path / "shop"
    commit = make_repository(folder, {path: text.encode() for path, text in LIBRARY.items()})
    lines = [json.loads(line) for line in run("questions", folder, "-n", 6).out.splitlines()]
    assert [line["context"] for line in lines] == [""] * 6
    assert {line["context_revision"] for line in lines} == {commit}
    out = tmp_path / "q.jsonl"
    done = run("questions", folder, "-n", 6, "-o", out, "--name", "shop", "--contexts")
    assert done.code == 0, done.err
    written = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert [bool(line["context"]) for line in written] == [True, *[False] * 5]
    assert (
        json.loads(run("dataset", "show", "shop", "--json", "--key").out)["shown"][0]["expected"]
        == written[0]["answer"]
    )
    assert run("dataset", "import", out, "--name", "again").code == 0
    back = tmp_path / "back.jsonl"
    assert run("dataset", "export", "again", "-o", back).code == 0
    assert [json.loads(line)["_id"] for line in back.read_text().splitlines()] == [line["_id"] for line in written]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("import", "none.json"), "--name"),
        (("import", "none.json", "--name", "x"), "none.json cannot be read"),
        (("import", "none.txt", "--name", "x"), "ends in .json"),
        (("import", "stdlib", "--name", "No"), "small letters"),
        (("import", "stdlib", "--all-domains"), "no domains"),
        (("import", "longbench", "-n", "3"), "for stdlib"),
        (("import", "longbench", "--domain", "x", "--all-domains"), "either"),
        (("import", "longbench"), "rlm-app dataset import data.json --name longbench"),
        (("show", "nothing"), "nothing"),
        (("delete", "nothing", "--yes"), "nothing"),
        (("export", "nothing", "-o", "x.jsonl"), "nothing"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(run: Run, arguments: tuple[str, ...], sentence: str) -> None:
    done = run("dataset", *arguments)
    assert (done.code, done.err.count("\n")) == (2, 1), done.err
    assert sentence in done.err


def test_questions_are_not_made_for_a_file_that_will_not_be_written(tmp_path: Path, run: Run) -> None:
    make_repository(tmp_path / "shop", {path: text.encode() for path, text in LIBRARY.items()})
    done = run("questions", tmp_path / "shop", "-n", 2, "--name", "shop", "-o", tmp_path / "q.json")
    assert (done.code, done.out) == (2, "")
    assert "end in .jsonl" in done.err
    assert run("dataset", "show", "shop").code == 2


def test_an_export_needs_its_ending_and_a_place(tmp_path: Path, run: Run) -> None:
    run("dataset", "import", write_file(tmp_path / "d.jsonl", [row(0)]), "--name", "lb")
    assert "end in .jsonl" in run("dataset", "export", "lb", "-o", tmp_path / "x.csv").err
    assert "cannot be written" in run("dataset", "export", "lb", "-o", tmp_path / "none" / "x.jsonl").err
