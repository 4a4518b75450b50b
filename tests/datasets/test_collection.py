"""Data sets come in whole or not at all, and go out so that they can come in again."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from rlm_app.adapters import stdlib
from rlm_app.adapters.examples_source import ExampleSource, Sources
from rlm_app.adapters.longbench import LongBenchTables
from rlm_app.adapters.store import SqlStore
from rlm_app.codebase import Selection
from rlm_app.datasets.collection import QUICK, STDLIB, Collection
from rlm_app.datasets.importing import Work
from rlm_app.errors import DatasetUnavailable, InvalidConfig, InvalidSource, NotFound, RunCancelled
from rlm_app.examples import source_of
from rlm_app.rows import CODE, parse
from rlm_app.stop import Stop
from tests.fakes import FakeSource, make_corpus
from tests.longbench_files import longbench_rows, row, write_file

MODULE = '''"""Part {n}."""

LIMIT_{n} = {n} * 7


def scale_{n}(value, factor={more}, *, strict=False):
    total = value * factor
    if strict and total < {n}:
        raise ValueError(total)
    return total


def use_{n}(items):
    found = []
    for item in items:
        found.append(scale_{n}(item))
    return found
'''
LIBRARY = {f"pkg/part{n}.py": MODULE.format(n=n, more=n + 2) for n in range(30)}


def open_collection(home: Path, source: FakeSource | None = None) -> Collection:
    home.mkdir(exist_ok=True)
    store = SqlStore.open(f"sqlite:///{home / 'runs.db'}", home / "blobs", grace=-1)
    git = source or FakeSource(LIBRARY)
    sources = Sources(git, ExampleSource(store, store.datasets))
    return Collection(store, store.datasets, sources, LongBenchTables(), lambda: make_corpus(LIBRARY))


@pytest.fixture
def here(tmp_path: Path) -> Collection:
    return open_collection(tmp_path / "home")


def blobs(home: Path) -> int:
    return sum(path.is_file() for path in (home / "blobs").rglob("*"))


@pytest.mark.parametrize("kind", [".json", ".jsonl", ".parquet"])
def test_a_file_becomes_a_data_set_with_its_contexts(tmp_path: Path, here: Collection, kind: str) -> None:
    rows = list(longbench_rows())
    told: list[str] = []
    work = Work(tell=lambda what, done, total, note: told.append(what))
    dataset = here.import_file(write_file(tmp_path / f"lb{kind}", rows), "lb", work=work)
    assert here.datasets.dataset("lb") == dataset
    code = [one for one in rows if one["domain"] == CODE]
    examples = here.datasets.examples("lb")
    assert [example.id for example in examples] == [one["_id"] for one in code]
    assert [here.store.corpus(example.context).text for example in examples] == [one["context"] for one in code]
    assert {split: len(ids) for split, ids in dataset.splits.items()} == {"dev": 25, "test": 25, "all": 50}
    assert dataset.notes == ("10 rows of other domains were left out.",)
    assert Counter(told) == {"check": 50, "store": 50}


def test_other_domains_are_taken_when_asked_for(tmp_path: Path, here: Collection) -> None:
    path = write_file(tmp_path / "lb.jsonl", longbench_rows())
    assert here.import_file(path, "qa", "Single-Document QA").examples == 10
    everything = here.import_file(path, "both", None)
    assert (everything.examples, len(everything.splits["dev"])) == (60, 25)
    with pytest.raises(DatasetUnavailable, match=r"no rows of the domain 'None such' but of Code.*\(50\).*--domain"):
        here.import_file(path, "lb", "None such")


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ([row(0), row(1, answer="E")], "Row 2 has the answer 'E'"),
        ([row(0), row(0)], "Row 2 has the _id"),
        ([row(0), row(1, context="")], "Row 2 has an empty context"),
        ([row(0), row(1, context="", context_digest="0" * 64)], "neither in the file nor stored here"),
        ([row(0, domain="Other")], "no rows of the domain"),
    ],
)
def test_nothing_of_a_bad_file_is_stored(tmp_path: Path, here: Collection, rows: list, sentence: str) -> None:
    path = write_file(tmp_path / "bad.jsonl", [{"context_digest": "", **one} for one in rows])
    with pytest.raises(DatasetUnavailable, match=sentence):
        here.import_file(path, "bad")
    assert here.datasets.datasets() == []
    open_collection(tmp_path / "home")  # opening sweeps
    assert blobs(tmp_path / "home") == 0


def test_a_stopped_import_leaves_nothing_and_can_be_run_again(tmp_path: Path, here: Collection) -> None:
    path = write_file(tmp_path / "lb.parquet", longbench_rows())
    stop = Stop()

    def tell(what: str, done: int, total: int | None, note: str) -> None:
        if what == "store" and done == 20:
            stop.request(RunCancelled("Stopped."))

    with pytest.raises(RunCancelled):
        here.import_file(path, "lb", work=Work(stop, tell))
    assert here.datasets.datasets() == []
    assert blobs(tmp_path / "home") == 0
    assert here.import_file(path, "lb").examples == 50


def test_what_dies_on_the_way_leaves_an_older_data_set_as_it_was(tmp_path: Path, here: Collection) -> None:
    old = here.import_file(write_file(tmp_path / "old.jsonl", [row(0), row(1)]), "lb")

    def die(what: str, done: int, total: int | None, note: str) -> None:
        if (what, done) == ("store", 3):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        here.import_file(write_file(tmp_path / "new.jsonl", map(row, range(9))), "lb", work=Work(tell=die))
    assert here.datasets.datasets() == [old]
    assert [here.store.corpus(example.context).text for example in here.datasets.examples("lb")] == [
        row(0)["context"],
        row(1)["context"],
    ]


@pytest.mark.parametrize("name", ["", "Big", "a/b", "-x", "x" * 65, "ü"])
def test_a_name_is_checked_before_anything_is_read(tmp_path: Path, here: Collection, name: str) -> None:
    with pytest.raises(InvalidConfig, match="small letters"):
        here.import_file(tmp_path / "none.json", name)


@pytest.mark.parametrize("contexts", [True, False])
def test_an_export_is_read_back(tmp_path: Path, here: Collection, contexts: bool) -> None:
    here.import_file(write_file(tmp_path / "lb.jsonl", longbench_rows()), "lb")
    out = tmp_path / "out.jsonl"
    with out.open("w", encoding="utf-8") as file:
        assert here.export("lb", file, contexts=contexts) == 50
    elsewhere = open_collection(tmp_path / "elsewhere") if contexts else here
    again = elsewhere.import_file(out, "again")
    assert elsewhere.datasets.examples("again") == here.datasets.examples("lb")
    assert again.splits == here.datasets.dataset("lb").splits
    if not contexts:
        with pytest.raises(DatasetUnavailable, match="--contexts"):
            open_collection(tmp_path / "elsewhere").import_file(out, "again")


def test_questions_of_a_repository_name_its_commit_and_find_it_again(tmp_path: Path, here: Collection) -> None:
    made = here.make("https://example.org/acme/shop", None, 8, 0)
    assert len(made.examples) == 8
    stored = here.keep(made, "shop")
    assert (stored.source, stored.revision) == ("https://example.org/acme/shop", made.corpus.revision)
    out = tmp_path / "shop.jsonl"
    with out.open("w", encoding="utf-8") as file:
        here.export("shop", file, contexts=False)
    assert out.stat().st_size < 20_000
    source = FakeSource(LIBRARY)
    elsewhere = open_collection(tmp_path / "elsewhere", source)
    assert elsewhere.import_file(out, "shop").revision == stored.revision
    assert (source.loads, elsewhere.datasets.examples("shop")) == (1, list(made.examples))
    moved = open_collection(tmp_path / "third", FakeSource({**LIBRARY, "new.py": "x = 1\n"}))
    with pytest.raises(DatasetUnavailable, match="does not give it any more"):
        moved.import_file(out, "shop")


def test_the_same_questions_come_of_the_same_code_and_seed(here: Collection) -> None:
    first, second, other = (here.make("s", None, 8, seed) for seed in (0, 0, 1))
    assert first.dataset.digest == second.dataset.digest != other.dataset.digest


def test_code_without_questions_is_one_sentence(tmp_path: Path) -> None:
    here = open_collection(tmp_path / "home", FakeSource({"README.md": "# Nothing\n"}))
    with pytest.raises(DatasetUnavailable, match="too little code"):
        here.make("s", None, 8, 0)


def test_the_embedded_set_is_made_when_it_is_first_asked_for(here: Collection) -> None:
    with pytest.raises(NotFound):
        here.ensure("nothing")
    dataset = here.ensure(STDLIB)
    assert here.ensure(STDLIB) == dataset, "and not a second time"
    assert len(dataset.splits["quick"]) == QUICK
    assert set(dataset.splits["quick"]) <= set(dataset.splits["all"])
    assert all(here.store.corpus(example.context) for example in here.datasets.examples(STDLIB))


def test_the_library_of_this_python_is_its_own_code_alone() -> None:
    corpus = stdlib.load()
    paths = [span.path for span in corpus.files]
    assert {"argparse.py", "asyncio/base_events.py", "json/decoder.py"} <= set(paths)
    assert not [path for path in paths if {"site-packages", "test", "tests", "idlelib"} & set(path.split("/"))]
    assert 5e6 < len(corpus.text) < 30e6
    span = corpus.span("json/decoder.py")
    assert span is not None
    assert "class JSONDecoder" in corpus.read(span)


def test_a_python_without_its_library_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(DatasetUnavailable, match="rlm-app questions SOURCE"):
        stdlib.load(tmp_path)


# Examples as sources


def test_an_example_is_loaded_from_its_stored_context(tmp_path: Path, here: Collection) -> None:
    here.import_file(write_file(tmp_path / "lb.jsonl", [row(0), row(1)]), "lb")
    source = source_of("lb", str(row(1)["_id"]))
    here.source.validate(source)
    progress: list[tuple[str, int, int | None, str]] = []
    corpus, receipt = here.source.load(
        f" {source} ", Selection(), stop=Stop(), progress=lambda *told: progress.append(told)
    )
    assert corpus.text == row(1)["context"]
    assert (receipt.source, receipt.digest, receipt.chars, receipt.files) == (
        source,
        corpus.digest,
        len(corpus.text),
        1,
    )
    assert receipt.digest == parse(row(1), 1)[0].context
    assert "nothing was cloned" in receipt.notes[0]
    assert progress


@pytest.mark.parametrize("source", ["example:", "example:lb", "example:lb/", "example:lb/none", "example:none/x"])
def test_what_is_no_example_is_refused_in_words(tmp_path: Path, here: Collection, source: str) -> None:
    here.import_file(write_file(tmp_path / "lb.jsonl", [row(0)]), "lb")
    with pytest.raises(InvalidSource):
        here.source.validate(source)


def test_a_part_of_an_example_cannot_be_asked(tmp_path: Path, here: Collection) -> None:
    here.import_file(write_file(tmp_path / "lb.jsonl", [row(0)]), "lb")
    load: Callable[..., object] = here.source.load
    with pytest.raises(InvalidSource, match="whole context"):
        load(source_of("lb", row(0)["_id"]), Selection(ref="main"), stop=Stop(), progress=lambda *told: None)


def test_everything_else_goes_to_git(here: Collection) -> None:
    with pytest.raises(InvalidSource, match="bad thing is not a repository"):
        here.source.validate("bad thing")


def test_exported_lines_are_longbench_rows(tmp_path: Path, here: Collection) -> None:
    here.import_file(write_file(tmp_path / "lb.jsonl", [row(3)]), "lb")
    with (tmp_path / "o.jsonl").open("w", encoding="utf-8") as file:
        here.export("lb", file, contexts=True)
    (line,) = map(json.loads, (tmp_path / "o.jsonl").read_text(encoding="utf-8").splitlines())
    assert {field: line[field] for field in row(3)} == row(3)
