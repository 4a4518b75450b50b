"""Citations: found in an answer, checked against the corpus, and made ready to be shown."""

import re
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from urllib.parse import quote as percent_encode

from rlm_app.codebase import Corpus, FileSpan
from rlm_app.mentions import Entry, Range, bare, find_mentions, read_entry
from rlm_app.model import Citation, CitationStatus
from rlm_app.toolkit import UNNAMED, is_unnamed

_HOST = re.compile(r"/*[\w.-]+\.(com|org|net|io|dev|ai|co|edu|gov)", re.IGNORECASE)
_FILE_NAME = re.compile(r".*\.[A-Za-z]\w{0,9}")


def check(answer: str, cited: Sequence[str], corpus: Corpus, web_url: str | None) -> tuple[Citation, ...]:
    """Every citation in an answer and in its citations field, checked, in order of appearance, without repeats.

    A path may lack leading folders, or begin with the repository's name or address; the citation bears the path as it
    is in the corpus. What cannot be matched is kept as `not found`. `web_url` is a template with `{path}`, `{first}`
    and `{last}`. Takes time linear in the texts.
    """
    finder = _Finder(corpus)
    entries = []
    for mention in find_mentions(answer):
        if finder.find(mention.path) or (not mention.quoted and _is_path(mention.path)):
            entries += [Entry(mention.path, lines) for lines in mention.ranges]
    for listed in cited:
        for entry in read_entry(str(listed)):
            entries.append(entry if finder.find(entry.path) else replace(entry, path=bare(entry.path)))
    found: dict[tuple[str, int, int, str], Citation] = {}
    for entry in entries:
        citation = _checked(entry, corpus, finder.find(entry.path), web_url)
        key = (citation.path, citation.first, citation.last, citation.status)
        if key not in found or (citation.quote and not found[key].quote):
            found[key] = citation
    return tuple(found.values())


def mark(
    answer: str,
    citations: Sequence[Citation],
    reference: Callable[[int, Citation], str] = lambda number, citation: f"[{number}]",
) -> str:
    """The answer with each mention of a citation replaced by its number (from 1), as `reference` writes it.

    Backquotes or a link around a mention go with it. Code blocks and mentions of other lines stay as they are.
    """
    numbers_of: dict[tuple[str, Range], list[int]] = {}
    for at, citation in enumerate(citations):
        lines = (citation.first, citation.last)
        for key in {citation.path, _file_name(citation.path)}:
            numbers_of.setdefault((key, lines), []).append(at)
    parts = []
    done = 0
    for mention in find_mentions(answer):
        numbers = [_number_of(mention.path, lines, numbers_of, citations) for lines in mention.ranges]
        if mention.quoted or mention.start < done or None in numbers:
            continue
        parts.append(answer[done : mention.start])
        parts += [reference(at + 1, citations[at]) for at in numbers if at is not None]
        done = mention.end
    return "".join([*parts, answer[done:]])


def excerpt(corpus: Corpus, citation: Citation, around: int = 3) -> tuple[int, list[str]]:
    """(number of the first line, lines) of what is cited, with some lines around; no lines where it is not there."""
    span = _Finder(corpus).find(citation.path)
    first = max(citation.first - around, 1)
    if span is None or citation.first > span.lines:
        return first, []
    return first, _lines(corpus, span, first, citation.last + around)


class _Finder:
    """Finds the file that a path as written stands for."""

    def __init__(self, corpus: Corpus) -> None:
        self._corpus = corpus
        self._names = set(corpus.name.split("/"))
        self._whole: FileSpan | None = None
        if is_unnamed(corpus):
            whole = FileSpan(UNNAMED, 0, len(corpus.text), corpus.text.count("\n") + 1)
            self._whole = corpus.files[0] if corpus.files else whole

    def find(self, written: str) -> FileSpan | None:
        """The file of that path, or the only one whose path ends so, or the one that an address leads to."""
        if self._whole is not None:
            return self._whole if written.strip() in ("", UNNAMED) else None
        path = re.sub(r"^(?:\./)+", "", written.strip()).strip("/")
        if span := self._corpus.span(written) or self._corpus.span(path):
            return span
        if not path or len(path) > 4_000:
            return None
        ending = path[::-1] + "/"
        at = bisect_left(self._reversed, ending)
        longer = [full for full in self._reversed[at : at + 2] if full.startswith(ending)]
        if longer:
            return self._corpus.span(longer[0][::-1]) if len(longer) == 1 else None
        parts = path.split("/")
        if not written.startswith("/") and parts[0] not in self._names:
            return None
        shorter = ("/".join(parts[skip:]) for skip in range(1, min(len(parts), 40)))
        return next((span for part in shorter if (span := self._corpus.span(part))), None)

    @cached_property
    def _reversed(self) -> list[str]:
        """Paths written backwards and sorted, so that those with one ending stand together."""
        return sorted(span.path[::-1] for span in self._corpus.files)


def _checked(entry: Entry, corpus: Corpus, span: FileSpan | None, web_url: str | None) -> Citation:
    first, last = entry.lines or (1, max(span.lines, 1) if span else 1)
    status: CitationStatus = "verified"
    if span is None:
        status = "not found"
    elif first < 1 or last > span.lines:
        status = "out of range"
    elif entry.quote and not _holds(_lines(corpus, span, first, last), entry.quote):
        status = "not found"
    path = (span.path or UNNAMED) if span else entry.path.strip()[:400] or "no file"
    url = None
    if web_url and span and span.path and status == "verified" and not is_unnamed(corpus):
        url = web_url.replace("{path}", percent_encode(path)).replace("{first}", str(first))
        url = url.replace("{last}", str(last))
    return Citation(path=path, first=first, last=last, quote=entry.quote, status=status, url=url)


def _lines(corpus: Corpus, span: FileSpan, first: int, last: int) -> list[str]:
    """Lines of a file, both ends included, without splitting what comes after them."""
    last = min(last, span.lines)
    return [line.rstrip("\r") for line in corpus.read(span).split("\n", last)[first - 1 : last]]


def _holds(lines: list[str], quote: str) -> bool:
    """Whether the lines hold the quoted text; white space and what an ellipsis left out do not matter."""
    text = " ".join(" ".join(lines).split())
    pieces = [" ".join(piece.split()) for piece in re.split(r"…|\.\.\.", quote)]
    at = 0
    for piece in pieces:
        at = text.find(piece, at)
        if at < 0:
            return False
    return True


def _is_path(written: str) -> bool:
    """Whether a text that names no file of the corpus was meant as one, unlike a host, a time or a ratio."""
    if _HOST.fullmatch(written):
        return False
    return _FILE_NAME.fullmatch(written) is not None or "/" in written.strip("/")


def _file_name(path: str) -> str:
    return path.rpartition("/")[2]


def _number_of(
    written: str, lines: Range, numbers_of: dict[tuple[str, Range], list[int]], citations: Sequence[Citation]
) -> int | None:
    """Which citation a mention became: the one of that very path, or one where either path ends in the other."""
    path = re.sub(r"^(?:\./)+", "", written.strip()).strip("/") or UNNAMED
    for exact in (written, path):
        if (exact, lines) in numbers_of and citations[numbers_of[exact, lines][0]].path == exact:
            return numbers_of[exact, lines][0]
    for at in numbers_of.get((_file_name(path), lines), []):
        cited = citations[at].path
        if cited.endswith("/" + path) or path.endswith("/" + cited):
            return at
    return None
