"""The helpers a model finds in its REPL: six functions over lines and paths that never touch a disk.

This source runs inside the sandbox (see `toolkit.source`), so it keeps to what every sandbox can run. `_lines` and
`_index` are bound there. Errors are worded for the model that reads them.
"""

import re

from rlm_app.definitions import find_definitions

_lines: list[str] = []
_index: list[list[str | int]] = []
_spans: dict[str, tuple[int, int]] = {}
_WIDTH = 240  # characters of a line shown by grep and outline
_ROWS = 400  # rows shown by tree and outline
_META = re.compile(r"[.^$*+?{}\[\]\\|()]")


def files(glob: str = "**") -> list[str]:
    """Paths that match, in path order. `*` stays in a folder, `**` spans folders.

    A glob without "/" is matched with file names in any folder (`*.py`); a folder stands for all below it.
    """
    glob = glob.strip().removeprefix("./").removeprefix("/")
    if glob in ("", "**", "*", "**/*", "."):
        return list(_spans)
    below = glob.rstrip("/") + "/"
    pattern = re.compile(_glob_regex(glob if "/" in glob else "**/" + glob))
    return [path for path in _spans if path == glob or path.startswith(below) or pattern.match(path)]


def tree(path: str = "", depth: int = 2) -> str:
    """Folders and files below a folder with their line counts, `depth` levels down."""
    top = path.strip().removeprefix("./").strip("/")
    prefix = top + "/" if top and top != "." else ""
    sizes: dict[str, list[int]] = {}
    for name, span in _spans.items():
        if name.startswith(prefix):
            parts = name[len(prefix) :].split("/")
            shown = "/".join(parts[:depth]) + ("/" if len(parts) > depth else "")
            size = sizes.setdefault(shown, [0, 0])
            size[0] += 1
            size[1] += span[1]
    if not sizes:
        raise ValueError("no folder " + repr(path) + "; " + _nearest(path))
    rows: list[str] = []
    above: list[str] = []
    for shown in sizes:
        parts = shown.rstrip("/").split("/")
        for at in range(len(parts) - 1):
            if above[: at + 1] != parts[: at + 1]:
                rows.append("  " * at + parts[at] + "/")
        above = parts[:-1]
        count, lines = sizes[shown]
        inside = f"/  {count:,} files, " if shown.endswith("/") else "  "
        rows.append("  " * (len(parts) - 1) + parts[-1] + inside + f"{lines:,} lines")
    return _capped(rows, "rows; name a folder or a smaller depth")


def read(path: str, first: int = 1, last: int | None = None, numbered: bool = True) -> str:
    """Lines `first` to `last` of a file (from 1, both included), each with its number unless `numbered` is False."""
    path = _resolve(path)
    start, count = _spans[path]
    first = max(first, 1)
    last = count if last is None else min(last, count)
    if count and first > count:
        raise ValueError(f"{path} has {count:,} lines; line {first:,} is past its end")
    if last < first and count:
        raise ValueError(f"first is {first:,} but last is {last:,}")
    rows = [line.rstrip("\r") for line in _lines[start + first - 1 : start + last]]
    if not numbered:
        return "\n".join(rows)
    width = len(str(last))
    rows = [f"{first + at:>{width}}  {rows[at]}" for at in range(len(rows))]
    if last < count:
        rows.append(f"(lines {last + 1:,} to {count:,} of {path} follow)")
    return "\n".join(rows)


def grep(
    pattern: str, path_glob: str = "**", ignore_case: bool = False, max_results: int = 100, context: int = 0
) -> str:
    """Lines that a regular expression matches, as `path:line: text`, with `context` lines around each.

    Every match is counted; the first `max_results` are shown.
    """
    try:
        search = re.compile(pattern, re.IGNORECASE) if ignore_case else re.compile(pattern)
    except Exception as error:
        raise ValueError(f"bad regular expression {pattern!r}: {error}. re.escape() makes a text literal.") from None
    paths = files(path_glob)
    literal = _literal(pattern) if not ignore_case else ""
    plain = literal == pattern
    rows: list[str] = []
    total = 0
    in_files = 0
    for path in paths:
        lines = _file_lines(path)
        hits = [line for line in lines if literal in line] if literal else lines
        hits = hits if plain else [line for line in hits if search.search(line)]
        at = -1
        for line in hits[: max(max_results - total, 0)]:
            at = lines.index(line, at + 1)  # lines equal to it are hits too, so this is the next one
            match = search.search(line)
            rows.extend(_around(path, at, context, match.start() if match else 0))
        total += len(hits)
        in_files += 1 if hits else 0
    if not total:
        return f"(no match for {pattern!r} in {len(paths):,} files)"
    if total > max_results:
        rows.append(f"(first {max_results:,} of {total:,} matches in {in_files:,} files)")
    return "\n".join(rows)


