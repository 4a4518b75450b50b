"""What does this constant evaluate to."""

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import count, islice
from typing import Any

from rlm_app.questions.codebase import Codebase
from rlm_app.questions.drafts import Draft, Worked, rank, words, worked
from rlm_app.questions.facts import Constant, File, Lines
from rlm_app.questions.values import Unknown, Value, evaluate, shown

_FILES = 12
_DEPTH = 4
_NAMES = 16  # in one expression: with a depth of 4 a few may stand for millions, and nobody would follow more
_ENOUGH = 9  # values to choose wrong ones from


@dataclass(frozen=True, slots=True)
class Known:
    """A value, how it reads as a choice, the file that writes it, and what else one must read to know it."""

    value: Value
    text: str
    path: str
    trail: tuple[Lines, ...] = ()


def known(code: Codebase, file: File, node: ast.expr, depth: int = 0) -> Known | None:
    """The value of an expression in a file, following names to constants of this and other files."""
    trail: list[Lines] = []
    asked = count(1)

    def lookup(name: str) -> Value:
        found = code.resolve(file, name) if depth < _DEPTH and next(asked) <= _NAMES else None
        holder = code.file(found.path) if found else None
        constant = holder.constants.get(found.name) if holder and found else None
        if not constant or not holder or not found or not _is_fixed(code, holder, constant):
            raise Unknown
        inner = known(code, holder, constant.value, depth + 1)
        if inner is None:
            raise Unknown
        trail.extend([*found.trail, constant.at, *inner.trail])
        return inner.value

    try:
        value = evaluate(node, lookup)
        text = shown(value, file.language)
    except (Unknown, RecursionError):
        return None
    return Known(value, f"`{text}`", file.path, tuple(trail)) if text is not None and "`" not in text else None


def _is_fixed(code: Codebase, file: File, one: Constant) -> bool:
    """Whether nothing seems to set the constant from another place."""
    return one.name not in code.names(file.language).set_from_afar


def constants(code: Codebase, file: File) -> Iterator[Draft]:
    """Of constants of a file, save flags and what is empty."""
    for one in file.constants.values():
        if not is_dull(one.value) and _is_fixed(code, file, one):
            work = partial(_constant, code, file, one)
            yield Draft("constant", f"{file.path}:{one.name}", file.path, file.language, work)


def is_dull(node: ast.expr) -> bool:
    """Truth values, nothing, and 0 or 1: there are no plausible others, or one guesses right."""
    return isinstance(node, ast.Constant) and (isinstance(node.value, bool) or node.value in (None, "", b"", 0, 1, ...))


def _constant(code: Codebase, file: File, one: Constant) -> Worked | None:
    right = known(code, file, one.value)
    if right is None or _tells_itself(one.name, right.value):
        return None
    text = f"What is the value of the constant `{one.name}` in `{file.path}`?"
    return worked(text, right.text, tempting(code, file, right, _others(code, file, one)), [one.at, *right.trail])


def _tells_itself(name: str, value: Value) -> bool:
    """Whether a name spells its own value, as `PENDING = "PENDING"` does."""
    own, said = (re.sub(r"\W|_", "", str(text)).lower() for text in (name, value))
    return isinstance(value, str) and (not said or said in own or own in said or bool(words(name) & words(value)))


def _others(code: Codebase, file: File, one: Constant) -> Iterator[Known]:
    """Values of other constants: of the same file, then of files near by."""
    for other in files_near(code, file, one.name):
        found = [each for each in other.constants.values() if each.at != one.at]
        for each in sorted(found, key=lambda each: (abs(each.at.first - one.at.first), each.name))[:12]:
            if value := known(code, other, each.value):
                yield value


def files_near(code: Codebase, file: File, salt: str) -> Iterator[File]:
    """The file itself, then some of the same language, nearest first."""
    yield file
    for path in islice(code.neighbours(file.path, salt), _FILES):
        if other := code.file(path):
            yield other


def tempting(code: Codebase, file: File, right: Known, others: Iterable[Known]) -> list[str]:
    """Values of the same type as the right one and none equal to it; then numbers that a slip would give."""
    same: dict[Any, Known] = {}
    for other in others:
        if type(other.value) is type(right.value) and other.value != right.value:
            same.setdefault(other.value, other)
            if len(same) == _ENOUGH:
                break
    order = sorted(same.values(), key=lambda one: (_strangeness(right.value, one.value), one.path != file.path))
    wrong = [other.text for other in order]
    if isinstance(right.value, int) and not isinstance(right.value, bool):
        near = sorted(_slips(right.value), key=lambda value: rank(right.text, str(value)))
        wrong += [f"`{value}`" for value in near]
    return wrong


def _strangeness(right: Value, other: Value) -> int:
    """How much another value stands out beside the right one, by length or size."""
    if isinstance(right, int | float) and isinstance(other, int | float):
        return abs(len(str(abs(right))) - len(str(abs(other))))
    return abs(len(repr(right)) - len(repr(other))) // 4


def _slips(value: int) -> list[int]:
    return [one for one in (value * 2, value // 2, value + 1, value - 1, value * 10, value + 2) if one != value]
