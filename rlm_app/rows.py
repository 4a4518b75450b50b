"""Rows of a data set file: LongBench-v2's twelve fields, and ours beside them.

A file of ours says in `context_digest` which stored context a row asks about. The context itself stands in the first
row that has it, or in none; `context_files` is then its index, since a text alone does not say where its files lie.
"""

import json
import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from rlm_app.codebase import Corpus, FileSpan
from rlm_app.errors import DatasetUnavailable
from rlm_app.examples import Dataset, Example
from rlm_app.model import MAX_QUESTION_CHARS, Question
from rlm_app.toolkit import UNNAMED

CODE = "Code Repository Understanding"
"""The domain of LongBench-v2 that is about code: 50 of its 503 rows."""

LETTERS = "ABCD"
CHOICES = tuple(f"choice_{letter}" for letter in LETTERS)
ABOUT = ("domain", "sub_domain", "difficulty", "length")
FIELDS = ("_id", *ABOUT, "question", *CHOICES, "answer", "context")

MAX_ID_CHARS = 200
_TUTORIAL_ROWS, _TUTORIAL_DEV = 50, 25

Row = Mapping[str, Any]


def check_columns(columns: Iterable[str], source: str) -> None:
    """Raises: DatasetUnavailable: a column of the schema is missing."""
    missing = [field for field in FIELDS if field not in set(columns)]
    if missing:
        raise DatasetUnavailable(
            f"{source} has no column {' and no column '.join(missing[:3])}; a data set file has LongBench-v2's fields: "
            f"{', '.join(FIELDS)}."
        )


def parse(row: Row, number: int) -> tuple[Example, Corpus | None]:
    """The example of a row and its context, None where the row only names it; rows count from 1.

    A context without an index is a text without paths: one file, called as the toolkit calls it.

    Raises:
        DatasetUnavailable: one sentence that names row and field.
    """
    identity = _text(row, "_id", number)
    if len(identity) > MAX_ID_CHARS or not identity.isprintable() or " " in identity:
        raise _refused(
            number, f"has the _id {identity[:50]!r}; use up to {MAX_ID_CHARS} printable characters, no spaces"
        )
    choices = {letter: _text(row, field, number) for letter, field in zip(LETTERS, CHOICES, strict=True)}
    question = Question(text=_text(row, "question", number), choices=choices)
    if len(question.prompt) > MAX_QUESTION_CHARS:
        raise _refused(number, f"asks in {len(question.prompt):,} characters; {MAX_QUESTION_CHARS:,} is the most")
    answer = _text(row, "answer", number).strip()
    if answer not in choices:
        raise _refused(number, f"has the answer {answer[:20]!r}; it is one of the letters {', '.join(LETTERS)}")
    corpus = _context(row, number, identity)
    try:
        example = Example(
            id=identity,
            question=question,
            expected=answer,
            context=corpus.digest if corpus else row["context_digest"],
            context_chars=len(corpus.text) if corpus else row.get("context_chars") or 0,
            hops=row.get("hops"),
            evidence=row.get("evidence") or (),
            **{field: row.get(field) or "" for field in (*ABOUT, "repository", "language", "kind")},
        )
    except ValidationError as error:
        field = str(error.errors(include_input=False)[0]["loc"][0])
        told = {"context": "context_digest"}.get(field, field)
        raise _refused(number, f"has something else in {told} than belongs there") from None
    return example, corpus


def _refused(number: int, what: str) -> DatasetUnavailable:
    return DatasetUnavailable(f"Row {number} {what}. Mend the file and import it again; nothing was stored.")


def _text(row: Row, field: str, number: int) -> str:
    value = row.get(field)
    if not isinstance(value, str) or not value.strip():
        raise _refused(number, f"has no text in {field}")
    return value.replace("\0", "\ufffd")  # which PostgreSQL takes in no text


