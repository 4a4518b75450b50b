"""Lines of files as people and models write them down: `a.py:10-20`, `a.py#L10-L20`, "`a.py` lines 10–20", …"""

import ast
import re
from dataclasses import dataclass
from typing import Any

Range = tuple[int, int]

_CHARS = r"\w./@+~$%=&!-"
_PATH = rf"[{_CHARS}]{{1,400}}"
_KEYS = {
    "path": ("path", "file", "file_path", "filename", "filepath"),
    "first": ("first", "start", "start_line", "first_line", "line_start", "line", "lines", "from"),
    "last": ("last", "end", "end_line", "last_line", "line_end", "to"),
    "quote": ("quote", "text", "snippet", "quoted"),
}
_MAX_ENTRY = 4_000  # characters of one entry that are looked at


def _range(name: str) -> str:
    """Pattern of `10-20`, `L10-L20`, `10`; groups `<name>1` and `<name>2`."""
    return rf"[Ll]?(?P<{name}1>\d{{1,9}})(?!\d)(?:[-–—][Ll]?(?P<{name}2>\d{{1,9}})(?!\d))?"


def _spoken(name: str) -> str:
    """Pattern of "lines 10 to 20", "line 10"."""
    between = r"\s?(?:-|–|—|to|through|and)\s?"
    last = rf"(?:{between}[Ll]?(?P<{name}2>\d{{1,9}})(?!\d))?"
    return rf"(?P<{name}_at>[Ll])ines?\s{{1,2}}[Ll]?(?P<{name}1>\d{{1,9}})(?!\d){last}"


def _more(name: str) -> str:
    return rf"(?P<{name}>(?:,\s?\d{{1,9}}[-–—]\d{{1,9}}(?!\d))*)"


_MENTION = re.compile(
    rf"(?<!`)`(?P<a>[^`\n]{{1,400}}?)[:#]{_range('a')}{_more('a_more')}`"
    rf"|(?<![{_CHARS}])(?P<b>{_PATH})`{{0,2}}[:#]{_range('b')}{_more('b_more')}"
    rf"|(?<![{_CHARS}])(?P<c>{_PATH})`{{0,2}},?\s{{0,2}}\(?{_spoken('c')}\)?"
    rf"|(?<!\w){_spoken('d')}(?:,?\s(?:of|in|from)\s`{{0,2}}(?P<d>{_PATH})`{{0,2}})?"
)
_ENTRY = re.compile(rf"(?P<path>.*?)[:#]{_range('n')}", re.DOTALL)
_QUOTED_ENTRY = re.compile(
    rf"(?P<path>.*?)`?[:#]{_range('n')}`?\s*[:,–—-]?\s*[\"“'`](?P<quote>.+)[\"”'`]\s*", re.DOTALL
)
_LINES_ENTRY = re.compile(_range("n"))
_FILE_NAME = re.compile(r".*[./`].*|[A-Z]\w*file|[A-Z]{4,}", re.DOTALL)
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})([^\n]*)")


@dataclass(frozen=True)
class Mention:
    """`text[start:end]` names lines of a file. `path` is "" where it names only lines.

    `quoted` tells that it stands in a code block, where it may be part of what is quoted.
    """

    start: int
    end: int
    path: str
    ranges: tuple[Range, ...]
    quoted: bool


@dataclass(frozen=True)
class Entry:
    """One entry of a list of citations. `lines` is None where it names a whole file."""

    path: str
    lines: Range | None
    quote: str | None = None


def find_mentions(text: str) -> list[Mention]:
    """Where a markdown text names lines, in order, in time linear in the text.

    Of a code block only its opening line and the first line in it are looked at: the rest is quotation.
    """
    blocks = _code_blocks(text)
    found = []
    at = 0
    for match in _MENTION.finditer(text):
        while at < len(blocks) and blocks[at][2] <= match.start():
            at += 1
        quoted = at < len(blocks) and blocks[at][0] <= match.start()
        if quoted and match.start() >= blocks[at][1]:
            continue
        kind = next(kind for kind in "abcd" if match[kind + "1"])
        ranges = [_ordered(match[kind + "1"], match[kind + "2"])]
        if kind in "ab":
            ranges += [_ordered(*pair) for pair in re.findall(r"(\d+)[-–—](\d+)", match[kind + "_more"])]
        path, start, end = match[kind] or "", match.start(), match.end()
        if kind == "c" and not _FILE_NAME.fullmatch(text[start : match.start("c_at")]):
            path, start = "", match.start("c_at")  # "see lines 3-5"
        if not quoted:
            start, end = _with_markup(text, start, end)
        found.append(Mention(start, end, path, tuple(ranges), quoted))
    return found


