"""Path patterns as one compiled expression each set, matched in time linear in the path."""

import re
from collections.abc import Iterable

_MAX_ALTERNATIVES = 64
_BRACES = re.compile(r"\{([^{}/]*,[^{}/]*)\}")


def compile_globs(patterns: Iterable[str]) -> re.Pattern[str] | None:
    """One expression whose `match` says whether any pattern fits a whole path; None without patterns.

    `*`, `?` and `[a-z]` stay within one folder, `**` spans folders, `{py,md}` gives alternatives. A pattern without
    an inner slash fits at any depth, as in a `.gitignore`; a leading slash ties it to the root. A pattern that ends
    in a plain name or a slash also takes all that lies beneath a folder of that name.
    """
    alternatives = [
        _translate(single) for pattern in patterns if pattern.strip("/ ") for single in _expand(pattern.strip())
    ]
    return re.compile("|".join(alternatives), re.DOTALL) if alternatives else None


def _expand(pattern: str) -> list[str]:
    """`a.{py,md}` as `a.py` and `a.md`, up to a bound past which braces are taken literally."""
    done: list[str] = []
    waiting = [pattern]
    while waiting:
        current = waiting.pop()
        braces = _BRACES.search(current)
        if braces is None or len(done) + len(waiting) > _MAX_ALTERNATIVES:
            done.append(current)
        else:
            waiting += [current[: braces.start()] + part + current[braces.end() :] for part in braces[1].split(",")]
    return done


def _translate(pattern: str) -> str:
    beneath = pattern.endswith("/")
    segments = [segment for segment in pattern.split("/") if segment]
    if not pattern.startswith("/") and len(segments) == 1:
        segments.insert(0, "**")
    if segments[-1] == "**":
        tail = ".+"
        segments.pop()
    else:
        tail = "(?:/.+)?" if beneath or not re.search(r"[*?\[]", segments[-1]) else ""
    stretches: list[list[str]] = [[]]
    for segment in segments:
        if segment == "**":
            if stretches[-1] or len(stretches) == 1:
                stretches.append([])
        else:
            stretches[-1].append(_segment(segment))
    return _join(stretches, tail) + r"\Z"


def _join(stretches: list[list[str]], tail: str) -> str:
    """Runs of segments with any folders between them.

    All but the last run are atomic: what follows is free to begin anywhere, so the earliest fit is as good as any,
    and giving it up again could only cost time.
    """
    whole = "".join(f"{segment}/" for segment in stretches[0])
    for number, stretch in enumerate(stretches[1:], 1):
        run = "".join(f"{segment}/" for segment in stretch)
        if number < len(stretches) - 1:
            whole += f"(?>(?:[^/]+/)*?{run})"
        elif run:
            whole += f"(?:[^/]+/)*{run}"
        else:
            whole += "(?:[^/]+/)*?"
    return whole + tail if tail == ".+" else whole.removesuffix("/") + tail


def _segment(segment: str) -> str:
    """One name of a path; stars but the last are atomic for the same reason."""
    parts = [_literal(part) for part in re.split(r"\*+", segment)]
    if len(parts) == 1:
        return parts[0]
    middle = "".join(f"(?>[^/]*?{part})" for part in parts[1:-1] if part)
    return f"{parts[0]}{middle}[^/]*{parts[-1]}"


def _literal(text: str) -> str:
    """Text without stars: `?` and `[…]` mean one character, all else itself."""

    def translate(found: re.Match[str]) -> str:
        if found[0] == "?":
            return "[^/]"
        if found[1] is None:
            return re.escape(found[0])
        inner = re.sub(r"([\\\[\]&~|^])", r"\\\1", found[1].removeprefix("!"))
        return f"(?!/)[{'^' if found[1].startswith('!') else ''}{inner}]"

    return re.sub(r"\?|\[(!?[^\[\]/]+)\]|[^?\[]+|\[", translate, text, flags=re.DOTALL)
