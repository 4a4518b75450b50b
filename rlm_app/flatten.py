"""A tree of blobs as one text with an index of its files."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from rlm_app.codebase import Corpus, FileSpan, Selection
from rlm_app.decoding import LeftOut, decode
from rlm_app.errors import CorpusEmpty, CorpusTooLarge
from rlm_app.languages import language
from rlm_app.selecting import Selector, Tally

MAX_CHARS = 100_000_000
EVERYTHING = Selection(generated=True)

_JOIN_CHARS = 4_000_000


class Blob(NamedTuple):
    """One file as stored: `path` as `decoding.readable_path` gives it, `data` in bytes."""

    path: str
    data: bytes


class Flattener:
    """Turns blobs that come in path order into pieces of text, and keeps the index of what it gave.

    The pieces joined are the text of the corpus. Each file has a header line before it and begins a line; a line feed
    follows a file that ends without one and belongs to no file. What counts is the index: a header inside a file is
    part of that file.

    Args:
        max_chars: of all pieces together, in characters.
    """

    def __init__(self, max_chars: int = MAX_CHARS) -> None:
        self.files: list[FileSpan] = []
        self.left_out = Tally()
        self.chars = 0
        self.total_bytes = 0
        """Of all blobs to come, where known; only the words of `CorpusTooLarge` need it."""
        self._max_chars = max_chars
        self._bytes = 0

    def add(self, blob: Blob) -> str:
        """The next piece; empty for a file that is no text, which is counted in `left_out`.

        Raises:
            CorpusTooLarge: the text would pass `max_chars`.
        """
        path, data = blob
        self._bytes += len(data)
        try:
            text = decode(path, data)
        except LeftOut as reason:
            self.left_out.add(path, str(reason), len(data))
            return ""
        ended = not text or text.endswith("\n")
        lines = text.count("\n") + (not ended)
        header = f"===== {path} ({lines} lines) =====\n"
        self.files.append(FileSpan(path, self.chars + len(header), len(text), lines))
        self.chars += len(header) + len(text) + (not ended)
        if self.chars > self._max_chars:
            raise CorpusTooLarge(self._too_large())
        return f"{header}{text}" if ended else f"{header}{text}\n"

    def _too_large(self) -> str:
        whole = self.chars * max(self.total_bytes / max(self._bytes, 1), 1)
        return (
            f"This repository has about {in_millions(whole)} characters of text; the limit is "
            f"{in_millions(self._max_chars)}. Narrow it to a folder or raise the limit in Settings."
        )

    def languages(self) -> tuple[tuple[str, int], ...]:
        """(language, characters) of the files given so far, largest first."""
        counts: Counter[str] = Counter()
        for span in self.files:
            counts[language(span.path)] += span.chars
        return tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def flatten(
    blobs: Iterable[Blob], *, name: str, revision: str, selection: Selection = EVERYTHING, max_chars: int = MAX_CHARS
) -> tuple[Corpus, Tally]:
    """Join text files into one corpus, in path order, and count what is left out.

    `text[s.start : s.start + s.chars]` is exactly the file of span `s`. Sizes are characters, not bytes or tokens.
    Same blobs and options, same digest, in whatever order the blobs come.

    Raises:
        CorpusTooLarge: the text would pass `max_chars` characters.
        CorpusEmpty: no file is left.
    """
    selector = Selector(selection)
    flattener = Flattener(max_chars)
    taken = []
    for blob in blobs:
        reason = selector.reason(blob.path)
        if reason:
            flattener.left_out.add(blob.path, reason, len(blob.data))
        else:
            taken.append(blob)
    text = join(flattener.add(blob) for blob in sorted(taken))
    if not flattener.files:
        raise CorpusEmpty(nothing_left(name, flattener.left_out))
    return Corpus(name, revision, text, tuple(flattener.files)), flattener.left_out


def join(pieces: Iterable[str]) -> str:
    """All pieces as one string, without a second copy of it on the way."""
    text = ""
    for chunk in _chunks(pieces):
        text += chunk  # CPython grows a local string in place; chunks bound the cost where it does not
    return text


def _chunks(pieces: Iterable[str]) -> Iterator[str]:
    waiting: list[str] = []
    chars = 0
    for piece in pieces:
        waiting.append(piece)
        chars += len(piece)
        if chars >= _JOIN_CHARS:
            yield "".join(waiting)
            waiting.clear()
            chars = 0
    yield "".join(waiting)


def nothing_left(name: str, left_out: Tally) -> str:
    """The sentence for a corpus without files."""
    if not left_out.by_reason:
        return f"{name} has no files at this commit. Choose another branch, tag or folder."
    return f"{name} has no text files to read: {left_out}. Choose another folder or change what is left out."


def in_millions(number: float) -> str:
    """A count for people: `212 M`, `1.5 M`, `900`."""
    if number < 100_000:
        return f"{number:,.0f}"
    return f"{number / 1e6:,.0f} M" if number >= 9.95e6 else f"{number / 1e6:,.1f} M"
