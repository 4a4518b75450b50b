"""The truth of a generated question, computed another way: from the imported package, its byte code and plain text.

Shares nothing with the generator. `verdicts` says of each choice whether it is right.
"""

import builtins
import dis
import importlib
import importlib.util
import inspect
import re
import types
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from rlm_app.examples import Example

_ELSEWHERE = re.compile(r"_win|windows|_cy\.py$|dialects/|mypy|testing/|_hypothesis")
_TICKS = re.compile(r"`([^`]+)`")


class Oracle:
    """Answers for one installed package; `files` are path to text, as in the corpus."""

    def __init__(self, files: dict[str, str]) -> None:
        self._files = files
        self._trees: dict[str, types.CodeType] = {}
        self._imports: dict[str, set[str]] = {}

    def verdicts(self, example: Example) -> dict[str, bool]:
        """For each letter, whether its choice is a right answer."""
        judge: Callable[[Example], Callable[[str], bool]] = getattr(self, "_" + example.kind.replace(" ", "_"))
        is_right = judge(example)
        return {letter: is_right(choice) for letter, choice in example.question.choices.items()}

    def _definition(self, example: Example) -> Callable[[str], bool]:
        name = _TICKS.findall(example.question.text)[0]
        return lambda path: bool(re.search(rf"(?m)^\s*(?:async )?(?:def|class) {name}\b|^{name} *=", self._files[path]))

    def _caller(self, example: Example) -> Callable[[str], bool]:
        called = _TICKS.findall(example.question.text)[0].rpartition(".")[2]
        return lambda choice: called in self._names_called(*reversed(_TICKS.findall(choice)))

    def _callee(self, example: Example) -> Callable[[str], bool]:
        name, path = _TICKS.findall(example.question.text)
        names = vars(self._module(path))
        where = set()
        for called in self._names_called(path, name, dotted=True):
            first, *rest = called.split(".")
            if first in names:
                value: Any = names[first]
                for part in rest:
                    value = getattr(value, part, None)
                value = inspect.unwrap(value) if callable(value) else value
                if inspect.isfunction(value):
                    where.add(self._path(value.__code__.co_filename))
        return lambda choice: choice in where

    def _default(self, example: Example) -> Callable[[str], bool]:
        parameter, name, path = _TICKS.findall(example.question.text)
        value = inspect.signature(self._live(path, name)).parameters[parameter].default
        return lambda choice: repr(value) == choice.strip("`")

    def _parameters(self, example: Example) -> Callable[[str], bool]:
        name, path = _TICKS.findall(example.question.text)[:2]
        code = self._code(path, name)
        stars = sum(bool(code.co_flags & flag) for flag in (inspect.CO_VARARGS, inspect.CO_VARKEYWORDS))
        return lambda choice: int(choice) == code.co_argcount + code.co_kwonlyargcount + stars

    def _raises(self, example: Example) -> Callable[[str], bool]:
        name, path = _TICKS.findall(example.question.text)[1:3]
        raised = set(self._loaded_before_raise(self._code(path, name)))
        classes = [_class_of(self._module(path), one) for one in raised]
        return lambda choice: any(choice.strip("`") in {base.__name__ for base in one.__mro__} for one in classes)

    def _raised_base(self, example: Example) -> Callable[[str], bool]:
        name, path = _TICKS.findall(example.question.text)[:2]
        module = self._module(path)
        classes = {_class_of(module, one) for one in self._loaded_before_raise(self._code(path, name))}
        own = {one for one in classes if self._is_here(one.__module__)}
        assert len(own) == 1, own
        bases = {base.__name__ for base in own.pop().__bases__}
        return lambda choice: choice.strip("`") in bases

    def _override(self, example: Example) -> Callable[[str], bool]:
        base_name, base_path, method = _TICKS.findall(example.question.text)
        base = self._live(base_path, base_name)

        def is_right(choice: str) -> bool:
            name, path = _TICKS.findall(choice)
            one = self._live(path, name)
            return base in one.__mro__[1:] and method in vars(one)

        return is_right

    def _inherited(self, example: Example) -> Callable[[str], bool]:
        method, name, path = _TICKS.findall(example.question.text)
        one = self._live(path, name)
        assert method in vars(one)
        above = next(vars(base)[method] for base in one.__mro__[1:] if method in vars(base))
        code = _unwrapped(above).__code__
        return lambda choice: choice == self._path(code.co_filename)

    def _ancestor(self, example: Example) -> Callable[[str], bool]:
        name, path = _TICKS.findall(example.question.text)
        (base,) = _bases(self._live(path, name))
        tops = _bases(base)
        return lambda choice: self._live(*reversed(_TICKS.findall(choice))) in tops

    def _import(self, example: Example) -> Callable[[str], bool]:
        target = _dotted(_TICKS.findall(example.question.text)[0])
        return lambda path: target in self._imported(path)

    def _constant(self, example: Example) -> Callable[[str], bool]:
        name, path = _TICKS.findall(example.question.text)
        value = getattr(self._module(path), name)
        return lambda choice: repr(value) == choice.strip("`")

    def _module(self, path: str) -> types.ModuleType:
        return importlib.import_module(_dotted(path))

    def _live(self, path: str, name: str) -> Any:
        """The live object of a qualified name, as its class holds it, without wrappers."""
        found: Any = self._module(path)
        for part in name.split("."):
            found = inspect.getattr_static(found, part)
        return _unwrapped(found)

    def _compiled(self, path: str) -> types.CodeType:
        if path not in self._trees:
            self._trees[path] = compile(self._files[path], path, "exec", dont_inherit=True)
        return self._trees[path]

    def _code(self, path: str, name: str) -> types.CodeType:
        """The code object of a qualified name, from the compiled text: nothing has to be importable."""
        code = self._compiled(path)
        for part in name.split("."):
            (code,) = [one for one in code.co_consts if inspect.iscode(one) and one.co_name == part][:1]
        return code

    def _names_called(self, path: str, name: str, *, dotted: bool = False) -> set[str]:
        """Names that a function loads and calls, its nested code included; last parts only unless `dotted`."""
        found = set()
        for code in _with_nested(self._code(path, name)):
            chain = ""
            for step in dis.get_instructions(code):
                if step.opname in ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_FAST", "LOAD_DEREF"):
                    chain = str(step.argval)
                elif step.opname in ("LOAD_ATTR", "LOAD_METHOD") and chain:
                    chain += f".{step.argval}"
                else:
                    chain = chain if step.opname in ("PUSH_NULL", "CACHE", "PRECALL") else ""
                if chain:
                    found.add(chain if dotted else chain.rpartition(".")[2])
        return found

    def _loaded_before_raise(self, code: types.CodeType) -> Iterator[str]:
        """What each `raise` of a function names, read from its text by line: `raise a.B(` is "a.B"."""
        lines = self._files[code.co_filename].splitlines(keepends=True)[code.co_firstlineno - 1 :]
        for line in inspect.getblock(lines):
            if found := re.match(r"\s*(?:(?:if|else|elif|except|try)\b.*:\s*)?raise\s+([\w.]+)", line):
                yield found[1]

    def _imported(self, path: str) -> set[str]:
        """Absolute names of all modules that a file's byte code imports, submodules by `from` too."""
        if path not in self._imports:
            self._imports[path] = set(self._find_imports(path))
        return self._imports[path]

    def _find_imports(self, path: str) -> Iterator[str]:
        package = _dotted(path) if path.endswith("__init__.py") else _dotted(path).rpartition(".")[0]
        for one in _with_nested(self._compiled(path)):
            steps = list(dis.get_instructions(one))
            for at, step in enumerate(steps):
                if step.opname == "IMPORT_NAME":
                    names, level = steps[at - 1].argval, steps[at - 2].argval
                    module = importlib.util.resolve_name("." * level + step.argval, package) if level else step.argval
                    yield module
                    yield from (f"{module}.{name}" for name in names or ())

    def _is_here(self, module: str) -> bool:
        return any(path in self._files for path in (module.replace(".", "/") + end for end in (".py", "/__init__.py")))

    def _path(self, file: str) -> str:
        parts = Path(file).parts
        for at in range(len(parts)):
            if "/".join(parts[at:]) in self._files:
                return "/".join(parts[at:])
        return file


