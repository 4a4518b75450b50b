"""`rlm-app dataset` and `rlm-app questions`: examples with known answers."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any

import typer

from rlm_app.cli.arguments import AsJson, Ref, Source
from rlm_app.errors import DatasetUnavailable, InvalidConfig, RunCancelled, StorageFailed
from rlm_app.model import json_of

if TYPE_CHECKING:
    from rlm_app.examples import Dataset, Example

app = typer.Typer(help="Import, list, show, export and delete data sets.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="As `rlm-app dataset list` prints it.", show_default=False)]
Seed = Annotated[int, typer.Option(help="Another seed makes other questions.")]
Contexts = Annotated[bool, typer.Option("--contexts", help="With the code itself, once for each context.")]


@contextmanager
def _working() -> Iterator[Any]:
    """What long work is told to, as a bar on stderr; Ctrl-C ends it with a sentence."""
    from rlm_app.cli.dataset_terminal import progress_bar
    from rlm_app.datasets.importing import Work

    with progress_bar() as tell:
        try:
            yield Work(tell=tell)
        except KeyboardInterrupt:
            raise RunCancelled("Stopped; nothing was stored, and running it again starts anew.") from None


@app.command("import")
def import_dataset(
    source: Annotated[
        str,
        typer.Argument(
            help="longbench, stdlib, or a .json, .jsonl or .parquet file of its schema.", show_default=False
        ),
    ],
    name: Annotated[str | None, typer.Option(help="What to call it; a data set of that name is replaced.")] = None,
    domain: Annotated[str | None, typer.Option(help="Take rows of this domain; default: code.")] = None,
    all_domains: Annotated[bool, typer.Option("--all-domains", help="Take rows of every domain.")] = False,
    n: Annotated[int | None, typer.Option("-n", min=1, max=100_000, help="Questions; stdlib only.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of the questions; stdlib only.")] = None,
    as_json: AsJson = False,
) -> None:
    """Import LongBench-v2 from its hub or a file, or make the embedded data set from Python's own library."""
    from rlm_app.datasets.collection import LONGBENCH, STDLIB, STDLIB_EXAMPLES
    from rlm_app.rows import CODE
    from rlm_app.wiring import app as open_app

    if source == STDLIB and (domain or all_domains):
        raise InvalidConfig("stdlib has no domains; leave --domain and --all-domains away.")
    if source != STDLIB and (n is not None or seed is not None):
        raise InvalidConfig("-n and --seed are for stdlib; every row of a file is imported.")
    if domain and all_domains:
        raise InvalidConfig("Give either --domain or --all-domains.")
    wanted = None if all_domains else domain or CODE
    here = open_app().collection
    with _working() as work:
        if source == STDLIB:
            dataset = here.make_stdlib(name or STDLIB, n=n or STDLIB_EXAMPLES, seed=seed or 0, work=work)
        elif source == LONGBENCH:
            dataset = here.import_longbench(name or LONGBENCH, wanted, work)
        else:
            if name is None:
                raise InvalidConfig("Say what to call the data set, e.g. --name mine.")
            dataset = here.import_file(Path(source), name, wanted, work)
    _told(dataset, as_json)


def _told(dataset: "Dataset", as_json: bool) -> None:
    from rlm_app.cli.dataset_terminal import show_dataset

    if as_json:
        typer.echo(json.dumps(_short(dataset), ensure_ascii=False, indent=2))
    else:
        show_dataset(dataset)


def _short(dataset: "Dataset") -> dict[str, Any]:
    """A data set for `--json`, with the number of examples of each split in place of their ids."""
    return {**json_of(dataset), "splits": {split: len(ids) for split, ids in dataset.splits.items()}}


@app.command("list")
def list_datasets(as_json: AsJson = False) -> None:
    """List the data sets there are."""
    from rlm_app.cli.dataset_terminal import show_datasets
    from rlm_app.wiring import app as open_app

    datasets = open_app().collection.datasets.datasets()
    if as_json:
        typer.echo(json.dumps({"datasets": [_short(one) for one in datasets]}, ensure_ascii=False, indent=2))
    elif datasets:
        show_datasets(datasets)
    else:
        typer.echo("No data sets yet. Make the embedded one: rlm-app dataset import stdlib")


