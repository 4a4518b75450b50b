"""Values of constant expressions, computed without running anything."""

import ast
import json
import operator
from collections.abc import Callable, Mapping
from typing import Any

Value = int | float | str | bytes | tuple[Any, ...] | None
MAX_SHOWN = 70
"""Characters of a value that still make a choice one can read."""

_LARGEST = 10**15
_OPERATORS: Mapping[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.LShift: operator.lshift,
    ast.RShift: operator.rshift,
    ast.BitOr: operator.or_,
    ast.BitAnd: operator.and_,
    ast.BitXor: operator.xor,
    ast.Pow: operator.pow,
}


class Unknown(Exception):
    """The value cannot be told from the code alone."""


def evaluate(node: ast.expr, lookup: Callable[[str], Value]) -> Value:
    """The value of numbers, texts, tuples and arithmetic over them; `lookup` knows names and may raise `Unknown`.

    Raises:
        Unknown: anything else, or a number beyond 10^15, where languages begin to differ.
    """
    match node:
        case ast.Constant(value=int() | float() | str() | bytes() | None):
            return _checked(node.value)
        case ast.Name() | ast.Attribute():
            return lookup(ast.unparse(node))
        case ast.Tuple(elts=parts):
            return tuple(evaluate(part, lookup) for part in parts)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            value = evaluate(operand, lookup)
            if isinstance(value, int | float) and not isinstance(value, bool):
                return -value
        case ast.BinOp(op=op, left=left, right=right) if type(op) in _OPERATORS:
            return _calculated(op, evaluate(left, lookup), evaluate(right, lookup))
    raise Unknown


def _calculated(op: ast.operator, left: Value, right: Value) -> Value:
    texts = isinstance(left, str) and isinstance(right, str) and isinstance(op, ast.Add)
    numbers = all(isinstance(side, int) and not isinstance(side, bool) for side in (left, right))
    if isinstance(op, ast.Mult | ast.Add | ast.Sub):
        numbers = all(isinstance(side, int | float) and not isinstance(side, bool) for side in (left, right))
    small = not isinstance(op, ast.Pow | ast.LShift) or (isinstance(right, int) and 0 <= right <= 64)
    if not (texts or (numbers and small)):
        raise Unknown
    try:
        return _checked(_OPERATORS[type(op)](left, right))
    except (ArithmeticError, ValueError) as error:
        raise Unknown from error


def _checked(value: Any) -> Value:
    if isinstance(value, int | float) and not -_LARGEST <= value <= _LARGEST:
        raise Unknown
    return value  # type: ignore[no-any-return]


def shown(value: Value, language: str) -> str | None:
    """A value as that language writes it, None where it is too long to be read as a choice."""
    if language == "Python":
        text = repr(value)
    elif value is None:
        text = "null"
    else:
        text = json.dumps(value, ensure_ascii=False) if isinstance(value, str | bool | int | float) else repr(value)
    return text if len(text) <= MAX_SHOWN and text.isprintable() else None
