"""Benches as they look in a terminal: how far one is, what came of it, which there are."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from rlm_app.benchmarking.pace import pace
from rlm_app.model import KEYLESS_LABEL, KEYLESS_MODEL
from rlm_app.reports.report import Report, headline, percent
from rlm_app.terminal import console, errors, safe
from rlm_app.wording import ago, cost, plural

if TYPE_CHECKING:
    from rlm_app.benchmarking import Bencher, Standing
    from rlm_app.reports.comparing import Comparison, Paired

LOOK_SECONDS = 0.5


def follow(here: "Bencher", bench_id: str) -> None:
    """Show how far a bench is until this process has ended its work on it; on stderr, and only on a terminal."""
    columns = (BarColumn(30), MofNCompleteColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=errors, transient=True, disable=not errors.is_terminal) as progress:
        task = progress.add_task("")
        while True:
            ended = here.wait(bench_id, LOOK_SECONDS)
            standing = here.standing(bench_id)
            progress.update(
                task, completed=standing.tally.done, total=standing.tally.total, description=pace(standing, time.time())
            )
            if ended:
                return


@contextmanager
def preparing(dataset: str) -> Iterator[None]:
    """Within the block, stderr says that a data set is being made ready."""
    with errors.status(Text(f"Preparing the data set {safe(dataset)}")):
        yield


def show_report(found: Report) -> None:
    """Print the numbers of a bench."""
    label = f" ({KEYLESS_LABEL})" if found.model == KEYLESS_MODEL else ""
    console.print(Text(f"{safe(found.model)}{label} on {safe(found.dataset)} {safe(found.split)}", style="bold"))
    table = Table(box=None, show_header=False, pad_edge=False)
    for name, text in headline(found):
        table.add_row(Text(name, style="dim"), Text(safe(text)))
    if found.open:
        table.add_row(Text("Not done yet", style="dim"), Text(plural(found.open, "attempt")))
    console.print(table)
    for warning in found.warnings:
        console.print(Text(safe(warning), style="yellow"))
    console.print(Text(f"Bench {found.id}", style="dim"))


def show_standing(standing: "Standing") -> None:
    """Print how far a bench is, and each outcome with its number."""
    bench, tally = standing.bench, standing.tally
    state = "cancelled" if bench.cancelled else "done" if tally.done == tally.total else "open"
    console.print(Text(f"{safe(bench.config.model)} on {safe(bench.dataset)} {safe(bench.split)}", style="bold"))
    console.print(Text(f"{tally.done:,} of {tally.total:,} done, {state} · {pace(standing, time.time())}"))
    for outcome, number in tally.outcomes.items():
        console.print(Text(f"{number:>7,}  {outcome}"))
    if bench.max_cost is not None:
        console.print(Text(f"Budget {cost(bench.max_cost)}, of which {cost(tally.allotted)} is allotted now"))
    console.print(Text(f"Bench {bench.id}", style="dim"))


def show_benches(standings: Sequence["Standing"]) -> None:
    """Print benches as a table, in the order given."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name, width in (("bench", 12), ("done", 9), ("right", 8), ("cost", 7), ("when", 10)):
        table.add_column(name, no_wrap=True, min_width=width)
    for name in ("data set", "model"):
        table.add_column(name, no_wrap=True, overflow="ellipsis")
    for one in standings:
        share = f"{one.right / one.counted:.1%}" if one.counted else "–"
        table.add_row(
            one.bench.id,
            f"{one.tally.done:,}/{one.tally.total:,}",
            share,
            cost(one.tally.usage.cost),
            ago(one.bench.created),
            Text(safe(f"{one.bench.dataset} {one.bench.split}")),
            Text(safe(one.bench.config.model)),
        )
    console.print(table)


def show_comparison(found: "Comparison") -> None:
    """Print each pair of benches by both denominators."""
    for pair in found.pairs:
        console.print(Text(safe(f"a  {found.labels[pair.a]}\nb  {found.labels[pair.b]}"), style="bold"))
        for name, paired in (("over all", pair.over_all), ("over answered", pair.over_answered)):
            console.print(Text(f"{name:<14}{_paired(paired)}"))
    for warning in found.warnings:
        console.print(Text(safe(warning), style="yellow"))


def _paired(paired: "Paired") -> str:
    settled = {0: "settled", None: "no difference to go on"}.get(paired.to_settle)
    return " · ".join(
        [
            f"a − b {percent(paired.difference, paired.interval)}",
            f"only a {paired.only_a}, only b {paired.only_b}, both {paired.both}, neither {paired.neither}",
            f"p {paired.p_holm:.3g}",
            settled or f"{plural(paired.to_settle or 0, 'example')} more would settle it",
        ]
    )
