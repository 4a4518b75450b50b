"""Facts of a JavaScript, TypeScript, Go, Rust or Java file, by its tree-sitter grammar."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from rlm_app.questions.facts import Class, Constant, File, Function, Import, Lines, Parameter, Target, Use
from rlm_app.questions.grammars import GRAMMARS, load
from rlm_app.questions.values import Unknown, evaluate

_NESTED = re.compile(r"^function_(?!t)|arrow|^method_d|lambda|closure|func_literal|^class_|generator_f")
_WRAPPERS = (
    *("export_statement", "class_body", "declaration_list", "interface_body", "enum_body", "type_declaration"),
    *("const_declaration", "enum_body_declarations", "lexical_declaration"),
)
_NUMBER = re.compile(r"(?:0[xX][0-9a-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+|0|[1-9][0-9_]*)")
_SUFFIX = re.compile(r"(?<=[0-9a-fA-F])(?:_?[ui](?:8|16|32|64|128|size)|[lL])\b")
_ARITHMETIC = re.compile(rf"[\s(]*{_NUMBER.pattern}(?:[\s()]*(?:\*|\+|-|<<)[\s()]*{_NUMBER.pattern})*[\s)]*")
_FLOAT = re.compile(r"\d+\.\d+")
_PLAIN_STRING = re.compile(r"[\"'`]([^\"'`\\\n$]*)[\"'`]")
_NO_NAMES = ("comment", "line_comment", "block_comment", "attribute_item", "receiver_parameter")


def read_tree(path: str, text: str, language: str) -> File | None:
    """The facts of a file; None where its grammar cannot read all of it."""
    from tree_sitter import Parser

    root = Parser(load(language, tsx=path.endswith((".tsx", ".jsx")))).parse(text.encode()).root_node
    return None if root.has_error else _Reader(path, language).file(root)


class _Reader:
    def __init__(self, path: str, language: str) -> None:
        self._path, self._language = path, language
        self._grammar = GRAMMARS[language]
        self._shadows = re.compile(self._grammar.shadows)
        self._functions: dict[str, Function] = {}
        self._classes: dict[str, Class] = {}
        self._constants: dict[str, Constant] = {}
        self._targets: dict[str, Target] = {}
        self._imports: list[Import] = []
        self._bound: Counter[str] = Counter()

    def file(self, root: Any) -> File:
        self._read(root, "")
        once = {name for name, times in self._bound.items() if times == 1}
        return File(
            path=self._path,
            language=self._language,
            functions={name: replace(one, sole=one.sole and name in once) for name, one in self._functions.items()},
            classes={name: replace(one, sole=one.sole and name in once) for name, one in self._classes.items()},
            constants={name: one for name, one in self._constants.items() if name in once},
            names=self._targets,
            imports=tuple(self._imports),
            bound=self._bound,
        )

    def _read(self, parent: Any, owner: str) -> None:
        conditional = False
        for node in parent.named_children:
            if node.type == "attribute_item":  # Rust's #[cfg(…)] stands before what it makes conditional
                conditional |= b"cfg" in node.text
                continue
            self._take(node, owner, sole=not conditional)
            conditional = False

    def _take(self, node: Any, owner: str, *, sole: bool) -> None:
        kind = node.type
        if kind in self._grammar.functions:
            self._function(node, _text(node, "name"), node, owner, sole=sole)
        elif kind in self._grammar.bare:
            self._bound[_joined(owner, _text(node, "name"))] += 1
        elif kind in self._grammar.types:
            name = _joined(owner, _text(node, "name"))
            self._bound[name] += 1
            self._classes[name] = Class(name, self._at(node), sole=sole)
            if body := node.child_by_field_name("body"):
                self._read(body, name)
        elif kind == "impl_item":
            body = node.child_by_field_name("body")
            if body and sole:
                self._read(body, _text(node, "type").partition("<")[0])
        elif kind in _WRAPPERS:
            if kind != "lexical_declaration" or node.text.startswith(b"const"):
                self._read(node, owner)
        elif kind in ("variable_declarator", "const_spec", "const_item"):
            self._constant(node, _text(node, "name"), owner)
        elif kind == "field_declaration" and b"static" in (words := node.text.split(b"=")[0].split()):
            if b"final" in words and (declarator := node.child_by_field_name("declarator")):
                self._constant(declarator, _text(declarator, "name"), owner)
        elif kind in ("import_statement", "import_declaration"):
            self._import(node)

    def _at(self, node: Any) -> Lines:
        return Lines(self._path, node.start_point[0] + 1, node.end_point[0] + 1)

    def _function(self, node: Any, name: str, at: Any, owner: str, *, sole: bool) -> None:
        if receiver := node.child_by_field_name("receiver"):  # Go
            owner = (re.findall(r"\w+", receiver.text.decode().partition("[")[0]) or [""])[-1]
        full = _joined(owner, name)
        self._bound[full] += 1
        body, given = node.child_by_field_name("body"), node.child_by_field_name("parameters")
        if body is None or given is None:
            return
        own = re.findall(r"[\w$]+", given.text.decode())
        for found in self._shadows.finditer(body.text.decode()):
            own += re.findall(r"[\w$]+", found[1])
        self._functions[full] = Function(
            name=full,
            at=self._at(at),
            owner=owner,
            parameters=tuple(self._parameters(given)),
            calls=tuple(self._calls(body)),
            raises=None,
            own=frozenset(own) if self._language != "Java" else frozenset(),
            sole=sole,
        )

    def _parameters(self, given: Any) -> Iterator[Parameter]:
        for node in given.named_children:
            pattern = node.child_by_field_name("pattern")
            if node.type in _NO_NAMES or (pattern and pattern.type == "this"):  # which TypeScript only checks
                continue
            default = node.child_by_field_name("right") or node.child_by_field_name("value")
            names = [one.text.decode() for one in node.children_by_field_name("name")]
            if not names:
                shown = node.child_by_field_name("left") or pattern or node
                names = [shown.text.decode()]
            for name in names:
                yield Parameter(name, self._expression(default) if default else None)

    def _calls(self, body: Any) -> Iterator[Use]:
        stack = [body]
        while stack:
            node = stack.pop()
            if node.type == self._grammar.call:
                called = node.child_by_field_name(self._grammar.called)
                plain = node.child_by_field_name("object") is None
                if called and called.type == "identifier" and plain:
                    yield Use(called.text.decode(), node.start_point[0] + 1)
            stack += [child for child in node.named_children if not _NESTED.search(child.type)]

    def _constant(self, node: Any, name: str, owner: str) -> None:
        value = node.child_by_field_name("value")
        if value and value.type in ("arrow_function", "function_expression"):
            self._function(value, name, node.parent, owner, sole=True)
            return
        self._bound[_joined(owner, name)] += 1
        if value and len(node.children_by_field_name("name")) == 1:
            expression = self._expression(value)
            if expression:
                self._constants[_joined(owner, name)] = Constant(_joined(owner, name), self._at(node), expression)

    def _expression(self, node: Any) -> ast.expr | None:
        """A literal, or integer arithmetic whose result no language's 32 bits cut, as a Python constant."""
        text = _SUFFIX.sub("", node.text.decode().strip())
        if text in ("true", "false"):
            return ast.Constant(text == "true")
        if _FLOAT.fullmatch(text):
            return ast.Constant(float(text))
        if found := _PLAIN_STRING.fullmatch(text):
            is_text = text[0] != "'" or self._language in ("JavaScript", "TypeScript")  # elsewhere a character
            return ast.Constant(found[1]) if is_text else None
        if not _ARITHMETIC.fullmatch(text) or ("<<" in text and set(text) & set("+-*")):  # Go shifts before it adds
            return None
        try:
            value = evaluate(ast.parse(text, mode="eval").body, _no_names)
        except (SyntaxError, ValueError, RecursionError, MemoryError, Unknown):
            return None
        return ast.Constant(value) if isinstance(value, int) and abs(value) < 2**31 else None

    def _import(self, node: Any) -> None:
        text = node.text.decode()
        if self._language == "Go":
            paths = re.findall(r"\"([^\"\n]+)\"", text)
            self._imports += [Import(path, 0, (), self._at(node)) for path in paths]
        elif self._language == "Java":
            if found := re.fullmatch(r"import\s+([\w.]+)\s*;", text):
                self._imports.append(Import(found[1], 0, (), self._at(node)))
        elif source := node.child_by_field_name("source"):
            module = source.text.decode().strip("'\"")
            self._imports.append(Import(module, 0, (), self._at(node)))
            named = re.search(r"\{([^}]*)\}", text)
            for part in named[1].split(",") if named else ():
                original, _, alias = part.replace("type ", "").strip().partition(" as ")
                if original:
                    self._targets[(alias or original).strip()] = Target(module, 0, original.strip(), self._at(node))


def _text(node: Any, field: str) -> str:
    found = node.child_by_field_name(field)
    return found.text.decode() if found else ""


def _joined(owner: str, name: str) -> str:
    return f"{owner}.{name}" if owner else name


def _no_names(name: str) -> Any:
    raise Unknown
