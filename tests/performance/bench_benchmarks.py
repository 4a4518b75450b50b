"""How fast the runner is beside its models: many quick questions, and many workers that wait for slow ones.

python -m tests.performance.bench_benchmarks
"""

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from rlm_app.adapters.store import SqlStore
from rlm_app.benchmarking.leases import USUAL
from rlm_app.model import Question
from rlm_app.ports import RunContext
from tests.benching import Says, bencher, make_bench, open_store, put_examples, work
from tests.postgres import NoServer, database_url

WAITING_WORKERS, WAITING_EXAMPLES = 20, 500


def main() -> None:
    table = Table("database", "what", "figure", title="Runner")
    with tempfile.TemporaryDirectory() as folder:
        for name, make in (("SQLite", sqlite), ("PostgreSQL", postgres)):
            try:
                store = make(Path(folder))
            except NoServer as reason:
                table.add_row(name, "", str(reason))
                continue
            for what, figure in measure(store):
                table.add_row(name, what, figure)
            store.close()
    Console().print(table)


def sqlite(folder: Path) -> SqlStore:
    return open_store(folder)


def postgres(folder: Path) -> SqlStore:
    return SqlStore.open(database_url(), folder / "postgres")


def measure(store: SqlStore) -> list[tuple[str, str]]:
    found = []
    put_examples(store, 500)
    for workers in (1, 4, 16):
        took, spent = timed(store, "test/instant", 500, workers, lambda question, run: "B")
        what = f"500 examples, instant model, {workers} workers"
        found.append((what, f"{500 / took:,.0f}/s, {spent / took:.0%} CPU"))
    took, spent = timed(store, "test/slow", WAITING_EXAMPLES, WAITING_WORKERS, a_second)
    share = WAITING_EXAMPLES / WAITING_WORKERS / took
    what = f"{WAITING_EXAMPLES} examples, one-second model, {WAITING_WORKERS} workers"
    found.append((what, f"{share:.1%} of ideal, {took:.1f} s, {spent / took:.0%} CPU"))
    bench = bencher(store).services.benches.benches()[0]
    begun = time.perf_counter()
    bencher(store).report(bench.id)
    found.append(("report of the last of them", f"{1000 * (time.perf_counter() - begun):,.0f} ms"))
    return found


def timed(
    store: SqlStore, model: str, limit: int, workers: int, reply: Callable[[Question, RunContext], str]
) -> tuple[float, float]:
    """Seconds on the clock, and of the processor, for a bench of its own."""
    here = bencher(store, Says(reply), timing=USUAL)
    bench = make_bench(here, f"{model}-{workers}", limit=limit)
    begun, busy = time.perf_counter(), sum(os.times()[:2])
    assert work(here, bench, workers, seconds=600) == "done"
    return time.perf_counter() - begun, sum(os.times()[:2]) - busy


def a_second(question: Question, run: RunContext) -> str:
    run.stop.wait(1.0)
    return "B"


if __name__ == "__main__":
    main()
