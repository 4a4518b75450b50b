"""Runs and receipts as they look in a terminal. Text from models and repositories is stripped of control characters."""

import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from rlm_app.codebase import Receipt
from rlm_app.model import KEYLESS_LABEL, Run, RunSummary, Step
from rlm_app.wording import ago, cost, expected, outcome, plural, seconds, tokens

if TYPE_CHECKING:
    from rlm_app.application import App
    from rlm_app.ports import Progress, Quote

HEAD_LINES, TAIL_LINES = 4, 12  # of a step's code and output; the browser has the rest
STATUS_STYLE = {
    "answered": ("green", "●"),
    "extracted": ("yellow", "◐"),
    "limit": ("yellow", "◑"),
    "cancelled": ("bright_black", "○"),
    "failed": ("red", "✗"),
    "interrupted": ("bright_black", "○"),
    "running": ("cyan", "…"),
}
CITATION_MARK = {"verified": ("green", "✓"), "not found": ("red", "✗"), "out of range": ("yellow", "!")}

# C0 but tab and line feed, DEL, C1, and what reorders a line or hides in it
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")

PIPED_WIDTH = 200
"""Columns where nobody watches: what reads the output should find lines whole."""

console = Console(highlight=False, width=None if sys.stdout.isatty() else PIPED_WIDTH)
errors = Console(highlight=False, stderr=True)


def safe(text: str) -> str:
    """`text` with nothing in it that moves the cursor, recolours or reorders the screen."""
    return _UNPRINTABLE.sub("", text)


def show_quote(quote: "Quote", model: str, notes: Sequence[str] = ()) -> None:
    """Print what earlier runs with a model took, before the next begins, and what else there is to know of it."""
    console.print(Text(f"Expected of {safe(model)}: {expected(**vars(quote))}", style="dim"))
    for note in notes:
        console.print(Text(safe(note), style="yellow"))


@contextmanager
def progress() -> Iterator["Progress"]:
    """Within the block, what is being done stands on one line of stderr, if that is a terminal."""
    with errors.status("Starting") as status:

        def tell(phase: str, done: int, total: int | None, note: str) -> None:
            share = f" {done / total:.0%}" if total else ""
            status.update(f"{phase.capitalize()}{share}  {escape(safe(note))}")

        yield tell


def watch(here: "App", run_id: str) -> None:
    """Print a run's steps as they happen, until it has ended."""
    seen, shown, told = -2, 0, False
    with console.status("Starting") as status:
        while True:
            ended = here.wait(run_id, 0.1)
            if (last := here.store.last_seq(run_id)) != seen:
                seen, run = last, here.run(run_id)
                if run.receipt and not told:
                    told = True
                    _show_head(run, run.receipt)
                for step in run.steps[shown:]:
                    if step.seconds is not None or run.status != "running":
                        _show_step(step)
                        shown += 1
                status.update(_doing(run))
            if ended:
                return


def _doing(run: Run) -> str:
    if run.steps and run.steps[-1].seconds is None:
        waiting = sum(call.seconds is None for call in run.steps[-1].sub_calls)
        return f"Step {run.steps[-1].number} runs" + (f", {waiting} sub-calls under way" if waiting else "")
    if not run.phases:
        return "Waiting for its turn"
    phase = run.phases[-1]
    if phase.name == "explore":
        return f"The model writes step {len(run.steps) + 1}"
    return safe(phase.note) or phase.name.capitalize()


def _show_head(run: Run, receipt: Receipt) -> None:
    label = f" ({KEYLESS_LABEL})" if run.keyless else ""
    console.print(Text(receipt_line(receipt)))
    console.print(Text(f"{run.config.model}{label} · sandbox {run.config.sandbox}", style="dim"))


def _show_step(step: Step) -> None:
    from rich.syntax import Syntax

    title = safe(step.reasoning).strip().splitlines() or ["(no reasoning given)"]
    took = "did not finish" if step.seconds is None else seconds(step.seconds)
    code = "\n".join(shortened(step.code, "# "))
    console.print()
    console.print(Text.assemble((f"{step.number}  ", "bold cyan"), (title[0], "bold"), (f"  {took}", "dim")))
    body: list[Text | Syntax] = [Text(line, style="dim") for line in title[1:]]
    body.append(Syntax(code, "python", background_color="default", word_wrap=True))
    body += [Text(f"A reply before this was no step: {safe(reply.reason)}", style="yellow") for reply in step.rejected]
    if not step.submitted:  # what was submitted follows as the answer
        body += [
            Text(line, style="red" if step.failed else "", overflow="fold") for line in shortened(step.output or "")
        ]
    console.print(Padding(Group(*body), (0, 0, 0, 3)))


