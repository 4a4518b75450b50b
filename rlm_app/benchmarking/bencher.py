"""Benches as pages, command line and notebooks see them: plan, start, follow, stop, read, publish."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import SecretStr

from rlm_app.baselines import ModelFacts, baseline
from rlm_app.benches import Attempt, Bench, Outcome
from rlm_app.benchmarking import archive
from rlm_app.benchmarking.crew import Crew, Ending, budget_sentence
from rlm_app.benchmarking.leases import USUAL, Services, Timing
from rlm_app.benchmarking.planning import Estimate, Plan, Wanted, check_budget, estimate, plan_bench
from rlm_app.benchmarking.standing import Standing
from rlm_app.benchmarking.worker import Worker, examples_of
from rlm_app.errors import InvalidConfig, NotFound, RunCancelled
from rlm_app.examples import Dataset, Example
from rlm_app.jobs import Jobs
from rlm_app.stop import Stop
from rlm_app.wording import cost

if TYPE_CHECKING:
    from rlm_app.reports.comparing import Comparison
    from rlm_app.reports.report import Report

log = logging.getLogger(__name__)

AT_ONCE = 16  # benches of one process that are worked on at a time; more wait
RETRIED: tuple[Outcome, ...] = ("error", "cancelled")

Work = Callable[[Bench, Stop], Ending]
"""Works on a bench until nothing is left to do: threads of this process, or a cluster."""


@dataclass(frozen=True)
class Surroundings:
    """What a `Bencher` needs beside the services: how a data set is made ready, what is known of a model, the time."""

    ensure: Callable[[str], Dataset]
    facts: Callable[[str], ModelFacts]
    timing: Timing = USUAL


class Bencher:
    """The benches of one installation, and those that this process works on."""

    def __init__(self, services: Services, around: Surroundings) -> None:
        self.services, self._around = services, around
        self._benches = services.benches
        self._jobs = Jobs(AT_ONCE)
        self._begun: dict[str, tuple[float, int]] = {}
        self._endings: dict[str, Ending | BaseException] = {}

    # Planning and working

    def plan(self, wanted: Wanted, *, workers: int = 4) -> Plan:
        """What would be done, and what it will probably take; nothing is stored or started.

        Raises:
            UserError: no such data set or split, or a figure out of range.
        """
        self._around.ensure(wanted.dataset)
        bench, examples = plan_bench(wanted, self.services.datasets)
        likely = self.estimate(bench, examples, workers)
        if likely.cost is None and (bench.max_cost or bench.config.max_cost) and not self._priced(bench):
            raise InvalidConfig(
                f"The price of {bench.config.model} is not known, so a cost limit cannot be kept; "
                "set the price in settings, or leave the limit out."
            )
        return Plan(bench, examples, likely)

    def estimate(self, bench: Bench, examples: Sequence[Example], workers: int) -> Estimate:
        quote = self.services.runs.store.quote(bench.config.model)
        return estimate(bench, examples, quote, self._around.facts, workers)

    def _priced(self, bench: Bench) -> bool:
        named = baseline(bench.config.model)
        asked = {named.inner} if named else {bench.config.model, bench.config.sub_model or bench.config.model}
        return all(self._around.facts(model).price is not None for model in asked)

    def start(
        self,
        bench: Bench,
        *,
        workers: int = 4,
        keys: Mapping[str, SecretStr] | None = None,
        work: Work | None = None,
    ) -> str:
        """Store a bench, or find it, and work on it in the background; returns its id at once.

        Attempts that have ended stay as they are.

        Args:
            workers: attempts at the same time, in threads of this process.
            keys: of whoever starts it, by provider; they come before the installation's.
            work: replaces those threads.

        Raises:
            InvalidConfig: it is here with a higher budget.
            StorageFailed: it cannot be stored.
        """
        self._refuse_lower(bench)
        stored = self._benches.create(bench)
        if stored.id in self._jobs.running():
            return stored.id
        done = self._benches.tally([stored.id])[stored.id].done
        self._begun[stored.id] = time.time(), done
        self._endings.pop(stored.id, None)
        services = replace(self.services, keys=dict(keys or {}))

        def in_threads(bench: Bench, stop: Stop) -> Ending:
            return Crew(services, bench, workers=workers, timing=self._around.timing).work(stop)

        self._jobs.submit(stored.id, lambda stop: self._work(stored, work or in_threads, stop))
        return stored.id

    def _refuse_lower(self, bench: Bench) -> None:
        """A budget is only ever raised; whoever gives a lower one must not believe that it holds."""
        with suppress(NotFound):
            there = self._benches.bench(bench.key).max_cost
            if there is not None and bench.max_cost is not None and bench.max_cost < there:
                raise InvalidConfig(
                    f"Bench {bench.key} has a budget of {cost(there)}, which can be raised and not lowered; "
                    "give as much or more, or leave the budget away."
                )

    def _work(self, bench: Bench, work: Work, stop: Stop) -> None:
        try:
            self._endings[bench.id] = work(bench, stop)
        except BaseException as error:
            log.warning("bench %s ended early: %s", bench.id, error)
            self._endings[bench.id] = error

    def resumable(self, bench_id: str, max_cost: float | None = None) -> Bench:
        """A stored bench, for `start` to go on with: exactly what has not ended is done.

        A higher budget replaces a lower.

        Raises:
            NotFound: no such bench.
            InvalidConfig: the budget is none.
        """
        bench = self._benches.bench(bench_id)
        check_budget(max_cost)
        return bench.model_copy(update={"max_cost": max_cost or bench.max_cost})

    def take(self, bench_id: str) -> bool:
        """Do the next attempt of a bench, here and now; False where none is to be had, or the bench was cancelled.

        Raises:
            UserError: the storage fails, or the data set is not here.
        """
        with Worker(self.services, self._benches.bench(bench_id), Stop(), self._around.timing) as worker:
            try:
                return worker.take()
            except RunCancelled:
                return False

    def check(self, bench_id: str) -> None:
        """See that this process can work on a bench: its data set, and a context. Raises: UserError."""
        examples = examples_of(self._benches.bench(bench_id), self.services.datasets)
        self.services.runs.store.corpus(next(iter(examples.values())).context)

    def wait(self, bench_id: str, seconds: float | None = None) -> bool:
        """True once this process has ended its work on a bench, False after `seconds`."""
        return self._jobs.wait(bench_id, seconds)

    def ending(self, bench_id: str) -> Ending:
        """Why the work of this process on a bench ended. Raises: what ended it early."""
        ending = self._endings.get(bench_id, "done")
        if isinstance(ending, BaseException):
            raise ending
        return ending

    def stop(self, bench_id: str) -> None:
        """Stop the work of this process on a bench; its attempts can be resumed, by others at once."""
        self._jobs.stop(bench_id)

    def works_on(self, bench_id: str) -> bool:
        """Whether this process works on a bench now."""
        return bench_id in self._jobs.running()

    def cancel(self, bench_id: str) -> Bench:
        """Stop a bench wherever it is worked on. It can be resumed. Raises: NotFound."""
        bench = self._benches.bench(bench_id)
        self._benches.cancel(bench.id)
        self.stop(bench.id)
        return bench

    def retry(self, bench_id: str, outcomes: Sequence[Outcome] = RETRIED) -> int:
        """Let attempts that ended so be made again; the old ones are kept. How many.

        Raises:
            NotFound: no such bench, or its data set is not here.
            InvalidConfig: data set or prompts are not those that the bench was made of, so none could be made.
        """
        bench = self._benches.bench(bench_id)
        examples_of(bench, self.services.datasets)
        return self._benches.retry(bench.id, outcomes)

    def delete(self, bench_id: str) -> Bench:
        """Remove a bench, its attempts and their runs, ending its work first. Raises: NotFound."""
        bench = self.cancel(bench_id)
        self.wait(bench.id, 10)
        for run_id in self._benches.delete_bench(bench.id):
            with suppress(NotFound):
                self.services.runs.store.delete(run_id)
        return bench

    # Reading

    def bench(self, bench_id: str) -> Bench:
        """By id, or by the start of one where that is unique. Raises: NotFound."""
        return self._benches.bench(bench_id)

    def standing(self, bench_id: str) -> Standing:
        """How far a bench is. Raises: NotFound."""
        bench = self._benches.bench(bench_id)
        tally = self._benches.tally([bench.id])[bench.id]
        # Where another process works on it, nothing is known of its pace.
        since, before = self._begun.get(bench.id, (time.time(), tally.done))
        return Standing(bench, tally, since, before, self._groups([bench])[bench.id])

    def standings(self) -> list[Standing]:
        """All benches, newest first."""
        benches = self._benches.benches()
        tallies = self._benches.tally([bench.id for bench in benches]) if benches else {}
        groups = self._groups(benches)
        now = time.time()
        told = [(bench, tallies[bench.id], groups[bench.id]) for bench in benches]
        return [Standing(bench, tally, now, tally.done, of) for bench, tally, of in told]

    def _groups(self, benches: Sequence[Bench]) -> dict[str, tuple[tuple[int, int, int], ...]]:
        """Of each bench, the groups of its score; none where it has one epoch, and they are not asked for."""
        several = [bench.id for bench in benches if bench.epochs > 1]
        found = self._benches.scores(several) if several else {}
        return {bench.id: found[bench.id].groups if bench.id in found else () for bench in benches}

    def left_over(self, bench_id: str) -> str:
        """Why a bench that ended with `budget` was not done to its end, and what to do."""
        standing = self.standing(bench_id)
        return budget_sentence(standing.bench, standing.tally)

    def attempts(self, bench_id: str, *, latest: bool = True) -> list[Attempt]:
        return self._benches.attempts([self._benches.bench(bench_id).id], latest=latest)

    def examples(self, bench: Bench) -> list[Example]:
        """The examples of a bench; none where its data set is not here, or is another by now."""
        with suppress(NotFound):
            if self.services.datasets.dataset(bench.dataset).digest == bench.revision:
                return self.services.datasets.examples(bench.dataset, bench.examples)
        return []

    def report(self, bench_id: str) -> "Report":
        """The figures of a bench. Raises: NotFound."""
        from rlm_app.reports.report import report

        bench = self._benches.bench(bench_id)
        return report(bench, self._benches.attempts([bench.id], latest=False), self.examples(bench))

    def html(self, bench_id: str) -> str:
        """The report as one HTML page with all charts, which opens offline. Raises: NotFound."""
        from rlm_app.charts.colours import colours
        from rlm_app.figures.html import html_report

        bench = self._benches.bench(bench_id)
        palette = colours({one.config.model for one in self._benches.benches()})
        attempts = self._benches.attempts([bench.id])
        return html_report(self.report(bench.id), [bench], attempts, self.examples(bench), palette)

    def compare(self, bench_ids: Sequence[str]) -> "Comparison":
        """Two to four benches on the examples that they have in common. Raises: NotFound, InvalidConfig."""
        from rlm_app.reports import comparing
        from rlm_app.reports.results import results_of

        benches = {bench.id: bench for bench in map(self._benches.bench, bench_ids)}
        if not 2 <= len(benches) <= 4:
            raise InvalidConfig("Give two to four different benches to compare.")
        return comparing.compare(*results_of(benches.values(), self._benches.attempts(list(benches))))

    def export(self, bench_id: str, file: Path) -> int:
        """Write a bench to one zip; returns the number of its runs. See `archive`. Raises: UserError."""
        return archive.export_bench(bench_id, file, self.services)

    def load(self, file: Path) -> Bench:
        """Read a bench that `export` wrote. Raises: DatasetUnavailable."""
        return archive.import_bench(file, self.services)
