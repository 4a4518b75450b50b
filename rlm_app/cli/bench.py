"""`rlm-app bench`: many questions, measured."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rlm_app.cli import bench_results
from rlm_app.cli.arguments import AsJson
from rlm_app.cli.bench_results import BenchId, print_report
from rlm_app.errors import InvalidConfig, RunCancelled, StorageFailed

if TYPE_CHECKING:
    from rlm_app.benches import Bench
    from rlm_app.benchmarking import Bencher, Standing

app = typer.Typer(help="Run many questions over a model, resumable, and report what came of it.", no_args_is_help=True)
app.command()(bench_results.report)
app.command()(bench_results.compare)
app.command()(bench_results.export)
app.command("import")(bench_results.import_zip)

STOP_SECONDS = 10.0  # for runs to stop and be given back after Ctrl-C

Workers = Annotated[int, typer.Option(min=1, max=64, help="Questions at the same time.")]
Cluster = Annotated[str | None, typer.Option(help="Run on a Dask cluster instead, e.g. tcp://10.0.0.1:8786.")]
MaxCost = Annotated[float | None, typer.Option(help="USD for the whole bench; nothing starts that may not fit.")]


@app.command()
def run(
    dataset: Annotated[str, typer.Option(help="Its name; stdlib is made on first use.")] = "stdlib",
    split: Annotated[str, typer.Option(help="all, or one that the data set names.")] = "all",
    model: Annotated[
        str | None,
        typer.Option(help="provider/name, keyless/bm25, direct/provider/name, no-context/provider/name or always-C."),
    ] = None,
    sub_model: Annotated[str | None, typer.Option(help="For llm_query.")] = None,
    sandbox: Annotated[str | None, typer.Option(help="monty, e2b or pyodide.")] = None,
    epochs: Annotated[int, typer.Option(help="How often each question is asked.")] = 1,
    workers: Workers = 4,
    limit: Annotated[int | None, typer.Option(help="Only the first so many examples.")] = None,
    max_cost: MaxCost = None,
    max_example_cost: Annotated[float | None, typer.Option(help="USD for one question.")] = None,
    max_steps: Annotated[int | None, typer.Option(help="Steps for one question.")] = None,
    max_llm_calls: Annotated[int | None, typer.Option(help="Sub-calls for one question.")] = None,
    max_seconds: Annotated[float | None, typer.Option(help="Seconds for one question.")] = None,
    shuffle_choices: Annotated[int | None, typer.Option(metavar="SEED", help="Permute the choices.")] = None,
    on_limit: Annotated[str | None, typer.Option(help="At a limit: answer with what is there, or stop.")] = None,
    program: Annotated[Path | None, typer.Option(help="A saved program, whose task prompt replaces ours.")] = None,
    no_context: Annotated[bool, typer.Option("--no-context", help="Ask the model without the context.")] = False,
    cluster: Cluster = None,
    as_json: AsJson = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before money is spent.")] = False,
) -> None:
    """Ask every question of a data set, and print the report. The same command again goes on where it stopped."""
    from rlm_app.benchmarking import Wanted
    from rlm_app.cli.bench_terminal import preparing
    from rlm_app.terminal import errors
    from rlm_app.wiring import app as open_app
    from rlm_app.wiring import bencher

    config = open_app().config(
        model=f"no-context/{model or 'auto'}" if no_context else model,
        sub_model=sub_model,
        sandbox=sandbox,
        max_cost=max_example_cost,
        max_steps=max_steps,
        max_llm_calls=max_llm_calls,
        max_seconds=max_seconds,
        on_limit=on_limit,
        program=program,
        cache=False,
    )
    wanted = Wanted(config, dataset, split, epochs, limit, shuffle_choices, max_cost)
    here = bencher()
    with preparing(dataset):
        plan = here.plan(wanted, workers=workers)
    if not as_json:
        errors.print(f"Bench {plan.bench.id}: {plan.estimate}", soft_wrap=True, markup=False)
        if not (plan.free or yes) and sys.stdin.isatty():
            typer.confirm("Start it?", abort=True, err=True)
    _work(here, plan.bench, workers, cluster, as_json)


def _work(here: "Bencher", bench: "Bench", workers: int, cluster: str | None, as_json: bool) -> None:
    from rlm_app.cli.bench_terminal import follow
    from rlm_app.wiring import cluster_work

    bench_id = here.start(bench, workers=workers, work=cluster_work(cluster) if cluster else None)
    try:
        follow(here, bench_id)
        ending = here.ending(bench_id)
    except KeyboardInterrupt:
        here.stop(bench_id)
        here.wait(bench_id, STOP_SECONDS)
        raise _stopped(here, bench_id, "Stopped") from None
    except StorageFailed as error:
        raise StorageFailed(f"{error} Then go on with: rlm-app bench resume {bench_id}") from None
    if ending == "stopped":
        raise _stopped(here, bench_id, "Cancelled")
    print_report(here, bench_id, as_json)
    if ending == "budget":
        raise RunCancelled(here.left_over(bench_id))


def _stopped(here: "Bencher", bench_id: str, how: str) -> RunCancelled:
    tally = here.standing(bench_id).tally
    return RunCancelled(
        f"{how}: {tally.done:,} of {tally.total:,} are done. Go on with: rlm-app bench resume {bench_id}"
    )


@app.command()
def status(bench_id: BenchId, as_json: AsJson = False) -> None:
    """Say how far a bench is."""
    from rlm_app.cli.bench_terminal import show_standing
    from rlm_app.wiring import bencher

    standing = bencher().standing(bench_id)
    if as_json:
        typer.echo(json.dumps(told(standing), ensure_ascii=False, indent=2))
    else:
        show_standing(standing)


@app.command()
def resume(
    bench_id: BenchId,
    workers: Workers = 4,
    max_cost: MaxCost = None,
    cluster: Cluster = None,
    as_json: AsJson = False,
) -> None:
    """Go on with a bench: exactly what has not ended is done, and no stored reply is paid for again."""
    from rlm_app.wiring import bencher

    here = bencher()
    bench = here.resumable(bench_id, max_cost)
    _check(bench, cluster)
    _work(here, bench, workers, cluster, as_json)


def _check(bench: "Bench", cluster: str | None) -> None:
    """Refuse what could only fail here, like a key that is not set; a cluster has keys of its own."""
    from rlm_app import choosing
    from rlm_app.wiring import app as open_app

    if cluster is None:
        choosing.resolve(bench.config, open_app().settings)


@app.command()
def cancel(bench_id: BenchId) -> None:
    """Stop a bench wherever it is worked on; it can be resumed."""
    from rlm_app.wiring import bencher

    bench = bencher().cancel(bench_id)
    typer.echo(f"Cancelled {bench.id}. Go on with: rlm-app bench resume {bench.id}")


@app.command()
def retry(
    bench_id: BenchId,
    errors: Annotated[bool, typer.Option("--errors", help="What ended in an error or was cancelled.")] = False,
    limits: Annotated[bool, typer.Option("--limits", help="What ended at a limit without an answer.")] = False,
    workers: Workers = 4,
    cluster: Cluster = None,
    as_json: AsJson = False,
) -> None:
    """Make new attempts of what did not come to an answer; the old ones are kept."""
    from rlm_app.benches import Outcome
    from rlm_app.wiring import bencher

    wanted: list[Outcome] = [*(("error", "cancelled") if errors else ()), *(("limit",) if limits else ())]
    if not wanted:
        raise InvalidConfig("Say what is to be tried again: --errors, --limits or both.")
    here = bencher()
    _check(here.bench(bench_id), cluster)
    here.retry(bench_id, wanted)
    _work(here, here.resumable(bench_id), workers, cluster, as_json)


@app.command("list")
def list_benches(as_json: AsJson = False) -> None:
    """List benches, newest first."""
    from rlm_app.cli.bench_terminal import show_benches
    from rlm_app.wiring import bencher

    standings = bencher().standings()
    if as_json:
        typer.echo(json.dumps({"benches": [told(one) for one in standings]}, ensure_ascii=False, indent=2))
    elif standings:
        show_benches(standings)
    else:
        typer.echo("No benches yet. Start one: rlm-app bench run --dataset stdlib --split quick --model keyless/bm25")


def told(standing: "Standing") -> dict[str, Any]:
    """What `--json` prints of a bench without its report."""
    bench, tally = standing.bench, standing.tally
    return {
        "id": bench.id,
        "dataset": bench.dataset,
        "split": bench.split,
        "model": bench.config.model,
        "created": bench.created,
        "cancelled": bench.cancelled,
        "max_cost": bench.max_cost,
        "total": tally.total,
        "done": tally.done,
        "outcomes": tally.outcomes,
        "right": standing.right,
        "interval": standing.interval,
        "cost": tally.usage.cost,
        "tokens": tally.usage.tokens_in + tally.usage.tokens_out,
    }


@app.command()
def delete(bench_id: BenchId, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> None:
    """Delete a bench, its attempts and their runs."""
    from rlm_app.wiring import bencher

    here = bencher()
    standing = here.standing(bench_id)
    if not yes:
        typer.confirm(f"Delete bench {standing.bench.id} with its {standing.tally.total:,} attempts?", abort=True)
    typer.echo(f"Deleted {here.delete(standing.bench.id).id}.")
