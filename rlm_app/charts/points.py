"""How attempts become points: who they are, how many there are, and how a share is worded."""

from collections.abc import Mapping, Sequence
from typing import Any

from rlm_app import scoring
from rlm_app.benches import Attempt
from rlm_app.examples import Example
from rlm_app.reports.report import percent
from rlm_app.reports.results import ANSWERED, Results, by_example
from rlm_app.scoring import Interval, Share
from rlm_app.wording import plural

Examples = Mapping[str, Example]


def who(attempts: Sequence[Attempt]) -> dict[str, Any]:
    """The columns of a series that lead from its points to examples and runs."""
    return {
        "examples": tuple(attempt.example for attempt in attempts),
        "runs": tuple(attempt.run_id for attempt in attempts),
    }


def counted(results: Sequence[Results]) -> str:
    """How much a chart of these benches rests on, e.g. `n = 25 examples × 4 epochs`, or a range over benches."""
    counts = sorted({len(by_example(result.ended)) for result in results}) or [0]
    many = f"{counts[0]:,} to {plural(counts[-1], 'example')}" if len(counts) > 1 else plural(counts[0], "example")
    epochs = max((result.bench.epochs for result in results), default=1)
    benches = f", {len(results)} benches" if len(results) > 1 else ""
    return f"n = {many}" + (f" × {epochs} epochs" if epochs > 1 else "") + benches


def worded(share: Share) -> str:
    """`52.0 % [33.5, 70.0], 13 of 25`."""
    return f"{percent(share.value, share.interval)}, {share.right:,} of {share.n:,}"


def kind_of(attempt: Attempt) -> str:
    """Right, wrong, or neither: what a chart of answers tells apart."""
    return attempt.outcome if attempt.outcome in ANSWERED else "not answered"


def mean_share(values: Sequence[float]) -> tuple[float, Interval]:
    """Mean of shares, one an example, with Student's t interval kept within 0 and 1.

    For curves of many points, where a bootstrap at each would take seconds.
    """
    mean, spread = scoring.mean_interval(values)
    return mean, Interval(max(spread.low, 0.0), min(spread.high, 1.0))
