"""Cited lines are shown with their own numbers, and the cited ones are marked."""

import re

from rlm_app.model import Citation
from rlm_app.ui.excerpt import MAX_LINES, excerpt_html
from tests.fakes import make_corpus


def cite(path: str, first: int, last: int) -> Citation:
    return Citation(path=path, first=first, last=last, status="verified")


def plain(html: str) -> list[str]:
    return re.sub(r"<[^>]+>", "", html).strip("\n").split("\n")


CORPUS = make_corpus(
    {"a.py": "".join(f"line{n} = {n}\n" for n in range(1, 21)), "x.html": "<script>alert(1)</script>\n"}
)


def test_lines_have_their_numbers_and_some_lines_around() -> None:
    lines = plain(excerpt_html(CORPUS, cite("a.py", 10, 11), dark=False))
    assert [line.split("line")[0].strip() for line in lines] == [str(n) for n in range(7, 15)]
    assert "line10 = 10" in lines[3]


def test_exactly_the_cited_lines_are_marked() -> None:
    html = excerpt_html(CORPUS, cite("a.py", 10, 11), dark=True)
    marked = [plain(part)[0] for part in html.split("\n") if "rgba(79,179,175" in part]
    assert ["line10" in marked[0], "line11" in marked[1], len(marked)] == [True, True, 2]


def test_source_is_escaped() -> None:
    html = excerpt_html(CORPUS, cite("x.html", 1, 1), dark=False)
    assert "<script" not in html
    assert "script" in html


def test_no_such_file_or_line_is_empty() -> None:
    assert excerpt_html(CORPUS, cite("none.py", 1, 2), dark=False) == ""
    assert excerpt_html(CORPUS, cite("a.py", 900, 910), dark=False) == ""


def test_a_whole_large_file_is_cut() -> None:
    corpus = make_corpus({"big.txt": "x\n" * 5000})
    assert len(plain(excerpt_html(corpus, cite("big.txt", 1, 5000), dark=False))) == MAX_LINES


def test_an_excerpt_that_begins_inside_a_docstring_is_coloured_as_one() -> None:
    source = 'def f():\n    """One.\n\n    two\n    three for four\n    """\n    return 1\n'
    corpus = make_corpus({"b.py": source + "x = 1\n" * 20})
    html = excerpt_html(corpus, Citation(path="b.py", first=8, last=8, status="verified"), dark=False)
    assert "three for four" in html, "a word of the docstring is no keyword of its own"
    assert [re.match(r" *(\d+)", line)[1] for line in plain(html)] == [str(n) for n in range(5, 12)]


def test_lines_far_down_a_long_file_have_their_numbers_too() -> None:
    corpus = make_corpus({"long.py": "".join(f"line{n} = {n}\n" for n in range(1, 6001))})
    lines = plain(excerpt_html(corpus, cite("long.py", 4000, 4001), dark=False))
    assert [re.match(r" *(\d+) *line(\d+)", line).groups() for line in lines] == [
        (str(n), str(n)) for n in range(3997, 4005)
    ]
