"""The data sets of an installation: imported, made from code, exported, deleted."""

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from rlm_app.codebase import Corpus, Selection
from rlm_app.datasets.importing import Importer, Tables, Work, check_name
from rlm_app.errors import DatasetUnavailable, NotFound, UserError
from rlm_app.examples import Dataset, Example
from rlm_app.model import json_of
from rlm_app.ports import Datasets, Source, Store
from rlm_app.rows import CODE, rows_of

STDLIB = "stdlib"
LONGBENCH = "longbench"
STDLIB_EXAMPLES = 40
QUICK = 12
"""How many of the embedded examples make the split `quick`: enough to see everything work within a minute."""


@dataclass(frozen=True)
class Made:
    """Questions made from code, with the context that they are about."""

    dataset: Dataset
    examples: tuple[Example, ...]
    corpus: Corpus


@dataclass(frozen=True)
class Collection:
    """Data sets and how they come to be.

    Args:
        tables: opens files of rows.
        stdlib: the interpreter's own library as a corpus.
    """

    store: Store
    datasets: Datasets
    source: Source
    tables: Tables
    stdlib: Callable[[], Corpus]

    def import_longbench(self, name: str = LONGBENCH, domain: str | None = CODE, work: Work | None = None) -> Dataset:
        """Store LongBench-v2 from the hub; as `Importer.store_table`. Raises: InvalidConfig: not a name."""
        check_name(name)
        work = work or Work()
        work.tell("fetch", 0, None, "LongBench-v2 from the hub, 162 MB")
        with self.tables.longbench() as table:
            return self._importer.store_table(table, name, domain, work)

    def import_file(self, path: Path, name: str, domain: str | None = CODE, work: Work | None = None) -> Dataset:
        """Store a file; as `Importer.store_table`. Raises: InvalidConfig: not a name."""
        check_name(name)
        with self.tables.file(path) as table:
            return self._importer.store_table(table, name, domain, work or Work())

    @property
    def _importer(self) -> Importer:
        return Importer(self.store, self.datasets, self._reload)

    def _reload(self, origin: str, revision: str | None, work: Work) -> Corpus | None:
        with suppress(UserError):
            if origin == STDLIB:
                return self.stdlib()
            return self.source.load(origin, Selection(ref=revision), stop=work.stop, progress=work.tell)[0]
        return None

    def make(self, source: str, ref: str | None, n: int, seed: int, work: Work | None = None) -> Made:
        """Questions with computed answers from a repository; nothing of it is stored.

        Raises:
            UserError: it cannot be loaded, or no question can be made of it.
        """
        work = work or Work()
        corpus, receipt = self.source.load(source, Selection(ref=ref), stop=work.stop, progress=work.tell)
        return _made(corpus, receipt.source, n, seed, work)

    def make_stdlib(
        self, name: str = STDLIB, *, n: int = STDLIB_EXAMPLES, seed: int = 0, work: Work | None = None
    ) -> Dataset:
        """Store the embedded data set: questions from the running interpreter's own standard library.

        Raises:
            DatasetUnavailable: this Python has no source of its library.
        """
        check_name(name)
        work = work or Work()
        work.tell("read", 0, None, "the standard library of this Python")
        made = _made(self.stdlib(), STDLIB, n, seed, work)
        ids = made.dataset.splits["all"]
        quick = tuple(ids[at * len(ids) // QUICK] for at in range(QUICK)) if len(ids) > QUICK else ids
        return self.keep(made, name, {"quick": quick})

    def keep(self, made: Made, name: str, splits: Mapping[str, tuple[str, ...]] | None = None) -> Dataset:
        """Store questions that were made, with their context. Raises: InvalidConfig: not a name."""
        check_name(name)
        more = {"all": made.dataset.splits["all"], **(splits or {})}
        dataset = made.dataset.model_copy(update={"name": name, "splits": more, "imported": time.time()})
        self.store.put_corpus(made.corpus, keep=True)
        self.datasets.put_dataset(dataset, made.examples)
        return dataset

    def ensure(self, name: str, work: Work | None = None) -> Dataset:
        """A data set by name; the embedded one is made when it is first asked for. Raises: NotFound."""
        try:
            return self.datasets.dataset(name)
        except NotFound:
            if name != STDLIB:
                raise
        return self.make_stdlib(work=work)

    def export(self, name: str, out: IO[str], *, contexts: bool) -> int:
        """Write a data set as JSON lines that `import_file` reads back; how many rows.

        With `contexts` each context stands in the first row that has it. Raises: NotFound.
        """
        dataset = self.datasets.dataset(name)
        return write(dataset, self.datasets.examples(name), out, self.store.corpus if contexts else None)


def write(
    dataset: Dataset, examples: Sequence[Example], out: IO[str], corpus_of: Callable[[str], Corpus] | None
) -> int:
    """Write examples as JSON lines, with contexts where `corpus_of` gives them; how many rows."""
    for row in rows_of(dataset, examples, corpus_of):
        out.write(json.dumps(row, ensure_ascii=False) + "\n")
    return len(examples)


def _made(corpus: Corpus, source: str, n: int, seed: int, work: Work) -> Made:
    from rlm_app.questions import generate

    work.stop.check()
    work.tell("make", 0, n, f"questions from {len(corpus.files):,} files")
    generated = generate(corpus, n, seed)
    work.stop.check()
    if not generated.examples:
        raise DatasetUnavailable(
            f"No question can be made of {corpus.name}: there is too little code in a language that is understood."
        )
    examples = tuple(generated.examples)
    told = json.dumps([json_of(example) for example in examples], sort_keys=True, separators=(",", ":"))
    dataset = Dataset(
        name="unnamed",
        source=source,
        revision=corpus.revision,
        digest=hashlib.sha256(told.encode()).hexdigest(),
        examples=len(examples),
        imported=time.time(),
        splits={"all": tuple(example.id for example in examples)},
        notes=tuple(generated.notes),
    )
    return Made(dataset, examples, corpus)
