"""Which class overrides this method; where is what it overrides; what does the base derive from."""

from collections.abc import Iterator
from functools import partial
from itertools import islice

from rlm_app.questions.codebase import Codebase
from rlm_app.questions.drafts import Draft, Worked, gives_away, rank, worked
from rlm_app.questions.facts import Class, File, Lines

_FILES = 12


def _label(one: Class) -> str:
    return f"`{one.name}` in `{one.at.path}`"


def _methods(one: Class) -> Iterator[str]:
    """Methods of a class that it surely defines as such."""
    return (name for name, line in one.members.items() if line and not name.startswith("__"))


def _definers(code: Codebase, one: Class, method: str) -> list[tuple[Class, tuple[Lines, ...]]] | None:
    """The classes above `one` that bind a method, nearest first; None where there may be others."""
    above = code.ancestry(one.at.path, one.name)
    if above is None:
        return None
    return [(other, trail) for other, trail in above.classes if method in other.members]


def overrides(code: Codebase, file: File) -> Iterator[Draft]:
    """Of each class that defines anew a method of a class above it."""
    if file.language == "Python":
        for one in file.classes.values():
            if one.sole and one.bases:
                for method in _methods(one):
                    work = partial(_override, code, file, one, method)
                    yield Draft("override", f"{file.path}:{one.name}.{method}", file.path, file.language, work)


def _override(code: Codebase, file: File, one: Class, method: str) -> Worked | None:
    """Wrong are heirs that do not have the method of their own, and classes that have it but do not derive."""
    definers = _definers(code, one, method)
    if not definers or not definers[0][0].members[method]:
        return None
    base, trail = definers[0]
    text = (
        f"Which of these classes derives from `{base.name}` (in `{base.at.path}`), directly or through other classes, "
        f"and defines the method `{method}` in its own body?"
    )
    wrong = [_label(other) for other in _not_overriding(code, one, base, method)]
    line = Lines(file.path, one.members[method], one.members[method])
    head = Lines(file.path, one.at.first, one.at.first)
    return worked(text, _label(one), wrong, [head, line, *trail, base.at])


def _not_overriding(code: Codebase, one: Class, base: Class, method: str) -> list[Class]:
    """Heirs, and classes with a method of that name; none at all where those are fewer than two."""
    near = [one.at.path, *islice(code.neighbours(one.at.path, method), _FILES)]
    files = [file for path in near if (file := code.file(path))]
    others = {other.at: other for file in files for other in file.classes.values() if other.sole and other.bases}
    heirs = {heir.at: heir for _, heir in code.heirs(base.name)}
    candidates = [other for other in (heirs | others).values() if other.at != one.at]
    candidates.sort(key=lambda other: (other.at.path != one.at.path, rank(method, other.at.path, other.name)))
    wrong = [other for other in candidates if _certainly_not(code, other, base, method)]
    related = [other for other in wrong if other.at in heirs]
    namesakes = [other for other in wrong if other.at not in heirs and method in other.members]
    tempting = [*related[:4], *namesakes[: max(6 - len(related), 2)]]
    rest = [other for other in wrong if other not in tempting]
    return [*tempting, *rest[: max(3 - len(tempting), 0)]] if len(tempting) >= 2 else []


def _certainly_not(code: Codebase, one: Class, base: Class, method: str) -> bool:
    """Whether a class is no right choice, even to a reader who counts what it inherits from its other bases."""
    above = code.ancestry(one.at.path, one.name)
    if above is None or one.at == base.at:
        return False
    if base.at not in {other.at for other, _ in above.classes}:
        return True
    own = code.ancestry(base.at.path, base.name)
    shared = {other.at for other, _ in own.classes} | {base.at} if own else {base.at}
    between = [one, *(other for other, _ in above.classes if other.at not in shared)]
    return not above.outside and all(method not in other.members for other in between)


def inherited(code: Codebase, file: File) -> Iterator[Draft]:
    """Two files: of each method that overrides one from another file."""
    if file.language == "Python":
        for one in file.classes.values():
            if one.sole and one.bases and any(base.partition(".")[0] in file.names for base in one.bases):
                for method in _methods(one):
                    work = partial(_inherited, code, file, one, method)
                    yield Draft("inherited", f"{file.path}:{one.name}.{method}", file.path, file.language, work)


def _inherited(code: Codebase, file: File, one: Class, method: str) -> Worked | None:
    """Wrong are files none of whose classes is above the class; those with a method of that name come first."""
    above = code.ancestry(file.path, one.name)
    definers = _definers(code, one, method)
    if above is None or above.outside or definers is None or len({other.at for other, _ in definers}) != 1:
        return None
    base, trail = definers[0]
    if base.at.path == file.path or not base.members[method] or gives_away(one.name, base.at.path):
        return None
    if any(gives_away(name.rpartition(".")[2], base.at.path) for name in one.bases or ()):
        return None
    lineage = {other.at.path for other, _ in above.classes if other.at == base.at}
    near = [path for path in islice(code.neighbours(base.at.path, one.name), 60) if path not in {*lineage, file.path}]
    telling = f"def {method}("
    wrong = [path for path in near if telling in code.text(path)][:5]
    text = (
        f"The method `{method}` of the class `{one.name}` in `{file.path}` overrides a method that the class "
        "inherits. In which file is the overridden method defined?"
    )
    line = Lines(file.path, one.members[method], one.members[method])
    defined = Lines(base.at.path, base.members[method], base.members[method])
    head = Lines(file.path, one.at.first, one.at.first)
    return worked(text, base.at.path, [*wrong, *near], [head, line, *trail, defined])


def ancestors(code: Codebase, file: File) -> Iterator[Draft]:
    """Two hops: of each class with one base that itself has one base."""
    if file.language == "Python":
        for one in file.classes.values():
            if one.sole and one.bases and len(one.bases) == 1:
                work = partial(_ancestor, code, file, one)
                yield Draft("ancestor", f"{file.path}:{one.name}", file.path, file.language, work)


def _ancestor(code: Codebase, file: File, one: Class) -> Worked | None:
    """Wrong are other classes that one meets on the way: the base itself, its siblings, its neighbours."""
    base, base_trail = _only_base(code, one)
    top, top_trail = _only_base(code, base) if base else (None, ())
    if not base or not top or base.at.path == file.path == top.at.path:
        return None
    higher = code.ancestry(top.at.path, top.name)
    if higher is None:
        return None
    siblings = [other for _, other in code.heirs(top.name) if other.at not in (base.at, one.at)]
    candidates = [base, *(other for other, _ in higher.classes), *siblings[:3]]
    for path in dict.fromkeys((top.at.path, base.at.path, file.path)):
        near = code.file(path)
        candidates += [other for other in (near.classes.values() if near else ()) if other.sole and other.bases]
    wrong = [_label(other) for other in candidates if other.at not in (top.at, one.at)]
    text = f"The class `{one.name}` in `{file.path}` has one base class. Which class is the direct base of that base?"
    ends = (one.at, base.at, top.at)
    heads = [Lines(at.path, at.first, at.first) for at in ends]
    return worked(text, _label(top), wrong, [heads[0], *base_trail, heads[1], *top_trail, heads[2]])


def _only_base(code: Codebase, one: Class) -> tuple[Class | None, tuple[Lines, ...]]:
    file = code.file(one.at.path)
    if not file or not one.bases or len(one.bases) != 1 or code.ancestry(one.at.path, one.name) is None:
        return None, ()
    found = code.resolve(file, one.bases[0])
    return code.class_(found), found.trail if found else ()
