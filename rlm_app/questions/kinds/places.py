"""In which file is X defined; which file imports that module."""

import posixpath
from collections.abc import Iterator
from functools import partial
from itertools import islice

from rlm_app.questions.codebase import Codebase
from rlm_app.questions.drafts import Draft, Worked, gives_away, worked
from rlm_app.questions.facts import Class, File, Function, Import, Lines

MIN_LINES = 5
"""Shorter functions and classes are no subject: there is nothing to read in them."""

_FILES = 40  # that are searched for wrong choices
_NAMELESS = ("__init__", "index", "mod", "__future__", "__main__")
"""Files that an import does not name, or that all import."""


def definitions(code: Codebase, file: File) -> Iterator[Draft]:
    """Of a function or class whose name the whole corpus binds once, in a file whose name does not tell."""
    bound = code.names(file.language).bound
    found: list[Function | Class] = [*file.functions.values(), *file.classes.values()]
    for one in found:
        known = one.sole and "." not in one.name and bound[one.name] == file.bound[one.name] == 1
        long = one.at.last - one.at.first + 1 >= MIN_LINES
        if known and long and not one.name.startswith("__") and not gives_away(one.name, file.path):
            work = partial(_definition, code, file, one)
            yield Draft("definition", f"{file.path}:{one.name}", file.path, file.language, work)


def _definition(code: Codebase, file: File, one: Function | Class) -> Worked | None:
    """Wrong are only files that the corpus' text shows to bind the name nowhere; files that use it come first."""
    near = list(islice(code.neighbours(file.path, one.name), _FILES))
    using = [path for path in near if one.name in code.words(path)]
    wrong = [*using[:4], *(path for path in near if path not in using)]
    what = "function" if isinstance(one, Function) else "type" if file.language in ("Go", "Rust") else "class"
    if isinstance(one, Class) and file.language in ("JavaScript", "TypeScript", "Java"):
        what = "class or type"
    text = f"In which file is the {file.language} {what} `{one.name}` defined?"
    return worked(text, file.path, wrong, [one.at])


def imports(code: Codebase, file: File) -> Iterator[Draft]:
    """Of a file that imports another one of the corpus; asked once for each pair, from the importer's side."""
    for one in file.imports:
        for path in sorted(_imported(code, file, one)):
            if posixpath.basename(path).partition(".")[0] not in _NAMELESS and path != file.path:
                work = partial(_import, code, file, one.at, path)
                yield Draft("import", f"{path}<{file.path}", file.path, file.language, work)


def _imported(code: Codebase, file: File, one: Import) -> set[str]:
    """The files that a statement imports by name."""
    if file.language == "Java":
        found = [code.modules.java(one.module)]
    elif file.language in ("JavaScript", "TypeScript"):
        found = [code.modules.ecma(file.path, one.module)]
    elif file.language == "Python":
        found = [code.modules.python(file.path, one.level, one.module)] if one.module else []
        package = code.modules.python(file.path, one.level, one.module)
        holder = code.file(package) if package and one.names else None
        names = [name for name in one.names if not (holder and holder.bound.get(name))]  # else it may be no module
        joint = "." if one.module else ""
        found += [code.modules.python(file.path, one.level, f"{one.module}{joint}{name}") for name in names]
    else:
        found = []
    return {path for path in found if path}


def _import(code: Codebase, file: File, at: Lines, target: str) -> Worked | None:
    """Wrong are only files in whose import lines the module's name never appears as a word."""
    stem = posixpath.basename(target).partition(".")[0]
    if gives_away(stem, file.path):
        return None
    near = islice(code.neighbours(file.path, target), _FILES)
    clean = [path for path in near if path != target and stem not in code.imported(path)]
    tempting = [path for path in clean if stem in code.words(path)]
    wrong = [*tempting[:4], *(path for path in clean if path not in tempting)]
    return worked(f"Which of these files imports `{target}` directly?", file.path, wrong, [at], fact=target)
