"""A bench in numbers: what it measured, how sure that is, what it took, and where it was strong or weak."""

import math
from collections.abc import Sequence

from pydantic import Field

from rlm_app.benches import Attempt, Bench, Measures
from rlm_app.examples import Example
from rlm_app.model import Frozen, RunConfig
from rlm_app.reports.breakdowns import Breakdown, Group, breakdowns, median_seconds
from rlm_app.reports.results import cautions, results_of
from rlm_app.reports.tables import Cell, cell, csv_text, markdown_table
from rlm_app.scoring import Interval
from rlm_app.wording import amount, cost, plural, seconds


class Report(Frozen):
    """A bench in numbers. Intervals are 95 %.

    `n` attempts have ended; `accuracy` is over them, `accuracy_answered` over the `answered` ones alone. A share of
    nothing is None. Counts are of the latest attempt at each example and epoch; `cost`, `tokens`, `steps` and `seconds`
    add up every attempt ever made, and costs are USD, None where the price of any part is unknown.
    """

    id: str
    dataset: str
    revision: str
    split: str
    model: str
    sub_model: str | None
    sandbox: str
    prompts: str
    epochs: int
    shuffle: int | None
    created: float = Field(description="seconds since the epoch")
    versions: tuple[tuple[str, str], ...]
    config: RunConfig
    examples: int
    n: int
    right: int
    accuracy: float | None
    interval: Interval
    answered: int
    accuracy_answered: float | None
    interval_answered: Interval
    interval_method: str
    wrong: int
    no_answer: int
    limits: int
    errors: int
    cancelled: int
    open: int
    cost: float | None
    tokens: int
    steps: int
    seconds: float
    mean_cost: float | None = Field(description="USD an attempt")
    mean_cost_interval: Interval | None
    mean_tokens: float | None = Field(description="an attempt, in and out")
    mean_steps: float | None
    median_seconds: float | None
    breakdowns: tuple[Breakdown, ...]
    warnings: tuple[str, ...]


def report(bench: Bench, attempts: Sequence[Attempt], examples: Sequence[Example]) -> Report:
    """The numbers of a bench; attempts of other benches are left aside, and examples may be missing.

    Without any examples there are no breakdowns, which makes it quick enough for a list of a hundred benches.
    """
    mine = [attempt for attempt in attempts if attempt.bench == bench.id]
    (results,) = results_of([bench], mine)
    costs = [attempt.usage.cost for attempt in mine]
    ended, outcomes, mean = results.ended, results.outcomes, results.mean_cost
    spread = mean[1] if mean and math.isfinite(mean[1].high) else None
    overall, over_answered = results.over_all, results.over_answered
    return Report(
        **bench.model_dump(
            include={"id", "dataset", "revision", "split", "prompts", "epochs", "shuffle", "created", "versions"}
        ),
        model=bench.config.model,
        sub_model=bench.config.sub_model,
        sandbox=bench.config.sandbox,
        config=bench.config,
        examples=len(bench.examples),
        n=overall.n,
        right=overall.right,
        accuracy=overall.value,
        interval=overall.interval,
        answered=over_answered.n,
        accuracy_answered=over_answered.value,
        interval_answered=over_answered.interval,
        interval_method="Wilson" if bench.epochs == 1 else "cluster bootstrap by example",
        wrong=outcomes["wrong"],
        no_answer=outcomes["no answer"],
        limits=outcomes["limit"],
        errors=outcomes["error"],
        cancelled=outcomes["cancelled"],
        open=results.open,
        cost=None if None in costs else math.fsum(cost or 0.0 for cost in costs),
        tokens=sum(attempt.usage.tokens_in + attempt.usage.tokens_out for attempt in mine),
        steps=sum(attempt.steps for attempt in mine),
        seconds=sum(attempt.seconds or 0.0 for attempt in mine),
        mean_cost=mean[0] if mean else None,
        mean_cost_interval=spread,
        mean_tokens=_mean([attempt.usage.tokens_in + attempt.usage.tokens_out for attempt in ended]),
        mean_steps=_mean([attempt.steps for attempt in ended]),
        median_seconds=median_seconds(ended),
        breakdowns=breakdowns(results, examples),
        warnings=cautions([results]),
    )


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def percent(value: float | None, interval: Interval) -> str:
    """`52.0 % [33.5, 70.0]`, or a dash where there is nothing to say."""
    return "–" if value is None else f"{100 * value:.1f} % [{100 * interval.low:.1f}, {100 * interval.high:.1f}]"


