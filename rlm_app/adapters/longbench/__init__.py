"""LongBench-v2 from its hub, and files of its schema: read row by row through Hugging Face `datasets`."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rlm_app.adapters.longbench.hub import PINNED, REPOSITORY, Hub
from rlm_app.adapters.longbench.tables import JsonTable, ParquetTable, digest_of, lines_of

__all__ = ["PINNED", "REPOSITORY", "Hub", "LongBenchTables"]

Table = JsonTable | ParquetTable


class LongBenchTables:
    """Implements `datasets.Tables`: opens what rows can be read from."""

    def __init__(self, hub: Hub | None = None) -> None:
        self._hub = hub or Hub()

    @contextmanager
    def file(self, path: Path) -> Iterator[Table]:
        """The rows of a JSON array, of JSON lines or of a parquet file, by the ending of its name.

        Raises:
            DatasetUnavailable: no such file, no such kind of file, or it cannot be read.
        """
        with _opened([path], source=path.name, revision="") as table:
            yield table

    @contextmanager
    def longbench(self) -> Iterator[Table]:
        """The rows of LongBench-v2 at the pinned revision, downloaded where they are not in the hub's cache.

        Raises:
            DatasetUnavailable: it cannot be fetched; the sentence says how to import a file.
        """
        with _opened(self._hub.fetch(), source=REPOSITORY, revision=PINNED) as table:
            yield table


@contextmanager
def _opened(paths: list[Path], *, source: str, revision: str) -> Iterator[Table]:
    digest = digest_of(paths)
    if paths[0].suffix.lower() == ".parquet":
        yield ParquetTable(tuple(paths), source, revision, digest)
    else:
        with lines_of(paths[0], source) as lines:
            yield JsonTable(lines, source, revision, digest)
