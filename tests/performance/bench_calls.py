"""What a call of the sub-model costs beyond the model: side by side, one after the other, and stored.

python -m tests.performance.bench_calls
"""

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dspy
from rich.console import Console
from rich.table import Table

from rlm_app.adapters.answerer import RlmAnswerer
from rlm_app.adapters.store import SqlStore
from rlm_app.asking import Recorder
from rlm_app.events import RunStarted
from rlm_app.model import Question, Run, RunConfig
from rlm_app.ports import RunContext
from rlm_app.settings import Settings, load_settings
from rlm_app.stop import Stop
from tests.corpora import corpus_of
from tests.e2b_server import E2BServer
from tests.model_server import Reply, model_server
from tests.scripted import ScriptedAction, Told

CORPUS = corpus_of({"a.py": "x = 1\n"})
DONE = "SUBMIT(answer='x', citations=[])"
BATCH = "print(len(llm_query_batched(['hello'] * 8)))"
THREADS = """
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(8) as pool:
    print(len(list(pool.map(llm_query, ['hello'] * 8))))
"""
ONE_BY_ONE = "for n in range({}):\n    llm_query('hello')"
STORED = "for n in range(20):\n    llm_query_batched(['hello'] * 50)"
MODEL = "openai/gpt-5.4-mini"


class Scripted(RlmAnswerer):
    """The real answerer and the real sub-model's client, with a script in place of the root model."""

    def __init__(self, code: str, settings: Settings) -> None:
        super().__init__(settings)
        self.code = code

    def action_for(self, question: Question, config: RunConfig, predict: Any) -> Any:
        return ScriptedAction([self.code, DONE])


@contextmanager
def settings_for(seconds: float) -> Iterator[Settings]:
    """Settings whose OpenAI is a local server that takes so long for each reply."""
    with model_server(lambda request: Reply("Yes.", seconds=seconds)) as server:
        key = {"OPENAI_API_KEY": "none", **{name: os.environ.get(name, "") for name in ("E2B_API_KEY",)}}
        yield load_settings(key, _env_file=None, api_bases={"openai": server.url}, step_seconds=120)


def run(code: str, settings: Settings, sandbox: str = "monty") -> Run:
    told = Told(config=RunConfig(model=MODEL, sandbox=sandbox, max_llm_calls=10_000))
    told.answer(Scripted(code, settings), CORPUS)
    assert not told.run.steps[0].failed, told.run.steps[0].output
    return told.run


def side_by_side(code: str, sandbox: str = "monty") -> float:
    """Seconds of a step with eight calls of one second."""
    with settings_for(1.0) as settings:
        return run(code, settings, sandbox).steps[0].seconds or 0.0


def bare(settings: Settings, calls: int) -> float:
    lm = dspy.LM(MODEL, engine="lm15", api_base=settings.api_bases["openai"], api_key="none", cache=False)
    return taken(lambda: [lm("hello") for _ in range(calls)])


def taken(action: Callable[[], object]) -> float:
    started = time.monotonic()
    action()
    return time.monotonic() - started


def overhead(calls: int = 200) -> tuple[float, float]:
    """(milliseconds of a bare call, what a sub-call from Monty takes longer)."""
    with settings_for(0.0) as settings:
        bare(settings, 20)
        alone = bare(settings, calls) / calls
        traced = (run(ONE_BY_ONE.format(calls), settings).steps[0].seconds or 0.0) / calls
    return 1000 * alone, 1000 * (traced - alone)


def stored() -> tuple[float, int]:
    """(seconds, events) of a run with 1,000 sub-calls in a database of its own on disk."""
    with tempfile.TemporaryDirectory() as folder, settings_for(0.0) as settings:
        store = SqlStore.open(f"sqlite:///{folder}/runs.db", Path(folder) / "blobs")
        config = RunConfig(model=MODEL, max_llm_calls=10_000)
        record, question = Recorder(store, "r"), Question(text="Where?")
        record.emit(RunStarted, run_id="r", source="s", question=question, config=config)
        context = RunContext("r", record.emit, record.phase, store.put_body, store.text, Stop())
        seconds = taken(lambda: Scripted(STORED, settings).answer(CORPUS, question, config, context))
        return seconds, store.last_seq("r") + 1


def main() -> None:
    table = Table(title="Calls of a sub-model over a local server")
    table.add_column("")
    table.add_column("measured", justify="right")
    table.add_column("target", justify="right")
    table.add_row("8 x 1 s by llm_query_batched, Monty", f"{side_by_side(BATCH):.2f} s", "1.3 s")
    with E2BServer(0) as server:
        os.environ |= server.environment
        table.add_row("8 x 1 s by llm_query_batched, E2B", f"{side_by_side(BATCH, 'e2b'):.2f} s", "1.3 s")
        table.add_row("8 x 1 s by llm_query from threads, E2B", f"{side_by_side(THREADS, 'e2b'):.2f} s", "1.3 s")
    alone, more = overhead()
    table.add_row("a call by a bare dspy.LM", f"{alone:.1f} ms", "")
    table.add_row("added to one sub-call, Monty", f"{more:.1f} ms", "5 ms")
    seconds, events = stored()
    table.add_row(f"1,000 sub-calls stored, {events:,} events", f"{seconds:.1f} s", "")
    table.add_row("events a second", f"{events / seconds:,.0f}", "")
    Console().print(table)


if __name__ == "__main__":
    main()