def outline(path: str) -> str:
    """Definitions of a file (headings of a document) as `first-last  source line`."""
    path = _resolve(path)
    start = _spans[path][0]
    rows = [f"{first}-{last}" for first, last, _ in find_definitions(path, _file_lines(path))]
    width = max([len(row) for row in rows], default=0)
    texts = [_lines[start + int(row.split("-")[0]) - 1].rstrip()[:_WIDTH] for row in rows]
    if not rows:
        return f"(no definitions found in {path}, {_spans[path][1]:,} lines)"
    return _capped([f"{rows[at]:<{width}}  {texts[at]}" for at in range(len(rows))], "definitions")


def definitions(path: str) -> list[tuple[int, int, str]]:
    """The same for programs: (first line, last line, qualified name) of each definition."""
    path = _resolve(path)
    return find_definitions(path, _file_lines(path))


def _file_lines(path: str) -> list[str]:
    start, count = _spans[path]
    return _lines[start : start + count]


def _around(path: str, at: int, context: int, column: int) -> list[str]:
    """A matching line as grep shows it, with its neighbours where asked for."""
    start, count = _spans[path]
    if not context:
        return [f"{path}:{at + 1}: {_cut(_lines[start + at], column)}"]
    rows = []
    for near in range(max(at - context, 0), min(at + context + 1, count)):
        mark = ":" if near == at else "-"
        rows.append(f"{path}{mark}{near + 1}{mark} {_cut(_lines[start + near], column if near == at else -1)}")
    return [*rows, "--"]


def _cut(line: str, column: int) -> str:
    """A line without its end, shortened around `column` when it is long."""
    if len(line) <= _WIDTH:
        return line.rstrip()
    begin = max(column - _WIDTH // 2, 0)
    return ("…" if begin else "") + line[begin : begin + _WIDTH].rstrip() + f"… ({len(line):,} characters)"


def _capped(rows: list[str], what: str) -> str:
    if len(rows) <= _ROWS:
        return "\n".join(rows)
    return "\n".join([*rows[:_ROWS], f"(first {_ROWS:,} of {len(rows):,} {what})"])


def _literal(pattern: str) -> str:
    """Text that every match must hold, to look for before the expression: "" where none is plain to see."""
    text = pattern.replace("\\b", "").removeprefix("^").removesuffix("$")
    return "" if _META.search(text) else text


def _glob_regex(glob: str) -> str:
    """A regular expression for a whole path. Knows `**`, `*`, `?`, `[…]` and `{a,b}`."""
    out = ""
    at = 0
    depth = 0
    while at < len(glob):
        char = glob[at]
        if glob.startswith("**/", at):
            out, at = out + "(?:.*/)?", at + 3
            continue
        if glob.startswith("**", at):
            out, at = out + ".*", at + 2
            continue
        end = glob.find("]", at + 2) if char == "[" else -1
        if end > 0:
            inside = glob[at + 1 : end].replace("\\", "\\\\").replace("[", "\\[")
            out, at = out + "[" + ("^" + inside[1:] if inside[0] == "!" else inside) + "]", end + 1
            continue
        if char == "{" and "}" in glob[at:]:
            out, depth = out + "(?:", depth + 1
        elif char == "}" and depth:
            out, depth = out + ")", depth - 1
        elif char == "," and depth:
            out += "|"
        else:
            out += "[^/]*" if char == "*" else "[^/]" if char == "?" else re.escape(char)
        at += 1
    return "^" + out + "$"


def _resolve(path: str) -> str:
    """The path as it is in the index; a leading `./` and missing leading folders are forgiven when it stays clear."""
    if path in _spans:
        return path
    if len(_spans) == 1 and path in ("", "context", "."):
        return next(iter(_spans))
    wanted = path.strip().removeprefix("./").strip("/")
    if wanted in _spans:
        return wanted
    ending = [name for name in _spans if wanted and name.endswith("/" + wanted)]
    if len(ending) == 1:
        return ending[0]
    if ending:
        raise ValueError(f"{path!r} may be any of " + ", ".join(ending[:8]))
    raise ValueError(f"no file {path!r}; " + _nearest(wanted))


def _nearest(wanted: str) -> str:
    """The paths most like `wanted` by shared three-letter pieces, as a hint."""
    pieces = {wanted[at : at + 3].lower() for at in range(len(wanted) - 2)}
    name = wanted.rpartition("/")[2].lower()
    scored = []
    for path in _spans:
        lower = path.lower()
        score = sum([piece in lower for piece in pieces]) + (10 if lower.endswith("/" + name) or lower == name else 0)
        if score:
            scored.append((-score, len(path), path))
    scored.sort()
    if not scored:
        return "files() lists all " + f"{len(_spans):,}"
    return "nearest: " + ", ".join([row[2] for row in scored[:5]])