def _dotted(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _bases(one: type) -> tuple[type, ...]:
    return getattr(one, "__bases__", ())


def _unwrapped(found: Any) -> Any:
    """The plain function or class behind a property, a static or class method, or a wrapper."""
    if isinstance(found, type):
        return found
    if isinstance(found, property):
        found = found.fget
    return inspect.unwrap(getattr(found, "__func__", None) or getattr(found, "func", None) or found)


def _class_of(module: types.ModuleType, name: str) -> Any:
    value: Any = module
    for at, part in enumerate(name.split(".")):
        value = getattr(value, part, None) if at or hasattr(module, part) else getattr(builtins, part)
    return value


def _with_nested(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for one in code.co_consts:
        if inspect.iscode(one):
            yield from _with_nested(one)


@cache
def package_files(name: str) -> dict[str, str]:
    """The .py files of an installed package as path (`name/…`) to text.

    Left out is what cannot be imported here (made for another system or driver), or is something else when it is
    (compiled by Cython): the oracle asks the live objects.
    """
    spec = importlib.util.find_spec(name)
    assert spec
    assert spec.origin
    root = Path(spec.origin).parent
    paths = [path for path in sorted(root.rglob("*.py")) if not _ELSEWHERE.search(str(path.relative_to(root)))]
    return {str(path.relative_to(root.parent)): path.read_text("utf-8") for path in paths}
