"""Citations as people and models write them, checked against what is there."""

import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rlm_app.citations import check, excerpt, mark
from rlm_app.codebase import Corpus, FileSpan
from rlm_app.model import Citation
from tests.corpora import corpus_of

CORPUS = corpus_of(
    {
        "README.md": "# Flask\nsmall\r\nfast\n",
        "Makefile": "all:\n",
        "empty.py": "",
        "src/flask/app.py": "".join(f"line {n}\n" for n in range(1, 31)),
        "src/flask/json/tag.py": "a\nb\n",
        "src/a b [c].py": "x\n" * 5,
        "x/__init__.py": "q = 1\nz\n",
        "y/__init__.py": "\n",
    },
    "pallets/flask",
)
UNNAMED = Corpus("longbench", "r", "one\ntwo\nthree\nfour\n", (FileSpan("", 0, 19, 4),))
WEB = "https://example.org/blob/c0ffee/{path}#L{first}-L{last}"


def labels(answer: str = "", *cited: str, corpus: Corpus = CORPUS) -> list[str]:
    return [citation.label for citation in check(answer, cited, corpus, None)]


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("See src/flask/app.py:3-9.", "src/flask/app.py:3-9"),
        ("See `src/flask/app.py:3`.", "src/flask/app.py:3"),
        ("(`src/flask/app.py`:3-9)", "src/flask/app.py:3-9"),
        ("src/flask/app.py:3–9,", "src/flask/app.py:3-9"),
        ("src/flask/app.py:L3-L9", "src/flask/app.py:3-9"),
        ("src/flask/app.py#L3-L9", "src/flask/app.py:3-9"),
        ("src/flask/app.py#L3", "src/flask/app.py:3"),
        ("src/flask/app.py:9-3", "src/flask/app.py:3-9"),
        ("src/flask/app.py:3:17: error", "src/flask/app.py:3"),
        ("`src/flask/app.py` lines 3–9", "src/flask/app.py:3-9"),
        ("src/flask/app.py, line 3", "src/flask/app.py:3"),
        ("src/flask/app.py (lines 3 to 9)", "src/flask/app.py:3-9"),
        ("Lines 3-9 of `src/flask/app.py`", "src/flask/app.py:3-9"),
        ("**flask/app.py:3**", "src/flask/app.py:3"),
        ("app.py:3", "src/flask/app.py:3"),
        ("./README.md:1", "README.md:1"),
        ("flask/README.md:1", "README.md:1"),
        ("/repo/src/flask/app.py:3", "src/flask/app.py:3"),
        ("https://github.com/pallets/flask/blob/abc/src/flask/app.py#L3-L9", "src/flask/app.py:3-9"),
        ("Makefile:1", "Makefile:1"),
        ("`src/a b [c].py:2`", "src/a b [c].py:2"),
    ],
)
def test_ways_to_name_lines(text: str, label: str) -> None:
    (citation,) = check(text, [], CORPUS, None)
    assert (citation.label, citation.status) == (label, "verified")


def test_several_ranges_of_one_file() -> None:
    assert labels("src/flask/app.py:1-2, 5-6 and so on") == ["src/flask/app.py:1-2", "src/flask/app.py:5-6"]


@pytest.mark.parametrize(
    ("entry", "label"),
    [
        ("src/flask/app.py:3-9", "src/flask/app.py:3-9"),
        ("- `app.py:3-9`", "src/flask/app.py:3-9"),
        ("{'path': 'app.py', 'first': 3, 'last': 9}", "src/flask/app.py:3-9"),
        ('{"file": "app.py", "start_line": 3, "end_line": 9, "quote": null}', "src/flask/app.py:3-9"),
        ('{"file": "app.py", "lines": "3-9"}', "src/flask/app.py:3-9"),
        ('{"path": "app.py:3-9"}', "src/flask/app.py:3-9"),
        ("app.py:3-9 (where it begins)", "src/flask/app.py:3-9"),
        ("README.md", "README.md:1-3"),
        ("src/a b [c].py:2-3", "src/a b [c].py:2-3"),
    ],
)
def test_ways_to_list_a_citation(entry: str, label: str) -> None:
    (citation,) = check("", [entry], CORPUS, None)
    assert (citation.label, citation.status) == (label, "verified")


@pytest.mark.parametrize(
    "text", ["at 12:30", "localhost:5000", "http://example.com:8080/x", "127.0.0.1:80", "3:2", "a:1"]
)
def test_what_is_no_citation(text: str) -> None:
    assert labels(text) == []


def test_statuses() -> None:
    entries = [
        "src/flask/app.py:30",
        "src/flask/app.py:30-31",
        "README.md:0-2",
        "empty.py:1",
        "gone.py:1-2",
        "the docs",
    ]
    found = check("", entries, CORPUS, WEB)
    assert [citation.status for citation in found] == [
        *["verified", "out of range", "out of range", "out of range", "not found", "not found"]
    ]
    assert [citation.url is not None for citation in found] == [True] + [False] * 5


def test_an_ambiguous_ending_is_not_guessed() -> None:
    assert [c.status for c in check("__init__.py:1 and x/__init__.py:1", [], CORPUS, None)] == ["not found", "verified"]


def test_an_unknown_path_in_the_answer_is_kept_as_not_found() -> None:
    assert [(c.label, c.status) for c in check("`made/up.py:3`", [], CORPUS, None)] == [("made/up.py:3", "not found")]


@pytest.mark.parametrize(
    ("quote", "status"),
    [("small fast", "verified"), ("small … fast", "verified"), ("  small\n", "verified"), ("large", "not found")],
)
def test_a_quote_must_be_in_the_lines(quote: str, status: str) -> None:
    (citation,) = check("", [f'README.md:2-3 "{quote}"'], CORPUS, None)
    assert (citation.status, citation.quote) == (status, quote)
    (citation,) = check("", [str({"path": "README.md", "first": 2, "last": 3, "quote": quote})], CORPUS, None)
    assert citation.status == status


