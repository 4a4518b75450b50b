"""Numbers, times and statuses as people read them: three figures at most, always with a unit."""

import time
from datetime import UTC, datetime

STATUS_WORDS = {"extracted": "fallback answer: steps ran out", "limit": "limit reached"}
"""How a status reads where it is not its own name."""


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
