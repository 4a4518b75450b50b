"""Data sets are stored whole; their contexts live as long as a data set or a run names them."""

from pathlib import Path

import pytest

from rlm_app.adapters.store import SqlStore
from rlm_app.codebase import Corpus
from rlm_app.errors import DatasetUnavailable, NotFound
from rlm_app.events import ContextLoaded
from rlm_app.examples import Example
from rlm_app.model import Question
from tests.adapters.store.conftest import Open
from tests.adapters.store.test_corpora import files
from tests.adapters.store.told import corpus, dataset, example, finish, receipt, start, tell

ONE, TWO = corpus("one\n", "one"), corpus("two\n", "two")


@pytest.fixture
def hasty(open_store: Open) -> SqlStore:
    """A store that spares nothing for being new."""
    return open_store(grace=-1)


def imported(store: SqlStore, name: str, *contexts: Corpus) -> list[Example]:
    """A data set with an example for each context."""
    for context in contexts:
        store.put_corpus(context, keep=True)
    made = [example(f"{name}-{number}", context) for number, context in enumerate(contexts)]
    store.datasets.put_dataset(dataset(name, *made), made)
    return made


def run_about(store: SqlStore, run_id: str, context: Corpus) -> None:
    tell(store, run_id, start(run_id), ContextLoaded(seq=1, receipt=receipt(context)), finish(2))


def test_a_data_set_comes_back_as_it_was_put(store: SqlStore) -> None:
    odd = Question(text="NUL \0, half an emoji \ud83d\ude00, Ünïcode 🐍", choices={"A": "'", "B": '"'})
    made = [example("z"), example("a").model_copy(update={"question": odd, "evidence": ("a.py:1-2",)}), example("m")]
    told = dataset("some", *made)
    store.datasets.put_dataset(told, iter(made))
    assert store.datasets.dataset("some") == told
    assert [one.id for one in store.datasets.examples("some")] == ["z", "a", "m"]
    assert store.datasets.examples("some")[0] == made[0]
    assert store.datasets.examples("some")[1].question.text == "NUL \0, half an emoji 😀, Ünïcode 🐍"
    assert store.datasets.examples("some", ["m", "z", "m"]) == [made[2], made[0], made[2]]
    assert store.datasets.examples("some", []) == []


def test_many_ids_may_be_asked_for_at_once(store: SqlStore) -> None:
    made = [example(f"e{number}") for number in range(1500)]
    store.datasets.put_dataset(dataset("some"), made)
    backwards = [one.id for one in reversed(made)]
    assert [one.id for one in store.datasets.examples("some", backwards)] == backwards


def test_data_sets_are_listed_by_name(store: SqlStore) -> None:
    for name in ("stdlib", "a-b", "longbench", "a.b", "ab"):
        store.datasets.put_dataset(dataset(name), [])
    assert [one.name for one in store.datasets.datasets()] == ["a-b", "a.b", "ab", "longbench", "stdlib"]


def test_an_import_takes_the_place_of_the_one_before(store: SqlStore) -> None:
    store.datasets.put_dataset(dataset("some"), [example("old"), example("both")])
    told = dataset("some").model_copy(update={"revision": "2"})
    store.datasets.put_dataset(told, [example("both"), example("new")])
    assert store.datasets.datasets() == [told]
    assert [one.id for one in store.datasets.examples("some")] == ["both", "new"]


@pytest.mark.parametrize("name", ["nobody", "", "a\0b", "\ud800"])
def test_what_is_not_there_is_told_with_what_is(store: SqlStore, name: str) -> None:
    with pytest.raises(NotFound, match="none is stored yet"):
        store.datasets.dataset(name)
    store.datasets.put_dataset(dataset("some"), [example("a")])
    store.datasets.put_dataset(dataset("other"), [])
    for ask in (store.datasets.dataset, store.datasets.examples, store.datasets.delete_dataset):
        with pytest.raises(NotFound, match="there are other, some"):
            ask(name)
    with pytest.raises(NotFound, match="no example"):
        store.datasets.examples("some", ["a", name])


@pytest.mark.parametrize("names", [["a", "a"], ["a\0b"], ["\ud800"]])
def test_examples_that_cannot_be_told_apart_are_refused_and_leave_what_was_there(
    store: SqlStore, names: list[str]
) -> None:
    store.datasets.put_dataset(dataset("some"), [example("before")])
    with pytest.raises(DatasetUnavailable, match="a name of its own"):
        store.datasets.put_dataset(dataset("some"), [example(name) for name in names])
    assert [one.id for one in store.datasets.examples("some")] == ["before"]


def test_examples_may_be_made_while_they_are_stored(store: SqlStore) -> None:
    def make() -> list[Example]:
        store.put_corpus(ONE, keep=True)
        return [example("a", ONE)]

    store.datasets.put_dataset(dataset("some"), (one for _ in range(1) for one in make()))
    assert store.corpus(store.datasets.examples("some")[0].context) == ONE


# Contexts


def test_a_deleted_data_set_takes_along_the_contexts_that_only_it_named(hasty: SqlStore, blobs: Path) -> None:
    imported(hasty, "first", ONE, TWO)
    imported(hasty, "second", TWO)
    hasty.datasets.delete_dataset("first")
    assert hasty.corpus(TWO.digest) == TWO
    with pytest.raises(NotFound):
        hasty.corpus(ONE.digest)
    hasty.datasets.delete_dataset("second")
    assert hasty.datasets.datasets() == []
    assert files(blobs) == 0


def test_a_context_that_a_run_names_stays_until_that_run_is_deleted(hasty: SqlStore, blobs: Path) -> None:
    imported(hasty, "first", ONE)
    run_about(hasty, "r", ONE)
    hasty.datasets.delete_dataset("first")
    assert hasty.corpus(ONE.digest) == ONE
    hasty.delete("r")
    assert files(blobs) == 0


def test_a_context_outlives_the_runs_about_it_while_its_data_set_is_there(hasty: SqlStore) -> None:
    imported(hasty, "first", ONE)
    run_about(hasty, "r", ONE)
    hasty.delete("r")
    assert hasty.corpus(ONE.digest) == ONE


def test_importing_again_keeps_the_contexts_and_drops_those_it_no_longer_names(hasty: SqlStore) -> None:
    imported(hasty, "first", ONE, TWO)
    imported(hasty, "first", ONE, TWO)
    assert (hasty.corpus(ONE.digest), hasty.corpus(TWO.digest)) == (ONE, TWO)
    imported(hasty, "first", TWO)
    assert hasty.corpus(TWO.digest) == TWO
    with pytest.raises(NotFound):
        hasty.corpus(ONE.digest)


def test_a_context_stays_that_another_import_stored_before_its_last_data_set_was_deleted(
    store: SqlStore, open_store: Open
) -> None:
    imported(store, "first", ONE)
    store.put_corpus(ONE, keep=True)
    store.datasets.delete_dataset("first")
    again = example("again", ONE)
    store.datasets.put_dataset(dataset("second", again), [again])
    open_store(grace=-1)
    assert store.corpus(ONE.digest) == ONE
