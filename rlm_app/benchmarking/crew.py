"""Threads of one process that work on a bench until nothing is left to do."""

import threading
from typing import Literal

from rlm_app.benches import Bench, Tally
from rlm_app.benchmarking.leases import USUAL, Services, Timing
from rlm_app.benchmarking.worker import Worker, allotment
from rlm_app.errors import RunCancelled
from rlm_app.stop import Stop
from rlm_app.wording import cost, plural

Ending = Literal["done", "budget", "stopped"]
"""Why the work is over: every attempt has ended, the rest does not fit the bench's budget, or a stop or a cancel."""


class Crew:
    """So many threads over one worker. Attempts that others work on are waited for, since those may die."""

    def __init__(self, services: Services, bench: Bench, *, workers: int, timing: Timing = USUAL) -> None:
        self._services, self._bench, self._workers, self._timing = services, bench, workers, timing
        self._ending: Ending = "done"
        self._error: BaseException | None = None

    def work(self, stop: Stop) -> Ending:
        """Do attempts until nothing is left to do.

        Raises:
            StorageFailed: the storage fails for good. All that was done is stored, the rest can be resumed.
            UserError: the data set is not here.
        """
        self._bench = self._services.benches.bench(self._bench.id)  # its budget may have been raised
        with Worker(self._services, self._bench, stop, self._timing) as worker:
            threads = [
                threading.Thread(target=self._thread, args=(worker,), name=f"worker-{number}", daemon=True)
                for number in range(self._workers)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        if self._error:
            raise self._error
        return "stopped" if stop.cause else self._ending

    def _thread(self, worker: Worker) -> None:
        refused = 0  # times in a row that attempts waited and none was to be had
        try:
            while True:
                if worker.take():
                    refused = 0
                    continue
                tally = worker.tally()
                waiting, running = tally.outcomes.get("waiting", 0), tally.outcomes.get("running", 0)
                if running:
                    worker.free_dead()
                elif not waiting:
                    return
                refused = refused + 1 if waiting and not running and allotment(self._bench) else 0
                if refused > 1:
                    self._ending = "budget"
                    return
                worker.stop.wait(self._timing.poll)
        except RunCancelled:
            return
        except BaseException as error:  # raised again by `work`
            self._error = error
            worker.stop.request(RunCancelled("The benchmark was stopped by an error."))


def budget_sentence(bench: Bench, tally: Tally) -> str:
    """Why the rest was not started, and what to do."""
    waiting = plural(tally.outcomes.get("waiting", 0), "attempt")
    if tally.usage.cost is None:
        return (
            f"{waiting} were not started, since the price of {bench.config.model} or of its sub-model is not known "
            "and so a budget cannot be kept; set the price in settings, or start a bench without --max-cost."
        )
    return (
        f"{waiting} were not started: each is allotted {cost(allotment(bench))}, which does not fit the budget of "
        f"{cost(bench.max_cost)} any more; raise it with: rlm-app bench resume {bench.id} --max-cost …"
    )
