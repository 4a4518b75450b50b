"""Where names are bound, told from the text of a whole corpus without parsing it.

This second look is coarser than the parsers' on purpose: it errs towards more bindings, and each one too many only
drops a question.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

_ASSIGNED = r"^[ \t]*([\w.$]+(?:[ \t]*,[ \t]*[\w.$]+)*)[ \t]*(?::[^=\n(]*)?=(?![=>])"
_BINDERS = {
    "Python": [
        r"(?:def|class)[ \t]+(\w+)",
        r"[ \t](?:as|global|nonlocal)[ \t]+(\w+(?:[ \t]*,[ \t]*\w+)*)",
        rf"(?m){_ASSIGNED}",
        r"[ \t(\[](\w+)[ \t]*:=",
    ],
    "ECMA": [
        r"\b(?:function\s*\*?|class|interface|enum|type|namespace|const|let|var|get|set|async|as)\s+([\w$]+)",
        rf"(?m){_ASSIGNED}",
        r"(?m)^\s+(?:static |private |public |protected |readonly |async )*([\w$]+)\s*(?:<[^>\n]*>)?\([^\n;]*\{\s*$",
    ],
    "Go": [
        r"(?m)^func\s*(?:\([^)]*\)\s*)?(\w+)",
        r"\b(?:type|var|const)\s+(\w+)",
        r"(?m)^\t(\w+)\b[^\n(:]*=",
        r"(?m)^[ \t]*(?:\w+[ \t]+)?([\w, ]+?)\s*:=",
    ],
    "Rust": [r"\b(?:fn|struct|enum|trait|union|type|mod|const|static|let|as|macro_rules!)\s+(?:mut\s+)?(\w+)"],
    "Java": [
        r"\b(?:class|interface|enum|record)\s+(\w+)",
        r"(?<![\w.])(?!(?:return|throw|new|else|case|assert|yield)\b)[\w>\]?]+\s+(\w+)\s*(?:\(|=(?!=))",
    ],
}
_SET_FROM_AFAR = [r"\.(\w+)[ \t]*=(?!=)", r"setattr\([^,\n]*,[ \t]*['\"](\w+)['\"]"]
_ALIASED = [r"[ \t,.({](\w+)[ \t]+as[ \t]+\w", r"(?m)=[ \t]*(?:[\w.]*\.)?(\w+)[ \t]*;?[ \t]*$"]
_CLASS = re.compile(r"^[ \t]*class[ \t]+(\w+)[ \t]*\(([^()]*(?:\([^()]*\)[^()]*)*)\)", re.MULTILINE)


def family(language: str) -> str:
    """Languages whose files use each other's names count as one."""
    return "ECMA" if language in ("JavaScript", "TypeScript") else language


@dataclass(frozen=True, slots=True)
class Names:
    """`bound`: how often each name is bound. `aliased`: names that also go by another. `heirs`: (class, its file) of
    those that seem to derive from a class of that name."""

    bound: Counter[str] = field(default_factory=Counter)
    aliased: set[str] = field(default_factory=set)
    set_from_afar: set[str] = field(default_factory=set)
    heirs: dict[str, list[tuple[str, str]]] = field(default_factory=lambda: defaultdict(list))


def scan(files: Iterable[tuple[str, str]], language: str) -> Names:
    """The names of the (path, text) of all files of one family of languages."""
    names = Names()
    for path, text in files:
        for group in _found(_BINDERS[language], text):
            names.bound.update(part.rpartition(".")[2] for part in re.split(r"[\s,]+", group))
        names.aliased.update(_found(_ALIASED, text))
        if language == "Python":
            names.set_from_afar.update(_found(_SET_FROM_AFAR, text))
            for name, bases in _CLASS.findall(text):
                for base in re.findall(r"\w+", bases):
                    names.heirs[base].append((name, path))
    return names


def _found(patterns: Iterable[str], text: str) -> Iterator[str]:
    """Several patterns are much faster than one with alternatives: each has a beginning that `re` can search for."""
    for pattern in patterns:
        yield from re.findall(pattern, text)