def headline(found: Report) -> list[tuple[str, str]]:
    """The numbers that stand above all others, each with its name."""
    return [
        ("Right over all", f"{percent(found.accuracy, found.interval)}, {found.right:,} of {found.n:,}"),
        ("Right over answered", f"{percent(found.accuracy_answered, found.interval_answered)}, of {found.answered:,}"),
        (
            "Not answered",
            f"{plural(found.errors, 'error')}, {plural(found.limits, 'limit')}, {found.no_answer:,} without an answer",
        ),
        ("Cost", cost(found.cost) + (f", {cost(found.mean_cost)} an attempt" if found.mean_cost is not None else "")),
        ("Tokens", amount(found.tokens) + (f", {amount(found.mean_tokens)} an attempt" if found.mean_tokens else "")),
        (
            "Steps",
            f"{found.steps:,}" + (f", {found.mean_steps:.1f} an attempt" if found.mean_steps is not None else ""),
        ),
        ("Median time", "–" if found.median_seconds is None else seconds(found.median_seconds)),
    ]


def group_row(group: Group) -> list[str]:
    """A group as cells under `GROUP_HEADS`."""
    return [
        group.value,
        f"{group.n:,}",
        percent(group.accuracy, group.interval),
        percent(group.accuracy_answered, group.interval_answered),
        f"{group.errors:,}",
        cost(group.mean_cost),
        "–" if group.median_seconds is None else seconds(group.median_seconds),
    ]


GROUP_HEADS = ["", "n", "right over all", "over answered", "errors", "cost an attempt", "median time"]


def settings_of(found: Report) -> list[tuple[str, str]]:
    """Everything that decides how the bench went, and the versions it went with."""
    bench = [
        ("data set", f"{found.dataset}, split {found.split}"),
        ("revision", found.revision),
        ("prompts", found.prompts),
    ]
    bench += [
        ("epochs", str(found.epochs)),
        ("choices shuffled", "no" if found.shuffle is None else f"seed {found.shuffle}"),
    ]
    config = [
        (name.replace("_", " "), str(value)) for name, value in found.config.model_dump().items() if value is not None
    ]
    return [*bench, *config, *found.versions]


def to_markdown(found: Report) -> str:
    """The report as markdown; what others wrote is escaped."""
    parts = [
        f"# {cell(found.model)} on {cell(found.dataset)} {cell(found.split)}",
        "\n".join(f"- {name}: {text}" for name, text in headline(found)),
        "\n".join(f"> {cell(warning)}" for warning in found.warnings),
        f"Intervals are 95 %, {found.interval_method}.",
    ]
    for breakdown in found.breakdowns:
        heads = [f"by {breakdown.by}", *GROUP_HEADS[1:]]
        parts.append(markdown_table(heads, map(group_row, breakdown.groups)))
    parts.append(markdown_table(["setting", "value"], settings_of(found)))
    return "\n\n".join(part for part in parts if part) + "\n"


def to_csv(attempts: Sequence[Attempt]) -> str:
    """One line an attempt, in the order given, with its measures."""
    measures = list(Measures.model_fields)
    plain = ["bench", "example", "epoch", "number", "outcome", "predicted", "run_id", "run_status", "limit", "error"]
    spent = ["calls", "tokens_in", "tokens_out", "tokens_cached", "tokens_reasoning", "cost"]
    times = ["steps", "seconds", "queue_seconds", "started", "finished"]

    def row(attempt: Attempt) -> list[Cell]:
        sources = ((attempt, plain), (attempt, times), (attempt.usage, spent), (attempt.measures, measures))
        return [getattr(source, name) for source, names in sources for name in names]

    return csv_text([*plain, *times, *spent, *measures], map(row, attempts))
