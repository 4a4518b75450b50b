"""A bench before it starts: which examples, with what configuration, and what it will probably take."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rlm_app import prompts
from rlm_app.asking import versions
from rlm_app.baselines import CHARS_PER_TOKEN, Baseline, ModelFacts, baseline, room_of
from rlm_app.benches import Bench
from rlm_app.errors import InvalidConfig
from rlm_app.examples import Example
from rlm_app.model import KEYLESS_MODEL, RunConfig
from rlm_app.ports import Datasets, Quote
from rlm_app.wording import amount, cost, seconds

ALL = "all"  # the split that every data set has
REPLY_TOKENS = 500  # of a baseline's reply, whose length nothing says before


@dataclass(frozen=True)
class Wanted:
    """What somebody asks for. `limit` takes the first so many examples of the split."""

    config: RunConfig
    dataset: str = "stdlib"
    split: str = ALL
    epochs: int = 1
    limit: int | None = None
    shuffle: int | None = None
    max_cost: float | None = None


@dataclass(frozen=True)
class Estimate:
    """What a bench will probably take in all, as (median, 90th percentile) of an attempt times the attempts.

    None where it is not known. `seconds` is the time on the clock with so many workers; `basis` says where the figures
    are from.
    """

    attempts: int
    basis: str
    tokens: tuple[float, float] | None = None
    cost: tuple[float, float] | None = None
    seconds: tuple[float, float] | None = None

    def __str__(self) -> str:
        return " · ".join(
            [
                f"{self.attempts:,} attempts",
                f"tokens {_range(self.tokens, amount)}",
                f"cost {_range(self.cost, cost)}",
                f"time {_range(self.seconds, seconds)}",
                self.basis,
            ]
        )


@dataclass(frozen=True)
class Plan:
    """A bench that is not stored yet, its examples, and the estimate."""

    bench: Bench
    examples: tuple[Example, ...]
    estimate: Estimate

    @property
    def free(self) -> bool:
        """Whether it is certain that nothing has to be paid."""
        return self.estimate.cost == (0, 0)


def plan_bench(wanted: Wanted, datasets: Datasets) -> tuple[Bench, tuple[Example, ...]]:
    """The bench that is asked for, with its id, and its examples.

    Raises:
        NotFound: no such data set.
        InvalidConfig: no such split, or a figure out of range.
    """
    _check(wanted)
    dataset = datasets.dataset(wanted.dataset)
    ids = dataset.ids(wanted.split)[: wanted.limit]
    examples = tuple(datasets.examples(dataset.name, ids))
    if not examples:
        raise InvalidConfig(f"The split {wanted.split} of {dataset.name} has no examples; choose another.")
    _check_letter(wanted.config.model, examples)
    bench = Bench(
        dataset=dataset.name,
        revision=dataset.digest,
        split=wanted.split if wanted.limit is None else f"{wanted.split}:{len(examples)}",
        config=wanted.config,
        examples=tuple(example.id for example in examples),
        epochs=wanted.epochs,
        shuffle=wanted.shuffle,
        prompts=prompts.version(wanted.config.program),
        max_cost=wanted.max_cost,
        versions=versions(wanted.config.program),
    )
    return bench.model_copy(update={"id": bench.key}), examples


def _check(wanted: Wanted) -> None:
    for name, value, most in (("epochs", wanted.epochs, 100), ("limit", wanted.limit, None)):
        if value is not None and (value < 1 or (most and value > most)):
            raise InvalidConfig(f"The setting {name} is not usable: give {'1 to 100' if most else '1 or more'}.")
    check_budget(wanted.max_cost)


def check_budget(max_cost: float | None) -> None:
    """Raises: InvalidConfig: it is no sum of money."""
    if max_cost is not None and not 0 < max_cost < float("inf"):
        raise InvalidConfig("The budget is not usable: give USD above 0, e.g. --max-cost 5.")


def _check_letter(model: str, examples: Sequence[Example]) -> None:
    named = baseline(model)
    if named and named.kind == "always":
        lacking = [example.id for example in examples if named.inner not in example.question.choices]
        if lacking:
            raise InvalidConfig(f"{model} needs a choice {named.inner} in every example; {lacking[0]} has none.")


def estimate(
    bench: Bench,
    examples: Sequence[Example],
    quote: Quote,
    facts: Callable[[str], ModelFacts],
    workers: int,
) -> Estimate:
    """What the bench will probably take: from earlier runs of its model, or for a baseline from what it will send."""
    count = len(examples) * bench.epochs
    named = baseline(bench.config.model)
    free = bench.config.model == KEYLESS_MODEL or (named is not None and named.kind == "always")
    times = None
    if quote.runs:
        times = _scaled(quote.seconds, count / min(workers, count))
    if free:
        return Estimate(count, "no language model takes part", (0, 0), (0, 0), times)
    if named:
        return _of_baseline(named, bench, examples, facts(named.inner), times)
    if not quote.runs:
        return Estimate(count, "no runs yet with this model")
    basis = f"from {quote.runs:,} earlier runs with this model"
    return Estimate(count, basis, _scaled(quote.tokens, count), quote.cost and _scaled(quote.cost, count), times)


def _of_baseline(
    named: Baseline,
    bench: Bench,
    examples: Sequence[Example],
    facts: ModelFacts,
    times: tuple[float, float] | None,
) -> Estimate:
    sent = 0.0
    for example in examples:
        context = 0 if named.kind == "no-context" else example.context_chars
        sent += min(context + len(example.question.prompt), room_of(facts.window)) / CHARS_PER_TOKEN
    tokens_in, tokens_out = sent * bench.epochs, REPLY_TOKENS * len(examples) * bench.epochs
    usd = facts.price and tokens_in * facts.price[0] + tokens_out * facts.price[1]
    total = tokens_in + tokens_out
    basis = "from the sizes of the contexts" if named.kind == "direct" else "from the sizes of the questions"
    paid = None if usd is None else (usd, usd)
    return Estimate(len(examples) * bench.epochs, basis, (total, total), paid, times)


def _scaled(pair: tuple[float, float], by: float) -> tuple[float, float]:
    return pair[0] * by, pair[1] * by


def _range(pair: tuple[float, float] | None, words: Callable[[float], str]) -> str:
    if pair is None:
        return "unknown"
    low, high = map(words, pair)
    return low if low == high else f"{low}–{high}"
