"""`rlm-app` in a terminal. Exit codes: 0 done, 2 the user can mend it, 1 otherwise."""

import json
import logging
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast, get_args

import typer

from rlm_app import __version__
from rlm_app.errors import InvalidConfig, InvalidQuestion, RunCancelled, RunError, StorageFailed, UserError
from rlm_app.model import Question, Run, Selection, Status, json_of

if TYPE_CHECKING:
    from rlm_app.application import App

app = typer.Typer(
    name="rlm-app",
    help="Ask questions of whole codebases with Recursive Language Models, and watch how they are answered.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
runs = typer.Typer(help="List, show and delete stored runs.", no_args_is_help=True)
app.add_typer(runs, name="runs")

Source = Annotated[
    str, typer.Argument(help="A Git address, a page of one, owner/name, or a folder.", show_default=False)
]
RunId = Annotated[str, typer.Argument(help="As `rlm-app runs list` prints it.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else on stdout.")]
Ref = Annotated[str | None, typer.Option(help="Branch, tag or commit.")]
Include = Annotated[list[str] | None, typer.Option(help="Take only paths that match this glob; repeatable.")]
Exclude = Annotated[list[str] | None, typer.Option(help="Leave out paths that match this glob; repeatable.")]
Generated = Annotated[bool, typer.Option("--generated", help="Take lock files, minified and vendored code too.")]


def main() -> None:
    """Entry point: every error a person can meet is one sentence on stderr."""
    try:
        _log_to_file()
        app()
    except UserError as error:
        _fail(str(error), 2)
    except RunError as error:
        _fail(str(error), 1)
    except KeyboardInterrupt:
        _fail("Stopped.", 1)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
    except OSError as error:
        _fail(f"Writing or reading failed ({error.strerror or error}); see that there is room and permission.", 1)
    except Exception as error:
        if os.environ.get("RLM_APP_DEBUG"):
            raise
        _fail(f"A bug in rlm-app: {type(error).__name__}: {error}. Please report it; RLM_APP_DEBUG=1 shows where.", 1)


def _log_to_file() -> None:
    """A bug's traceback goes to `rlm-app.log` in the data folder; the terminal gets the sentence."""
    from rlm_app.settings import load_settings

    with suppress(UserError):  # a command that needs the settings will say what is wrong with them
        handler = logging.FileHandler(load_settings().home / "rlm-app.log", delay=True)
        layout = "%(asctime)s %(levelname)s %(name)s: %(message)s"
        logging.basicConfig(level=logging.ERROR, format=layout, handlers=[handler])
        logging.raiseExceptions = False  # a log that cannot be written, e.g. on a full disk, must not talk either


def _fail(message: str, code: int) -> None:
    print(message, file=sys.stderr)  # noqa: T201
    sys.exit(code)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"rlm-app {__version__}")
        raise typer.Exit


@app.callback()
def common(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it.")] = False,
) -> None: ...


@app.command()
def ask(
    source: Source,
    question: Annotated[str, typer.Argument(help="What you want to know.", show_default=False)],
    model: Annotated[str | None, typer.Option(help="A dspy model string, or keyless/bm25.")] = None,
    sub_model: Annotated[str | None, typer.Option(help="For llm_query; default: a cheaper one of its maker.")] = None,
    sandbox: Annotated[str | None, typer.Option(help="Where the model's code runs: monty, e2b or pyodide.")] = None,
    files: Annotated[bool, typer.Option("--files", help="Put the code into the sandbox as files too (E2B).")] = False,
    max_steps: Annotated[int | None, typer.Option(help="Steps before the fallback answer.")] = None,
    max_llm_calls: Annotated[int | None, typer.Option(help="Sub-calls in the run.")] = None,
    max_cost: Annotated[float | None, typer.Option(help="USD; the run ends when it is spent.")] = None,
    max_seconds: Annotated[float | None, typer.Option(help="Seconds; the run ends when they are over.")] = None,
    choice: Annotated[list[str] | None, typer.Option(help="A=text; repeat for each choice.")] = None,
    ref: Ref = None,
    include: Include = None,
    exclude: Exclude = None,
    generated: Generated = False,
    as_json: AsJson = False,
) -> None:
    """Ask a question of a codebase, watch the steps, and get an answer with checked citations."""
    from rlm_app.terminal import show_answer, watch
    from rlm_app.wiring import app as open_app

    here = open_app()
    config = here.config(
        model=model,
        sub_model=sub_model,
        sandbox=sandbox,
        files_in_sandbox=files or None,
        max_steps=max_steps,
        max_llm_calls=max_llm_calls,
        max_cost=max_cost,
        max_seconds=max_seconds,
    )
    asked = Question(text=question, choices=_choices(choice or []))
    run_id = here.ask(source, asked, config, _selection(ref, include, exclude, generated))
    with _stopping(here, run_id):
        if as_json:
            here.wait(run_id)
        else:
            watch(here, run_id)
    run = here.run(run_id)
    if run.status == "running":
        raise StorageFailed(
            f"How run {run_id} ended could not be stored; see that disk and database take writes, and ask again."
        )
    if as_json:
        typer.echo(json.dumps(result(run), ensure_ascii=False, indent=2))
    else:
        show_answer(run)
    if run.status != "answered":
        raise typer.Exit(2 if run.mendable else 1)


@contextmanager
def _stopping(here: "App", run_id: str) -> Iterator[None]:
    try:
        yield
    except BaseException as error:
        here.stop(run_id)
        here.wait(run_id, 3)
        if isinstance(error, KeyboardInterrupt):  # which typer would end with 130 and no word
            raise RunCancelled("Stopped.") from None
        raise


