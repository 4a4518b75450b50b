"""Which exceptions can this function raise directly; what is the base of the one that it raises."""

import builtins
import re
from collections.abc import Iterator
from functools import partial

from rlm_app.questions.codebase import Codebase, Found
from rlm_app.questions.drafts import Draft, Worked, rank, worked
from rlm_app.questions.facts import Class, File, Function, Lines, Use
from rlm_app.questions.kinds.calls import worth_asking

_COMMON = ("ValueError", "TypeError", "RuntimeError", "KeyError", "NotImplementedError", "OSError")


def raised(code: Codebase, file: File) -> Iterator[Draft]:
    """Of each function whose every `raise` names a class."""
    if file.language == "Python" and not file.star:
        for one in file.functions.values():
            if worth_asking(one) and one.raises and one.lines >= 8:
                work = partial(_raised, code, file, one)
                yield Draft("raises", f"{file.path}:{one.name}", file.path, file.language, work)


def _raised(code: Codebase, file: File, one: Function) -> Worked | None:
    """Wrong are exceptions that no `raise` in its lines names and that are no kin of those: caught ones come first.

    At least two must be of the right one's sort, or it would stand out.
    """
    source = code.source(one.at)
    uses = {use.name: use for use in reversed(one.raises or ())}
    if len({name.rpartition(".")[2] for name in uses}) != len(uses) or "NotImplementedError" in uses:
        return None
    name = min(uses, key=lambda each: rank(one.name, each))
    raised_here = [_lineage(code, file, each) for each in uses]
    ours = code.resolve(file, name) is not None
    wrong, alike = [], 0
    for holder, each in _exceptions_near(code, file, one, name):
        shown = each.rpartition(".")[2]
        again = re.search(rf"\braise[ \t(]+(?:\w+\.)*{re.escape(shown)}\b", source)
        lineage = _lineage(code, holder, each)
        if not again and lineage and all(own and not _related(lineage, own) for own in raised_here):
            wrong.append(f"`{shown}`")
            alike += (code.resolve(holder, each) is not None) == ours
    if alike < 2:
        return None
    text = (
        f"Which of these exceptions does a `raise` statement in the body of `{one.name}` in `{file.path}` raise? "
        "What the functions it calls may raise does not count."
    )
    return worked(text, f"`{name.rpartition('.')[2]}`", wrong, [Lines(file.path, uses[name].line, uses[name].line)])


def _exceptions_near(code: Codebase, file: File, one: Function, name: str) -> list[tuple[File, str]]:
    """Exceptions and the files in which they go by that name: of the right one's sort (ours, built-in), caught ones
    first, since a choice of another sort stands out."""
    found = code.resolve(file, name)
    home = code.file(found.path) if found else None
    caught = re.findall(r"\bexcept\b[ *(]*([A-Z]\w*)", code.source(one.at))
    elsewhere = {use.name for other in file.functions.values() for use in other.raises or ()}
    near = {(file.path, each): (file, each) for each in (*caught, *elsewhere, *_COMMON)}
    if home and found:
        near |= {(home.path, each): (home, each) for each in home.classes}
        own = home.classes.get(found.name)
        for base in (own.bases if own else None) or ():
            near |= {(heir.path, each.name): (heir, each.name) for heir, each in code.heirs(base)}

    def place(each: tuple[File, str]) -> tuple[bool, bool, bytes]:
        ours = code.resolve(*each) is not None
        return ours != (found is not None), each[1] not in caught, rank(one.name, each[1])

    return sorted(near.values(), key=place)


def _lineage(code: Codebase, file: File, name: str) -> list[str] | None:
    """An exception and all classes above it as `path:name`, built-in ones by name alone.

    None where that is not certain, or it is no exception.
    """
    found = code.resolve(file, name)
    if found is None:
        known = getattr(builtins, name, None)
        if name in file.bound or not (isinstance(known, type) and issubclass(known, BaseException)):
            return None
        return [one.__name__ for one in known.__mro__]
    lineage = _lineage_of(code, found)
    return lineage if lineage and "BaseException" in lineage else None


def _lineage_of(code: Codebase, found: Found) -> list[str] | None:
    own = code.class_(found)
    above = code.ancestry(found.path, found.name)
    if own is None or above is None:
        return None
    lineage = [f"{found.path}:{found.name}"]
    for one in (own, *(other for other, _ in above.classes)):
        holder = code.file(one.at.path)
        for base in one.bases or ():
            if holder and code.resolve(holder, base) is None:
                known = getattr(builtins, base, None)
                if not isinstance(known, type):
                    return None
                lineage += [each.__name__ for each in known.__mro__]
        lineage.append(f"{one.at.path}:{one.name}")
    return lineage


def _related(one: list[str], other: list[str]) -> bool:
    """Whether either class is the other, or above it."""
    return one[0] in other or other[0] in one


def raised_bases(code: Codebase, file: File) -> Iterator[Draft]:
    """Two files: of each function that raises exactly one exception class of another file of the corpus."""
    if file.language == "Python" and not file.star:
        for one in file.functions.values():
            if worth_asking(one) and any(use.name.partition(".")[0] in file.names for use in one.raises or ()):
                work = partial(_raised_base, code, file, one)
                yield Draft("raised base", f"{file.path}:{one.name}", file.path, file.language, work)


def _raised_base(code: Codebase, file: File, one: Function) -> Worked | None:
    """Wrong are other bases of exceptions near by, and the class itself."""
    here: dict[str, tuple[Found, Use]] = {}
    for use in reversed(one.raises or ()):
        if found := code.resolve(file, use.name):
            here[f"{found.path}:{found.name}"] = (found, use)
        elif _lineage(code, file, use.name) is None:
            return None
    if len(here) != 1:
        return None
    found, use = next(iter(here.values()))
    own = code.class_(found)
    lineage = _lineage_of(code, found)
    if not own or not own.bases or len(own.bases) != 1 or found.path == file.path or lineage is None:
        return None
    right = own.bases[0].rpartition(".")[2]
    holder = code.file(found.path)
    alias = holder.names.get(own.bases[0]) if holder else None
    if alias and alias.name != right:
        return None
    wrong = [name for name in _bases_near(code, found, own) if _canonical(name) != _canonical(right)]
    text = (
        f"`{one.name}` in `{file.path}` raises exactly one exception class that is defined in this repository. "
        "What is the direct base class of that exception?"
    )
    line, head = Lines(file.path, use.line, use.line), Lines(found.path, own.at.first, own.at.first)
    return worked(text, f"`{right}`", [f"`{name}`" for name in wrong], [line, *found.trail, head])


def _canonical(name: str) -> str:
    """`OSError` also goes by `IOError` and `EnvironmentError`."""
    known = getattr(builtins, name, None)
    return known.__name__ if isinstance(known, type) else name


def _bases_near(code: Codebase, found: Found, own: Class) -> list[str]:
    file = code.file(found.path)
    others = [one for one in file.classes.values() if one.at != own.at] if file else []
    others.sort(key=lambda one: (abs(one.at.first - own.at.first), one.name))
    exceptions = [one for one in others if one.name.endswith(("Error", "Exception", "Warning", "Failure", "Timeout"))]
    bases = [base.rpartition(".")[2] for one in exceptions for base in one.bases or () if base[:1].isupper()]
    return list(dict.fromkeys([own.name, *bases, *(one.name for one in exceptions), "Exception", *_COMMON]))
