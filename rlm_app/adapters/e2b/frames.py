"""Frames from the worker: each exactly once and in order, out of a stream that may be cut, repeated or garbled."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

INLINE = 1 << 20  # bytes of a body that goes in the line
MAX_BODY = 64 << 20  # bytes of a body at all
_MAX_LINE = INLINE + 1024


class Damaged(Exception):
    """The stream makes no sense here; the worker should be asked to replay."""


class Broken(Exception):
    """What no honest worker sends, however the network behaves."""


@dataclass(frozen=True)
class Frame:
    """`number` is the call or the step. A large body is in the file `name` of the worker's folder."""

    kind: str
    number: int
    body: Any = None
    bytes: int = 0
    sha256: str = ""

    @property
    def name(self) -> str | None:
        return f"{self.kind}-{self.number}" if self.sha256 else None


class Inbox:
    """`newest` is the number of the last frame that was handed on; what a replay brings again is dropped."""

    def __init__(self) -> None:
        self.newest = 0
        self._parts: list[str] = []
        self._held = 0
        self._awaited: int | None = None

    def await_replay(self, mark: int) -> None:
        """Ignore everything up to this mark: the stream begins anew, perhaps in the middle of a line."""
        self._awaited = mark
        self._parts, self._held = [], 0

    def feed(self, text: str) -> Iterator[Frame]:
        """The frames that `text` completes.

        Raises:
            Damaged: a line is garbled or missing.
            Broken: a line is too long, or a frame is not one.
        """
        self._parts.append(text)
        self._held += len(text)
        if "\n" in text:
            *lines, rest = "".join(self._parts).split("\n")
            self._parts, self._held = [rest], len(rest)
            for line in lines:
                frame = self._take(line)
                if frame is not None:
                    yield frame
        if self._held > _MAX_LINE:
            raise Broken("a line without end")

    def _take(self, line: str) -> Frame | None:
        if not line.strip():
            return None
        try:
            told = json.loads(line)
            number = told["q"]
        except RecursionError:
            raise Broken("a line of brackets") from None
        except (ValueError, TypeError, KeyError):
            if self._awaited is not None or self.newest == 0:  # a login shell may greet before the worker speaks
                return None
            raise Damaged from None
        if told.get("t") == "replay":
            if told.get("k") == self._awaited:
                self._awaited = None
            return None
        if self._awaited is not None or not isinstance(number, int) or number <= self.newest:
            return None
        if number != self.newest + 1:
            raise Damaged
        frame = _frame(told)
        self.newest = number
        return frame


def _frame(told: dict[str, Any]) -> Frame:
    kind, number, file = told.get("t"), told.get("n"), told.get("file")
    if kind not in {"ready", "call", "done"} or type(number) is not int or number < 0:
        raise Broken("a frame of no known kind")
    if file is None:
        return Frame(kind, number, told.get("body"))
    if not isinstance(file, dict) or type(file.get("bytes")) is not int or not isinstance(file.get("sha256"), str):
        raise Broken("a frame that names no file")
    if not 0 <= file["bytes"] <= MAX_BODY:
        raise Broken(f"a file of {file['bytes']:,} bytes")
    return Frame(kind, number, None, file["bytes"], file["sha256"] or "-")


_TOLD: dict[str, tuple[str, type]] = {
    "ok": ("output", dict),
    "final": ("value", dict),
    "missing": ("value", list),
    "syntax": ("error", str),
    "error": ("error", str),
    "interrupted": ("error", str),
}


def end_of_step(body: Any) -> dict[str, Any]:
    """`kind` (`ok`, `final`, `missing`, `syntax`, `error`, `interrupted`), `output` and what goes with the kind.

    Raises:
        Broken: it is nothing of the sort.
    """
    kind = body.get("kind") if isinstance(body, dict) else None
    if not isinstance(kind, str) or kind not in _TOLD or not isinstance(body.get(_TOLD[kind][0]), _TOLD[kind][1]):
        raise Broken("the end of a step that is none")
    match body.get("output"):
        case {"head": str(head), "tail": str(tail), "chars": int(chars)} if len(head) + len(tail) <= chars:
            return dict(body)
    raise Broken("output that is none")
