"""Rows of files: never more of their contexts in memory than a few, however large the file."""

import glob
import hashlib
import json
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from rlm_app.errors import DatasetUnavailable
from rlm_app.rows import FIELDS, Row, check_columns

_CHUNK_CHARS = 1 << 20
_HASH_BYTES = 1 << 20
KINDS = (".json", ".jsonl", ".parquet")


def digest_of(paths: Sequence[Path]) -> str:
    """SHA-256 of the files, one after the other. Raises: DatasetUnavailable."""
    digest = hashlib.sha256()
    for path in paths:
        if path.suffix.lower() not in KINDS:
            raise DatasetUnavailable(
                f"{path.name or path} is not a data set file; give one that ends in {', '.join(KINDS)}."
            )
        try:
            with path.open("rb") as file:
                while block := file.read(_HASH_BYTES):
                    digest.update(block)
        except OSError as error:
            raise DatasetUnavailable(f"{path} cannot be read ({error.strerror}); check the path.") from None
    return digest.hexdigest()


def unreadable(source: str, kind: str, error: Exception) -> DatasetUnavailable:
    """The sentence for a file that is broken, with what its reader said in short."""
    said = " ".join(str(error).split())[:160].rstrip(". ") or type(error).__name__
    return DatasetUnavailable(f"{source} cannot be read as {kind} ({said}); export or download it anew.")


def load(kind: str, paths: Sequence[Path], **options: Any) -> Any:
    """A streaming data set of local files: nothing is copied into the cache of `datasets`."""
    import datasets

    datasets.logging.set_verbosity(datasets.logging.CRITICAL)  # what it would log is raised too, and shown in words
    files = [glob.escape(str(path.absolute())) for path in paths]
    return datasets.load_dataset(kind, data_files=files, split="train", streaming=True, **options)


@dataclass(frozen=True)
class JsonTable:
    """Rows of a file with one JSON object a line."""

    path: Path
    source: str
    revision: str
    digest: str

    def domains(self) -> Counter[str]:
        return Counter(row.get("domain") or "" for row in self._all())

    def rows(self, domain: str | None) -> Iterator[Row]:
        """Rows in order, of one domain or of all. Raises: DatasetUnavailable."""
        return (row for row in self._all() if domain is None or row.get("domain") == domain)

    def _all(self) -> Iterator[Row]:
        columns: set[str] = set()
        try:
            for row in load("json", [self.path], parse_agent_traces=False):
                if not columns:
                    check_columns(columns := set(row), self.source)
                yield row
        except DatasetUnavailable:
            raise
        except Exception as error:  # pyarrow, pandas and ujson each have their own
            raise unreadable(self.source, "JSON", error) from error


@dataclass(frozen=True)
class ParquetTable:
    """Rows of parquet files: the short columns through `datasets`, each context as its row comes.

    `datasets` decodes several row groups at once, whatever its filters: 870 MB for LongBench-v2. One row group after
    the other takes half of that.
    """

    paths: tuple[Path, ...]
    source: str
    revision: str
    digest: str

    def domains(self) -> Counter[str]:
        return Counter(row.get("domain") or "" for row in self._short(None))

    def rows(self, domain: str | None) -> Iterator[Row]:
        """Rows in order, of one domain or of all. Raises: DatasetUnavailable."""
        short = self._short(domain)
        try:
            for context in self._contexts(domain):
                yield {**next(short), "context": context}
        except DatasetUnavailable:
            raise
        except Exception as error:
            raise unreadable(self.source, "parquet", error) from error

    def _short(self, domain: str | None) -> Iterator[dict[str, Any]]:
        import pyarrow.parquet as parquet

        try:
            columns = parquet.read_schema(self.paths[0]).names
            check_columns(columns, self.source)
            filters = None if domain is None else [("domain", "==", domain)]
            short = [column for column in columns if column != "context"]
            yield from load("parquet", self.paths, columns=short, filters=filters)
        except DatasetUnavailable:
            raise
        except Exception as error:
            raise unreadable(self.source, "parquet", error) from error

    def _contexts(self, domain: str | None) -> Iterator[str | None]:
        import pyarrow.parquet as parquet

        for path in self.paths:
            with parquet.ParquetFile(path, buffer_size=1 << 20, pre_buffer=False) as file:
                for group in range(file.num_row_groups):
                    domains = file.read_row_group(group, columns=["domain"]).column("domain").to_pylist()
                    if domain is not None and domain not in domains:
                        continue
                    batches = file.iter_batches(1, row_groups=[group], columns=["context"], use_threads=False)
                    for found, batch in zip(domains, batches, strict=True):
                        if domain is None or found == domain:
                            yield batch.column(0)[0].as_py()


@contextmanager
def lines_of(path: Path, source: str) -> Iterator[Path]:
    """A file with one JSON object a line: the file itself, or one made of the array that it holds.

    `datasets` reads an array as a whole: 2.9 GB for LongBench-v2.

    Raises:
        DatasetUnavailable: neither an array nor lines of objects.
    """
    try:
        with path.open(encoding="utf-8-sig") as file:
            head = file.read(_CHUNK_CHARS).lstrip()
            if head.startswith("{"):
                yield path
                return
            if not head.startswith("["):
                raise DatasetUnavailable(
                    f"{source} is not JSON with an array of rows or a row a line; its fields are {', '.join(FIELDS)}."
                )
            with tempfile.TemporaryDirectory(prefix="rlm-app-") as folder:
                lines = Path(folder) / "rows.jsonl"
                with lines.open("w", encoding="utf-8") as out:
                    _split(head[1:], file, out)
                yield lines
    except (json.JSONDecodeError, UnicodeError, RecursionError) as error:
        raise unreadable(source, "JSON", error) from None


def _split(buffer: str, file: IO[str], out: IO[str]) -> None:
    """Write the elements of an array, whose `[` was read, one a line. Raises: JSONDecodeError."""
    decode = json.JSONDecoder().raw_decode
    at = 0
    while True:
        while at < len(buffer) and buffer[at] in " \t\r\n,":
            at += 1
        try:
            if buffer.startswith("]", at):
                return
            row, at = decode(buffer, at)
        except json.JSONDecodeError:
            more = file.read(max(_CHUNK_CHARS, len(buffer)))  # twice as much each time: a row is parsed a few times
            if not more:
                raise
            buffer, at = buffer[at:] + more, 0
            continue
        if not isinstance(row, dict):
            raise json.JSONDecodeError("an element of the array is no object", "", 0)
        out.write(json.dumps(row, ensure_ascii=False) + "\n")
        if at > _CHUNK_CHARS:
            buffer, at = buffer[at:], 0
