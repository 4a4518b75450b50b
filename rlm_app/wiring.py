"""The one place that chooses adapters: settings come to an `App`, and to the parts that commands need alone."""

import functools
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

from pydantic import SecretStr

from rlm_app import choosing
from rlm_app.codebase import Corpus, FileSpan, Receipt, Selection
from rlm_app.errors import InvalidConfig, StorageFailed, UserError
from rlm_app.model import Question, Run, RunConfig, Usage
from rlm_app.providers import LocalServer, asked_model
from rlm_app.settings import Settings, load_settings
from rlm_app.stop import Stop

if TYPE_CHECKING:
    from rlm_app.adapters.git import GitSource
    from rlm_app.adapters.programs import Perform, RepositoryProgram
    from rlm_app.adapters.store import SqlStore
    from rlm_app.application import App
    from rlm_app.baselines import ModelFacts
    from rlm_app.benchmarking import Bencher
    from rlm_app.benchmarking.bencher import Work
    from rlm_app.datasets.collection import Collection
    from rlm_app.optimizing import LabelledQuestion, Optimized, Plan
    from rlm_app.ports import Answer, Answerer, Progress, RunContext


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


def open_store(settings: Settings) -> "SqlStore":
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
    source: str, selection: Selection, output: Path | IO[bytes], progress: "Progress"
) -> tuple[tuple[FileSpan, ...], Receipt]:
    """Write a source as one text to a file without ever holding it in memory; return where each file lies in it.

    Raises:
        UserError: the source cannot be loaded or the file not be written; nothing is left behind.
    """
    settings = load_settings()
    make_home(settings)
    return open_source(settings).write(source, selection, output, stop=Stop(), progress=progress)


def open_answerer(settings: Settings) -> "Answerer":
    """dspy's RLM over the sandbox that each run names, and the baselines, which need none."""
    from rlm_app.adapters.answerer import RlmAnswerer
    from rlm_app.adapters.baselines import BaselineAnswerer

    return BaselineAnswerer(RlmAnswerer(settings), settings)


def open_program(settings: Settings, perform: "Perform") -> "RepositoryProgram":
    """Question to answer as a dspy module; `perform` asks one question."""
    from rlm_app.adapters.programs import RepositoryProgram

    return RepositoryProgram(settings, perform)


def optimize(program: "RepositoryProgram", questions: "Sequence[LabelledQuestion]", plan: "Plan") -> "Optimized":
    """Rewrite the task prompt of a program with dspy's GEPA. Raises: UserError."""
    from rlm_app.adapters import optimizing

    return optimizing.optimize(program, questions, plan)


class FirstWhenAsked:
    """An answerer that is made for the first question: importing dspy would take most of the app's start."""

    def __init__(self, make: "Callable[[], Answerer]") -> None:
        self._make = functools.cache(make)

    def answer(self, corpus: Corpus, question: Question, config: RunConfig, run: "RunContext") -> "Answer":
        return self._make().answer(corpus, question, config, run)


def probe_sandbox(settings: Settings) -> tuple[str, float]:
    """Start the sandbox in force, run a line in it, end it; return its name and the seconds that took.

    Raises:
        SandboxUnavailable: one sentence that says what to do.
    """
    from rlm_app.adapters import sandboxes

    name, _ = choosing.choose_sandbox(settings)
    return choosing.SANDBOXES[name], sandboxes.probe(name, settings)


def probe_model(settings: Settings, model: str, keys: Mapping[str, SecretStr] | None = None) -> tuple[float, Usage]:
    """Make one tiny call of a model; the seconds until its reply, and what it used.

    Args:
        keys: of whoever asks, by provider; they come before the installation's.

    Raises:
        ModelFailed: it does not answer; one sentence that says why.
        UserError: its key is not set, or it is not a model string.
    """
    from rlm_app.adapters import probe

    settings = settings.with_keys(keys or {})
    choosing.check_model(model, settings)
    if not (asked := asked_model(model)):
        raise InvalidConfig(f"{model} asks no language model, so there is nothing to test.")
    return probe.probe(asked, settings)


def sandbox_leftovers(settings: Settings, *, remove: bool) -> int:
    """How many sandboxes at E2B no living run uses any more; with `remove`, after ending them. 0 without a key.

    Raises:
        SandboxUnavailable: the account cannot be asked.
    """
    from rlm_app.adapters import sandboxes
    from rlm_app.ports import RunQuery

    if settings.e2b_api_key is None:
        return 0
    store = open_store(settings)
    running = [run.id for run in store.runs(RunQuery(status="running", limit=10_000))[0]]
    return sandboxes.leftovers(settings, keep=running, remove=remove)


