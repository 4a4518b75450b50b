"""Long texts, corpora and receipts: once on disk, read back exactly, gone with the last run that names them."""

import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rlm_app.adapters.store import SqlStore
from rlm_app.adapters.store.texts import well_formed
from rlm_app.codebase import Corpus, FileSpan
from rlm_app.errors import NotFound
from rlm_app.events import ContextLoaded, ReplyRejected, SubCallFinished
from tests.adapters.store.conftest import Open
from tests.adapters.store.told import call, corpus, finish, receipt, start, tell

LONG = "long text, " * 2000


def files(blobs: Path) -> int:
    return sum(path.is_file() for path in blobs.rglob("*"))


@pytest.fixture
def hasty(open_store: Open) -> SqlStore:
    """A store that spares nothing for being new."""
    return open_store(grace=-1)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters(exclude_categories=())), st.sampled_from([1, 9000]))
def test_a_text_comes_back_however_long(store: SqlStore, text: str, times: int) -> None:
    body = store.put_body(text * times)
    assert store.text(body) == well_formed(text * times)
    assert body.chars == len(store.text(body))


def test_a_text_is_inline_up_to_eight_kilobytes(store: SqlStore, blobs: Path) -> None:
    assert store.put_body("ä" * 4096).text == "ä" * 4096
    assert files(blobs) == 0
    body = store.put_body("ä" * 4096 + "!")
    assert (body.chars, body.text) == (4097, None)
    assert files(blobs) == 1
    assert store.text(body) == "ä" * 4096 + "!"


def test_a_corpus_comes_back_and_is_stored_once(store: SqlStore, blobs: Path) -> None:
    text = "def f(): ...\n" + "# ünïcode \0 🐍\n" * 1000
    spans = (FileSpan("a.py", 0, 13, 1), FileSpan("odd \udcff name.py", 13, len(text) - 13, 1000))
    whole = Corpus("owner/name", "c0ffee", text, spans)
    store.put_corpus(whole)
    stored = files(blobs)
    store.put_corpus(whole)
    read = store.corpus(whole.digest)
    assert read == whole
    assert read.digest == whole.digest
    assert read.locate(20) == ("odd \udcff name.py", 1)
    assert files(blobs) == stored == 2


def test_the_same_code_under_another_name_is_one_corpus(store: SqlStore, blobs: Path) -> None:
    store.put_corpus(corpus(name="first/name"))
    store.put_corpus(corpus(name="second/name"))
    assert store.corpus(corpus().digest).name == "second/name"
    assert files(blobs) == 2


@pytest.mark.parametrize("digest", ["", "0" * 64, "a\0b", "\ud800"])
def test_an_unknown_corpus_is_not_found(store: SqlStore, digest: str) -> None:
    with pytest.raises(NotFound, match="again"):
        store.corpus(digest)
    with pytest.raises(NotFound, match="again"):
        store.receipt(digest)


def test_receipts_are_remembered_newest_first(store: SqlStore) -> None:
    first, second = (receipt(corpus(text)) for text in ("a", "b"))
    for put in (first, second):
        store.put_receipt(put)
        time.sleep(0.01)
    assert store.recent_receipts(9) == [second, first]
    again = replace(first, source="elsewhere \0")
    store.put_receipt(again)
    assert store.recent_receipts(1) == [again]
    assert store.receipt(first.digest) == again
    assert len(store.recent_receipts(9)) == 2


# Deleting


def test_a_deleted_run_takes_along_what_only_it_named(hasty: SqlStore, blobs: Path) -> None:
    whole = corpus()
    hasty.put_corpus(whole)
    hasty.put_receipt(receipt(whole))
    prompt, answer = hasty.put_body(LONG), hasty.put_body(LONG + "!")
    ended = SubCallFinished(seq=3, call_id="c2", response=answer, seconds=1)
    tell(hasty, "r", start(), ContextLoaded(seq=1, receipt=receipt(whole)), call(2, prompt), ended, finish(4))
    assert files(blobs) == 4
    hasty.delete("r")
    assert files(blobs) == 0
    assert hasty.events("r") == []
    assert hasty.recent_receipts(9) == []
    with pytest.raises(NotFound):
        hasty.corpus(whole.digest)
    with pytest.raises(NotFound, match="no such run"):
        hasty.delete("r")


