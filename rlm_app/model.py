"""The types that cross rooms. All frozen; pydantic where they also cross a disk, a process or a browser."""

import hashlib
import json
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, field_validator

MAX_QUESTION_CHARS = 20_000
KEYLESS_MODEL = "keyless/bm25"
KEYLESS_LABEL = "retrieval baseline, no language model"

_DIGEST_CHARS = 1 << 20


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FileSpan(NamedTuple):
    """Where one file lies in a corpus: `text[start : start + chars]` is exactly the file.

    `lines` counts as editors do: a last line without a line feed counts, an empty file has none.
    """

    path: str
    start: int
    chars: int
    lines: int


def index_json(text_digest: str, files: Sequence[FileSpan]) -> bytes:
    """The index of a corpus whose text has this SHA-256; the index's own SHA-256 is the corpus's digest."""
    return json.dumps({"text": text_digest, "files": files}, separators=(",", ":")).encode()


@dataclass(frozen=True)
class Corpus:
    """One repository at one commit as one string, with the index that says where each file lies.

    Offsets and sizes are characters, not bytes or tokens. Files are in path order. `digest` names text and index
    together, so a header forged inside a file cannot pass for another corpus.
    """

    name: str
    revision: str
    text: str
    files: tuple[FileSpan, ...]

    @cached_property
    def text_digest(self) -> str:
        digest = hashlib.sha256()
        for start in range(0, len(self.text), _DIGEST_CHARS):  # the bytes of all of it would be a second copy
            digest.update(self.text[start : start + _DIGEST_CHARS].encode())
        return digest.hexdigest()

    @cached_property
    def digest(self) -> str:
        return hashlib.sha256(self.index_json()).hexdigest()

    def index_json(self) -> bytes:
        """The index as stored: canonical JSON that names the text by its SHA-256."""
        return index_json(self.text_digest, self.files)

    @cached_property
    def _starts(self) -> list[int]:
        return [span.start for span in self.files]

    @cached_property
    def _by_path(self) -> dict[str, FileSpan]:
        return {span.path: span for span in self.files}

    def span(self, path: str) -> FileSpan | None:
        return self._by_path.get(path)

    def read(self, span: FileSpan) -> str:
        return self.text[span.start : span.start + span.chars]

    def lines(self, span: FileSpan, first: int, last: int) -> list[str]:
        """Lines `first` to `last` of a file, both counted from 1 and both included, without line ends."""
        return self.read(span).split("\n")[max(first - 1, 0) : min(last, span.lines)]

    def locate(self, offset: int) -> tuple[str, int]:
        """Path and line (from 1) of a character of the text, in O(log files + size of one file).

        Raises:
            ValueError: the offset lies in no file (a header, or outside the text).
        """
        at = bisect_right(self._starts, offset) - 1
        if at >= 0 and offset < self.files[at].start + self.files[at].chars:
            span = self.files[at]
            return span.path, self.text.count("\n", span.start, offset) + 1
        raise ValueError(f"no file at character {offset}")


class Skipped(Frozen):
    """A file left out of a corpus, and why."""

    path: str
    reason: str
    size: int = Field(description="bytes; 0 for what has no size, like a submodule")
    detail: str = Field(default="", description="what is told of this file alone, like a submodule's commit")


class Receipt(Frozen):
    """What was taken from a repository and what was not: everything a reader may want to check."""

    source: str = Field(description="as the user gave it, without credentials")
    url: str = Field(description="what was cloned: an https address or a folder")
    name: str = Field(description="owner/name, or the folder's name")
    commit: str
    ref: str | None = Field(description="branch or tag that was asked for or HEAD pointed to")
    folder: str = Field(default="", description="the part of the tree that was taken; empty for all")
    files: int
    chars: int
    digest: str = Field(description="of the corpus")
    languages: tuple[tuple[str, int], ...] = Field(description="(language, characters), largest first")
    skipped_by_reason: tuple[tuple[str, int], ...] = Field(default=(), description="(reason, files), most first")
    skipped: tuple[Skipped, ...] = Field(default=(), description="the first of them, in path order")
    notes: tuple[str, ...] = Field(default=(), description="one sentence each, e.g. that local changes are not seen")
    web_url: str | None = Field(default=None, description="the host's page for lines: has {path}, {first}, {last}")
    seconds: float = 0.0

    @property
    def tokens(self) -> int:
        """Estimate: 3.6 characters a token (2.6 to 4.6 measured on code). Show it with "~"."""
        return round(self.chars / 3.6)

    @property
    def skipped_files(self) -> int:
        return sum(count for _, count in self.skipped_by_reason)


class Question(Frozen):
    """What is asked; with `choices` ({"A": text, …}) the answer is one of their letters."""

    text: str
    choices: dict[str, str] = Field(default_factory=dict)

    @field_validator("text")
    @classmethod
    def _strip(cls, text: str) -> str:
        return text.strip()

    @property
    def prompt(self) -> str:
        """Question and choices as the model reads them."""
        return "\n".join([self.text, *(f"{letter}. {choice}" for letter, choice in self.choices.items())])


class Selection(Frozen):
    """Which part of a repository becomes the corpus. Globs match whole paths; `**` spans folders."""

    ref: str | None = None
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    generated: bool = Field(default=False, description="take lock files, minified and vendored code too")