def read_entry(entry: str) -> list[Entry]:
    """What one entry of a list of citations names: at least one thing, since none is to be lost silently."""
    if len(entry) > _MAX_ENTRY:
        entry = entry[:_MAX_ENTRY]
    text = entry.strip()
    if text.startswith("{") and (read := _read_object(text)):
        return [read]
    if match := _ENTRY.fullmatch(entry):
        return [Entry(match["path"], _ordered(match["n1"], match["n2"]))]
    if match := _LINES_ENTRY.fullmatch(text):
        return [Entry("", _ordered(match["n1"], match["n2"]))]
    if match := _QUOTED_ENTRY.fullmatch(entry):
        return [Entry(match["path"], _ordered(match["n1"], match["n2"]), match["quote"])]
    named = [Entry(mention.path, lines) for mention in find_mentions(text) for lines in mention.ranges]
    return named or [Entry(entry, None)]


def _read_object(text: str) -> Entry | None:
    """An entry that a model wrote as a JSON object or a Python dict."""
    try:
        value: Any = ast.literal_eval(text.replace(": null", ": None"))
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return None
    if not isinstance(value, dict):
        return None
    fields = {name: next((value[key] for key in keys if key in value), None) for name, keys in _KEYS.items()}
    path, quote = fields["path"], fields["quote"]
    if not isinstance(path, str):
        return None
    numbers = re.findall(r"\d{1,9}", f"{fields['first']} {fields['last']}"[:100])
    lines = _ordered(numbers[0], numbers[1] if len(numbers) > 1 else None) if numbers else None
    if lines is None and (inside := _ENTRY.fullmatch(path)):
        path, lines = inside["path"], _ordered(inside["n1"], inside["n2"])
    return Entry(path, lines, quote if isinstance(quote, str) and quote.strip() else None)


def _ordered(first: str, last: str | None) -> Range:
    low, high = int(first), int(last or first)
    return (low, high) if low <= high else (high, low)


def bare(path: str) -> str:
    """The path of an entry without list marks and quotes around it."""
    return re.sub(r"^\s*[-*•]\s+", "", path).strip().strip("`\"'“”<>[]").strip()


def _with_markup(text: str, start: int, end: int) -> tuple[int, int]:
    """The stretch of a mention together with the backquotes, the link or the address scheme around it."""
    if text[max(start - 6, 0) : start] in ("https:", "/http:", " http:", "(http:"):
        start -= 6 if text[start - 6] == "h" else 5
    ticks = 0
    while start > 0 and text[start - 1] == "`" and ticks < 2:
        start, ticks = start - 1, ticks + 1
    while end < len(text) and text[end] == "`" and ticks:
        end, ticks = end + 1, ticks - 1
    if text[max(start - 2, 0) : start] == "](" and text[end : end + 1] == ")":
        opening = text.rfind("[", max(start - 300, 0), start - 2)
        if opening >= 0 and "\n" not in text[opening:start]:
            return opening, end + 1
    return start, end


def _code_blocks(text: str) -> list[tuple[int, int, int]]:
    """Fenced blocks as (start, end of the first line in it, end), in characters."""
    blocks = []
    open_at, first_line, mark = -1, -1, ""
    position = 0
    for line in text.splitlines(keepends=True):
        after = position + len(line)
        match = _FENCE.match(line)
        if open_at < 0 and match and not (match[1][0] == "`" and "`" in match[2]):
            open_at, first_line, mark = position, -1, match[1]
        elif open_at >= 0 and match and match[1].startswith(mark) and not match[2].strip():
            blocks.append((open_at, first_line if first_line >= 0 else after, after))
            open_at = -1
        elif open_at >= 0 and first_line < 0:
            first_line = after
        position = after
    if open_at >= 0:
        blocks.append((open_at, first_line if first_line >= 0 else position, position))
    return blocks
