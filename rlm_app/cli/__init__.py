"""`rlm-app` in a terminal. Exit codes: 0 done, 2 the user can mend it, 1 otherwise."""

import json
import logging
import os
import socket
import sys
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from rlm_app import __version__
from rlm_app.cli import bench, dataset, optimize, runs
from rlm_app.cli.arguments import AsJson, Exclude, Generated, Include, Ref, Source
from rlm_app.cli.runs import result, stopping
from rlm_app.codebase import Selection
from rlm_app.errors import InvalidConfig, InvalidQuestion, RunError, StorageFailed, UserError
from rlm_app.model import Question

app = typer.Typer(
    name="rlm-app",
    help="Ask questions of whole codebases with Recursive Language Models, and watch how they are answered.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.add_typer(runs.app, name="runs")
app.add_typer(dataset.app, name="dataset")
app.add_typer(bench.app, name="bench")
app.command()(dataset.questions)
app.command()(optimize.optimize)


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
    model: Annotated[
        str | None, typer.Option(help="A dspy model string, keyless/bm25, or a baseline such as direct/…")
    ] = None,
    sub_model: Annotated[str | None, typer.Option(help="For llm_query; default: a cheaper one of its maker.")] = None,
    sandbox: Annotated[str | None, typer.Option(help="Where the model's code runs: monty, e2b or pyodide.")] = None,
    files: Annotated[bool, typer.Option("--files", help="Put the code into the sandbox as files too (E2B).")] = False,
    max_steps: Annotated[int | None, typer.Option(help="Steps before the fallback answer.")] = None,
    max_llm_calls: Annotated[int | None, typer.Option(help="Sub-calls in the run.")] = None,
    max_cost: Annotated[float | None, typer.Option(help="USD; the run ends when it is spent.")] = None,
    max_seconds: Annotated[float | None, typer.Option(help="Seconds; the run ends when they are over.")] = None,
    on_limit: Annotated[str | None, typer.Option(help="At a limit: answer with what is there, or stop.")] = None,
    cache: Annotated[bool, typer.Option("--cache", help="Take replies stored from earlier, equal calls.")] = False,
    program: Annotated[Path | None, typer.Option(help="A saved program, whose task prompt replaces ours.")] = None,
    choice: Annotated[list[str] | None, typer.Option(help="A=text; repeat for each choice.")] = None,
    ref: Ref = None,
    include: Include = None,
    exclude: Exclude = None,
    generated: Generated = False,
    as_json: AsJson = False,
) -> None:
    """Ask a question of a codebase, watch the steps, and get an answer with checked citations."""
    from rlm_app.leaving import sent, summary
    from rlm_app.terminal import show_answer, show_quote, watch
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
        on_limit=on_limit,
        cache=cache or None,
        program=program,
    )
    asked = Question(text=question, choices=_choices(choice or []))
    run_id = here.ask(source, asked, config, _selection(ref, include, exclude, generated))
    if not as_json:
        show_quote(here.quote(config.model), config.model, here.notes(config))
    with stopping(here, run_id):
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
        typer.echo(summary(sent(run, here.settings)))
    if run.status != "answered":
        raise typer.Exit(2 if run.mendable else 1)


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
        typer.echo(json.dumps({**asdict(receipt), "spans": spans}, ensure_ascii=False))
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


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen at; 0.0.0.0 for all.")] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535)] = None,
) -> None:
    """Serve the app in the browser."""
    from rlm_app.settings import load_settings

    settings = load_settings()
    entry = Path(__file__).parents[2] / "app.py"
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
    live: Annotated[bool, typer.Option("--live", help="Make one tiny call of each model in force.")] = False,
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
    for check in examine(live=live):
        failed |= check.state == "fails"
        typer.echo(f"{check.state:<6} {check.name:<10} {check.finding}")
    if failed:
        raise typer.Exit(1)
