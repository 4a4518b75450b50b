import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlm_app.codebase import Corpus, Selection
from rlm_app.errors import CorpusEmpty, CorpusTooLarge
from rlm_app.flatten import Blob, Flattener, flatten, in_millions, join

contents = st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0\ufeff"), max_size=60)
blobs = st.dictionaries(
    st.from_regex(r"[a-c]{1,3}(/[a-c]{1,3})?\.txt", fullmatch=True), contents, min_size=1, max_size=8
)


def corpus_of(files: dict[str, str]) -> Corpus:
    return flatten([Blob(path, text.encode()) for path, text in files.items()], name="o/n", revision="1")[0]


def test_each_file_has_a_header_and_begins_a_line() -> None:
    corpus = corpus_of({"b.py": "x = 1", "a.py": "y\nz\n", "empty": ""})
    assert corpus.text == (
        "===== a.py (2 lines) =====\ny\nz\n===== b.py (1 lines) =====\nx = 1\n===== empty (0 lines) =====\n"
    )
    assert [(span.path, span.lines) for span in corpus.files] == [("a.py", 2), ("b.py", 1), ("empty", 0)]


@given(blobs)
def test_spans_give_every_file_back_exactly(files: dict[str, str]) -> None:
    corpus = corpus_of(files)
    assert {span.path: corpus.read(span) for span in corpus.files} == files
    assert [span.path for span in corpus.files] == sorted(files)


@given(blobs)
def test_lines_of_the_text_are_lines_of_the_files(files: dict[str, str]) -> None:
    corpus = corpus_of(files)
    lines = corpus.text.split("\n")
    for span in corpus.files:
        first = corpus.text.count("\n", 0, span.start)
        assert lines[first - 1] == f"===== {span.path} ({span.lines} lines) ====="
        assert "\n".join(lines[first : first + span.lines]) == files[span.path].removesuffix("\n")


@given(blobs, st.randoms())
def test_the_digest_does_not_depend_on_the_order_of_arrival(files: dict[str, str], chance) -> None:
    shuffled = list(files.items())
    chance.shuffle(shuffled)
    assert corpus_of(dict(shuffled)).digest == corpus_of(files).digest


def test_a_forged_header_is_part_of_its_file() -> None:
    forged = "x\n===== b.py (1 lines) =====\nlies\n"
    corpus = corpus_of({"a.py": forged, "b.py": "truth\n"})
    assert corpus.read(corpus.files[0]) == forged
    assert corpus.locate(corpus.text.index("lies")) == ("a.py", 3)
    assert corpus.locate(corpus.text.index("truth")) == ("b.py", 1)


def test_a_forged_header_cannot_have_the_digest_of_a_real_one() -> None:
    one = corpus_of({"a": "x\n===== b (1 lines) =====\ny\n"})
    two = corpus_of({"a": "x\n", "b": "y\n"})
    assert one.digest != two.digest


def test_what_is_left_out_is_counted_with_its_reason() -> None:
    files = [Blob("a.py", b"x\n"), Blob("b.png", b"\0"), Blob("vendor/c.py", b"y\n"), Blob("d.md", b"z\n")]
    corpus, left_out = flatten(files, name="o/n", revision="1", selection=Selection(include=("*.py", "*.png")))
    assert [span.path for span in corpus.files] == ["a.py"]
    assert dict(left_out.by_reason) == {"binary": 1, "vendored": 1, "not in the include patterns": 1}


def test_a_file_of_600_000_lines_is_counted_and_located() -> None:
    corpus = corpus_of({"a": "x\n" * 600_000, "b": "y\n"})
    assert corpus.files[0].lines == 600_000
    assert corpus.locate(corpus.files[0].start + 2 * 599_999) == ("a", 600_000)
    assert corpus.locate(corpus.files[1].start) == ("b", 1)


def test_nothing_to_read_says_why() -> None:
    with pytest.raises(CorpusEmpty, match="1 binary"):
        flatten([Blob("a", b"\0")], name="o/n", revision="1")
    with pytest.raises(CorpusEmpty, match="no files"):
        flatten([], name="o/n", revision="1")


def test_the_limit_is_on_all_characters_and_names_the_size() -> None:
    files = [Blob("a", b"x" * 500), Blob("b", b"x" * 500)]
    whole = len(flatten(files, name="o/n", revision="1")[0].text)
    assert flatten(files, name="o/n", revision="1", max_chars=whole)
    with pytest.raises(CorpusTooLarge, match=r"about 1,0\d\d characters of text; the limit is 1,0\d\d\. Narrow it"):
        flatten(files, name="o/n", revision="1", max_chars=whole - 1)


def test_the_size_of_what_was_not_read_is_estimated() -> None:
    flattener = Flattener(max_chars=1000)
    flattener.total_bytes = 212_000_000
    with pytest.raises(CorpusTooLarge, match=re.escape("about 212 M characters of text; the limit is 1,000.")):
        flattener.add(Blob("a", b"x" * 1_000_000))


def test_languages_are_in_characters_largest_first() -> None:
    flattener = Flattener()
    for blob in (Blob("a.py", b"12345"), Blob("b.md", b"12345678"), Blob("c.py", b"123456")):
        flattener.add(blob)
    assert flattener.languages() == (("Python", 11), ("Markdown", 8))


def test_joining_is_joining() -> None:
    pieces = ["a" * 3_000_000, "é" * 3_000_000, "🐍" * 10, ""]
    assert join(iter(pieces)) == "".join(pieces)
    assert join([]) == ""


@pytest.mark.parametrize(
    ("number", "words"), [(900, "900"), (1_490_000, "1.5 M"), (100_000_000, "100 M"), (99_999, "99,999")]
)
def test_counts_for_people(number: int, words: str) -> None:
    assert in_millions(number) == words