@app.command("show")
def show(
    name: Name,
    example: Annotated[str | None, typer.Option(help="Show one example whole, by its id.")] = None,
    key: Annotated[bool, typer.Option("--key", help="Show the right answers too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show a data set and its examples; the right answers only when asked for."""
    from rlm_app.cli.dataset_terminal import show_dataset, show_example, show_examples
    from rlm_app.wiring import app as open_app

    stored = open_app().collection.datasets
    dataset = stored.dataset(name)
    examples = stored.examples(name, None if example is None else [example])
    if as_json:
        told = [_plain(one, key) for one in examples]
        typer.echo(json.dumps({**json_of(dataset), "shown": told}, ensure_ascii=False, indent=2))
    elif example is not None:
        show_example(examples[0], key=key)
    else:
        show_dataset(dataset)
        show_examples(examples, key=key)


def _plain(example: "Example", key: bool) -> dict[str, Any]:
    """An example for `--json`. Where the truth stands is as good as the key."""
    return example.model_dump(mode="json", exclude=set() if key else {"expected", "evidence"})


@app.command()
def export(
    name: Name,
    output: Annotated[Path, typer.Option("-o", "--output", help="A .jsonl file.", show_default=False)],
    contexts: Contexts = False,
) -> None:
    """Write a data set as JSON lines of LongBench-v2's schema, to be imported elsewhere."""
    from rlm_app.wiring import app as open_app

    here = open_app().collection
    here.datasets.dataset(name)
    with _writing(output) as out:
        rows = here.export(name, out, contexts=contexts)
    where = "" if contexts else " The contexts are not in it; --contexts takes them along."
    typer.echo(f"Wrote {rows:,} examples to {output}.{where}")


@contextmanager
def _writing(path: Path) -> Iterator[IO[str]]:
    """A file to write that takes its place once it is whole."""
    _check_ending(path)
    unfinished = path.with_name(f".{path.name}.part")
    try:
        with unfinished.open("w", encoding="utf-8") as out:
            yield out
        unfinished.replace(path)
    except OSError as error:
        raise StorageFailed(f"{path} cannot be written ({error.strerror}); choose another file.") from None
    finally:
        unfinished.unlink(missing_ok=True)


def _check_ending(path: Path) -> None:
    if path.suffix != ".jsonl":
        raise DatasetUnavailable(f"{path} has to end in .jsonl, which is what is written.")


@app.command()
def delete(
    names: Annotated[list[str], typer.Argument(help="One or more.", show_default=False)],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete data sets and the contexts that nothing else needs. Runs stay."""
    from rlm_app.wiring import app as open_app

    stored = open_app().collection.datasets
    for name in names:
        dataset = stored.dataset(name)
        if not yes:
            typer.confirm(f"Delete {name} with its {dataset.examples:,} examples?", abort=True)
        stored.delete_dataset(name)
        typer.echo(f"Deleted {name}.")


def questions(
    source: Source,
    n: Annotated[int, typer.Option("-n", min=1, max=100_000, help="How many.")] = 40,
    seed: Seed = 0,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="A .jsonl file; default: stdout.")] = None,
    name: Annotated[str | None, typer.Option(help="Store them as a data set of this name.")] = None,
    ref: Ref = None,
    contexts: Contexts = False,
) -> None:
    """Generate multiple-choice questions from a repository, with answers computed from its code."""
    from rlm_app.datasets.collection import write
    from rlm_app.datasets.importing import check_name
    from rlm_app.terminal import errors, safe
    from rlm_app.wiring import app as open_app

    if name is not None:
        check_name(name)
    if output is not None:
        _check_ending(output)  # now, and not after minutes of work
    here = open_app().collection
    with _working() as work:
        made = here.make(source, ref, n, seed, work)
        if name is not None:
            _told(here.keep(made, name), as_json=False)

    def corpus_of(digest: str) -> Any:
        return made.corpus

    if output is not None:
        with _writing(output) as out:
            write(made.dataset, made.examples, out, corpus_of if contexts else None)
        typer.echo(f"Wrote {len(made.examples):,} questions to {output}.")
    elif name is None:
        write(made.dataset, made.examples, sys.stdout, corpus_of if contexts else None)
    for note in made.dataset.notes:
        errors.print(safe(note), markup=False)