def test_a_rejected_reply_goes_with_its_run(hasty: SqlStore, blobs: Path) -> None:
    shared = hasty.put_body(LONG)
    rejected = ReplyRejected(seq=1, step=1, reason="It is empty.", reply=shared, seconds=1)
    tell(hasty, "a", start("a"), rejected)
    tell(hasty, "b", start("b"), call(1, shared))
    hasty.delete("b")
    assert hasty.text(shared) == LONG
    hasty.delete("a")
    assert files(blobs) == 0


def test_what_another_run_names_stays(hasty: SqlStore) -> None:
    whole, shared = corpus(), hasty.put_body(LONG)
    hasty.put_corpus(whole)
    for run_id in ("a", "b"):
        tell(hasty, run_id, start(run_id), ContextLoaded(seq=1, receipt=receipt(whole)), call(2, shared))
    before = hasty.events("b")
    hasty.delete("a")
    assert hasty.events("b") == before
    assert hasty.text(shared) == LONG
    assert hasty.corpus(whole.digest) == whole
    hasty.delete("b")
    with pytest.raises(NotFound):
        hasty.text(shared)


def test_what_no_run_ever_named_stays(hasty: SqlStore) -> None:
    digest, preview, imported = hasty.put_blob(b"data"), corpus("preview"), corpus("imported")
    hasty.put_corpus(preview)
    hasty.put_corpus(imported, keep=True)
    hasty.put_corpus(imported)
    tell(hasty, "r", start(), ContextLoaded(seq=1, receipt=receipt(imported)))
    hasty.delete("r")
    assert hasty.get_blob(digest) == b"data"
    assert hasty.corpus(preview.digest) == preview
    assert hasty.corpus(imported.digest) == imported


def test_two_corpora_of_one_text_share_it_until_both_are_gone(hasty: SqlStore, blobs: Path) -> None:
    one, two = corpus("same\n"), Corpus("x", "y", "same\n", ())
    for run_id, whole in (("a", one), ("b", two)):
        hasty.put_corpus(whole)
        tell(hasty, run_id, start(run_id), ContextLoaded(seq=1, receipt=receipt(whole)))
    hasty.delete("a")
    assert hasty.corpus(two.digest) == two
    hasty.delete("b")
    assert files(blobs) == 0


def test_what_was_just_put_stays_until_it_is_old(store: SqlStore, open_store: Open, blobs: Path) -> None:
    """Somebody else may have put the same text a moment ago, and name it in the next."""
    whole = corpus()
    store.put_corpus(whole)
    body = store.put_body(LONG)
    tell(store, "r", start(), ContextLoaded(seq=1, receipt=receipt(whole)), call(2, body))
    store.delete("r")
    assert store.corpus(whole.digest) == whole
    tell(store, "s", start("s"), call(1, body))
    open_store(grace=-1)
    assert store.text(body) == LONG
    assert files(blobs) == 1


def test_code_that_was_never_asked_about_goes_with_time(open_store: Open) -> None:
    store = open_store(grace=-1)
    asked, loaded, kept = corpus("asked\n"), corpus("loaded\n"), corpus("kept by no data set\n")
    for code in (asked, loaded):
        store.put_corpus(code)
    store.put_corpus(kept, keep=True)  # as an import does that is killed before its data set is stored
    tell(store, "r", start(), ContextLoaded(seq=1, receipt=receipt(asked)))
    assert open_store().corpus(loaded.digest).text == loaded.text, "for a day it may yet be asked about"
    store = open_store(grace=-1)
    assert store.corpus(asked.digest).text == asked.text
    for gone in (loaded, kept):
        with pytest.raises(NotFound):
            store.corpus(gone.digest)
        with pytest.raises(NotFound):
            store.get_blob(gone.text_digest)
