"""Benches as rows: what a list says of each, made from aggregates alone."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from rlm_app.benches import OPEN, Bench, Score
from rlm_app.charts.references import LONGBENCH, REFERENCES, Reference
from rlm_app.reports.results import ANSWERED, ENDED
from rlm_app.scoring import Share, accuracy, wilson

State = Literal["done", "running", "stopped"]
STATES: tuple[State, ...] = ("done", "running", "stopped")


@dataclass(frozen=True)
class Row:
    """A bench and what it has come to. Means are over the attempts that ended and count."""

    bench: Bench
    score: Score

    @property
    def total(self) -> int:
        return sum(self.score.outcomes.values())

    @property
    def done(self) -> int:
        return self.total - sum(self.score.outcomes.get(outcome, 0) for outcome in OPEN)

    @property
    def state(self) -> State:
        """`running` where any attempt is under way, in whichever process."""
        if self.done == self.total:
            return "done"
        return "running" if self.score.outcomes.get("running") else "stopped"

    @property
    def n(self) -> int:
        return self._count(ENDED)

    @cached_property
    def over_all(self) -> Share:
        return self._share([(right, ended) for right, _, ended in self.score.groups], self.n)

    @cached_property
    def over_answered(self) -> Share:
        return self._share([(right, answered) for right, answered, _ in self.score.groups], self._count(ANSWERED))

    def _share(self, groups: Sequence[tuple[int, int]], n: int) -> Share:
        if groups:
            return accuracy([True] * right + [False] * (size - right) for right, size in groups)
        right = self._count(("right",))
        return Share(right, n, wilson(right, n))

    def _count(self, outcomes: Iterable[str]) -> int:
        return sum(number for outcome, number in self.score.outcomes.items() if outcome in outcomes)

    @property
    def mean_cost(self) -> float | None:
        """USD an attempt, None where the price of any is unknown, or nothing has ended."""
        return None if self.score.cost is None else self._mean(self.score.cost)

    @property
    def mean_tokens(self) -> float | None:
        return self._mean(self.score.tokens)

    @property
    def mean_steps(self) -> float | None:
        return self._mean(self.score.steps)

    def _mean(self, total: float) -> float | None:
        return total / self.n if self.n else None


@dataclass(frozen=True)
class Wanted:
    """Which benches a reader looks for; empty: any."""

    dataset: str = ""
    model: str = ""
    state: str = ""

    def fits(self, row: Row) -> bool:
        bench = row.bench
        models = f"{bench.config.model}\n{bench.config.sub_model or ''}\n{bench.id}".casefold()
        return (
            self.dataset in ("", bench.dataset)
            and self.state in ("", row.state)
            and self.model.strip().casefold() in models
        )


def rows_of(benches: Sequence[Bench], scores: Mapping[str, Score]) -> list[Row]:
    """A row for each bench, in their order."""
    return [Row(bench, scores.get(bench.id, Score())) for bench in benches]


def literature(rows: Iterable[Row], wanted: Wanted) -> tuple[Reference, ...]:
    """The figures of the literature that belong beside these rows: none where none is of LongBench."""
    if wanted.state not in ("", "done") or not any(row.bench.dataset.startswith(LONGBENCH) for row in rows):
        return ()
    looked_for = wanted.model.strip().casefold()
    return tuple(reference for reference in REFERENCES if looked_for in reference.label.casefold())


def usual(rows: Sequence[Row], most: int) -> list[Row]:
    """What is charted where nobody has chosen: the newest benches of the data set and split of the newest with results.

    Rows come newest first, and are returned with those that are right most often first.
    """
    ended = [row for row in rows if row.n]
    alike = [r for r in ended if (r.bench.dataset, r.bench.split) == (ended[0].bench.dataset, ended[0].bench.split)]
    return sorted(alike[:most], key=lambda row: row.over_all.value or 0.0, reverse=True)
