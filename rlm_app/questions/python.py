"""Facts of a Python file, by `ast`."""

import ast
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from rlm_app.questions.facts import Class, Constant, File, Function, Import, Lines, Parameter, Target, Use

_HARMLESS = (
    *("staticmethod", "classmethod", "property", "cached_property", "abstractmethod", "override", "final"),
    *("contextmanager", "asynccontextmanager", "lru_cache", "cache"),
)
"""Decorators of functions that leave the signature as it is written."""

_HARMLESS_TO_CLASSES = ("dataclass", "dataclasses", "final", "runtime_checkable", "total_ordering")
_CONSTANT = re.compile(r"_{0,2}[A-Z][A-Z0-9_]+")
_LEAVES = (ast.expr_context, ast.operator, ast.unaryop, ast.boolop)
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


def read_python(path: str, text: str) -> File | None:
    """The facts of a file; None where this interpreter cannot parse it, or would count its lines otherwise."""
    if "\r" in text or "\f" in text:
        return None
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return _Reader(path, tree).file()


class _Reader:
    """Collects what is defined at the top of a file and in its classes; `count` says how often each name is."""

    def __init__(self, path: str, tree: ast.Module) -> None:
        self._path = path
        self._tree = tree
        self._functions: dict[str, Function] = {}
        self._classes: dict[str, Class] = {}
        self._constants: dict[str, Constant] = {}
        self._targets: dict[str, Target] = {}
        self._bound: Counter[str] = Counter(_bindings(tree.body))
        self._imports: list[Import] = []
        stack: list[ast.AST] = [tree]
        while stack:
            node = stack.pop()
            if not isinstance(node, ast.expr):
                stack += _children(node)
            if isinstance(node, ast.Global):
                self._bound.update(node.names)
            elif isinstance(node, ast.Import | ast.ImportFrom):
                self._imports += self._imported(node)

    def file(self) -> File:
        self._read(self._tree.body, "", self._bound)
        return File(
            path=self._path,
            language="Python",
            functions=self._functions,
            classes=self._classes,
            constants=self._constants,
            names={name: target for name, target in self._targets.items() if self._bound[name] == 1},
            imports=tuple(self._imports),
            bound=self._bound,
            star=any("*" in one.names for one in self._imports),
        )

    def _read(self, body: Sequence[ast.stmt], owner: str, bound: Counter[str]) -> None:
        """Read what a body defines without condition; what stands under one is bound, and no more."""
        for node in body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                function = self._function(node, owner, sole=bound[node.name] == 1)
                self._functions[function.name] = function
            elif isinstance(node, ast.ClassDef):
                self._class(node, owner, sole=bound[node.name] == 1)
            elif not owner and isinstance(node, ast.Assign | ast.AnnAssign):
                self._constant(node)
            elif not owner and isinstance(node, ast.Import | ast.ImportFrom):
                self._target(node)

    def _at(self, node: ast.stmt) -> Lines:
        return Lines(self._path, node.lineno, node.end_lineno or node.lineno)

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef, owner: str, *, sole: bool) -> Function:
        nodes = list(_own(node.body))
        own = {argument.arg for argument in _arguments(node.args)} | set(_bindings(node.body))
        return Function(
            name=f"{owner}.{node.name}" if owner else node.name,
            at=self._at(node),
            owner=owner,
            parameters=tuple(_parameters(node.args)),
            calls=tuple(
                Use(name, one.lineno) for one in nodes if isinstance(one, ast.Call) and (name := dotted(one.func))
            ),
            raises=_raised(nodes, own),
            own=frozenset(own),
            sole=sole,
            plain=all(_last(decorator) in _HARMLESS for decorator in node.decorator_list),
        )

    def _class(self, node: ast.ClassDef, owner: str, *, sole: bool) -> None:
        name = f"{owner}.{node.name}" if owner else node.name
        bound = Counter(_bindings(node.body))
        bases = [dotted(base.value if isinstance(base, ast.Subscript) else base) for base in node.bases]
        lines = {one.name: one.lineno for one in node.body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)}
        self._classes[name] = Class(
            name=name,
            at=self._at(node),
            bases=tuple(base for base in bases if base) if all(bases) else None,
            members={member: lines.get(member, 0) for member in bound},
            sole=sole and all(_last(one) in _HARMLESS_TO_CLASSES for one in node.decorator_list),
        )
        self._read(node.body, name, bound)

    def _constant(self, node: ast.Assign | ast.AnnAssign) -> None:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        if len(targets) == 1 and isinstance(targets[0], ast.Name) and node.value is not None:
            name = targets[0].id
            if _CONSTANT.fullmatch(name) and self._bound[name] == 1:
                self._constants[name] = Constant(name, self._at(node), node.value)

    def _target(self, node: ast.Import | ast.ImportFrom) -> None:
        for alias in node.names:
            if isinstance(node, ast.ImportFrom):
                target = Target(node.module or "", node.level, alias.name, self._at(node))
                self._targets[alias.asname or alias.name] = target
            elif alias.asname or "." not in alias.name:
                self._targets[alias.asname or alias.name] = Target(alias.name, 0, None, self._at(node))

    def _imported(self, node: ast.Import | ast.ImportFrom) -> list[Import]:
        if isinstance(node, ast.Import):
            return [Import(alias.name, 0, (), self._at(node)) for alias in node.names]
        return [Import(node.module or "", node.level, tuple(alias.name for alias in node.names), self._at(node))]