def _choices(given: list[str]) -> dict[str, str]:
    choices: dict[str, str] = {}
    for text in given:
        letter, equals, choice = text.partition("=")
        if not equals or letter.strip() in choices:
            raise InvalidQuestion(f"The choice {text!r} is not usable; write each once as A=text, B=text, ….")
        choices[letter.strip()] = choice.strip()
    return choices


def _selection(ref: str | None, include: list[str] | None, exclude: list[str] | None, generated: bool) -> Selection:
    return Selection(ref=ref, include=tuple(include or ()), exclude=tuple(exclude or ()), generated=generated)


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
        "steps": len(run.steps),
        "usage": json_of(usage),
        "cost": usage.cost,
        "seconds": run.seconds,
        "repository": run.receipt.name if run.receipt else run.source,
        "commit": run.receipt.commit if run.receipt else None,
        "model": run.config.model,
        "sandbox": run.config.sandbox,
    }


@app.command()
def flatten(
    source: Source,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Write the text here, not to stdout.")] = None,
    ref: Ref = None,
    include: Include = None,
    exclude: Exclude = None,
    generated: Generated = False,
    stats: Annotated[bool, typer.Option("--stats", help="Print what was taken and left out, not the text.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print that and the place of every file, as JSON.")] = False,
) -> None:
    """Turn a repository at one commit into one text, as a model would be given it."""
    from rlm_app import terminal
    from rlm_app.wiring import flatten as write

    selection = _selection(ref, include, exclude, generated)
    nowhere = Path(os.devnull) if stats or as_json else None
    with terminal.progress() as progress:
        spans, receipt = write(source, selection, output or nowhere or sys.stdout.buffer, progress)
    if as_json:
        typer.echo(json.dumps({**json_of(receipt), "spans": spans}, ensure_ascii=False))
    elif stats:
        terminal.show_receipt(receipt)
    else:
        terminal.show_receipt(receipt, terminal.errors)


@app.command()
def cache(clear: Annotated[bool, typer.Option("--clear", help="Remove all clones; stored runs stay.")] = False) -> None:
    """Say how much room the clones take, or remove them."""
    from rlm_app.settings import load_settings
    from rlm_app.wiring import open_source

    source = open_source(load_settings())
    if clear:
        typer.echo(f"Removed {source.clear() / 1e6:,.1f} MB of clones.")
    else:
        typer.echo(f"Clones take {source.cache_bytes() / 1e6:,.1f} MB; --clear removes them.")


@runs.command("list")
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


@runs.command("show")
def show_run(run_id: RunId, as_json: AsJson = False) -> None:
    """Show a stored run: its steps, its answer, its citations."""
    from rlm_app.terminal import show
    from rlm_app.wiring import app as open_app

    run = open_app().run(run_id)
    if as_json:
        typer.echo(json.dumps(result(run), ensure_ascii=False, indent=2))
    else:
        show(run)


@runs.command("delete")
def delete_runs(run_ids: Annotated[list[str], typer.Argument(help="One or more.", show_default=False)]) -> None:
    """Delete stored runs and what nothing else needs of them."""
    from rlm_app.wiring import app as open_app

    here = open_app()
    for run_id in run_ids:
        here.delete(run_id)
        typer.echo(f"Deleted {run_id}.")


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen at; 0.0.0.0 for all.")] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535)] = None,
) -> None:
    """Serve the app in the browser."""
    from rlm_app.settings import load_settings

    settings = load_settings()
    entry = Path(__file__).parent.parent / "app.py"
    if not entry.exists():
        raise InvalidConfig(
            "The pages are not installed beside the package; run this from a checkout, with `make app`."
        )
    address, at = host or settings.host, port or settings.port
    if address not in LOOPBACK and "local_paths" not in settings.model_fields_set:
        os.environ["RLM_APP_LOCAL_PATHS"] = (
            "false"  # visitors from elsewhere have no business in this machine's folders
        )
    if port_is_taken(address, at):
        raise InvalidConfig(f"Port {at} is taken; stop what listens there or choose another with --port.")
    print(f"rlm-app is at http://{'localhost' if address in ('127.0.0.1', '0.0.0.0') else address}:{at}", flush=True)  # noqa: T201
    command = [
        sys.executable,
        "-m",
        "streamlit",
        "run",
        str(entry),
        "--server.address",
        address,
        "--server.port",
        str(at),
    ]
    os.execv(sys.executable, [*command, "--server.headless", "true"])


LOOPBACK = ("127.0.0.1", "::1", "localhost")


def port_is_taken(host: str, port: int) -> bool:
    """Whether something listens there already."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1" if host == "0.0.0.0" else host, port)) == 0


@app.command()
def doctor(
    clean: Annotated[bool, typer.Option("--clean", help="End sandboxes at E2B that serve no run.")] = False,
) -> None:
    """Say what is configured and reachable, one line each, with what to do."""
    from rlm_app.doctor import examine

    if clean:
        typer.confirm(
            "End every sandbox of rlm-app on this E2B account that serves no run of this data folder?", abort=True
        )
        from rlm_app.settings import load_settings
        from rlm_app.wiring import sandbox_leftovers

        typer.echo(f"Sandboxes ended: {sandbox_leftovers(load_settings(), remove=True)}.")
    failed = False
    for check in examine():
        failed |= check.state == "fails"
        typer.echo(f"{check.state:<6} {check.name:<10} {check.finding}")
    if failed:
        raise typer.Exit(1)
