"""How far a bench is, for whoever watches it."""

import time
from dataclasses import dataclass, field

from rlm_app import scoring
from rlm_app.benches import Bench, Tally


@dataclass(frozen=True)
class Standing:
    """How far a bench is. `since` and `done_before` are when this process began to work on it, and what was done.

    `groups` are those of its `Score`, where it has several epochs.
    """

    bench: Bench
    tally: Tally
    since: float = field(default_factory=time.time)
    done_before: int = 0
    groups: tuple[tuple[int, int, int], ...] = ()

    @property
    def right(self) -> int:
        return self.tally.outcomes.get("right", 0)

    @property
    def errors(self) -> int:
        return self.tally.outcomes.get("error", 0)

    @property
    def counted(self) -> int:
        """Attempts that have ended and count: cancelled ones were never measured."""
        return self.tally.done - self.tally.outcomes.get("cancelled", 0)

    @property
    def interval(self) -> scoring.Interval:
        """95 % interval of the share that is right among what counts; see `scoring.accuracy`."""
        if self.groups:
            return scoring.accuracy(
                [True] * right + [False] * (ended - right) for right, _, ended in self.groups
            ).interval
        return scoring.wilson(self.right, self.counted)

    def remaining(self, now: float) -> float | None:
        """Seconds that the rest will take at the pace so far; None before the first attempt has ended."""
        done = self.tally.done - self.done_before
        return (now - self.since) / done * (self.tally.total - self.tally.done) if done > 0 else None