def dotted(node: ast.expr) -> str | None:
    """`a`, `a.b.c`; None for what is no plain name."""
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else None


def _last(decorator: ast.expr) -> str:
    name = dotted(decorator.func if isinstance(decorator, ast.Call) else decorator)
    return (name or "").rpartition(".")[2]


def _own(body: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """All nodes of a body without the insides of functions and classes in it, in no useful order."""
    stack = list(body)
    while stack:
        node = stack.pop()
        yield node
        if not isinstance(node, _SCOPES):
            stack += _children(node)


def _children(node: ast.AST) -> list[ast.AST]:
    """As `ast.iter_child_nodes`, faster, and without operators and contexts."""
    found: list[ast.AST] = []
    for name in node._fields:
        value = getattr(node, name, None)
        if value.__class__ is list:
            found += [one for one in value if isinstance(one, ast.AST)]
        elif isinstance(value, ast.AST) and not isinstance(value, _LEAVES):
            found.append(value)
    return found


def _bindings(body: Iterable[ast.AST]) -> Iterator[str]:
    """The names that a body binds, once for each time."""
    for node in _own(body):
        match node:
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                yield name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
                yield from {alias.asname or alias.name.partition(".")[0] for alias in aliases}
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                yield name
            case ast.Global(names=names) | ast.Nonlocal(names=names):
                yield from names


def _arguments(arguments: ast.arguments) -> list[ast.arg]:
    others = [one for one in (arguments.vararg, arguments.kwarg) if one]
    return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *others]


def _parameters(arguments: ast.arguments) -> Iterator[Parameter]:
    positional = [*arguments.posonlyargs, *arguments.args]
    first = len(positional) - len(arguments.defaults)
    for at, one in enumerate(positional):
        yield Parameter(one.arg, arguments.defaults[at - first] if at >= first else None)
    if arguments.vararg:
        yield Parameter(f"*{arguments.vararg.arg}")
    for one, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        yield Parameter(one.arg, default)
    if arguments.kwarg:
        yield Parameter(f"**{arguments.kwarg.arg}")


def _raised(nodes: Iterable[ast.AST], own: set[str]) -> tuple[Use, ...] | None:
    """The classes that are raised by name; None where a `raise` raises a variable, a result, or what was caught."""
    found = []
    for node in nodes:
        if isinstance(node, ast.Raise):
            what = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
            name = dotted(what) if what else None
            if not name or name.partition(".")[0] in own or not name.rpartition(".")[2].lstrip("_")[:1].isupper():
                return None
            found.append(Use(name, node.lineno))
    return tuple(sorted(found, key=lambda use: use.line))
