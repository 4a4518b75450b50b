"""A bench with what came of it: the latest attempts, counted by both denominators.

Over all: every attempt that ended counts, and whatever is not right is not. Over answered: only attempts that gave an
answer count, so errors, limits and silence neither help nor harm. Cancelled attempts were never measured and count
nowhere.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from rlm_app import scoring
from rlm_app.baselines import CHARS_PER_TOKEN
from rlm_app.benches import OPEN, Attempt, Bench, Outcome
from rlm_app.examples import Example
from rlm_app.model import KEYLESS_LABEL, KEYLESS_MODEL
from rlm_app.scoring import Interval, Share
from rlm_app.wording import amount

ANSWERED: tuple[Outcome, ...] = ("right", "wrong")
ENDED: tuple[Outcome, ...] = (*ANSWERED, "no answer", "limit", "error")

FEW = 30
"""Below so many examples a share's interval is wider than 34 points, and most differences are chance."""

SIZES = (0, 10_000, 31_623, 100_000, 316_228, 1_000_000, 3_162_278, 10_000_000)
"""Edges of the classes of context size: tokens, half a decade each."""


@dataclass(frozen=True)
class Results:
    """A bench and the latest attempt of each example and epoch, in order."""

    bench: Bench
    attempts: tuple[Attempt, ...]

    @cached_property
    def outcomes(self) -> Counter[Outcome]:
        return Counter(attempt.outcome for attempt in self.attempts)

    @cached_property
    def ended(self) -> tuple[Attempt, ...]:
        """Attempts that count over all."""
        return tuple(attempt for attempt in self.attempts if attempt.outcome in ENDED)

    @cached_property
    def answered(self) -> tuple[Attempt, ...]:
        return tuple(attempt for attempt in self.attempts if attempt.outcome in ANSWERED)

    @cached_property
    def over_all(self) -> Share:
        return share(self.ended)

    @cached_property
    def over_answered(self) -> Share:
        return share(self.answered)

    @cached_property
    def mean_cost(self) -> tuple[float, Interval] | None:
        """USD an attempt with its interval over examples, None where the price of any is unknown, or there are none."""
        costs = [attempt.usage.cost for attempt in self.ended]
        known = [cost for cost in costs if cost is not None]
        if not known or len(known) < len(costs):
            return None
        groups = by_example(self.ended).values()
        _, spread = scoring.mean_interval([sum(a.usage.cost or 0.0 for a in group) / len(group) for group in groups])
        return sum(known) / len(known), Interval(max(spread.low, 0.0), spread.high)

    @property
    def open(self) -> int:
        """Attempts that are still to be made, those that no row stands for yet included."""
        planned = len(self.bench.examples) * self.bench.epochs
        return max(planned - len(self.attempts), 0) + sum(self.outcomes[outcome] for outcome in OPEN)


def results_of(benches: Iterable[Bench], attempts: Iterable[Attempt]) -> tuple[Results, ...]:
    """Each bench with its own attempts; of several attempts at one example and epoch the newest counts."""
    latest: dict[str, dict[tuple[str, int], Attempt]] = {}
    for attempt in attempts:
        place = latest.setdefault(attempt.bench, {})
        known = place.get((attempt.example, attempt.epoch))
        if known is None or known.number < attempt.number:
            place[attempt.example, attempt.epoch] = attempt
    found = []
    for bench in benches:
        order = {example: at for at, example in enumerate(bench.examples)}
        mine = latest.get(bench.id, {}).values()
        found.append(Results(bench, tuple(sorted(mine, key=lambda a: (order.get(a.example, len(order)), a.epoch)))))
    return tuple(found)


def by_example(attempts: Iterable[Attempt]) -> dict[str, list[Attempt]]:
    grouped: dict[str, list[Attempt]] = {}
    for attempt in attempts:
        grouped.setdefault(attempt.example, []).append(attempt)
    return grouped


def share(attempts: Iterable[Attempt]) -> Share:
    """How many of these attempts are right, with the interval that fits their epochs."""
    groups = by_example(attempts).values()
    return scoring.accuracy([[attempt.outcome == "right" for attempt in group] for group in groups])


