"""Rows of data set files: what is a row, what is not, and that what we write is read back."""

import json
import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlm_app.codebase import Corpus
from rlm_app.errors import DatasetUnavailable
from rlm_app.examples import Dataset, Example
from rlm_app.model import Question
from rlm_app.rows import CODE, FIELDS, check_columns, parse, rows_of, splits_of, tutorial_splits
from rlm_app.toolkit import UNNAMED, is_unnamed
from tests.corpora import corpus_of
from tests.longbench_files import row


def dataset_of(examples: list[Example], **splits: tuple[str, ...]) -> Dataset:
    splits["all"] = tuple(example.id for example in examples)
    return Dataset(name="d", source="s", revision="r", digest="0", examples=len(examples), imported=0.0, splits=splits)


def test_a_row_is_an_example_over_one_unnamed_text() -> None:
    example, corpus = parse(row(2), 1)
    assert corpus is not None
    assert example.question == Question(
        text="What does part 2 do?", choices={"A": "It adds.", "B": "It sorts.", "C": "It waits.", "D": "It fails."}
    )
    assert (example.expected, example.difficulty, example.length, example.domain) == ("C", "hard", "long", CODE)
    assert (example.context, example.context_chars) == (corpus.digest, len(corpus.text))
    assert corpus.text == row(2)["context"]
    assert is_unnamed(corpus)
    assert corpus.locate(corpus.text.index("return")) == (UNNAMED, 2)
    assert corpus.lines(corpus.files[0], 4, 9) == ["last line without an end"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"answer": "E"}, "the answer 'E'"),
        ({"answer": "AB"}, "one of the letters"),
        ({"answer": None}, "no text in answer"),
        ({"question": "  "}, "no text in question"),
        ({"choice_B": ""}, "no text in choice_B"),
        ({"_id": 7}, "no text in _id"),
        ({"_id": "two words"}, "no spaces"),
        ({"_id": "x" * 201}, "printable"),
        ({"context": ""}, "an empty context"),
        ({"context": "\n \n"}, "an empty context"),
        ({"context": None}, "an empty context"),
        ({"question": "x" * 20_000}, "20,000 is the most"),
        ({"context_digest": "0" * 64}, "another context"),
        ({"context_digest": "0" * 64, "context_files": "{not json"}, "another context"),
        ({"context_digest": "0" * 64, "context_files": "[[1]]"}, "another context"),
        ({"context_files": "[" * 100_000}, "another context"),
        ({"context_files": '[["a.py", -5, 20, 1]]'}, "another context"),
        ({"context_files": '[["a.py", 0, 999999, 1]]'}, "another context"),
        ({"context_files": '[["a.py", 0, 5, 1], ["b.py", 2, 5, 1]]'}, "another context"),
        ({"context_files": '[["a.py", 0, 5, 999999]]'}, "another context"),
        ({"context_files": "[[5, 0, 5, 1]]"}, "another context"),
        ({"context_files": '[["a.py", 0, 5, 1], ["a.py", 5, 5, 1]]'}, "another context"),
        ({"hops": "many"}, "something else in hops"),
        ({"evidence": 5}, "something else in evidence"),
        ({"repository": 5}, "something else in repository"),
        ({"context": "", "context_digest": 5}, "something else in context_digest"),
        ({"context": "", "context_digest": "0" * 64, "context_chars": "few"}, "something else in context_chars"),
    ],
)
def test_what_is_no_row_is_one_sentence_that_names_it(change: dict[str, object], sentence: str) -> None:
    with pytest.raises(DatasetUnavailable) as caught:
        parse(row(1, **change), 17)
    assert str(caught.value).startswith("Row 17 ")
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 250


def test_missing_columns_are_named_with_the_schema() -> None:
    with pytest.raises(DatasetUnavailable, match=r"x\.json has no column answer and no column context; .*sub_domain"):
        check_columns(set(FIELDS) - {"answer", "context"}, "x.json")
    check_columns([*FIELDS, "more"], "x.json")


