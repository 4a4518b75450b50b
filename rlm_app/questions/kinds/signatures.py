"""What is the default of this parameter; how many parameters does this take."""

import ast
from collections.abc import Iterator
from functools import partial

from rlm_app.questions.codebase import Codebase
from rlm_app.questions.drafts import WRONG, Draft, Worked, rank, worked
from rlm_app.questions.facts import File, Function, Parameter
from rlm_app.questions.kinds.calls import worth_asking
from rlm_app.questions.kinds.constants import Known, files_near, is_dull, known, tempting

_FEWEST = 3


def parameters(code: Codebase, file: File) -> Iterator[Draft]:
    """Of functions that take at least three. The choices are four numbers in a row, the right one anywhere in it."""
    for one in file.functions.values():
        if worth_asking(one) and one.plain and len(one.parameters) >= _FEWEST:
            work = partial(_parameters, file, one)
            yield Draft("parameters", f"{file.path}:{one.name}", file.path, file.language, work)


def _parameters(file: File, one: Function) -> Worked | None:
    right = len(one.parameters)
    lowest = right - rank(file.path, one.name)[0] % (WRONG + 1)
    wrong = [str(count) for count in range(lowest, lowest + WRONG + 1) if count != right]
    counted = {
        "Python": "counting each one: `self` or `cls`, keyword-only ones, `*args` and `**kwargs` too",
        "Rust": "counting `self` where there is one",
        "Go": "not counting the receiver",
    }.get(file.language, "optional and rest parameters included")
    text = f"How many parameters does `{one.name}` in `{file.path}` declare, {counted}?"
    return worked(text, str(right), wrong, [one.at])


def defaults(code: Codebase, file: File) -> Iterator[Draft]:
    """Of parameters whose default tells something: not None, not a truth value, not empty, not 0 or 1."""
    for one in file.functions.values():
        if worth_asking(one) and one.plain:
            for parameter in one.parameters:
                if parameter.default is not None and not is_dull(parameter.default):
                    subject = f"{file.path}:{one.name}({parameter.name})"
                    work = partial(_default, code, file, one, parameter)
                    yield Draft("default", subject, file.path, file.language, work)


def _default(code: Codebase, file: File, one: Function, parameter: Parameter) -> Worked | None:
    if parameter.default is None:
        return None
    names = {node.id for node in ast.walk(parameter.default) if isinstance(node, ast.Name)}
    owner = file.classes.get(one.owner)
    right = known(code, file, parameter.default)
    if right is None or (owner and names & set(owner.members)):  # a class's own names come before the file's
        return None
    wrong = tempting(code, file, right, _other_defaults(code, file, parameter))
    written = isinstance(parameter.default, ast.Constant | ast.UnaryOp | ast.Tuple)
    what = "the default value" if written else "the value that is the default"
    text = f"What is {what} of the parameter `{parameter.name}` of `{one.name}` in `{file.path}`?"
    return worked(text, right.text, wrong, [one.at, *right.trail])


def _other_defaults(code: Codebase, file: File, parameter: Parameter) -> Iterator[Known]:
    """Defaults of other parameters: of the same file, then of files near by; those of the same name first."""
    for other in files_near(code, file, parameter.name):
        found = [one for function in other.functions.values() for one in function.parameters if one.default]
        for one in sorted(found, key=lambda one: (one.name != parameter.name, rank(parameter.name, one.name)))[:40]:
            value = known(code, other, one.default) if one.default else None
            if value:
                yield value