def open_app(settings: Settings | None = None) -> "App":
    """Open the store and choose the adapters that the settings ask for.

    Raises:
        UserError: a setting or the store cannot be used; the sentence says what to do.
    """
    from rlm_app.application import App  # which `flatten` never needs

    settings = settings or load_settings()
    make_home(settings)
    answerer = FirstWhenAsked(lambda: open_answerer(settings))
    store = open_store(settings)
    collection = open_collection(settings, store)
    return App(
        settings,
        store,
        collection.source,
        answerer,
        open_local_models(settings),
        collection=collection,
        bencher=lambda: open_bencher(settings, store, collection),
    )


def open_collection(settings: Settings, store: "SqlStore") -> "Collection":
    """The data sets of a store. Its source, the App's too, knows examples beside repositories."""
    from rlm_app.adapters import stdlib
    from rlm_app.adapters.examples_source import ExampleSource, Sources
    from rlm_app.adapters.longbench import LongBenchTables
    from rlm_app.datasets.collection import Collection

    source = Sources(open_source(settings), ExampleSource(store, store.datasets))
    return Collection(store, store.datasets, source, LongBenchTables(), stdlib.load)


def open_local_models(settings: Settings) -> Callable[[], Sequence[LocalServer]]:
    """Says which model servers answer on this machine, remembered for some seconds."""
    from rlm_app.adapters import local_models

    return local_models.open_local_models(settings)


def open_bencher(settings: Settings, store: "SqlStore", collection: "Collection") -> "Bencher":
    """The benches of a store, over its data sets."""
    from rlm_app.asking import Services as Runs
    from rlm_app.benchmarking import Bencher, Services, Surroundings

    def facts(model: str) -> "ModelFacts":
        from rlm_app.adapters.baselines import facts_of

        return facts_of(model, settings)

    answerer = FirstWhenAsked(lambda: open_answerer(settings))
    services = Services(Runs(store, collection.source, answerer), store.datasets, store.benches)
    return Bencher(services, Surroundings(collection.ensure, facts))


def cluster_work(address: str) -> "Work":
    """Works on benches of this process's App through the Dask cluster at an address, in place of threads."""
    from rlm_app.adapters.cluster import ClusterCrew, packed

    here = app()
    benches = cast("SqlStore", here.store).benches
    return ClusterCrew(address, benches, packed(here.settings), cluster_job, cluster_check).work


def cluster_job(payload: str, bench_id: str) -> bool:
    """On a worker of a cluster: do the next attempt of a bench; False where none is to be had. Raises: RlmAppError."""
    return _cluster_bencher(payload).take(bench_id)


def cluster_check(payload: str, bench_id: str) -> str:
    """On a worker of a cluster: why it cannot work on a bench, in one sentence; empty where it can."""
    try:
        _cluster_bencher(payload).check(bench_id)
    except UserError as error:
        return str(error)
    return ""


@functools.cache
def _cluster_bencher(payload: str) -> "Bencher":
    from rlm_app.adapters.cluster import unpacked

    settings = unpacked(payload)
    make_home(settings)
    store = open_store(settings)
    return open_bencher(settings, store, open_collection(settings, store))


_opening = threading.Lock()


def app() -> "App":
    """The App of this process, opened on first use, by one thread."""
    with _opening:
        return _app()


@functools.cache
def _app() -> "App":
    return open_app()


def bencher() -> "Bencher":
    """The benches of this process's App."""
    return app().bencher


def ask(
    source: str,
    question: str,
    *,
    choices: Mapping[str, str] | None = None,
    keys: Mapping[str, str] | None = None,
    **config: Any,
) -> Run:
    """Ask a question of a codebase and wait for the answer.

    Args:
        source: a Git address, a page of one, `owner/name`, or a folder of this machine.
        question: what you want to know.
        choices: for a multiple-choice question, its texts by letter from A.
        keys: model keys for this run alone, by provider, e.g. `{"openai": "…"}`; they come before those that are set.
        config: any of `RunConfig`'s fields, e.g. `model="openai/gpt-5"`, `max_steps=20`.

    Returns:
        The run: `run.answer`, `run.citations`, `run.steps`, `run.status`, `run.usage`.

    Raises:
        UserError: the source, the question or the settings cannot be used.
    """
    here = app()
    own = {provider: SecretStr(key) for provider, key in (keys or {}).items()}
    asked = Question(text=question, choices=dict(choices or {}))
    run_id = here.ask(source, asked, here.config(keys=own, **config), keys=own)
    try:
        here.wait(run_id)
    except KeyboardInterrupt:
        here.stop(run_id)
        here.wait(run_id, 5)
        raise
    return here.run(run_id)