def test_the_splits_are_those_of_the_tutorial() -> None:
    examples = [parse(row(n), n)[0] for n in range(50)]
    items = [f"{n:024x}" for n in range(50)]
    random.seed(42)
    random.shuffle(items)
    assert tutorial_splits(examples) == {"dev": tuple(items[:25]), "test": tuple(items[25:])}
    assert tutorial_splits(examples[:49]) == {}
    assert tutorial_splits([example.model_copy(update={"kind": "definition"}) for example in examples]) == {}


def test_only_code_rows_are_split() -> None:
    others = [parse(row(n, domain="Other"), n)[0] for n in range(100, 130)]
    code = [parse(row(n), n)[0] for n in range(50)]
    assert tutorial_splits([*others[:9], *code, *others[9:]]) == tutorial_splits(code)


@pytest.mark.parametrize(
    "told", ["[]", "{", '{"dev": "x"}', '{"dev": 1e999}', '{"\\u001b[31m": 0}', "[" * 100_000, "7"]
)
def test_splits_that_are_none_are_refused(told: str) -> None:
    with pytest.raises(DatasetUnavailable, match="Row 2 has splits"):
        splits_of([("a", ""), ("b", told)])


TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1).filter(lambda text: text.strip())


@given(
    files=st.dictionaries(st.sampled_from(["a.py", "b/c.py", "README"]), TEXTS, min_size=1),
    texts=st.tuples(TEXTS, TEXTS, TEXTS, TEXTS),
    ids=st.lists(st.uuids().map(str), min_size=1, max_size=5, unique=True),
    seed=st.integers(0, 5),
)
def test_what_is_written_is_read_back(files: dict[str, str], texts: tuple[str, ...], ids: list[str], seed: int) -> None:
    corpus = corpus_of(files)
    choices = dict(zip("ABCD", texts, strict=True))
    examples = [
        Example(
            id=identity,
            question=Question(text="Which?", choices=choices),
            expected="ABCD"[at % 4],
            context=corpus.digest,
            context_chars=len(corpus.text),
            domain=CODE,
            kind="caller",
            hops=at,
            language="Python",
            repository="owner/name",
            evidence=("a.py:1-2",),
        )
        for at, identity in enumerate(ids)
    ]
    order = random.Random(seed).sample(ids, len(ids))
    written = list(rows_of(dataset_of(examples, dev=tuple(order)), examples, lambda digest: corpus))
    assert sum(bool(one["context"]) for one in written) == 1, "the context stands there once"
    written = [json.loads(json.dumps(one)) for one in written]
    read = [parse(one, number) for number, one in enumerate(written, 1)]
    assert [example for example, _ in read] == examples
    assert read[0][1] is not None
    assert (read[0][1].text, read[0][1].files, read[0][1].digest) == (corpus.text, corpus.files, corpus.digest)
    assert splits_of([(one["_id"], one["splits"]) for one in written]) == {"dev": tuple(order)}


def test_a_changed_context_or_index_is_found_out() -> None:
    corpus = corpus_of({"a.py": "x = 1\n", "b.py": "y = 2\n"})
    example = parse(row(1, context=corpus.text), 1)[0].model_copy(update={"context": corpus.digest})
    (good,) = rows_of(dataset_of([example]), [example], lambda digest: corpus)
    assert parse(good, 1)[1] == Corpus(corpus.name, "r", corpus.text, corpus.files)
    for change in ({"context": good["context"] + "!"}, {"context_files": re.sub(r"\d", "3", good["context_files"])}):
        with pytest.raises(DatasetUnavailable, match="another context"):
            parse({**good, **change}, 1)


def test_without_contexts_a_row_names_its_own() -> None:
    corpus = corpus_of({"a.py": "x = 1\n"})
    example = parse(row(1), 1)[0].model_copy(update={"context": corpus.digest, "context_chars": len(corpus.text)})
    (told,) = rows_of(dataset_of([example]), [example], None)
    assert told["context"] == ""
    assert parse(told, 1) == (example, None)
