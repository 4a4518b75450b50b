"""One commit, ready to read: the pass over its files, and the receipt of what was taken."""

import time
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rlm_app.adapters.git.limits import Limits
from rlm_app.adapters.git.tree import choose, list_tree, read_blobs
from rlm_app.codebase import Receipt, Selection
from rlm_app.errors import CloneFailed, CorpusEmpty
from rlm_app.flatten import Flattener, nothing_left
from rlm_app.selecting import Selector
from rlm_app.stop import Stop

if TYPE_CHECKING:
    from rlm_app.ports import Progress

_REPORT_SECONDS = 0.25
_NOTEBOOKS = "Notebooks are read as the source of their cells; their line numbers are not those of the host's pages."


@dataclass(frozen=True)
class Load:
    """What somebody asked to load, and how to tell of it and stop it."""

    source: str
    selection: Selection
    stop: Stop
    progress: "Progress"

    def cloning(self, done: int, total: int | None, note: str) -> None:
        self.progress("clone", done, total, note)


@dataclass(frozen=True)
class Snapshot:
    """A commit in an object store of this machine.

    Args:
        part: the folder to take, empty for all.
        filtered: whether the store is a clone of ours, made without large files.
    """

    folder: Path
    commit: str
    ref: str | None
    part: str
    name: str
    url: str
    web_url: str | None = None
    notes: tuple[str, ...] = ()
    filtered: bool = True


class Reading:
    """One pass over the files of a snapshot.

    `pieces` gives the text of the corpus bit by bit; when it has ended, `flattener` has the index and `receipt` can
    be written.
    """

    def __init__(self, snapshot: Snapshot, load: Load, limits: Limits) -> None:
        self.flattener = Flattener(limits.corpus_chars)
        self._snapshot, self._load, self._limits = snapshot, load, limits
        self._started = time.monotonic()

    def pieces(self) -> Generator[str, None, None]:
        """The text, file by file.

        Raises:
            CloneFailed: no such folder in the commit.
            CorpusEmpty, CorpusTooLarge: nothing to read, or too much.
            DamagedClone: git cannot read an object.
            RunError: the cause of the stop.
        """
        snapshot, stop, progress = self._snapshot, self._load.stop, self._load.progress
        progress("flatten", 0, None, "listing files")
        entries = list_tree(snapshot.folder, snapshot.commit, snapshot.part, self._limits.files, stop)
        if not entries and snapshot.part:
            raise CloneFailed(
                f"{snapshot.name} has no folder “{snapshot.part[:200]}” at {snapshot.ref or snapshot.commit[:12]}; "
                "check its spelling or choose another ref."
            )
        selector = Selector(self._load.selection, snapshot.part)
        chosen = choose(entries, selector, self._limits, self.flattener.left_out, filtered=snapshot.filtered)
        self.flattener.total_bytes = sum(entry.size or 0 for entry in chosen)
        told = 0.0
        with closing(read_blobs(snapshot.folder, chosen, stop)) as blobs:
            for number, blob in enumerate(blobs):
                if (now := time.monotonic()) - told > _REPORT_SECONDS:
                    told = now
                    stop.check()
                    progress("flatten", number, len(chosen), "")
                if piece := self.flattener.add(blob):
                    yield piece
        stop.check()
        if not self.flattener.files:
            raise CorpusEmpty(nothing_left(snapshot.name, self.flattener.left_out))
        progress("flatten", len(chosen), len(chosen), "")

    def receipt(self, digest: str, seconds: float) -> Receipt:
        """What was taken and what was not; `seconds` is what came before this pass."""
        snapshot, flattener = self._snapshot, self.flattener
        notebooks = any(span.path.endswith(".ipynb") for span in flattener.files)
        return Receipt(
            source=self._load.source.strip(),
            url=snapshot.url,
            name=snapshot.name,
            commit=snapshot.commit,
            ref=snapshot.ref,
            folder=snapshot.part,
            files=len(flattener.files),
            chars=flattener.chars,
            digest=digest,
            languages=flattener.languages(),
            skipped_by_reason=flattener.left_out.by_reason,
            skipped=flattener.left_out.first,
            notes=(*snapshot.notes, *([_NOTEBOOKS] if notebooks else [])),
            web_url=snapshot.web_url,
            seconds=round(seconds + time.monotonic() - self._started, 3),
        )
