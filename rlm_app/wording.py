"""Numbers, times and statuses as people read them: three figures at most, always with a unit."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

from rlm_app.model import Run, Usage

STATUS_WORDS = {"extracted": "fallback answer: steps ran out", "limit": "limit reached"}
"""How a status reads where it is not its own name."""

IMPORT_WORDS = {
    "wait": "Waiting for a free worker",
    "fetch": "Downloading",
    "read": "Reading",
    "clone": "Cloning",
    "flatten": "Reading files",
    "check": "Checking rows",
    "store": "Storing",
    "make": "Making",
}
"""What is done while a data set comes in."""

LIMITS = {
    "max_cost": "cost limit",
    "max_seconds": "time limit",
    "max_steps": "step limit",
    "max_llm_calls": "limit of sub-calls",
}
"""A limit by its name in `RunConfig`, as people say it."""


def outcome(run: Run) -> str:
    """How a run stands; for a limit which one, and whether there is an answer all the same."""
    if run.status != "limit":
        return STATUS_WORDS.get(run.status, run.status)
    limit = LIMITS.get(run.limit or "", "limit")
    return f"fallback answer: with what it had at the {limit}" if run.answer else f"{limit} reached"


def tokens(usage: Usage) -> str:
    """`1.2 k tokens in (800 cached), 310 out (200 reasoning)`, and how many calls were stored replies."""
    read = f"{amount(usage.tokens_in)} tokens in" + _part(usage.tokens_cached, "cached")
    written = f"{amount(usage.tokens_out)} out" + _part(usage.tokens_reasoning, "reasoning")
    return f"{read}, {written}" + (f", {usage.cached_calls} stored" if usage.cached_calls else "")


def _part(count: int, what: str) -> str:
    return f" ({amount(count)} {what})" if count else ""


def expected(
    *,
    runs: int,
    steps: tuple[float, float],
    tokens: tuple[float, float],
    seconds: tuple[float, float],
    cost: tuple[float, float] | None,
) -> str:
    """What earlier runs took, each from the median to the 90th percentile; takes the fields of a `ports.Quote`."""
    if not runs:
        return "no runs yet with this model"
    took = [_spread(steps, lambda count: f"{count:.0f}") + " steps", _spread(tokens, amount) + " tokens"]
    took += [_spread(seconds, _duration), "cost unknown" if cost is None else _spread(cost, _price)]
    of = "as in the one run so far" if runs == 1 else f"median to 90th percentile of {runs:,} runs"
    return f"{', '.join(took)} ({of})"


def _spread(values: tuple[float, float], words: Callable[[float], str]) -> str:
    low, high = map(words, values)
    return low if low == high else f"{low} – {high}"


def size(count: int) -> str:
    """Bytes: `231 B`, `41.2 kB`, `1.49 MB`."""
    return f"{amount(count)}B" if count >= 999.5 else f"{count} B"


def plural(count: int, noun: str) -> str:
    """`1 step`, `0 steps`, `1,204 steps`."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def amount(count: float) -> str:
    """`231`, `41.2 k`, `1.49 M`."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if count >= size * 0.9995:
            return f"{count / size:.3g} {letter}"
    return f"{count:.0f}"


def seconds(value: float) -> str:
    """`0.1 s`, `42 s`, `2 min 5 s`, `1 h 3 min`."""
    if value < 9.95:
        return f"{value:.1f} s"
    whole = round(value)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def cost(usd: float | None) -> str:
    """`$0`, `<$0.0001`, `$0.0042`, `$1.25`, or `cost unknown`: what is not known is never 0."""
    if usd is None:
        return "cost unknown"
    if usd == 0:
        return "$0"
    if usd < 0.0001:
        return "<$0.0001"
    return f"${usd:.2f}" if usd >= 0.1 else f"${usd:.4f}"


def ago(then: float, now: float | None = None) -> str:
    """`just now`, `3 min ago`, `2 h ago`, `5 days ago`, then the date. Both are seconds since the epoch, UTC."""
    passed = (time.time() if now is None else now) - then
    if passed < 45:
        return "just now"
    for limit, size, unit in ((3570, 60, "min"), (84_600, 3600, "h")):
        if passed < limit:
            return f"{max(round(passed / size), 1)} {unit} ago"
    if passed < 7 * 86_400:
        return plural(max(round(passed / 86_400), 1), "day") + " ago"
    return datetime.fromtimestamp(then, UTC).strftime("%Y-%m-%d")


_duration, _price = seconds, cost  # under names that no parameter hides