def _context(row: Row, number: int, identity: str) -> Corpus | None:
    text, digest = row.get("context") or "", row.get("context_digest") or ""
    if not text.strip():
        if digest:
            return None
        raise _refused(number, "has an empty context")
    lines = text.count("\n") + (not text.endswith("\n"))
    spans: tuple[FileSpan, ...] = (FileSpan(UNNAMED, 0, len(text), lines),)
    name, revision = row.get("context_name") or identity, row.get("context_revision") or ""
    try:
        if row.get("context_files"):
            spans = tuple(FileSpan(*span) for span in json.loads(row["context_files"]))
        corpus = Corpus(name, revision, text, spans)
        whole = _fits(spans, text) and (not digest or corpus.digest == digest)
    except (ValueError, TypeError, RecursionError):
        whole = False
    if not whole:
        raise _refused(number, "has another context than the one it names in context_digest")
    return corpus


def _fits(spans: Sequence[FileSpan], text: str) -> bool:
    """Whether an index says where files lie in this text, one after the other: citations are checked by it."""
    end, paths = 0, set[str]()
    for path, start, chars, lines in spans:
        stop = start + chars
        if not isinstance(path, str) or path in paths or not end <= start <= stop <= len(text):
            return False
        if lines != text.count("\n", start, stop) + (chars > 0 and text[stop - 1] != "\n"):
            return False
        end = stop
        paths.add(path)
    return bool(spans)


def tutorial_splits(examples: Sequence[Example]) -> dict[str, tuple[str, ...]]:
    """`dev` and `test` of dspy's RLM tutorial, for LongBench-v2's 50 code rows in their order; else no split.

    They are the halves after `random.seed(42); random.shuffle(examples)`.
    """
    ids = [example.id for example in examples if example.domain == CODE and not example.kind]
    if len(ids) != _TUTORIAL_ROWS:
        return {}
    random.Random(42).shuffle(ids)
    return {"dev": tuple(ids[:_TUTORIAL_DEV]), "test": tuple(ids[_TUTORIAL_DEV:])}


def splits_of(rows: Sequence[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    """The splits that a file of ours tells of, from (id, its `splits`) of each row. Raises: DatasetUnavailable."""
    places: dict[str, list[tuple[int, str]]] = {}
    for number, (identity, told) in enumerate(rows, 1):
        try:
            for split, place in json.loads(told or "{}").items():
                if not split.isprintable():
                    raise ValueError(split)
                places.setdefault(split, []).append((int(place), identity))
        except (ValueError, TypeError, AttributeError, OverflowError, RecursionError):
            raise _refused(number, 'has splits that are not JSON like {"dev": 0}') from None
    return {split: tuple(identity for _, identity in sorted(members)) for split, members in places.items()}


def rows_of(
    dataset: Dataset, examples: Iterable[Example], corpus_of: Callable[[str], Corpus] | None
) -> Iterator[dict[str, Any]]:
    """What `parse` reads back, row by row; with `corpus_of` each context stands in the first row that has it."""
    examples = list(examples)
    places = {
        (identity, split): place
        for split, ids in dataset.splits.items()
        if split != "all"
        for place, identity in enumerate(ids)
    }
    generated = any(example.kind for example in examples)
    written: set[str] = set()
    for example in examples:
        corpus = corpus_of(example.context) if corpus_of and example.context not in written else None
        written.add(example.context)
        row = _plain(example, corpus.text if corpus else "")
        if generated:
            row |= example.model_dump(include={"kind", "hops", "language", "repository"})
            row |= {"evidence": list(example.evidence)}
        row |= {"context_digest": example.context, "context_chars": example.context_chars}
        row |= {"context_name": corpus.name if corpus else "", "context_revision": dataset.revision}
        row |= {"context_source": dataset.source if generated else ""}
        row |= {"context_files": json.dumps(corpus.files) if corpus and not _one_text(corpus) else ""}
        row["splits"] = json.dumps(
            {split: places[key] for split in dataset.splits if (key := (example.id, split)) in places}
        )
        yield row


def _plain(example: Example, context: str) -> dict[str, Any]:
    choices = {f"choice_{letter}": example.question.choices.get(letter, "") for letter in LETTERS}
    about = example.model_dump(include=set(ABOUT))
    asked = {"question": example.question.text, **choices, "answer": example.expected}
    return {"_id": example.id, **about, **asked, "context": context}


def _one_text(corpus: Corpus) -> bool:
    return len(corpus.files) == 1 and corpus.files[0].path == UNNAMED and corpus.files[0].chars == len(corpus.text)
