"""Inputs of steps: each is uploaded once and bound again by its digest."""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from rlm_app.adapters.e2b.calls import jsonable

SMALL = 64 << 10  # characters of JSON that go with the step

_PLAIN = (str, int, float, bool, type(None))


class Inputs:
    """What the sandbox holds of the values that steps were given.

    A string that is the same object costs nothing; a large list or dict is walked, not written out again.

    Args:
        upload: takes a file's name and bytes; returns its `bytes` and `sha256`.
    """

    def __init__(self, upload: Callable[[str, bytes], dict[str, Any]]) -> None:
        self._upload = upload
        self._held: set[str] = set()
        self._known: dict[str, tuple[Any, dict[str, Any]]] = {}

    def place(self, variables: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        """How the worker finds each variable, uploading what it does not have.

        Raises:
            TypeError, ValueError: a value has no JSON.
        """
        return {name: self._place(name, value) for name, value in variables.items()}

    def forget(self, digests: Iterable[str]) -> None:
        """The sandbox lacks these after all."""
        self._held -= set(digests)
        self._known = {}

    def _place(self, name: str, value: Any) -> dict[str, Any]:
        if name in self._known and _same(self._known[name][0], value):
            return self._known[name][1]
        if isinstance(value, str):
            if len(value) <= SMALL:
                return {"value": value}
            kind, data = "text", value.encode("utf-8", "surrogatepass")
        else:
            text = json.dumps(value, default=jsonable)
            if len(text) <= SMALL:
                return {"value": json.loads(text)}
            kind, data = "json", text.encode()
        digest = hashlib.sha256(data).hexdigest()
        if digest not in self._held:
            self._upload(f"input-{digest}", data)
            self._held.add(digest)
        place = {"kind": kind, "bytes": len(data), "sha256": digest}
        self._known[name] = (_frozen(value), place)
        return place


class _Unknown:
    """Stands for what may change without our seeing it; it equals nothing."""


def _frozen(value: Any) -> Any:
    """A copy of the structure, with the same leaves."""
    if type(value) in {list, tuple}:
        return type(value)(map(_frozen, value))
    if type(value) is dict:
        return {key: _frozen(one) for key, one in value.items()}
    return value if type(value) in _PLAIN else _Unknown()


def _same(old: Any, new: Any) -> bool:
    if type(old) is not type(new):
        return False
    if isinstance(old, list | tuple):
        return len(old) == len(new) and all(map(_same, old, new))
    if isinstance(old, dict):
        return list(old) == list(new) and all(map(_same, old.values(), new.values()))
    return type(old) in _PLAIN and (old is new or bool(old == new))
