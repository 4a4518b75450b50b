"""Data sets and examples as they look in a terminal."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from rlm_app.examples import Dataset, Example
from rlm_app.terminal import console, errors, safe
from rlm_app.wording import IMPORT_WORDS, ago, amount, plural

if TYPE_CHECKING:
    from rlm_app.datasets.importing import Tell

NOTE_CHARS = 40


@contextmanager
def progress_bar() -> Iterator["Tell"]:
    """Within the block a bar on stderr shows what is done, how far, and for how long, if that is a terminal."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(show_speed=False))
    note = TextColumn("{task.fields[note]}", style="dim", markup=False)
    quiet = not errors.is_terminal
    with Progress(*columns, TimeElapsedColumn(), note, console=errors, transient=True, disable=quiet) as bar:
        task = bar.add_task("Starting", total=None, note="")

        def tell(what: str, done: int, total: int | None, note: str) -> None:
            bar.update(
                task,
                description=IMPORT_WORDS.get(what, what.capitalize()),
                completed=done,
                total=total,
                note=safe(note)[:NOTE_CHARS],
            )

        yield tell


def show_datasets(datasets: Sequence[Dataset]) -> None:
    """Print what data sets there are as a table."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("data set", "examples", "splits", "source", "revision", "imported"):
        table.add_column(name, no_wrap=True, overflow="ellipsis", justify="right" if name == "examples" else "left")
    for one in datasets:
        splits = ", ".join(f"{split} {len(ids)}" for split, ids in one.splits.items() if split != "all")
        row = (one.name, f"{one.examples:,}", splits, one.source, one.revision[:12], ago(one.imported))
        table.add_row(*(Text(safe(cell)) for cell in row))
    console.print(table)


def show_dataset(dataset: Dataset) -> None:
    """Print where a data set came from and how it is split."""
    revision = f" @ {safe(dataset.revision[:12])}" if dataset.revision else ""
    console.print(Text(f"{dataset.name}: {plural(dataset.examples, 'example')} from {safe(dataset.source)}{revision}"))
    splits = ", ".join(f"{split} {len(ids)}" for split, ids in dataset.splits.items())
    console.print(Text(f"splits: {safe(splits)}", style="dim"))
    console.print(Text(f"SHA-256 {dataset.digest}", style="dim"), soft_wrap=True)
    for note in dataset.notes:
        console.print(Text(safe(note), style="yellow"))


def show_examples(examples: Sequence[Example], *, key: bool) -> None:
    """Print examples as a table: as much of each question as there is room for."""
    table = Table(box=None, pad_edge=False, header_style="dim", expand=True)
    about = (*(["key"] if key else []), "difficulty", "length", "kind")
    table.add_column("id", no_wrap=True, overflow="fold")
    for name in about:
        table.add_column(name, no_wrap=True)
    table.add_column("characters", no_wrap=True, justify="right")
    table.add_column("question", no_wrap=True, overflow="ellipsis", ratio=1)
    for one in examples:
        told = [one.expected] if key else []
        told += [one.difficulty, one.length, one.kind or one.sub_domain, amount(one.context_chars)]
        table.add_row(*(Text(" ".join(safe(cell).split())) for cell in (one.id, *told, one.question.text)))
    console.print(table)


def show_example(example: Example, *, key: bool) -> None:
    """Print an example whole: the question, its choices, what is known of it, and the key where it is asked for."""
    console.print(Text(safe(example.question.text), style="bold"))
    for letter, choice in example.question.choices.items():
        right = key and letter == example.expected
        console.print(Text(f"{letter}. {safe(choice)}", style="green" if right else ""))
    facts = [example.domain, example.sub_domain, example.kind, example.difficulty, example.length, example.repository]
    facts.append(f"{example.context_chars:,} characters of context")
    console.print(Text(" · ".join(safe(fact) for fact in facts if fact), style="dim"))
    if key:
        where = f", from {', '.join(safe(place) for place in example.evidence)}" if example.evidence else ""
        console.print(Text(f"The answer is {example.expected}{where}.", style="green"))
    else:
        console.print(Text("--key shows the answer", style="dim"))
