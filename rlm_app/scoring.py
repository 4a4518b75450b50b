"""What was answered, and how sure a figure is: letters, shares with intervals, means, quantiles, pass@k.

All intervals are 95 %. Tests of one bench against another are in `pairing`.
"""

import math
import random
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

Z = 1.959963984540054
"""Two-sided 95 % quantile of the normal distribution."""

_ARTICLE = re.compile(r"\s+(?!because\b|since\b|as\b|due\b)[a-z]")


class Interval(NamedTuple):
    low: float
    high: float


class Share(NamedTuple):
    """`right` of `n`, with the 95 % interval of what it estimates; [0, 1] where n is 0."""

    right: int
    n: int
    interval: Interval

    @property
    def value(self) -> float | None:
        return self.right / self.n if self.n else None


def letter(text: str, letters: Iterable[str]) -> str | None:
    """The letter that an answer names, None where it names none, or more than one.

    Read as an answer: the letter alone ("b", "(B)"), on a line of its own or at the head of its choice ("B. text"); and
    a claim ("The correct answer is (B)", "Answer: B"), which covers both patterns of LongBench v2's `extract_answer`.
    Prose that only mentions letters is no answer. Unlike there, two claims that differ are none, and "The correct
    answer is A function" names no letter.
    """
    known = "".join(letters)
    plain = re.sub(r"[*`_]", "", text).strip()
    if (alone := plain.strip("().:\"' \n").upper()) and len(alone) == 1 and alone in known:
        return alone
    line, opening = _lines(known)
    named = claims(plain, known) | set(line.findall(plain))
    if not named and opening.match(plain):
        named = set(opening.findall(plain))
    return named.pop() if len(named) == 1 else None


def claims(text: str, letters: Iterable[str]) -> set[str]:
    """Every letter that a text says is the answer, in words or as `answer = "B"`."""
    found = _claim("".join(letters)).finditer(text)
    return {match[1] for match in found if match[1] not in "AI" or not _ARTICLE.match(text, match.end())}


@lru_cache(maxsize=64)
def _claim(letters: str) -> re.Pattern[str]:
    """A letter after "answer is" and its like, unless it begins a word, a name, or a list of several."""
    one = _any_of(letters)
    other = rf"\)?\s*(?:/|or\b|and\b|&)\s*\(?{one}\b|\)?,\s*\(?{one}\)?\s*(?:[,.;&]|or\b|and\b|$)"
    said = r"(?:\b(?i:answer)\b\W{0,3}(?:(?i:is)\b|[:=>])|\\boxed)\W{0,4}(?<!\w)"
    return re.compile(rf"{said}({one})(?![\w'’+#]|[-.]\w|{other})")


