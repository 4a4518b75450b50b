"""The one place that chooses adapters: settings come to an `App`, and to the parts that commands need alone."""

import functools
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from rlm_app import choosing
from rlm_app.application import App
from rlm_app.errors import StorageFailed
from rlm_app.model import Corpus, FileSpan, Question, Receipt, Run, RunConfig, Selection
from rlm_app.ports import Answer, Answerer, Progress, RunContext, RunQuery, Store
from rlm_app.settings import Settings, load_settings
from rlm_app.stop import Stop

if TYPE_CHECKING:
    from rlm_app.adapters.git import GitSource


def make_home(settings: Settings) -> None:
    """Make the data folder.

    Raises:
        StorageFailed: it cannot be made or written to.
    """
    try:
        settings.home.mkdir(parents=True, exist_ok=True)
        (settings.home / ".writable").touch()
    except OSError as error:
        raise StorageFailed(
            f"The data folder {settings.home} cannot be written to ({error.strerror}); "
            "set RLM_APP_HOME to a folder that can."
        ) from None


def open_store(settings: Settings) -> Store:
    """The store that the settings name. Raises: StorageFailed."""
    from rlm_app.adapters.store import SqlStore

    return SqlStore.open(settings.store_url, settings.home / "blobs")


def open_source(settings: Settings) -> "GitSource":
    """Git, within the limits that the settings give."""
    from rlm_app.adapters.git import GitSource, Limits

    limits = Limits(
        repository_bytes=int(settings.max_clone_mb * 1e6),
        corpus_chars=int(settings.max_corpus_mb * 1e6),
        seconds=settings.clone_seconds,
        cache_bytes=int(settings.cache_mb * 1e6),
    )
    return GitSource(
        settings.home / "clones",
        limits,
        allow_local=settings.local_paths,
        tokens=settings.git_tokens,
        allow_hosts=settings.private_hosts,
    )


def flatten(
    source: str, selection: Selection, output: Path | IO[bytes], progress: Progress
) -> tuple[tuple[FileSpan, ...], Receipt]:
    """Write a source as one text to a file without ever holding it in memory; return where each file lies in it.

    Raises:
        UserError: the source cannot be loaded or the file not be written; nothing is left behind.
    """
    settings = load_settings()
    make_home(settings)
    return open_source(settings).write(source, selection, output, stop=Stop(), progress=progress)


def open_answerer(settings: Settings) -> Answerer:
    """dspy's RLM over the sandbox that each run names."""
    from rlm_app.adapters.answerer import RlmAnswerer

    return RlmAnswerer(settings)


class FirstWhenAsked:
    """An answerer that is made for the first question: importing dspy would take most of the app's start."""

    def __init__(self, make: Callable[[], Answerer]) -> None:
        self._make = functools.cache(make)

    def answer(self, corpus: Corpus, question: Question, config: RunConfig, run: RunContext) -> Answer:
        return self._make().answer(corpus, question, config, run)


def probe_sandbox(settings: Settings) -> tuple[str, float]:
    """Start the sandbox in force, run a line in it, end it; return its name and the seconds that took.

    Raises:
        SandboxUnavailable: one sentence that says what to do.
    """
    from rlm_app.adapters import sandboxes

    name, _ = choosing.choose_sandbox(settings)
    return choosing.SANDBOXES[name], sandboxes.probe(name, settings)


def sandbox_leftovers(settings: Settings, *, remove: bool) -> int:
    """How many sandboxes at E2B no living run uses any more; with `remove`, after ending them. 0 without a key.

    Raises:
        SandboxUnavailable: the account cannot be asked.
    """
    from rlm_app.adapters import sandboxes

    if settings.e2b_api_key is None:
        return 0
    store = open_store(settings)
    running = [run.id for run in store.runs(RunQuery(status="running", limit=10_000))[0]]
    return sandboxes.leftovers(settings, keep=running, remove=remove)


def open_app(settings: Settings | None = None) -> App:
    """Open the store and choose the adapters that the settings ask for.

    Raises:
        UserError: a setting or the store cannot be used; the sentence says what to do.
    """
    settings = settings or load_settings()
    make_home(settings)
    answerer = FirstWhenAsked(lambda: open_answerer(settings))
    return App(settings, open_store(settings), open_source(settings), answerer)


_opening = threading.Lock()


def app() -> App:
    """The App of this process, opened on first use, by one thread."""
    with _opening:
        return _app()


@functools.cache
def _app() -> App:
    return open_app()


def ask(source: str, question: str, *, choices: Mapping[str, str] | None = None, **config: Any) -> Run:
    """Ask a question of a codebase and wait for the answer.

    Args:
        source: a Git address, a page of one, `owner/name`, or a folder of this machine.
        question: what you want to know.
        choices: for a multiple-choice question, its texts by letter from A.
        config: any of `RunConfig`'s fields, e.g. `model="openai/gpt-5"`, `max_steps=20`.

    Returns:
        The run: `run.answer`, `run.citations`, `run.steps`, `run.status`, `run.usage`.

    Raises:
        UserError: the source, the question or the settings cannot be used.
    """
    here = app()
    run_id = here.ask(source, Question(text=question, choices=dict(choices or {})), here.config(**config))
    try:
        here.wait(run_id)
    except KeyboardInterrupt:
        here.stop(run_id)
        here.wait(run_id, 5)
        raise
    return here.run(run_id)
