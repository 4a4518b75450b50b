"""A bench as one zip: out and in again, and everything that a stranger's zip may be."""

import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from rlm_app.benchmarking import archive
from rlm_app.errors import DatasetUnavailable, NotFound
from rlm_app.events import SubCallFinished, SubCallStarted
from rlm_app.model import Usage
from rlm_app.ports import Answer
from tests.benching import Says, bencher, make_bench, open_store, put_examples, work

LONG = "a long prompt " * 2000


class Asks(Says):
    """Makes one sub-call with a text that is kept as a blob."""

    def answer(self, corpus, question, config, run) -> Answer:
        given = super().answer(corpus, question, config, run)
        run.emit(SubCallStarted, call_id="c", step=1, model="m", prompt=run.body(LONG + question.text))
        run.emit(SubCallFinished, call_id="c", response=run.body("yes"), usage=Usage(calls=1), seconds=0.1)
        return given


@pytest.fixture
def there(tmp_path: Path):
    """A bench that is done, and its zip."""
    (tmp_path / "there").mkdir()
    store = open_store(tmp_path / "there")
    put_examples(store, 4)
    here = bencher(store, Asks(lambda question, run: "A" if "1" in question.text else "B"))
    bench = make_bench(here)
    work(here, bench)
    store.benches.retry(bench.id, ["wrong"])
    work(here, here.resumable(bench.id))
    assert here.export(bench.id, tmp_path / "bench.zip") == 5
    yield here, bench.id, tmp_path / "bench.zip"
    store.close()


@pytest.fixture
def elsewhere(tmp_path: Path):
    (tmp_path / "elsewhere").mkdir()
    store = open_store(tmp_path / "elsewhere")
    yield bencher(store)
    store.close()


def test_what_goes_out_comes_in_again_with_every_trajectory(there, elsewhere) -> None:
    here, bench_id, file = there
    assert elsewhere.load(file).id == bench_id
    assert elsewhere.bench(bench_id) == here.bench(bench_id)
    assert [a.model_dump() for a in elsewhere.attempts(bench_id, latest=False)] == [
        a.model_copy(update={"owner": ""}).model_dump() for a in here.attempts(bench_id, latest=False)
    ]
    there_store, store = here.services.runs.store, elsewhere.services.runs.store
    for attempt in elsewhere.attempts(bench_id, latest=False):
        assert store.events(attempt.run_id) == there_store.events(attempt.run_id)
    (prompt,) = [event.prompt for event in store.events(attempt.run_id) if isinstance(event, SubCallStarted)]
    assert store.text(prompt).startswith(LONG)
    assert elsewhere.report(bench_id).right == here.report(bench_id).right == 3
    with pytest.raises(DatasetUnavailable, match="here already"):
        elsewhere.load(file)
    with pytest.raises(NotFound):  # and no context came along
        store.corpus(here.services.datasets.examples("tiny")[0].context)


def test_the_zip_says_what_decided_the_results_and_holds_no_context(there) -> None:
    _, _, file = there
    with zipfile.ZipFile(file) as zipped:
        head = json.loads(zipped.read("bench.json"))
        assert head["bench"]["config"]["model"] == "test/model"
        assert {"rlm-app", "dspy"} <= {name for name, _ in head["bench"]["versions"]}
        assert (head["bench"]["revision"], head["dataset_source"]) == ("digest-tiny", "tests")
        assert len(head["bench"]["prompts"]) == 12
        texts = b"".join(zipped.read(name) for name in zipped.namelist())
    assert b"def route(rule)" not in texts


def test_an_open_bench_goes_out_with_what_has_ended(tmp_path: Path, elsewhere) -> None:
    (tmp_path / "open").mkdir()
    store = open_store(tmp_path / "open")
    put_examples(store, 3)
    here = bencher(store)
    bench = here.services.benches.create(make_bench(here))
    here.take(bench.id)
    store.benches.lease(bench.id, "somebody", 60, run_id="held", allot=None)
    assert here.export(bench.id, tmp_path / "open.zip") == 1
    elsewhere.load(tmp_path / "open.zip")
    assert [a.outcome for a in elsewhere.attempts(bench.id)] == ["right", "waiting", "waiting"]
    store.close()


def changed(file: Path, name: str, change: Callable[[bytes], bytes]) -> None:
    with zipfile.ZipFile(file) as zipped:
        entries = {entry: zipped.read(entry) for entry in zipped.namelist()}
    (found,) = [entry for entry in entries if entry.startswith(name)][:1]
    entries[found] = change(entries[found])
    rewrite(file, entries)


