"""Takes attempts of one bench by lease, runs each as a question, and stores what came of it. Never pays twice."""

import logging
from dataclasses import replace
from functools import lru_cache
from typing import cast

from rlm_app import asking, prompts
from rlm_app.application import new_id
from rlm_app.benches import Attempt, Bench, Tally, shuffled
from rlm_app.benchmarking.holding import AttemptSource, AttemptStore, Patience
from rlm_app.benchmarking.leases import USUAL, Hold, Leases, Services, Timing
from rlm_app.benchmarking.settling import measured, settle, shown_letter
from rlm_app.errors import InvalidConfig, RunCancelled, StorageFailed
from rlm_app.events import RunFinished, fold
from rlm_app.examples import Example, source_of
from rlm_app.model import Run, RunConfig
from rlm_app.owners import is_dead
from rlm_app.ports import Datasets, Store
from rlm_app.stop import Stop

log = logging.getLogger(__name__)

SHARES = 4.0  # even shares of a bench's budget that an attempt may spend, where no limit of its own is set
LEFT_BEHIND = "The benchmark was stopped; resuming it goes on from here."


def allotment(bench: Bench) -> float | None:
    """USD that one attempt may spend: its own limit, or else four even shares of the bench's budget.

    An attempt starts only where its allotment still fits into the budget together with all that was spent and is
    allotted. So a bench passes `max_cost` at most by what the runs under way pass theirs by: for each of them the
    calls that were in flight when its limit was reached. Up to one allotment may stay unspent.
    """
    if bench.max_cost is None:
        return None
    share = bench.max_cost / (len(bench.examples) * bench.epochs)
    return min(bench.config.max_cost or SHARES * share, bench.max_cost)


