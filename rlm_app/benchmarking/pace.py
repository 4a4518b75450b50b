"""How a bench goes, in words."""

from rlm_app.benchmarking.standing import Standing
from rlm_app.reports.report import percent
from rlm_app.wording import amount, cost, plural, seconds


def pace(standing: Standing, now: float) -> str:
    """Right so far with its interval, errors, tokens, cost, and the time that the rest will take."""
    usage, counted = standing.tally.usage, standing.counted
    parts = [f"right {percent(standing.right / counted if counted else None, standing.interval)}"]
    if standing.errors:
        parts.append(plural(standing.errors, "error"))
    parts += [f"{amount(usage.tokens_in + usage.tokens_out)} tokens", cost(usage.cost)]
    left = standing.remaining(now)
    if left is not None and standing.tally.done < standing.tally.total:
        parts.append(f"about {seconds(left)} left")
    return " · ".join(parts)