@lru_cache(maxsize=64)
def _lines(letters: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """A line that is a letter alone, and one that begins with a letter as lists of choices do."""
    one = _any_of(letters)
    return re.compile(rf"(?m:^\W{{0,3}}({one})\W{{0,3}}$)"), re.compile(rf"(?m:^\W{{0,3}}({one})[.):]\s)")


def _any_of(letters: str) -> str:
    return f"[{re.escape(letters)}]" if letters else "(?!)"


def wilson(right: int, n: int) -> Interval:
    """Score interval of a share (Wilson 1927, JASA 22:209); [0, 1] where n is 0."""
    if n == 0:
        return Interval(0.0, 1.0)
    share, z2 = right / n, Z * Z
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z / (1 + z2 / n) * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return Interval(max(centre - half, 0.0) if right else 0.0, min(centre + half, 1.0) if right < n else 1.0)


def accuracy(epochs: Iterable[Sequence[bool]]) -> Share:
    """The share of right answers, given for each example whether it was right in each of its epochs.

    One epoch: Wilson. More: cluster bootstrap by example, since epochs of one example are no independent evidence.
    Where no example differs from another a bootstrap has nothing to vary, so it is Wilson over examples.
    """
    groups = [tuple(map(float, group)) for group in epochs if group]
    right, n = round(sum(map(sum, groups))), sum(map(len, groups))
    if n == len(groups):
        return Share(right, n, wilson(right, n))
    if len({sum(group) / len(group) for group in groups}) == 1:
        return Share(right, n, wilson(round(right / n * len(groups)), len(groups)))
    return Share(right, n, cluster_interval(tuple(groups)))


@lru_cache(maxsize=256)
def cluster_interval(groups: tuple[tuple[float, ...], ...], *, seed: int = 0, draws: int = 1000) -> Interval:
    """Percentile interval of the mean of all values when whole groups are drawn with replacement.

    The pairs cluster bootstrap (Efron & Tibshirani 1993, ch. 13; Cameron, Gelbach & Miller 2008, REStat 90:414). The
    same arguments give the same interval.
    """
    if not groups:
        return Interval(-math.inf, math.inf)
    rng = random.Random(seed)
    kinds = Counter((math.fsum(group), len(group)) for group in groups)
    if len(kinds) <= _FEW_KINDS:
        sums = _drawn(rng, kinds, len(groups), draws)
    else:
        points = [complex(math.fsum(group), len(group)) for group in groups]  # adds up values and their number at once
        sums = [sum(rng.choices(points, k=len(points))) for _ in range(draws)]
    means = [total.real / total.imag for total in sums]
    return Interval(quantile(means, 0.025), quantile(means, 0.975))


_FEW_KINDS = 16


def _drawn(rng: random.Random, kinds: Counter[tuple[float, int]], count: int, draws: int) -> list[complex]:
    """For each draw, sum and number of the values of `count` groups drawn with replacement.

    Groups that are alike are drawn together, in all draws at once: each bit is a group to be drawn, and a kind takes
    the bits that are still free with its chance among the kinds left. Thirty times as fast as one by one, at 503
    examples.
    """
    width = (count + 7) // 8
    free = int.from_bytes(((1 << count) - 1).to_bytes(width) * draws)
    totals, left = [0j] * draws, count
    for (value, size), many in kinds.items():
        taken = free if many == left else free & _coins(rng, 8 * width * draws, many / left)
        free, left = free ^ taken, left - many
        data = taken.to_bytes(width * draws)
        for at in range(draws):
            totals[at] += int.from_bytes(data[at * width : (at + 1) * width]).bit_count() * complex(value, size)
    return totals


def _coins(rng: random.Random, count: int, chance: float) -> int:
    """Independent bits, each set with a chance taken to 20 binary digits: from the last of them, a one ors in a fair
    bit and a zero ands it."""
    digits, bits = round(chance * (1 << 20)), 0
    for place in range(20):
        bits = bits | rng.getrandbits(count) if digits >> place & 1 else bits & rng.getrandbits(count)
    return bits


def mean_interval(values: Sequence[float]) -> tuple[float, Interval]:
    """Mean and its Student t interval; for one value the interval is unbounded.

    The t quantile is the expansion of Abramowitz & Stegun 26.7.5, right to 1 % from 3 degrees of freedom on.

    Raises:
        ValueError: no values.
    """
    n = len(values)
    if not n:
        raise ValueError("a mean needs at least one value")
    mean = math.fsum(values) / n
    if n == 1:
        return mean, Interval(-math.inf, math.inf)
    variance = math.fsum((value - mean) ** 2 for value in values) / (n - 1)
    half = _t_quantile(n - 1) * math.sqrt(variance / n)
    return mean, Interval(mean - half, mean + half)


def _t_quantile(freedom: int) -> float:
    """97.5 % quantile of Student's t; the first two in closed form."""
    if freedom <= 2:
        return (math.tan(0.475 * math.pi), 0.95 / math.sqrt(0.04875))[freedom - 1]
    terms = (
        (Z**3 + Z) / 4,
        (5 * Z**5 + 16 * Z**3 + 3 * Z) / 96,
        (3 * Z**7 + 19 * Z**5 + 17 * Z**3 - 15 * Z) / 384,
        (79 * Z**9 + 776 * Z**7 + 1482 * Z**5 - 1920 * Z**3 - 945 * Z) / 92160,
    )
    return Z + sum(term / float(freedom) ** power for power, term in enumerate(terms, 1))


def quantile(values: Iterable[float], share: float) -> float:
    """The value below which that share lies, linear between neighbours (Hyndman & Fan 1996, type 7).

    Raises:
        ValueError: no values.
    """
    ordered = sorted(values)
    if not ordered:
        raise ValueError("a quantile needs at least one value")
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def ecdf(count: int) -> tuple[float, ...]:
    """Heights of the empirical distribution function at `count` sorted values: 1/n, 2/n, …, 1."""
    return tuple((at + 1) / count for at in range(count))


def pass_at(k: int, n: int, right: int) -> float:
    """Chance that at least one of k of the n attempts is right: 1 - C(n-c, k) / C(n, k) (Chen et al. 2021, eq. 1).

    Raises:
        ValueError: k is not in 1 … n.
    """
    _drawable(k, n)
    return 1 - math.comb(n - right, k) / math.comb(n, k)


def pass_all(k: int, n: int, right: int) -> float:
    """Chance that all of k of the n attempts are right, pass^k: C(c, k) / C(n, k) (Yao et al. 2024, tau-bench).

    Raises:
        ValueError: k is not in 1 … n.
    """
    _drawable(k, n)
    return math.comb(right, k) / math.comb(n, k)


def majority_at(k: int, votes: Sequence[str | None], expected: str) -> float:
    """Chance that the most frequent letter among k of the attempts is the expected one; a tie is drawn by lot.

    Exact over all C(n, k) choices, with None as an abstention: for each number of right votes, the ways in which the
    other letters stay below it or equal it are counted by their generating function.

    Raises:
        ValueError: k is not in 1 … n.
    """
    _drawable(k, len(votes))
    counts = Counter(votes)
    abstained, right = counts.pop(None, 0), counts.pop(expected, 0)
    won = 0.0
    for most in range(1, min(right, k) + 1):
        ways = {(0, 0): 1}  # (votes drawn from the others, letters among them that tie) -> choices
        for has in counts.values():
            ways = _drawn_from(ways, has, most, k - most)
        for (drawn, ties), number in ways.items():
            rest = k - most - drawn
            won += number * math.comb(abstained, rest) * math.comb(right, most) / (ties + 1)
    return float(won / math.comb(len(votes), k))


def _drawn_from(ways: dict[tuple[int, int], int], has: int, most: int, room: int) -> dict[tuple[int, int], int]:
    """Ways to go on with at most `most` votes of a letter that has so many; reaching `most` is a tie."""
    more: Counter[tuple[int, int]] = Counter()
    for (drawn, ties), number in ways.items():
        for votes in range(min(has, most, room - drawn) + 1):
            more[drawn + votes, ties + (votes == most)] += number * math.comb(has, votes)
    return more


def _drawable(k: int, n: int) -> None:
    if not 1 <= k <= n:
        raise ValueError(f"k is {k}, but there are {n} attempts")
