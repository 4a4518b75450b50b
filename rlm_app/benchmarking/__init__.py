"""Many questions, one configuration: planned, run resumably, scored, published.

`Bencher` is what everybody else uses. The attempts in the database are the only truth about what was done: threads,
processes and machines take them by lease, and whoever comes back after a crash goes on from what is stored.
"""

from rlm_app.benchmarking.bencher import Bencher, Surroundings
from rlm_app.benchmarking.crew import Crew, Ending
from rlm_app.benchmarking.leases import Services, Timing
from rlm_app.benchmarking.planning import Estimate, Plan, Wanted
from rlm_app.benchmarking.standing import Standing
from rlm_app.benchmarking.worker import Worker, allotment

__all__ = [
    "Bencher",
    "Crew",
    "Ending",
    "Estimate",
    "Plan",
    "Services",
    "Standing",
    "Surroundings",
    "Timing",
    "Wanted",
    "Worker",
    "allotment",
]
