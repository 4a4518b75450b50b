"""Every error this project raises on purpose.

RlmAppError
├── UserError               the user can mend it: shown as one sentence that says what to do
│   ├── InvalidSource       not something that can be cloned
│   ├── CloneRefused        a rule of ours forbids it (address, credentials in a URL, a local path on a demo)
│   ├── CloneFailed         git could not: unreachable, private, no such ref, no such folder
│   ├── CorpusTooLarge      over a limit on bytes, files or characters
│   ├── CorpusEmpty         nothing left to read
│   ├── InvalidQuestion     blank, too long, or choices that make no sense
│   ├── InvalidConfig       a setting out of range or of the wrong kind
│   ├── MissingKey          a model or sandbox needs a key that is not set
│   ├── DatasetUnavailable  a data set that cannot be fetched, or a file that is none
│   ├── NotFound            a run, a blob, a data set or a bench that is not in the store
│   └── StorageFailed       the disk or the database refuses
└── RunError                ends a run and is kept on it
    ├── SandboxUnavailable  none could be started
    ├── SandboxLost         it died while the run lived
    ├── ModelFailed         the root model gave no usable reply
    ├── RunLimited          a budget is spent: an outcome, not a fault
    └── RunCancelled        somebody pressed Stop

Anything else is a bug: it keeps its traceback in the log and never reaches a reader.
"""


class RlmAppError(Exception):
    """Base of all errors raised on purpose; `str(error)` is one sentence for people."""


class UserError(RlmAppError): ...


class InvalidSource(UserError): ...


class CloneRefused(UserError): ...


class CloneFailed(UserError): ...


class CorpusTooLarge(UserError): ...


class CorpusEmpty(UserError): ...


class InvalidQuestion(UserError): ...


class InvalidConfig(UserError): ...


class MissingKey(UserError): ...


class DatasetUnavailable(UserError): ...


class NotFound(UserError): ...


class StorageFailed(UserError): ...


class RunError(RlmAppError): ...


class SandboxUnavailable(RunError): ...


class SandboxLost(RunError): ...


class ModelFailed(RunError): ...


class RunCancelled(RunError): ...


class RunLimited(RunError):
    """A budget is spent.

    Args:
        limit: which one: `max_seconds`, `max_cost`, …, as `RunConfig` names it.
        message: one sentence with the figure that was reached.
    """

    def __init__(self, limit: str, message: str) -> None:
        super().__init__(message)
        self.limit = limit
