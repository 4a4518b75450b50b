"""Files of rows become data sets: checked whole, then stored, or nothing of them stays."""

import re
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from rlm_app.codebase import Corpus
from rlm_app.errors import DatasetUnavailable, InvalidConfig, NotFound, UserError
from rlm_app.examples import Dataset, Example
from rlm_app.ports import Datasets, Store
from rlm_app.rows import Row, parse, splits_of, tutorial_splits
from rlm_app.stop import Stop

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")

Tell = Callable[[str, int, int | None, str], None]
"""Called with what is done now, how far, of how many (None where unknown) and a note."""


class Table(Protocol):
    """Rows of a file in LongBench-v2's schema. Raises: DatasetUnavailable, from both methods."""

    @property
    def source(self) -> str: ...
    @property
    def revision(self) -> str: ...
    @property
    def digest(self) -> str: ...

    def domains(self) -> Mapping[str, int]:
        """How many rows of each domain there are."""
        ...

    def rows(self, domain: str | None) -> Iterator[Row]:
        """Rows of one domain, or all, in order; can be called again."""
        ...


class Tables(Protocol):
    """Where rows come from. Raises: DatasetUnavailable, from both methods."""

    def file(self, path: Path) -> AbstractContextManager[Table]: ...
    def longbench(self) -> AbstractContextManager[Table]: ...


@dataclass(frozen=True)
class Work:
    """How to tell of long work, and to stop it."""

    stop: Stop = field(default_factory=Stop)
    tell: Tell = lambda what, done, total, note: None


Reload = Callable[[str, str | None, Work], Corpus | None]
"""The corpus that a source has at a revision, None where it cannot be had any more."""


@dataclass(frozen=True)
class Checked:
    """What the first pass over a table found: all of it but the contexts, which are let go."""

    examples: tuple[Example, ...]
    splits: dict[str, tuple[str, ...]]
    revision: str
    elsewhere: dict[str, Row]
    """A row of each context that no row holds, by digest."""


@dataclass(frozen=True)
class Importer:
    """Stores tables as data sets."""

    store: Store
    datasets: Datasets
    reload: Reload

    def store_table(self, table: Table, name: str, domain: str | None, work: Work) -> Dataset:
        """Store the rows of a table as a data set, in place of one of the same name.

        Every row is checked before the first is stored. What is stopped or fails leaves no data set behind, and can
        be run again.

        Args:
            domain: take only rows of this domain; None: all.

        Raises:
            DatasetUnavailable: the table is no data set; one sentence names the row.
            RunError: the cause of the stop.
        """
        notes = _left_out(table, domain)
        checked = self._check(table, domain, work)
        examples = checked.examples
        dataset = Dataset(
            name=name,
            source=table.source,
            revision=table.revision or checked.revision,
            digest=table.digest,
            examples=len(examples),
            imported=time.time(),
            splits={**checked.splits, "all": tuple(example.id for example in examples)},
            notes=notes,
        )
        try:
            for number, row in enumerate(table.rows(domain), 1):
                work.stop.check()
                work.tell("store", number, len(examples), examples[number - 1].id)
                if corpus := parse(row, number)[1]:
                    self.store.put_corpus(corpus, keep=True)
            for digest, row in checked.elsewhere.items():
                self.store.put_corpus(self._find_context(digest, row, work), keep=True)
            self.datasets.put_dataset(dataset, examples)
        except BaseException:
            self._forget(examples, dataset)
            raise
        return dataset

    def _check(self, table: Table, domain: str | None, work: Work) -> Checked:
        examples: dict[str, Example] = {}
        given: set[str] = set()
        elsewhere: dict[str, Row] = {}
        splits: list[tuple[str, str]] = []
        revision = ""
        for number, row in enumerate(table.rows(domain), 1):
            work.stop.check()
            work.tell("check", number, None, str(row.get("_id") or ""))
            example, corpus = parse(row, number)
            if example.id in examples:
                raise DatasetUnavailable(f"Row {number} has the _id {example.id} of an earlier row; give each its own.")
            examples[example.id] = example
            if corpus:
                given.add(corpus.digest)
            else:
                elsewhere.setdefault(example.context, row)
            splits.append((example.id, row.get("splits") or ""))
            revision = row.get("context_revision") or revision
        if not examples:
            raise DatasetUnavailable(f"{table.source} has no rows; a data set has at least one.")
        found = tuple(examples.values())
        elsewhere = {digest: row for digest, row in elsewhere.items() if digest not in given}
        return Checked(found, splits_of(splits) or tutorial_splits(found), revision, elsewhere)

    def _find_context(self, digest: str, row: Row, work: Work) -> Corpus:
        """A context that the file only names: stored here, or made again from where it came."""
        corpus, origin = None, row.get("context_source") or ""
        with suppress(NotFound):
            corpus = self.store.corpus(digest)
        if corpus is None and origin:
            corpus = self.reload(origin, row.get("context_revision") or None, work)
        if corpus is None or corpus.digest != digest:
            raise DatasetUnavailable(
                f"The context of {row['_id']} is neither in the file nor stored here"
                + (f", and {origin} does not give it any more" if origin else "")
                + "; export the data set with --contexts where it is."
            )
        return corpus

    def _forget(self, examples: Sequence[Example], dataset: Dataset) -> None:
        """Let go of contexts whose data set did not come about: they go with one that is deleted at once."""
        rest = dataset.model_copy(update={"name": f"unfinished-{secrets.token_hex(8)}", "splits": {}})
        with suppress(UserError):
            self.datasets.put_dataset(rest, examples)
            self.datasets.delete_dataset(rest.name)


def check_name(name: str) -> None:
    """Raises: InvalidConfig: not a name for a data set."""
    if not _NAME.fullmatch(name):
        raise InvalidConfig(
            f"{name[:80]!r} is not a name for a data set; use up to 64 small letters, digits, dots, dashes and "
            "underscores."
        )


def _left_out(table: Table, domain: str | None) -> tuple[str, ...]:
    """What to note about rows of other domains. Raises: DatasetUnavailable: none is of this one."""
    domains = table.domains()
    if domain is None or not domains:
        return ()
    if domain not in domains:
        there = ", ".join(f"{name or 'no domain'} ({count})" for name, count in sorted(domains.items())[:8])
        raise DatasetUnavailable(
            f"{table.source} has no rows of the domain {domain!r} but of {there}; choose with --domain or "
            "--all-domains."
        )
    others = sum(domains.values()) - domains[domain]
    return (f"{others:,} rows of other domains were left out.",) if others else ()
