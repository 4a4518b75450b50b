"""One bench against another on the same examples: McNemar's test, the difference, and what would settle it."""

import math
from collections.abc import Sequence
from statistics import NormalDist

from rlm_app.scoring import Interval, cluster_interval


def mcnemar(only_a: int, only_b: int) -> float:
    """Exact two-sided p of McNemar's test, given the examples that only a and only b had right; 1 where there are none.

    The binomial test of `only_a` in `only_a + only_b` at one half (McNemar 1947; Liddell 1983).
    """
    n = only_a + only_b
    tail = sum(math.comb(n, k) for k in range(min(only_a, only_b) + 1))
    return min(1.0, 2 * tail / (1 << n))


def difference(a: Sequence[float], b: Sequence[float], *, seed: int = 0) -> tuple[float, Interval]:
    """Mean of a - b over examples, and its paired bootstrap interval: examples are drawn, and both results with them.

    `a` and `b` hold the share of right epochs of each example, in the same order. Where every example differs by the
    same there is nothing to vary, and the interval is that of one surprise in n at 5 % (the rule of three).

    Raises:
        ValueError: no examples, or not as many of each.
    """
    if not a or len(a) != len(b):
        raise ValueError("a difference needs the same examples, and at least one")
    gaps = tuple((left - right,) for left, right in zip(a, b, strict=True))
    mean = math.fsum(gap for (gap,) in gaps) / len(gaps)
    if len(set(gaps)) == 1:
        rare = 1 - 0.05 ** (1 / len(gaps))
        return mean, Interval(max(mean - rare, -1.0), min(mean + rare, 1.0))
    return mean, cluster_interval(gaps, seed=seed)


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values adjusted for their number, in the same order (Holm 1979, Scand. J. Statist. 6:65)."""
    order = sorted(range(len(p_values)), key=lambda at: p_values[at])
    adjusted = [0.0] * len(p_values)
    highest = 0.0
    for rank, at in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[at]))
        adjusted[at] = highest
    return adjusted


def examples_to_settle(only_a: int, only_b: int, n: int, pairs: int = 1) -> int | None:
    """How many examples in all McNemar's test needs at the rates seen so far, at 5 % / `pairs` and with 80 % power.

    Connor 1987, Biometrics 43:207: N = (z_{a/2} sqrt(d) + z_b sqrt(d - g^2))^2 / g^2 with d the share of examples that
    differ and g the difference of accuracies. None where there is no difference to settle.
    """
    if only_a == only_b or not n:
        return None
    differ, gap = (only_a + only_b) / n, (only_a - only_b) / n
    normal = NormalDist()
    certain, likely = normal.inv_cdf(1 - 0.025 / pairs), normal.inv_cdf(0.8)
    root = certain * math.sqrt(differ) + likely * math.sqrt(differ - gap * gap)
    return math.ceil((root / gap) ** 2)
