"""The list of runs: newest first, in pages, searched without case in any script."""

import pytest

from rlm_app.adapters.store import SqlStore
from rlm_app.events import ContextLoaded
from rlm_app.ports import RunQuery
from tests.adapters.store.told import corpus, finish, receipt, start, tell

QUERIES: list[tuple[dict[str, object], list[str]]] = [
    ({}, ["кот", "größe", "tax"]),
    ({"text": "tax"}, ["tax"]),
    ({"text": "größe"}, ["кот", "größe"]),
    ({"text": "кот"}, ["кот"]),
    ({"text": "100%"}, ["tax"]),
    ({"text": "size_1"}, []),
    ({"text": "e_1"}, ["кот"]),
    ({"text": "\\code"}, ["кот"]),
    ({"text": "c0ffee"}, ["кот"]),
    ({"text": "EXAMPLE.org"}, ["größe", "tax"]),
    ({"text": "\0"}, []),
    ({"text": "\ud800"}, []),
    ({"repository": "ACME"}, ["кот"]),
    ({"repository": "tax"}, []),
    ({"model": "gpt"}, ["größe"]),
    ({"status": "running"}, ["größe"]),
    ({"status": "failed", "text": "кот", "model": "bm25"}, ["кот"]),
    ({"status": "failed", "text": "tax"}, []),
]


def ids(store: SqlStore, **query: object) -> list[str]:
    found, total = store.runs(RunQuery(**query))  # type: ignore[arg-type]
    assert total == len(found)
    return [run.id for run in found]


@pytest.fixture
def history(store: SqlStore) -> SqlStore:
    tell(store, "tax", start("tax", seconds=1, question="Where is the TAX computed? 100%"), finish(1))
    tell(store, "größe", start("größe", seconds=2, question="Was ist die GRÖSSE?", model="openai/GPT-5"))
    loaded = ContextLoaded(seq=1, receipt=receipt(corpus(name="Acme/Größe_1")))
    tell(
        store,
        "кот",
        start("кот", seconds=3, question="Где КОТ? 100 ways", source="c:\\code"),
        loaded,
        finish(2, "failed"),
    )
    return store


def test_who_is_found(history: SqlStore) -> None:
    for query, expected in QUERIES:
        assert ids(history, **query) == expected, query


def test_pages_do_not_overlap_and_leave_nothing_out(store: SqlStore) -> None:
    for number in range(7):
        store.append(f"r{number}", start(f"r{number}", seconds=number // 3))  # some begin in the same moment
    pages = [store.runs(RunQuery(limit=3, offset=offset)) for offset in (0, 3, 6, 9)]
    assert [total for _, total in pages] == [7] * 4
    assert [run.id for page, _ in pages for run in page] == ["r6", "r5", "r4", "r3", "r2", "r1", "r0"]


@pytest.mark.parametrize("text", ["a" * 60_000, "%" * 10_000, "\U0001f600" * 10_000])
def test_a_search_for_a_very_long_text_finds_nothing_and_fails_nothing(store: SqlStore, text: str) -> None:
    tell(store, "r", start("r", question="Where?"))
    assert store.runs(RunQuery(text=text)) == ([], 0)