class Worker:
    """Does attempts of one bench, one at a time for each thread that calls `take`.

    Within `with worker:` the leases are renewed; a lease that was lost stops its run. `stop` stops everything and
    gives the attempts back. Threads, processes and machines may work on one bench, each with a worker of its own.

    Raises:
        NotFound: its data set is not here.
        InvalidConfig: the data set is not the one that the bench was made of.
    """

    def __init__(self, services: Services, bench: Bench, stop: Stop, timing: Timing = USUAL) -> None:
        self.services, self.bench, self.stop = services, bench, stop
        self._timing, self._patience = timing, Patience(stop, timing.patience)
        self._examples = examples_of(bench, services.datasets)
        self._leases = Leases(services, bench.id, stop, timing)
        self._process = self._leases.process
        self._corpus = lru_cache(maxsize=2)(services.runs.store.corpus)

    def __enter__(self) -> "Worker":
        self._leases.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._leases.end()

    def take(self) -> bool:
        """Do the next attempt; False where none can be had now.

        Raises:
            StorageFailed: the storage fails for good; the attempt is left to be resumed.
            RunCancelled: the bench was stopped; so was the attempt, and it can be resumed.
        """
        self.stop.check()
        attempt = self._lease()
        if attempt is not None:
            self._do(attempt)
        return attempt is not None

    def _lease(self) -> Attempt | None:
        run_id, benches, allot = new_id(), self.services.benches, allotment(self.bench)
        # An owner for each lease, which names the run it would begin: where the answer is lost on the way, nobody
        # renews the lease and it lapses.
        owner = f"{self._process}/{run_id}"
        return self._patience(
            lambda: benches.lease(self.bench.id, owner, self._timing.lease, run_id=run_id, allot=allot)
        )

    def _do(self, attempt: Attempt) -> None:
        hold = Hold(attempt, AttemptStore(self.services.runs.store, self._patience))
        with self._leases.kept(hold):
            done = self._ended_attempt(hold)
            if done is None:
                self._give_back(hold)
            elif not self._patience(lambda: self.services.benches.finish(done)):
                log.warning("attempt %s was taken over by another worker", attempt.key)

    def _ended_attempt(self, hold: Hold) -> Attempt | None:
        """The attempt as it ended; None where its run did not come to its end."""
        attempt, store = hold.attempt, self.services.runs.store
        example = self._examples[attempt.example]
        question, letters = shuffled(example, self.bench.shuffle, attempt.epoch)
        source = source_of(self.bench.dataset, example.id)
        request = asking.Request(hold.run_id, source, question, self._config(attempt), keys=self.services.keys)
        run = self._perform(request, hold)
        if run is None:
            return None
        done = settle(attempt, run, example, letters)
        digest = run.receipt.digest if run.receipt else example.context
        measures = measured(run, lambda: self._corpus(digest), store.text, shown_letter(run, example))
        return done.model_copy(update={"measures": measures})

    def _config(self, attempt: Attempt) -> RunConfig:
        limits = [limit for limit in (self.bench.config.max_cost, attempt.allotted) if limit is not None]
        return self.bench.config.model_copy(update={"max_cost": min(limits, default=None)})

    def _perform(self, request: asking.Request, hold: Hold) -> Run | None:
        """Run it, unless it has ended already; None where it did not come to its end."""
        source = AttemptSource(self.services.runs.source, hold.store)
        services = replace(self.services.runs, store=cast(Store, hold.store), source=source)
        try:
            with self.stop.calling(lambda: hold.let_go(str(self.stop.cause))):
                begun_before = not hold.attempt.owner.endswith(f"/{hold.run_id}")
                if begun_before and (run := self._ended(request.run_id)):  # its worker died before it could finish
                    return run
                asking.perform(request, services, hold.stop, self._process)
        except RunCancelled:  # stopped before it began
            return None
        except (ValueError, StorageFailed):
            if hold.store.failure:
                raise hold.store.failure from None
            if not hold.store.is_shut:  # somebody whose lease has lapsed still works on it, and will notice
                hold.lost = True
                self.stop.wait(self._timing.lease / 4)
                self.services.benches.release(hold.attempt)
            return None
        return self._ended(request.run_id)

    def _ended(self, run_id: str) -> Run | None:
        """The run, where it has come to an end that stands."""
        told = self._patience(lambda: self.services.runs.store.events(run_id))
        run = fold(told) if told else None
        return run if run and run.status not in ("running", "interrupted") else None

    def _give_back(self, hold: Hold) -> None:
        """Leave an attempt that is still ours to be resumed, and its run as interrupted."""
        if hold.lost:
            return
        store, run_id, attempt = self.services.runs.store, hold.run_id, hold.attempt
        if told := store.events(run_id):
            run = fold(told)
            attempt = attempt.model_copy(update={"usage": run.usage})
            try:
                if run.status == "running":
                    store.append(run_id, RunFinished(seq=run.last_seq + 1, status="interrupted", error=LEFT_BEHIND))
            except ValueError:
                log.info("run %s has been ended elsewhere", run_id)
        self.services.benches.release(attempt)

    def tally(self) -> Tally:
        """How far the bench is. Raises: StorageFailed."""
        return self._patience(lambda: self.services.benches.tally([self.bench.id])[self.bench.id])

    def free_dead(self) -> None:
        """Give back the attempts whose process on this machine has died, before their leases lapse."""
        benches = self.services.benches
        for attempt in self._patience(lambda: benches.attempts([self.bench.id])):
            if attempt.outcome == "running" and is_dead(attempt.owner.rpartition("/")[0], 0.0):
                self._patience(lambda: benches.release(attempt))  # noqa: B023 - called at once


def examples_of(bench: Bench, datasets: Datasets) -> dict[str, Example]:
    """The examples of a bench by id.

    Raises:
        NotFound: the data set, or an example of it, is not here.
        InvalidConfig: data set or prompts are not those that the bench was made of.
    """
    if bench.prompts != prompts.version(bench.config.program):
        raise InvalidConfig(
            f"Bench {bench.id} was made with other prompts than this version of rlm-app has; "
            "start a new one, since results of both would mix."
        )
    found = datasets.dataset(bench.dataset)
    if found.digest != bench.revision:
        raise InvalidConfig(
            f"The data set {bench.dataset} has changed since bench {bench.id} was made; "
            "start a new bench, or import the data set as it was."
        )
    return {example.id: example for example in datasets.examples(bench.dataset, bench.examples)}