def rewrite(file: Path, entries: dict[str, bytes]) -> None:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as zipped:
        for entry, data in entries.items():
            zipped.writestr(entry, data)


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("bench.json", lambda data: data.replace(b'"format": 1', b'"format": 9'), "another version"),
        ("bench.json", lambda data: data.replace(b'"epochs": 1', b'"epochs": 2'), "id does not fit"),
        ("bench.json", lambda data: b"[]", "cannot be read"),
        ("attempts.jsonl", lambda data: data.replace(b'"q001"', b'"q999"'), "none of this bench"),
        ("attempts.jsonl", lambda data: data + data.splitlines()[0] + b"\n", "twice"),
        ("attempts.jsonl", lambda data: data.replace(b'"right"', b'"great"'), "outcome"),
        ("attempts.jsonl", lambda data: b"\n".join(data.splitlines()[-1:]), "missing"),
        ("attempts.jsonl", lambda data: data.replace(b'"owner": ""', b'"owner": "x"'), "under way"),
        ("bench.json", lambda data: re.sub(rb'"created": [\d.]+', b'"created": 1e999', data), "figure"),
        ("attempts.jsonl", lambda data: data.replace(b'"steps": 1', b'"steps": 1' + 30 * b"0"), "figure"),
        ("runs/", lambda data: re.sub(rb'"model_seconds":[\d.]+', b'"model_seconds":1e999', data), "figure"),
        ("runs/", lambda data: data.replace(b'"seq":2', b'"seq":7'), "not a whole run"),
        ("runs/", lambda data: b"\n".join(data.splitlines()[:-1]), "not a whole run"),
        ("runs/", lambda data: data.replace(b'"run_id":"', b'"run_id":"x'), "does not begin"),
        ("runs/", lambda data: b"\xff\xfe", "cannot be read"),
        ("blobs/", lambda data: data + b"x", "not what its name says"),
    ],
)
def test_a_zip_that_was_tampered_with_is_refused_in_one_sentence_and_leaves_nothing(
    there, elsewhere, name: str, change: Callable[[bytes], bytes], words: str
) -> None:
    _, bench_id, file = there
    changed(file, name, change)
    refused(elsewhere, file, words)
    with pytest.raises(NotFound):
        elsewhere.bench(bench_id)
    assert elsewhere.services.runs.store.runs(query())[1] == 0


@pytest.mark.parametrize("name", ["../../etc/passwd", "/abs", "runs/../x.jsonl", "notes.txt", "blobs/xyz", "runs/"])
def test_a_zip_with_anything_else_in_it_is_refused(there, elsewhere, name: str) -> None:
    file = there[2]
    with zipfile.ZipFile(file, "a") as zipped:
        zipped.writestr(name, b"x")
    refused(elsewhere, file, "no export does")


def test_a_bomb_is_refused_whatever_it_says_of_its_size(there, elsewhere, monkeypatch: pytest.MonkeyPatch) -> None:
    file = there[2]
    monkeypatch.setattr(archive, "MAX_ENTRY_BYTES", 1_000_000)
    changed(file, "runs/", lambda data: b"\n" * 5_000_000)
    refused(elsewhere, file, "too large")
    monkeypatch.setattr(archive, "MAX_BYTES", 100_000)
    refused(elsewhere, file, "unpacks to more")
    monkeypatch.setattr(archive, "MAX_ENTRIES", 3)
    refused(elsewhere, file, "more than 3 entries")


def test_what_is_no_zip_and_what_is_cut_short(tmp_path: Path, there, elsewhere) -> None:
    refused(elsewhere, tmp_path / "none.zip", "check its path")
    (tmp_path / "text.zip").write_text("no zip")
    refused(elsewhere, tmp_path / "text.zip", "not such a zip")
    whole = there[2].read_bytes()
    (tmp_path / "cut.zip").write_bytes(whole[: len(whole) // 2])
    refused(elsewhere, tmp_path / "cut.zip", "not such a zip")
    rewrite(tmp_path / "empty.zip", {})
    refused(elsewhere, tmp_path / "empty.zip", "not such a zip")


def test_a_place_that_cannot_be_written_is_told(there, tmp_path: Path) -> None:
    here, bench_id, _ = there
    with pytest.raises(DatasetUnavailable, match="choose another place"):
        here.export(bench_id, tmp_path / "missing" / "bench.zip")


def refused(elsewhere, file: Path, words: str) -> None:
    with pytest.raises(DatasetUnavailable, match=words) as caught:
        elsewhere.load(file)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


def query():
    from rlm_app.ports import RunQuery

    return RunQuery()
