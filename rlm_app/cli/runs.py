"""`rlm-app runs`: what was asked before."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, cast, get_args

import typer

from rlm_app.cli.arguments import AsJson
from rlm_app.errors import InvalidConfig, RunCancelled
from rlm_app.model import Run, Status, json_of

if TYPE_CHECKING:
    from rlm_app.application import App

app = typer.Typer(help="List, show and delete stored runs.", no_args_is_help=True)

RunId = Annotated[str, typer.Argument(help="As `rlm-app runs list` prints it.", show_default=False)]


def result(run: Run) -> dict[str, Any]:
    """What `--json` prints of a run."""
    usage = run.usage
    return {
        "run_id": run.id,
        "status": run.status,
        "answer": run.answer,
        "error": run.error,
        "citations": [
            {"path": c.path, "first": c.first, "last": c.last, "status": c.status, "url": c.url} for c in run.citations
        ],
        "limit": run.limit,
        "steps": len(run.steps),
        "sub_calls": len(run.sub_calls),
        "rejected_replies": len(run.all_rejected),
        "resumed": run.resumed,
        "usage": json_of(usage),
        "root_usage": json_of(run.root_usage),
        "sub_usage": json_of(run.sub_usage),
        "sandbox_bytes_sent": run.sandbox.bytes_sent if run.sandbox else 0,
        "cost": usage.cost,
        "seconds": run.seconds,
        "repository": run.receipt.name if run.receipt else run.source,
        "commit": run.receipt.commit if run.receipt else None,
        "model": run.config.model,
        "sub_model": run.config.sub_model,
        "sandbox": run.config.sandbox,
    }


@contextmanager
def stopping(here: "App", run_id: str) -> Iterator[None]:
    """Within the block, whatever ends it early stops the run too."""
    try:
        yield
    except BaseException as error:
        here.stop(run_id)
        here.wait(run_id, 3)
        if isinstance(error, KeyboardInterrupt):  # which typer would end with 130 and no word
            raise RunCancelled("Stopped.") from None
        raise


@app.command("list")
def list_runs(
    text: Annotated[str, typer.Option("--search", help="Only runs with this in question or repository.")] = "",
    status: Annotated[str | None, typer.Option(help="Only runs with this status.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 20,
    as_json: AsJson = False,
) -> None:
    """List stored runs, newest first."""
    from dataclasses import asdict

    from rlm_app.ports import RunQuery
    from rlm_app.terminal import show_runs
    from rlm_app.wiring import app as open_app

    if status is not None and status not in get_args(Status):
        raise InvalidConfig(f"There is no status {status!r}; choose one of {', '.join(get_args(Status))}.")
    query = RunQuery(text=text, status=cast(Status | None, status), limit=limit)
    summaries, total = open_app().store.runs(query)
    if as_json:
        typer.echo(
            json.dumps({"total": total, "runs": [asdict(run) for run in summaries]}, ensure_ascii=False, indent=2)
        )
    elif total:
        show_runs(summaries, total)
    else:
        typer.echo("No runs match." if text or status else 'No runs yet. Start one: rlm-app ask . "Where is …?"')


@app.command("show")
def show_run(run_id: RunId, as_json: AsJson = False) -> None:
    """Show a stored run: its steps, its answer, its citations."""
    from rlm_app.terminal import show
    from rlm_app.wiring import app as open_app

    run = open_app().run(run_id)
    if as_json:
        typer.echo(json.dumps(result(run), ensure_ascii=False, indent=2))
    else:
        show(run)


@app.command("resume")
def resume_run(run_id: RunId) -> None:
    """Go on with a run whose process died; what it has stored is not asked for again."""
    from rlm_app.terminal import show_answer, watch
    from rlm_app.wiring import app as open_app

    here = open_app()
    here.resume(run_id)
    with stopping(here, run_id):
        watch(here, run_id)
        here.wait(run_id)
    run = here.run(run_id)
    show_answer(run)
    if run.status != "answered":
        raise typer.Exit(1)


@app.command("delete")
def delete_runs(run_ids: Annotated[list[str], typer.Argument(help="One or more.", show_default=False)]) -> None:
    """Delete stored runs and what nothing else needs of them."""
    from rlm_app.wiring import app as open_app

    here = open_app()
    for run_id in run_ids:
        here.delete(run_id)
        typer.echo(f"Deleted {run_id}.")
