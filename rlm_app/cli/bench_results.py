"""`rlm-app bench report|compare|export|import`: what came of a bench, as data."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rlm_app.cli.arguments import AsJson
from rlm_app.errors import InvalidConfig
from rlm_app.model import json_of

if TYPE_CHECKING:
    from rlm_app.benchmarking import Bencher

BenchId = Annotated[str, typer.Argument(help="As `rlm-app bench list` prints it, or its start.", show_default=False)]


def print_report(here: "Bencher", bench_id: str, as_json: bool) -> None:
    """Print the numbers of a bench, as one JSON object or for people."""
    from rlm_app.cli.bench_terminal import show_report

    found = here.report(bench_id)
    if as_json:
        typer.echo(json.dumps(json_of(found), ensure_ascii=False, indent=2))
    else:
        show_report(found)


def report(
    bench_id: BenchId,
    as_json: AsJson = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print one line an attempt.")] = False,
    as_markdown: Annotated[bool, typer.Option("--md", help="Print a Markdown document.")] = False,
    html: Annotated[Path | None, typer.Option(help="Write one page with charts here, which opens offline.")] = None,
) -> None:
    """Print the numbers of a bench, or write them as a page with charts."""
    from rlm_app.reports.report import to_csv, to_markdown
    from rlm_app.wiring import bencher

    if as_json + as_csv + as_markdown + (html is not None) > 1:
        raise InvalidConfig("Choose one of --json, --csv, --md and --html.")
    here = bencher()
    if html is not None:
        page = here.html(bench_id)
        html.write_text(page, encoding="utf-8")
        typer.echo(f"Wrote {html} ({len(page) / 1e6:.1f} MB).")
        return
    if as_csv:
        typer.echo(to_csv(here.attempts(bench_id)), nl=False)
    elif as_markdown:
        typer.echo(to_markdown(here.report(bench_id)), nl=False)
    else:
        print_report(here, bench_id, as_json)


def compare(
    bench_ids: Annotated[list[str], typer.Argument(help="Two to four benches.", show_default=False)],
    as_json: AsJson = False,
) -> None:
    """Compare benches on the examples that they have in common."""
    from rlm_app.cli.bench_terminal import show_comparison
    from rlm_app.wiring import bencher

    found = bencher().compare(bench_ids)
    if as_json:
        typer.echo(json.dumps(json_of(found), ensure_ascii=False, indent=2))
    else:
        show_comparison(found)


def export(
    bench_id: BenchId,
    output: Annotated[Path, typer.Option("-o", "--output", help="The zip to write.", show_default=False)],
) -> None:
    """Write a bench to one zip: configuration, versions, attempts and trajectories, without the contexts."""
    from rlm_app.wiring import bencher
    from rlm_app.wording import plural

    runs = bencher().export(bench_id, output)
    typer.echo(f"Wrote {plural(runs, 'run')} to {output}.")


def import_zip(file: Annotated[Path, typer.Argument(help="As `bench export` writes it.", show_default=False)]) -> None:
    """Read a bench from a zip that `bench export` wrote."""
    from rlm_app.wiring import bencher

    here = bencher()
    bench = here.load(file)
    typer.echo(f"Imported {bench.id}: {bench.config.model} on {bench.dataset} {bench.split}.")
    if not here.examples(bench):
        typer.echo(f"Its data set {bench.dataset} is not here, so the report has no breakdowns.")