def shortened(text: str, comment: str = "") -> list[str]:
    """The lines of a text that are worth their place on a screen: the first few and, above all, the last."""
    lines = safe(text).strip("\n").splitlines()
    more = len(lines) - HEAD_LINES - TAIL_LINES
    if more <= 1:
        return lines
    return [*lines[:HEAD_LINES], f"{comment}… {more} more lines …", *lines[-TAIL_LINES:]]


def show(run: Run) -> None:
    """Print a whole run: what was asked of what, each step, and how it ended."""
    console.print(Text(safe(run.question.prompt), style="bold"))
    if run.receipt:
        _show_head(run, run.receipt)
    for step in run.steps:
        _show_step(step)
    for reply in run.rejected:
        console.print(Text(f"No step came of a reply: {safe(reply.reason)}", style="yellow"))
    show_answer(run)


def show_answer(run: Run) -> None:
    """Print how a run ended: status and figures, the answer, and each citation with its check."""
    from rich.markdown import Markdown

    console.print()
    console.print(status_line(run))
    for line in usage_lines(run):
        console.print(Text(line, style="dim"))
    if run.error:
        console.print(Text(safe(run.error), style="red" if run.status == "failed" else "yellow"))
    if run.answer:
        if run.keyless:
            console.print(Text(KEYLESS_LABEL, style="italic yellow"))
        console.print()
        console.print(Markdown(safe(run.answer), hyperlinks=False))
    for citation in run.citations:
        style, mark = CITATION_MARK[citation.status]
        console.print(Text.assemble((f"{mark} {citation.status}  ", style), safe(citation.label)), soft_wrap=True)
    console.print(Text(f"Run {run.id}", style="dim"))


def status_line(run: Run) -> Text:
    style, mark = STATUS_STYLE[run.status]
    facts = [
        seconds(run.seconds) if run.seconds is not None else "",
        plural(len(run.steps), "step"),
        plural(len(run.sub_calls), "sub-call"),
        cost(run.usage.cost),
    ]
    if run.resumed:
        facts.append(f"taken up again {plural(run.resumed, 'time')}")
    return Text.assemble((f"{mark} {outcome(run)}", f"bold {style}"), " · ".join(["", *filter(None, facts)]))


def usage_lines(run: Run) -> list[str]:
    """Tokens and cost by model, where any was asked; the second line is there where there were sub-calls."""
    parts = ((run.config.model, run.root_usage), (run.config.sub_model or run.config.model, run.sub_usage))
    return [
        f"{safe(model)}: {plural(usage.calls, 'call')}, {tokens(usage)}, {cost(usage.cost)}"
        for model, usage in parts
        if usage.calls and not run.keyless
    ]


def receipt_line(receipt: Receipt) -> str:
    ref = f" ({receipt.ref})" if receipt.ref else ""
    return (
        f"{safe(receipt.name)} @ {receipt.commit[:7]}{safe(ref)} · {receipt.files:,} files · "
        f"{receipt.chars:,} characters · ~{receipt.tokens:,} tokens"
    )


def show_receipt(receipt: Receipt, to: Console | None = None) -> None:
    """Print what was taken from a repository and what was left out, and why."""
    to = to or console
    to.print(Text(receipt_line(receipt), style="bold"))
    total = max(sum(chars for _, chars in receipt.languages), 1)
    languages = [f"{name} {chars / total:.0%}" for name, chars in receipt.languages[:6]]
    to.print(Text("  ".join(languages)))
    if receipt.skipped_files:
        to.print(Text(f"{receipt.skipped_files:,} files left out:"))
        for reason, count in receipt.skipped_by_reason:
            examples = [safe(skipped.path) for skipped in receipt.skipped if skipped.reason == reason][:3]
            to.print(
                Text(f"  {count:>7,}  {reason}" + (f": {', '.join(examples)}" if examples else "")), soft_wrap=True
            )
    for note in receipt.notes:
        to.print(Text(safe(note), style="yellow"))


def show_runs(summaries: Sequence[RunSummary], total: int) -> None:
    """Print one page of History as a table: as much of each question as the terminal has room for."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name, width in (("run", 12), ("status", 13), ("cost", 7), ("when", 10)):
        table.add_column(name, no_wrap=True, min_width=width)
    for name in ("repository", "question"):
        table.add_column(name, no_wrap=True, overflow="ellipsis", max_width=30 if name == "repository" else None)
    for run in summaries:
        style, mark = STATUS_STYLE[run.status]
        table.add_row(
            run.id,
            Text(f"{mark} {run.status}", style=style),
            cost(run.cost),
            ago(run.started),
            Text(safe(run.repository or run.source)),
            Text(" ".join(safe(run.question).split())),
        )
    console.print(table)
    if total > len(summaries):
        console.print(Text(f"{len(summaries)} of {total} runs; --limit shows more", style="dim"))
