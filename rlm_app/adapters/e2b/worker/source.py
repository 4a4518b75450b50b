"""The code of a step, and what is told of it: the last expression, SUBMIT, tracebacks."""

from __future__ import annotations

import ast
import linecache
import os
import traceback
from typing import Any

MAX_ERROR = 8_000  # characters of a traceback that are told
OURS = os.path.dirname(__file__)


def compiled(code: str, name: str) -> tuple[Any, Any]:
    """All but a last expression, and that expression, whose value is shown; None where there is none.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: as `compile`.
    """
    linecache.cache[name] = (len(code), None, code.splitlines(keepends=True), name)
    tree = ast.parse(code, name)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    body = compile(tree, name, "exec")
    return body, compile(ast.Expression(last.value), name, "eval") if isinstance(last, ast.Expr) else None


def describe(error: BaseException) -> str:
    """The traceback as Python prints it, without the frames of the worker."""
    told = traceback.TracebackException.from_exception(error)
    chain: list[Any] = [told]
    while chain:
        one = chain.pop()
        one.stack = traceback.StackSummary.from_list([f for f in one.stack if not f.filename.startswith(OURS)])
        chain += [cause for cause in (one.__cause__, one.__context__) if cause is not None]
    text = "".join(told.format()).rstrip()
    half = MAX_ERROR // 2
    return text if len(text) <= MAX_ERROR else f"{text[:half]}\n…\n{text[-half:]}"


def submitted(fields: list[str] | None, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """What SUBMIT was given, by the name of the field.

    Raises:
        TypeError: in words that tell the model what to write.
    """
    if fields is None:
        if len(args) + bool(kwargs) != 1:
            raise TypeError("SUBMIT takes one value, or values by name")
        return {"output": args[0]} if args else kwargs
    wanted = f"SUBMIT({', '.join(fields)})"
    if len(args) > len(fields):
        raise TypeError(f"{wanted} was given {len(args)} values by position")
    values = dict(zip(fields, args))  # noqa: B905
    for name, value in kwargs.items():
        if name not in fields or name in values:
            raise TypeError(f"{wanted} was given {name!r}, which it does not have or was given already")
        values[name] = value
    left_out = [name for name in fields if name not in values]
    if left_out:
        raise TypeError(f"{wanted} lacks {', '.join(left_out)}")
    return values
