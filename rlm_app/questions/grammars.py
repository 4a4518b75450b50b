"""The tree-sitter grammars: how each is loaded, and what it calls the parts of code."""

from dataclasses import dataclass
from functools import cache
from typing import Any


@dataclass(frozen=True)
class Grammar:
    """Names of nodes. `shadows` finds names that a body declares itself; `bare` are signatures without a body."""

    functions: tuple[str, ...]
    types: tuple[str, ...]
    call: str
    called: str
    shadows: str
    bare: tuple[str, ...] = ()


_ECMA = Grammar(
    ("function_declaration", "generator_function_declaration", "method_definition"),
    (
        *("class_declaration", "abstract_class_declaration", "interface_declaration"),
        *("enum_declaration", "type_alias_declaration"),
    ),
    "call_expression",
    "function",
    r"(?:const|let|var|function|class|catch \()\s*[{\[(]?([\w$, :]+)",
    ("function_signature", "method_signature", "abstract_method_signature"),
)
GRAMMARS = {
    "JavaScript": _ECMA,
    "TypeScript": _ECMA,
    "Go": Grammar(
        ("function_declaration", "method_declaration"),
        ("type_spec",),
        "call_expression",
        "function",
        r"(?:var )?([\w, ]+?)\s*(?::=|\s[\w.*\[\]]+\s*=)",
    ),
    "Rust": Grammar(
        ("function_item",),
        ("struct_item", "enum_item", "trait_item", "union_item"),
        "call_expression",
        "function",
        r"(?:let|fn|use|if let|for)\s+(?:mut\s+)?([^=;{]+)",
    ),
    "Java": Grammar(
        ("method_declaration",),
        ("class_declaration", "interface_declaration", "enum_declaration", "record_declaration"),
        "method_invocation",
        "name",
        r"$^()",  # methods are not shadowed by variables
        ("constructor_declaration",),
    ),
}
LANGUAGES = frozenset(GRAMMARS)


@cache
def load(language: str, *, tsx: bool) -> Any:
    """The `tree_sitter.Language`; with `tsx` TypeScript's dialect that has JSX."""
    from tree_sitter import Language

    if language == "JavaScript":
        import tree_sitter_javascript

        return Language(tree_sitter_javascript.language())
    if language == "TypeScript":
        import tree_sitter_typescript

        maker = tree_sitter_typescript.language_tsx if tsx else tree_sitter_typescript.language_typescript
        return Language(maker())
    if language == "Go":
        import tree_sitter_go

        return Language(tree_sitter_go.language())
    if language == "Rust":
        import tree_sitter_rust

        return Language(tree_sitter_rust.language())
    import tree_sitter_java

    return Language(tree_sitter_java.language())
