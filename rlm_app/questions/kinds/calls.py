"""Which function calls Y; in which file is the function defined that X calls."""

import re
from collections.abc import Iterator
from functools import partial
from itertools import islice

from rlm_app.questions.codebase import Codebase, Found
from rlm_app.questions.drafts import Draft, Worked, gives_away, rank, worked
from rlm_app.questions.facts import File, Function, Lines, Use
from rlm_app.questions.kinds.places import MIN_LINES

_FILES = 12  # that are searched for wrong choices
_RECEIVERS = ("self.", "cls.")
_HIDDEN = re.compile(r"\blambda\b|^[ \t]+(?:from|import|def|async def)[ \t]", re.MULTILINE)
"""What can call or import out of sight of the function's own calls."""


def label(one: Function) -> str:
    """A function as a choice: two of one file never share it, since both would not be `sole`."""
    return f"`{one.name}` in `{one.at.path}`"


def worth_asking(one: Function) -> bool:
    return one.sole and one.lines >= MIN_LINES and not one.last_name.startswith("__")


def callers(code: Codebase, file: File) -> Iterator[Draft]:
    """Of each function that is certainly called here, and whose name means nothing else in the corpus."""
    names = code.names(file.language)
    for one in file.functions.values():
        if not worth_asking(one):
            continue
        for call in _first_calls(one):
            own = call.name.rpartition(".")[2]
            if names.bound[own] == 1 and own not in names.aliased and not own.startswith("__") and len(own) > 3:
                work = partial(_caller, code, file, one, call)
                yield Draft("caller", f"{own}<{file.path}:{one.name}", file.path, file.language, work)


def _first_calls(one: Function) -> list[Use]:
    calls = sorted(one.calls, key=lambda use: use.line)
    return list({use.name: use for use in reversed(calls)}.values())


def _called(code: Codebase, file: File, one: Function, call: Use) -> Found | None:
    """Where the called function is defined, if that is certain."""
    receiver = next((word for word in _RECEIVERS if call.name.startswith(word)), "")
    if receiver:
        name = f"{one.owner}.{call.name.removeprefix(receiver)}"
        return Found(file.path, name) if one.owner and name in file.functions else None
    if call.name.partition(".")[0] in one.own:
        return None
    if file.language == "Java":
        name = f"{one.owner}.{call.name}"
        return Found(file.path, name) if name in file.functions else None
    if file.language == "Go" and "." not in call.name and call.name not in file.functions:
        return None
    return code.resolve(file, call.name)


def _caller(code: Codebase, file: File, one: Function, call: Use) -> Worked | None:
    """Wrong are functions in whose lines the name does not appear at all."""
    found = _called(code, file, one, call)
    target = code.function(found)
    own = call.name.rpartition(".")[2]
    if not found or not target or not target.sole or target.at == one.at or target.last_name != own:
        return None
    mention = re.compile(rf"(?<![\w$]){re.escape(own)}(?![\w$])")
    wrong = (label(other) for other in _others(code, file, one, target) if not mention.search(code.source(other.at)))
    kind = "method" if target.owner else "function"
    text = f"Which of these contains a call to the {kind} `{target.name}`, which is defined in `{found.path}`?"
    line = Lines(file.path, call.line, call.line)
    return worked(text, label(one), wrong, [line, *found.trail, target.at])


def _others(code: Codebase, file: File, one: Function, target: Function) -> Iterator[Function]:
    """Functions that could be taken for the caller: of the same class, of the same file, then of files near by."""
    for path in [file.path, *islice(code.neighbours(file.path, one.name), _FILES)]:
        other = code.file(path)
        functions = [function for function in (other.functions.values() if other else ()) if worth_asking(function)]
        functions.sort(key=lambda function: (function.owner != one.owner, rank(one.name, function.name)))
        yield from (function for function in functions[:20] if function.at not in (one.at, target.at))


def callees(code: Codebase, file: File) -> Iterator[Draft]:
    """Two files: of functions that call exactly one function which they import from elsewhere in the corpus."""
    if file.language != "Python":
        return
    for one in file.functions.values():
        if worth_asking(one) and any(use.name.partition(".")[0] in file.names for use in one.calls):
            work = partial(_callee, code, file, one)
            yield Draft("callee", f"{file.path}:{one.name}", file.path, file.language, work)


def _callee(code: Codebase, file: File, one: Function) -> Worked | None:
    """Wrong are only files that define nothing by any name that is called here."""
    source = code.source(one.at)
    if _HIDDEN.search(source.partition("\n")[2]):
        return None
    found: dict[tuple[str, str], tuple[Found, Use]] = {}
    for use in _first_calls(one):
        first = use.name.partition(".")[0]
        if first in file.names and first not in one.own:
            target = code.resolve(file, use.name)
            function = code.function(target)
            if target and function:
                found[target.path, target.name] = (target, use)
            elif not code.class_(target) and (target or file.names[first].level or _is_here(code, file, first)):
                return None
    if len(found) != 1:
        return None
    target, use = next(iter(found.values()))
    function = code.function(target)
    if not function or not (function.sole and function.plain):
        return None
    if target.path == file.path or gives_away(one.name, target.path):
        return None
    called = set(re.findall(r"\w+(?=\s*\()", source))
    wrong = (path for path in _imported_files(code, file, target.path) if not called & code.defined(path))
    text = (
        f"Through the names that its file imports, `{one.name}` in `{file.path}` calls exactly one function of another "
        "file of this repository (classes do not count). In which file is that function defined?"
    )
    return worked(text, target.path, wrong, [Lines(file.path, use.line, use.line), *target.trail, function.at])


def _is_here(code: Codebase, file: File, name: str) -> bool:
    return file.names[name].module.partition(".")[0] in code.modules.roots


def _imported_files(code: Codebase, file: File, right: str) -> list[str]:
    """Files that `file` imports from, then files near the right one."""
    modules = {path for target in file.names.values() if (path := code.module(file, target))}
    own = sorted((path for path in modules if code.is_subject(path)), key=lambda path: rank(right, path))
    near = islice(code.neighbours(right, file.path), 3 * _FILES)
    return [path for path in dict.fromkeys([*own[:8], *near]) if path not in (right, file.path)]
