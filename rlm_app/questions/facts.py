"""What the code of one file says, in terms that all languages share. Lines count from 1, both ends included."""

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple


class Lines(NamedTuple):
    """A piece of evidence."""

    path: str
    first: int
    last: int

    def __str__(self) -> str:
        return f"{self.path}:{self.first}-{self.last}"


class Parameter(NamedTuple):
    """`default` is an expression that `values.evaluate` may know the value of, whatever language it was written in."""

    name: str
    default: ast.expr | None = None


class Use(NamedTuple):
    """A name as written (`f`, `self.m`, `module.f`) and the line where it is used."""

    name: str
    line: int


class Import(NamedTuple):
    """One module that one statement imports. `level` is Python's number of leading dots."""

    module: str
    level: int
    names: tuple[str, ...]
    at: Lines


class Target(NamedTuple):
    """What an imported name stands for: `name` in `module`, or the module itself where `name` is None."""

    module: str
    level: int
    name: str | None
    at: Lines


@dataclass(frozen=True, slots=True)
class Function:
    """A function at the top of a file, or a method (`owner` is its class).

    `sole`: defined once, and under no condition. `plain`: no decorator but those that leave the signature alone.
    `raises` is None where a `raise` names no class. `own` are names that the function binds itself.
    """

    name: str
    at: Lines
    owner: str = ""
    parameters: tuple[Parameter, ...] = ()
    calls: tuple[Use, ...] = ()
    raises: tuple[Use, ...] | None = ()
    own: frozenset[str] = frozenset()
    sole: bool = True
    plain: bool = True

    @property
    def last_name(self) -> str:
        return self.name.rpartition(".")[2]

    @property
    def lines(self) -> int:
        return self.at.last - self.at.first + 1


@dataclass(frozen=True, slots=True)
class Class:
    """`bases` as written, None where one is no plain name. `members` are all names bound in its body, with lines."""

    name: str
    at: Lines
    bases: tuple[str, ...] | None = ()
    members: Mapping[str, int] = field(default_factory=dict)
    sole: bool = True


@dataclass(frozen=True, slots=True)
class Constant:
    name: str
    at: Lines
    value: ast.expr


@dataclass(frozen=True, slots=True)
class File:
    """The facts of one file.

    `names` are those that an import at the top binds, and nothing else. `bound` counts the bindings of each name at
    the top of the file; `star` tells that there may be others.
    """

    path: str
    language: str
    functions: Mapping[str, Function] = field(default_factory=dict)
    classes: Mapping[str, Class] = field(default_factory=dict)
    constants: Mapping[str, Constant] = field(default_factory=dict)
    names: Mapping[str, Target] = field(default_factory=dict)
    imports: tuple[Import, ...] = ()
    bound: Mapping[str, int] = field(default_factory=dict)
    star: bool = False
