"""Questions to begin with, drawn from what a codebase defines and documents. The same corpus gives the same ones."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import log

from rlm_app.codebase import Corpus, FileSpan
from rlm_app.definitions import find_definitions, language, leads_up
from rlm_app.retrieval import split_words, trust
from rlm_app.toolkit import UNNAMED, is_unnamed

_MAX_READ = 500_000  # characters of source that are looked at
_MAX_FILE = 120_000
_PARTICIPLES = {
    **{verb: verb + "ed" for verb in ("add", "load", "render", "convert", "check", "dispatch", "match", "register")},
    **{verb: verb + "ed" for verb in ("sign", "hash", "detect", "extract", "collect", "fetch", "insert", "reject")},
    **{verb: verb + "d" for verb in ("parse", "create", "validate", "compile", "resolve", "merge", "encode", "decode")},
    **{verb: verb + "d" for verb in ("handle", "serialize", "remove", "generate", "schedule", "delete", "execute")},
} | {"send": "sent", "build": "built", "find": "found", "write": "written", "read": "read", "apply": "applied"}
_NO_NOUNS = (
    " all and any args as async at by child data default for from if impl in internal into is it kwargs new of on once "
    "one only or self to type value with "
)
_DULL = " main init setup constructor default string repr equals clone wrapper inner value name "


@dataclass(frozen=True)
class _Definition:
    """Something to ask about; `weight` tells how central and how well documented it is."""

    path: str
    name: str
    is_class: bool
    weight: float

    @property
    def own_name(self) -> str:
        return self.name.rpartition(".")[2]


def suggest(corpus: Corpus, n: int = 3) -> tuple[str, ...]:
    """Up to `n` plain questions about central, documented definitions of the source, or else about its documents.

    They name what they ask about, so that retrieval can answer them too.
    """
    ranked = sorted(_definitions(corpus), key=lambda one: (-one.weight, one.path, one.name))
    questions: list[str] = []
    used: set[str] = set()
    makers = (_ask_plainly, _ask_of_function, _ask_of_class)
    for at in range(n):
        for maker in (*makers[at % 3 :], *makers[: at % 3]):
            if made := _first(ranked, maker, used):
                questions.append(made)
                break
    general = [question for question in _general(corpus) if question not in questions]
    return tuple([*questions, *general][:n])


def _first(ranked: list[_Definition], maker: Callable[[_Definition], str | None], used: set[str]) -> str | None:
    """The first question that can be made of a definition whose file and name were not asked about; noted in `used`."""
    for one in ranked:
        if one.path not in used and one.own_name not in used and (question := maker(one)):
            used.update((one.path, one.own_name))
            return question
    return None


def _ask_plainly(one: _Definition) -> str | None:
    """`register_blueprint` as "Where are blueprints registered?"; None where a name is no verb with its object."""
    verb, *nouns = [word.lower() for word in split_words(one.own_name)] or [""]
    if one.is_class or verb not in _PARTICIPLES or not 1 <= len(nouns) <= 2:
        return None
    if not all(len(noun) > 2 and noun.isalpha() and f" {noun} " not in _NO_NOUNS for noun in nouns):
        return None
    return f"Where are {' '.join([*nouns[:-1], _plural(nouns[-1])])} {_PARTICIPLES[verb]}?"


def _ask_of_function(one: _Definition) -> str | None:
    return None if one.is_class else f"Where is `{one.name}` defined and what does it do?"


def _ask_of_class(one: _Definition) -> str | None:
    return f"What is the class `{one.name}` for?" if one.is_class else None


def _plural(noun: str) -> str:
    if noun.endswith("s") and not noun.endswith("ss"):
        return noun
    if noun.endswith("y") and noun[-2] not in "aeiou":
        return noun[:-1] + "ies"
    return noun + ("es" if noun.endswith(("s", "x", "z", "ch", "sh")) else "s")


def _definitions(corpus: Corpus) -> Iterator[_Definition]:
    """Public, documented definitions of some 3 to 150 lines. Names that the source often uses weigh more."""
    files = [(span, corpus.text[span.start : span.start + min(span.chars, _MAX_FILE)]) for span in _sources(corpus)]
    uses = Counter(word for _, text in files for word in re.findall(r"[A-Za-z_]\w{3,}", text))
    for span, text in files:
        lines = text.split("\n")
        path = span.path or UNNAMED
        for first, last, name in find_definitions(path, lines):
            own = name.rpartition(".")[2]
            if not 2 <= last - first <= 150 or name.count(".") > 1 or len(own) < 4 or f" {own.lower()} " in _DULL:
                continue
            if any(part.startswith("_") for part in name.split(".")) or not name.replace(".", "").isidentifier():
                continue
            if _is_documented(lines, first):
                is_class = re.search(r"(^|\s)(class|struct|interface|trait|enum|type)\s", lines[first - 1]) is not None
                weight = log(1 + uses[own]) * (1.6 if len(split_words(own)) > 1 else 1.0)
                yield _Definition(path, name, is_class, weight)


def _sources(corpus: Corpus) -> list[FileSpan]:
    """Files of source code without tests and examples, largest first, up to some half a million characters."""
    code = [span for span in corpus.files if language(span.path) not in ("text", "markdown", "rst", "shell")]
    picked: list[FileSpan] = []
    chars = 0
    for span in sorted(code, key=lambda span: (-min(span.chars, _MAX_FILE), span.path))[:500]:
        if chars >= _MAX_READ:
            break
        if trust(span.path, "") == 1.0 or is_unnamed(corpus):
            picked.append(span)
            chars += min(span.chars, _MAX_FILE)
    return picked


def _is_documented(lines: list[str], first: int) -> bool:
    """Whether a docstring begins below a definition's line, or a comment ends above it. Properties do not count."""
    above = [line.strip() for line in lines[max(first - 3, 0) : first - 1]]
    if any(re.match(r"@.*(property|setter|overload)", line) for line in above):
        return False
    nearest = next((line for line in reversed(above) if line), "")
    if leads_up(nearest) and not nearest.startswith("@") and (len(nearest) > 15 or nearest == "*/"):
        return True
    return any(
        len(line) > 15 and line.lstrip("rbu").startswith(('"""', "'''"))
        for line in map(str.strip, lines[first : first + 8])
    )


def _general(corpus: Corpus) -> Iterator[str]:
    """Questions that fit a corpus without documented definitions: its README's headings, then its largest files."""
    readmes = [span for span in corpus.files if span.path.rpartition("/")[2].lower().startswith("readme")]
    for readme in sorted(readmes, key=lambda span: (span.path.count("/"), span.path))[:1]:
        for _, _, heading in find_definitions(readme.path, corpus.read(readme)[:_MAX_FILE].split("\n")):
            title = heading.rpartition(">")[2]
            if ">" in heading and re.fullmatch(r"[\w ,-]{4,40}", title):
                yield f"What does `{readme.path}` say about {title.lower()}?"
    for span in sorted(corpus.files, key=lambda span: (-span.chars * trust(span.path, ""), span.path)):
        if span.path.isprintable() and "`" not in span.path:
            yield f"What is in `{span.path or UNNAMED}`?"