def size_class(context_chars: int) -> tuple[int, str]:
    """Which class of `SIZES` a context falls in, and its name, e.g. (3, "100 k–316 k")."""
    tokens = context_chars / CHARS_PER_TOKEN
    at = bisect_right(SIZES, tokens) - 1
    if at + 1 == len(SIZES):
        return at, f"over {amount(SIZES[at])}"
    return at, f"{amount(SIZES[at])}–{amount(SIZES[at + 1])}" if at else f"under {amount(SIZES[1])}"


def labels(results: Sequence[Results]) -> dict[str, str]:
    """A name for each bench by id: its model, and where that is not enough what tells it from the others."""
    told: dict[str, list[str]] = {result.bench.id: [result.bench.config.model] for result in results}
    facts: tuple[Mapping[str, str], ...] = (
        {r.bench.id: f"sub {r.bench.config.sub_model}" if r.bench.config.sub_model else "" for r in results},
        {r.bench.id: r.bench.dataset for r in results},
        {r.bench.id: r.bench.split for r in results},
        {r.bench.id: r.bench.config.sandbox for r in results},
        {r.bench.id: f"prompts {r.bench.prompts[:6]}" for r in results},
        {r.bench.id: f"{r.bench.config.max_steps} steps" for r in results},
        {r.bench.id: "" if r.bench.shuffle is None else f"shuffled {r.bench.shuffle}" for r in results},
        {r.bench.id: r.bench.id[:6] for r in results},
    )
    for fact in facts:
        alike = Counter(map(tuple, told.values()))
        if max(alike.values(), default=0) < 2:
            break
        for group in [key for key, count in alike.items() if count > 1]:
            members = [bench for bench, parts in told.items() if tuple(parts) == group]
            if len({fact[bench] for bench in members}) > 1:
                for bench in members:
                    told[bench].extend(part for part in [fact[bench]] if part)
    return {bench: " · ".join(parts) for bench, parts in told.items()}


def cautions(results: Sequence[Results]) -> tuple[str, ...]:
    """What a reader must know before trusting a figure of these benches, one sentence each."""
    names = labels(results)
    examples = {result.bench.id: len(by_example(result.ended)) for result in results}
    nothing = [names[id] for id, count in examples.items() if not count]
    counted: dict[str, dict[str, int]] = {
        "Few examples, so the intervals are wide": {id: count for id, count in examples.items() if 0 < count < FEW},
        "Attempts still to be made": {r.bench.id: r.open for r in results if r.open and examples[r.bench.id]},
        "Errors, which count as not right over all": {r.bench.id: n for r in results if (n := r.outcomes["error"])},
    }
    found = [f"Nothing has ended yet: {', '.join(nothing)}."] if nothing else []
    for sentence, counts in counted.items():
        if counts:
            alike = len(counts) == len(results) > 1 and len(set(counts.values())) == 1
            told = [f"{names[id]} {count:,}" for id, count in counts.items()]
            found.append(f"{sentence}: {f'{max(counts.values()):,} each' if alike else ', '.join(told)}.")
    if any(result.bench.config.model == KEYLESS_MODEL for result in results):
        found.append(f"{KEYLESS_MODEL}: {KEYLESS_LABEL}.")
    return (*found, *differences(results))


def differences(results: Sequence[Results]) -> tuple[str, ...]:
    """What keeps benches from being compared as they stand."""
    if len(results) < 2:
        return ()
    benches = [result.bench for result in results]
    found = []
    if len({(bench.dataset, bench.revision) for bench in benches}) > 1:
        found.append("These benches are of different data sets.")
    elif len({frozenset(bench.examples) for bench in benches}) > 1:
        common = len(frozenset.intersection(*(frozenset(bench.examples) for bench in benches)))
        found.append(f"These benches are of different examples, {common:,} of them in common.")
    if len({(bench.prompts, bench.config.program) for bench in benches}) > 1:
        found.append("These benches used different prompts.")
    return tuple(found)


def example_of(examples: Iterable[Example]) -> dict[str, Example]:
    return {example.id: example for example in examples}
