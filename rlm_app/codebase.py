"""A repository at a commit as text, and the record of what was taken from it and what was not.

Plain dataclasses: taking a repository needs no pydantic, whose import takes longer than reading a small one. Where
they cross a disk, the events and the store check them.
"""

import hashlib
import json
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

_DIGEST_CHARS = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Which part of a repository becomes the corpus. Globs match whole paths; `**` spans folders.

    Args:
        ref: branch, tag or commit; None: HEAD.
        generated: take lock files, minified and vendored code too.
    """

    ref: str | None = None
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    generated: bool = False


class FileSpan(NamedTuple):
    """Where one file lies in a corpus: `text[start : start + chars]` is exactly the file.

    `lines` counts as editors do: a last line without a line feed counts, an empty file has none.
    """

    path: str
    start: int
    chars: int
    lines: int


def index_json(text_digest: str, files: Sequence[FileSpan]) -> bytes:
    """The index of a corpus whose text has this SHA-256; the index's own SHA-256 is the corpus's digest."""
    return json.dumps({"text": text_digest, "files": files}, separators=(",", ":")).encode()


@dataclass(frozen=True)
class Corpus:
    """One repository at one commit as one string, with the index that says where each file lies.

    Offsets and sizes are characters, not bytes or tokens. Files are in path order. `digest` names text and index
    together, so a header forged inside a file cannot pass for another corpus.
    """

    name: str
    revision: str
    text: str
    files: tuple[FileSpan, ...]

    @cached_property
    def text_digest(self) -> str:
        digest = hashlib.sha256()
        for start in range(0, len(self.text), _DIGEST_CHARS):  # the bytes of all of it would be a second copy
            digest.update(self.text[start : start + _DIGEST_CHARS].encode())
        return digest.hexdigest()

    @cached_property
    def digest(self) -> str:
        return hashlib.sha256(self.index_json()).hexdigest()

    def index_json(self) -> bytes:
        """The index as stored: canonical JSON that names the text by its SHA-256."""
        return index_json(self.text_digest, self.files)

    @cached_property
    def _starts(self) -> list[int]:
        return [span.start for span in self.files]

    @cached_property
    def _by_path(self) -> dict[str, FileSpan]:
        return {span.path: span for span in self.files}

    def span(self, path: str) -> FileSpan | None:
        return self._by_path.get(path)

    def read(self, span: FileSpan) -> str:
        return self.text[span.start : span.start + span.chars]

    def lines(self, span: FileSpan, first: int, last: int) -> list[str]:
        """Lines `first` to `last` of a file, both counted from 1 and both included, without line ends."""
        return self.read(span).split("\n")[max(first - 1, 0) : min(last, span.lines)]

    def locate(self, offset: int) -> tuple[str, int]:
        """Path and line (from 1) of a character of the text, in O(log files + size of one file).

        Raises:
            ValueError: the offset lies in no file (a header, or outside the text).
        """
        at = bisect_right(self._starts, offset) - 1
        if at >= 0 and offset < self.files[at].start + self.files[at].chars:
            span = self.files[at]
            return span.path, self.text.count("\n", span.start, offset) + 1
        raise ValueError(f"no file at character {offset}")


@dataclass(frozen=True, kw_only=True)
class Skipped:
    """A file left out of a corpus, and why.

    Args:
        size: bytes; 0 for what has no size, like a submodule.
        detail: what is told of this file alone, like a submodule's commit.
    """

    path: str
    reason: str
    size: int
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """What was taken from a repository and what was not: everything a reader may want to check.

    Args:
        source: as the user gave it, without credentials.
        url: what was cloned: an https address or a folder.
        name: owner/name, or the folder's name.
        ref: branch or tag that was asked for or HEAD pointed to.
        folder: the part of the tree that was taken; empty for all.
        digest: of the corpus.
        languages: (language, characters), largest first.
        skipped_by_reason: (reason, files), most first.
        skipped: the first of them, in path order.
        notes: one sentence each, e.g. that local changes are not seen.
        web_url: the host's page for lines: has {path}, {first}, {last}.
    """

    source: str
    url: str
    name: str
    commit: str
    ref: str | None
    folder: str = ""
    files: int
    chars: int
    digest: str
    languages: tuple[tuple[str, int], ...]
    skipped_by_reason: tuple[tuple[str, int], ...] = ()
    skipped: tuple[Skipped, ...] = ()
    notes: tuple[str, ...] = ()
    web_url: str | None = None
    seconds: float = 0.0

    @property
    def tokens(self) -> int:
        """Estimate: 3.6 characters a token (2.6 to 4.6 measured on code). Show it with "~"."""
        return round(self.chars / 3.6)

    @property
    def skipped_files(self) -> int:
        return sum(count for _, count in self.skipped_by_reason)
