"""How fast runs and benches are stored and read. `python -m tests.performance.bench_store` prints it, nothing more."""

import os
import random
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from rlm_app.adapters.store import SqlStore
from rlm_app.benches import Attempt, Measures
from rlm_app.events import Event, StepFinished, StepStarted, SubCallFinished, SubCallStarted, fold
from rlm_app.model import Usage
from rlm_app.ports import RunQuery
from tests.adapters.store.told import bench, corpus, finish, progress, start, tell
from tests.postgres import NoServer, database_url

STEPS, CALLS = 100, 1000
BENCHES, EXAMPLES = 100, 503


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        places = {"SQLite": f"sqlite:///{folder}/runs.db"}
        try:
            places["PostgreSQL"] = database_url()
        except NoServer as reason:
            print(f"without PostgreSQL: {reason}")
        results = {name: measure(SqlStore.open(url, Path(folder) / name)) for name, url in places.items()}
        opening(Path(folder))
    print(f"{'':52}" + "".join(f"{name:>14}" for name in results))
    for what in next(iter(results.values())):
        print(f"{what:52}" + "".join(f"{result[what]:>14}" for result in results.values()))


def measure(store: SqlStore) -> dict[str, str]:
    found: dict[str, str] = {}
    for size in (1_000, 100_000):
        store.append(f"size{size}", start(f"size{size}"))
        body = "x" * size
        with timed(found, f"events of {size // 1000} kB, one writer", per=200):
            for seq in range(1, 201):
                store.append(f"size{size}", progress(seq, note=body))
    with timed(found, "events of 1 kB, 8 threads with a run each", per=400), ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: a_run(store, f"thread{number}", 50), range(8)))
    with timed(found, f"run of {CALLS:,} sub-calls, 20 kB prompts"):
        sub_calls(store)
    with timed(found, f"  read and fold it ({CALLS:,} calls in one step)"):
        fold(store.events("calls"))
    steps(store)
    with timed(found, f"read and fold a run of {STEPS} steps"):
        fold(store.events("steps"))
    with timed(found, "last_seq", per=200):
        for _ in range(200):
            store.last_seq("steps")
    history(store, found)
    benches(store, found)
    whole = corpus("".join(f"def function_{number}(argument):\n    return {number}\n" for number in range(300_000)))
    with timed(found, f"put a corpus of {len(whole.text) / 1e6:.0f} MB"):
        store.put_corpus(whole)
    with timed(found, "  put it again"):
        store.put_corpus(whole)
    with timed(found, "  read it"):
        store.corpus(whole.digest)
    store.close()
    return found


def a_run(store: SqlStore, run_id: str, events: int) -> None:
    tell(store, run_id, start(run_id), *(progress(seq, note="x" * 1000) for seq in range(1, events)))


def sub_calls(store: SqlStore) -> None:
    tell(store, "calls", start("calls"), StepStarted(seq=1, step=1, reasoning="r", code="c"))
    usage = Usage(calls=1, tokens_in=5000, tokens_out=200, cost=0.001)
    for number in range(CALLS):
        prompt = store.put_body(f"{number} " + os.urandom(10_000).hex())
        asked = SubCallStarted(seq=2 + 2 * number, call_id=str(number), step=1, model="m", prompt=prompt)
        answer = store.put_body("short")
        told = SubCallFinished(seq=3 + 2 * number, call_id=str(number), response=answer, usage=usage, seconds=1)
        tell(store, "calls", asked, told)
    store.append("calls", finish(2 + 2 * CALLS))


def steps(store: SqlStore) -> None:
    store.append("steps", start("steps"))
    for number in range(1, STEPS + 1):
        events: list[Event] = [
            StepStarted(seq=2 * number - 1, step=number, reasoning="because " * 50, code="print(1)\n" * 50),
            StepFinished(seq=2 * number, step=number, output="y" * 10_000, output_chars=10_000, seconds=1),
        ]
        tell(store, "steps", *events)


def history(store: SqlStore, found: dict[str, str]) -> None:
    for number in range(10_000):
        run_id = f"h{number}"
        tell(store, run_id, start(run_id, seconds=number, question=f"Where is number {number} computed? " * 3))
    for name, query in {
        "newest": RunQuery(),
        "page 150": RunQuery(offset=7450),
        "a text": RunQuery(text="NUMBER 77"),
        "no match": RunQuery(text="nowhere to be found", status="running"),
    }.items():
        with timed(found, f"page of History with 10,000 runs: {name}"):
            store.runs(query)


def benches(store: SqlStore, found: dict[str, str]) -> None:
    """What the dashboards ask of 100 benches with 503 examples each, and what 8 workers do with one."""
    names, ids, chance = tuple(f"example-{number:020}" for number in range(EXAMPLES)), list[str](), random.Random(0)
    measures = Measures(sub_calls=12, sub_tokens=40_000, root_seconds=60.5, first_seen=4, coverage=0.123)
    ended = {"run_status": "answered", "predicted": "B", "steps": 9, "seconds": 90.0, "queue_seconds": 3.0}
    for number in range(BENCHES):
        made = bench(*names, model=f"model/{number}").model_copy(update={"id": f"bench{number:03}", "created": number})
        ids.append(made.id)
        usage = Usage(calls=20, tokens_in=90_000, tokens_out=4_000, cost=0.05)
        outcomes = (chance.choice(["right", "wrong", "error"]) for _ in names)
        attempts = (
            Attempt(bench=made.id, example=name, epoch=1, outcome=outcome, run_id=f"{number}-{name}", usage=usage)  # type: ignore[arg-type]
            for name, outcome in zip(names, outcomes, strict=True)
        )
        store.benches.put_attempts(made, (one.model_copy(update=ended | {"measures": measures}) for one in attempts))
    size = f"{BENCHES} benches of {EXAMPLES}"
    with timed(found, f"tally of {size}"):
        store.benches.tally(ids)
    with timed(found, "  all benches (with tally: a leaderboard)"):
        store.benches.benches()
    with timed(found, "  attempts of one"):
        store.benches.attempts(ids[50:51])
    with timed(found, "  attempts of four"):
        store.benches.attempts(ids[50:54])
    with timed(found, f"  attempts of all ({BENCHES * EXAMPLES:,})"):
        store.benches.attempts(ids)
    with timed(found, "  create one more"):
        fresh = store.benches.create(bench(*names, max_cost=1000.0))
    with timed(found, "  lease and finish, 8 workers, with a cap", per=EXAMPLES), ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: work(store, fresh.id, f"owner{number}"), range(8)))


def work(store: SqlStore, bench_id: str, owner: str) -> None:
    while leased := store.benches.lease(bench_id, owner, 60, run_id=owner, allot=0.5):
        store.benches.finish(leased.model_copy(update={"outcome": "right"}))


def opening(folder: Path) -> None:
    for name in ("a new", "an old"):
        begun = time.perf_counter()
        SqlStore.open(f"sqlite:///{folder}/opened.db", folder / "opened").close()
        print(f"opening {name} SQLite store: {(time.perf_counter() - begun) * 1000:.0f} ms")


@contextmanager
def timed(found: dict[str, str], what: str, *, per: int = 0) -> Iterator[None]:
    begun = time.perf_counter()
    yield
    seconds = time.perf_counter() - begun
    found[what] = f"{per / seconds:,.0f}/s" if per else f"{seconds * 1000:,.1f} ms"


if __name__ == "__main__":
    main()
