"""Questions with known answers, and the data sets they come in."""

from pydantic import Field

from rlm_app.errors import InvalidConfig
from rlm_app.model import Frozen, Question

SOURCE_PREFIX = "example:"
"""`example:longbench/66ec…` names an example where any other source would name a repository."""


class Example(Frozen):
    """One multiple-choice question about a stored context, with its key.

    `expected` is a letter of `question.choices`; `context` the digest of a stored corpus. The descriptive fields are
    empty where the source says nothing.
    """

    id: str
    question: Question
    expected: str
    context: str
    context_chars: int = Field(ge=0)
    domain: str = ""
    sub_domain: str = ""
    difficulty: str = Field(default="", description="easy or hard")
    length: str = Field(default="", description="short, medium or long, as LongBench has it")
    repository: str = ""
    language: str = ""
    kind: str = Field(default="", description="of a generated question, e.g. definition, caller, default")
    hops: int | None = Field(default=None, description="files that must be read to know")
    evidence: tuple[str, ...] = Field(default=(), description='where the truth stands, each as "path:first-last"')


class Dataset(Frozen):
    """A set of examples, and where it came from.

    `splits` names the ids of each split in order; the split `all` is every example in the order of the source and
    always there. `digest` is the SHA-256 of the file it came from, or of the canonical JSON of generated examples.
    """

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")
    source: str
    revision: str = ""
    digest: str
    examples: int
    imported: float = Field(description="seconds since the epoch")
    splits: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    notes: tuple[str, ...] = Field(default=(), description="one sentence each")

    def ids(self, split: str) -> tuple[str, ...]:
        """The examples of a split, in order. Raises: InvalidConfig, with the splits there are."""
        if split not in self.splits:
            known = ", ".join(self.splits)
            raise InvalidConfig(f"The data set {self.name} has no split {split!r}; choose one of {known}.")
        return self.splits[split]


def source_of(dataset: str, example_id: str) -> str:
    """The source that names an example; see `SOURCE_PREFIX`."""
    return f"{SOURCE_PREFIX}{dataset}/{example_id}"
