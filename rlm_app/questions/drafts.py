"""A question in the making: cheap to find, and worked out only when its turn comes."""

import hashlib
import posixpath
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from rlm_app.questions.facts import Lines

WRONG = 3
_SPARE = 3  # wrong choices beyond those needed, so that not always the very nearest are taken


@dataclass(frozen=True, slots=True)
class Worked:
    """A question with its one right choice, and three to six others that are checked to be wrong.

    `fact` is what is learned in the end: two questions that come to the same one are much alike.
    """

    text: str
    right: str
    wrong: tuple[str, ...]
    evidence: tuple[Lines, ...]
    fact: str


@dataclass(frozen=True, slots=True)
class Draft:
    """What could be asked about `subject`, which stands in the file `path`.

    `work` gives None where the question would be ambiguous, would give its answer away, or lacks wrong choices.
    """

    kind: str
    subject: str
    path: str
    language: str
    work: Callable[[], Worked | None]


def rank(seed: int | str, *what: str) -> bytes:
    """A place in an order that looks random, and is the same on every machine and Python version."""
    return hashlib.blake2b("\0".join((str(seed), *what)).encode(), digest_size=8).digest()


def choose_wrong(seed: int | str, subject: str, wrong: Iterable[str]) -> tuple[str, ...]:
    """Three of the wrong choices."""
    return tuple(sorted(wrong, key=lambda one: rank(seed, subject, one))[:WRONG])


def worked(text: str, right: str, wrong: Iterable[str], evidence: Iterable[Lines], fact: str = "") -> Worked | None:
    """The question, or None where fewer than three distinct wrong choices are left. Takes no more than it needs.

    Without a `fact` it is the last piece of evidence.
    """
    others: dict[str, None] = {}
    for one in wrong:
        if one != right:
            others[one] = None
        if len(others) == WRONG + _SPARE:
            break
    if len(others) < WRONG:
        return None
    proof = tuple(dict.fromkeys(evidence))
    return Worked(text, right, tuple(others), proof, fact or str(proof[-1]))


def words(name: str) -> set[str]:
    """`HTTPServer_for` as {"http", "server", "for"}; what is left of plural and tense is cut to six letters."""
    return {part.lower()[:6] for part in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name)}


def gives_away(name: str, path: str) -> bool:
    """Whether a name already tells its file: they share a word of three letters or more."""
    stem = posixpath.basename(path).partition(".")[0]
    folder = posixpath.basename(posixpath.dirname(path))
    own = {word for word in words(name) if len(word) > 2}
    squeezed, told = re.sub(r"\W|_", "", name).lower(), stem.replace("_", "").lower()
    if len(told) > 2 and told in squeezed:
        return True
    return bool(own & words(stem)) or (stem in ("__init__", "index", "mod") and bool(own & words(folder)))