def test_order_is_kept_and_repeats_are_merged() -> None:
    cited = ["README.md:1", "flask/app.py:2", 'README.md:1 "Flask"']
    found = check("First app.py:2, then tag.py:1-2, then app.py:2 again.", cited, CORPUS, None)
    assert [citation.label for citation in found] == ["src/flask/app.py:2", "src/flask/json/tag.py:1-2", "README.md:1"]
    assert found[2].quote == "Flask"


def test_of_a_code_block_only_the_heading_line_cites() -> None:
    answer = "```python\n# src/flask/app.py:3-4\nraise at README.md:1\n```\nREADME.md:2\n~~~ \nmade/up.py:1\n~~~\n"
    assert labels(answer) == ["src/flask/app.py:3-4", "README.md:2"]


def test_the_address_is_percent_encoded() -> None:
    (citation,) = check("", ["src/a b [c].py:2-3"], CORPUS, WEB)
    assert citation.url == "https://example.org/blob/c0ffee/src/a%20b%20%5Bc%5D.py#L2-L3"


def test_a_text_without_paths_is_cited_by_its_lines() -> None:
    found = check("See lines 2-3, and context:4.", ["1-2", "lines 9 to 10"], UNNAMED, WEB)
    assert [(c.label, c.status) for c in found] == [
        *[("context:2-3", "verified"), ("context:4", "verified"), ("context:1-2", "verified")],
        ("context:9-10", "out of range"),
    ]
    assert mark("See lines 2-3, and `context:4`.", found) == "See [1], and [2]."
    assert labels("lines 2-3") == [], "with paths, bare lines say nothing"
    whole = Corpus("longbench", "r", "one\ntwo", ())
    assert [c.status for c in check("context:2", [], whole, None)] == ["verified"]
    assert excerpt(whole, check("context:2", [], whole, None)[0], around=1) == (1, ["one", "two"])


def test_mark_puts_numbers_where_lines_are_named() -> None:
    answer = (
        "In `app.py:2` and [the app](https://github.com/pallets/flask/blob/x/src/flask/app.py#L3-L4); "
        "`src/flask/app.py`:5, app.py:6-7, 8-9. `made/up.py:1` at 12:30.\n```\nsrc/flask/app.py:2\n```\n"
    )
    found = check(answer, [], CORPUS, None)
    assert mark(answer, found) == (
        "In [1] and [2]; [3], [4][5]. [6] at 12:30.\n```\nsrc/flask/app.py:2\n```\n"
    )  # fmt: skip
    assert mark("`app.py:2`", found, lambda number, citation: f"<{number} {citation.path}>") == "<1 src/flask/app.py>"
    assert mark("app.py:25 stays", found) == "app.py:25 stays"


def test_excerpt_has_lines_around() -> None:
    def at(first: int, last: int, path: str = "src/flask/app.py") -> tuple[int, list[str]]:
        return excerpt(CORPUS, Citation(path=path, first=first, last=last, status="verified"), around=1)

    assert at(5, 6) == (4, ["line 4", "line 5", "line 6", "line 7"])
    assert at(1, 1) == (1, ["line 1", "line 2"])
    assert at(30, 30) == (29, ["line 29", "line 30"])
    assert at(2, 2, "README.md") == (1, ["# Flask", "small", "fast"])
    assert at(1, 2, "gone.py")[1] == []
    assert at(99, 100)[1] == []


PIECES = st.sampled_from(
    ["app.py", ":", "3", "-", "`", "```", "\n", "#L", "lines ", "[", "](", ")", "{", "'", '"', ",", "…"]
)
HOSTILE = st.text() | st.lists(PIECES | st.text(max_size=3)).map("".join)


@settings(deadline=None)
@given(HOSTILE, st.lists(HOSTILE, max_size=3))
@example("", ["{" * 4000, "[" * 4000, "a:1'" * 900, "{'path': '', 'first': 10}", ""])
def test_no_text_makes_it_fail(answer: str, cited: list[str]) -> None:
    for corpus in (CORPUS, UNNAMED):
        found = check(answer, cited, corpus, WEB)
        assert len(found) >= bool(cited), "nothing listed is dropped"
        mark(answer, found)
        for citation in found:
            excerpt(corpus, citation)


@settings(deadline=None)
@given(st.data())
def test_what_is_cited_from_the_corpus_is_verified(data: st.DataObject) -> None:
    names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
    corpus = corpus_of(data.draw(st.dictionaries(names, st.text("ab\n", min_size=1), min_size=1, max_size=5)))
    span = data.draw(st.sampled_from(corpus.files))
    first = data.draw(st.integers(1, span.lines))
    last = data.draw(st.integers(first, span.lines))
    (citation,) = check("", [f"{span.path}:{first}-{last}"], corpus, None)
    assert (citation.path, citation.first, citation.last, citation.status) == (span.path, first, last, "verified")


@pytest.mark.parametrize(
    "piece",
    [
        "a",
        "a:",
        "a.py:1 ",
        "`",
        "`a",
        "lines ",
        "lines 1 ",
        "/a",
        " ",
        "a.py,  (lines 1",
        "```\n",
        "[x](",
        "a.py:1,2-3,",
        "`x:1",
    ],
)
def test_long_hostile_answers_take_no_time(piece: str) -> None:
    text = (piece * 100_000)[:100_000]
    started = time.process_time()
    mark(text, check(text, [text], CORPUS, WEB))
    assert time.process_time() - started < 2
