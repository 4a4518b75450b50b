import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlm_app.codebase import Corpus, FileSpan
from tests.corpora import corpus_of

TEXTS = st.dictionaries(
    st.text("abc/.", min_size=1), st.text(st.characters(codec="utf-8", exclude_characters="\r")), min_size=1, max_size=5
)


@given(TEXTS, st.data())
def test_locate_names_the_file_and_line_of_every_character(files: dict[str, str], data: st.DataObject) -> None:
    corpus = corpus_of(files)
    span = data.draw(st.sampled_from(corpus.files))
    if span.chars:
        within = data.draw(st.integers(0, span.chars - 1))
        assert corpus.locate(span.start + within) == (span.path, files[span.path].count("\n", 0, within) + 1)
    with pytest.raises(ValueError, match="no file"):
        corpus.locate(span.start - 1)


def test_lines_are_counted_from_one_and_stay_in_the_file() -> None:
    corpus = corpus_of({"a": "1\n2\n3\n", "b": "4"})
    a, b = corpus.files
    assert corpus.lines(a, 2, 3) == ["2", "3"]
    assert corpus.lines(a, 0, 99) == ["1", "2", "3"]
    assert corpus.lines(b, 1, 1) == ["4"]


def test_a_digest_names_text_and_index_together() -> None:
    one = corpus_of({"a": "x\n", "b": "y\n"})
    forged = Corpus(
        one.name, one.revision, one.text, (FileSpan("a", one.files[0].start, len(one.text) - one.files[0].start, 3),)
    )
    assert one.text == forged.text
    assert one.digest != forged.digest
    assert one.digest == corpus_of({"b": "y\n", "a": "x\n"}, name="another").digest