class RunConfig(Frozen):
    """How a question is to be answered. Its hash names it."""

    model: str = KEYLESS_MODEL
    sub_model: str | None = Field(default=None, description="None: the root model")
    sandbox: str = "monty"
    files_in_sandbox: bool = Field(default=False, description="the code as files too, where the sandbox has a disk")
    max_steps: int = Field(default=15, ge=1, le=100)
    max_llm_calls: int = Field(default=50, ge=0, le=10_000, description="sub-calls in one run")
    max_seconds: float = Field(default=1800, ge=1, le=86_400)
    max_cost: float | None = Field(default=None, gt=0, description="USD; None: no limit")
    max_output_chars: int = Field(
        default=10_000, ge=500, le=200_000, description="of a step's output shown to the model"
    )

    @property
    def digest(self) -> str:
        return hashlib.sha256(json.dumps(self.model_dump(), sort_keys=True).encode()).hexdigest()[:16]


class Usage(Frozen):
    """Tokens and cost of model calls; adding two gives their sum.

    `cost` is USD, or None where the price of any call in it is unknown.
    """

    calls: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    tokens_cached: int = 0
    cost: float | None = 0.0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            calls=self.calls + other.calls,
            tokens_in=self.tokens_in + other.tokens_in,
            tokens_out=self.tokens_out + other.tokens_out,
            tokens_cached=self.tokens_cached + other.tokens_cached,
            cost=None if self.cost is None or other.cost is None else self.cost + other.cost,
        )


CitationStatus = Literal["verified", "not found", "out of range"]


class Citation(Frozen):
    """Lines that an answer rests on, and whether they are there.

    `not found`: no such file, or the quoted text is not in those lines. `out of range`: the file has fewer lines.
    """

    path: str
    first: int
    last: int
    quote: str | None = None
    status: CitationStatus
    url: str | None = Field(default=None, description="those lines at that commit on the repository's host")

    @property
    def label(self) -> str:
        return f"{self.path}:{self.first}" + (f"-{self.last}" if self.last != self.first else "")


class Body(Frozen):
    """A text that an event carries: inline when short, otherwise in a blob named by its SHA-256."""

    chars: int
    text: str | None = None
    blob: str | None = None


Status = Literal["running", "answered", "extracted", "limit", "cancelled", "failed", "interrupted"]


@dataclass(frozen=True)
class SubCall:
    """One call of the sub-model from inside a step."""

    call_id: str
    step: int
    model: str
    started: float
    prompt: Body
    response: Body | None = None
    usage: Usage = Usage()
    seconds: float | None = None
    error: str | None = None


@dataclass(frozen=True)
class Step:
    """One turn of the loop: reasoning and code by the model, output by the sandbox.

    `seconds` is None while it runs; `model_seconds` is the root call that wrote it.
    """

    number: int
    reasoning: str
    code: str
    usage: Usage
    model_seconds: float
    started: float
    output: str | None = None
    output_chars: int = 0
    failed: bool = False
    submitted: bool = False
    seconds: float | None = None
    sub_calls: tuple[SubCall, ...] = ()


@dataclass(frozen=True)
class SandboxUse:
    """The sandbox of a run: what it was, its name where it has one, and how long it was held, in seconds."""

    kind: str
    name: str | None
    started: float
    seconds: float | None = None


@dataclass(frozen=True)
class Phase:
    """A stretch of work around the steps, e.g. the clone. `seconds` is None while it runs."""

    name: str
    started: float
    seconds: float | None = None
    done: int = 0
    total: int | None = None
    note: str = ""


@dataclass(frozen=True)
class Run:
    """What the events of one run add up to. Made by `events.fold`, never stored.

    Times are seconds since the epoch, UTC. `status` is `running` until `RunFinished` is among the events.
    """

    id: str
    source: str
    question: Question
    config: RunConfig
    started: float
    selection: Selection = Selection()
    status: Status = "running"
    receipt: Receipt | None = None
    phases: tuple[Phase, ...] = ()
    sandbox: SandboxUse | None = None
    steps: tuple[Step, ...] = ()
    answer: str | None = None
    citations: tuple[Citation, ...] = ()
    limit: str | None = None
    error: str | None = None
    mendable: bool = False
    other_usage: Usage = Usage()
    seconds: float | None = None
    last_seq: int = -1
    versions: tuple[tuple[str, str], ...] = ()

    @property
    def sub_calls(self) -> tuple[SubCall, ...]:
        return tuple(call for step in self.steps for call in step.sub_calls)

    @property
    def root_usage(self) -> Usage:
        return sum((step.usage for step in self.steps), self.other_usage)

    @property
    def sub_usage(self) -> Usage:
        return sum((call.usage for call in self.sub_calls), Usage())

    @property
    def usage(self) -> Usage:
        return self.root_usage + self.sub_usage

    @property
    def keyless(self) -> bool:
        """True where no language model took part: answers must be labelled `KEYLESS_LABEL`."""
        return self.config.model == KEYLESS_MODEL


@dataclass(frozen=True)
class RunSummary:
    """One row of History: what the store keeps beside the events so that a list need not fold every run."""

    id: str
    started: float
    status: Status
    source: str
    repository: str
    commit: str
    question: str
    model: str
    sandbox: str
    steps: int
    cost: float | None
    seconds: float | None


def json_of(value: BaseModel) -> dict[str, Any]:
    return value.model_dump(mode="json")
