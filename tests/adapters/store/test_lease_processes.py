"""Workers of several processes share a bench while one is killed: each attempt ends once, and runs are gone on with."""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

from rlm_app.adapters.store import SqlStore
from rlm_app.benches import Attempt
from tests.adapters.store.told import bench

ROOT = Path(__file__).parents[3]
LEASE = 1.0  # seconds: short, so that what a killed process held lapses soon

WORKER = """
import sys, threading, time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from rlm_app.adapters.store import SqlStore
from rlm_app.model import Usage

url, blobs, bench_id, owner, lease = sys.argv[1:]
store, told = SqlStore.open(url, Path(blobs)), threading.Lock()
print("ready", flush=True)
sys.stdin.readline()  # all begin at once

def say(*words):
    with told:
        print(*words, flush=True)

def work(thread):
    number = 0
    while store.benches.tally([bench_id])[bench_id].done < 60:
        mine = f"{owner}/{thread}/{number}"
        leased = store.benches.lease(bench_id, mine, float(lease), run_id=mine, allot=None)
        if leased is None:
            time.sleep(0.05)
            continue
        number += 1
        say("leased", leased.example, leased.run_id)
        time.sleep(60 if mine == "victim/0/0" else 0.03)
        ended = leased.model_copy(update={"outcome": "right", "usage": Usage(calls=1)})
        if store.benches.finish(ended):
            say("finished", leased.example, leased.run_id)

with ThreadPoolExecutor(8) as pool:
    list(pool.map(work, range(8)))
"""


def worker(url: str, blobs: Path, bench_id: str, owner: str) -> "subprocess.Popen[str]":
    """A process of eight threads that finish attempts until all of the bench are done. It begins at a line."""
    process = subprocess.Popen(
        [sys.executable, "-c", WORKER, url, str(blobs), bench_id, owner, str(LEASE)],
        cwd=blobs.parent,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    return process


def said(output: str, word: str) -> list[tuple[str, str]]:
    """(example, run id) of each line that begins so."""
    lines = [line.split() for line in output.splitlines()]
    return [(line[1], line[2]) for line in lines if len(line) == 3 and line[0] == word]


def test_each_attempt_ends_once_though_a_process_is_killed(store: SqlStore, url: str, blobs: Path) -> None:
    made = store.benches.create(bench(*(f"e{number}" for number in range(60))))
    workers = {owner: worker(url, blobs, made.id, owner) for owner in ("victim", "second", "third")}
    for process in workers.values():
        process.stdin.write("go\n")  # type: ignore[union-attr]
        process.stdin.flush()  # type: ignore[union-attr]
    victim = workers.pop("victim")
    heard = ""
    while "victim/0/0" not in heard or "finished" not in heard:
        line = victim.stdout.readline()  # type: ignore[union-attr]
        assert line, "it ended before it was killed"
        heard += line
    victim.kill()
    heard += victim.communicate(timeout=60)[0]
    rest = "".join(process.communicate(timeout=60)[0] for process in workers.values())
    assert [process.returncode for process in workers.values()] == [0, 0]

    attempts: list[Attempt] = store.benches.attempts([made.id], latest=False)
    assert [one.outcome for one in attempts] == ["right"] * 60
    finished, leased = said(heard + rest, "finished"), said(heard, "leased")
    assert max(Counter(finished).values()) == 1
    assert dict(finished).items() <= {(one.example, one.run_id) for one in attempts}
    untold = {one.example for one in attempts} - dict(finished).keys()  # killed between storing an end and telling it
    assert untold <= dict(leased).keys()
    assert store.benches.tally([made.id])[made.id].usage.calls == 60
    held = next(example for example, run_id in leased if run_id == "victim/0/0")
    assert (held, "victim/0/0") in finished, "others go on with the run that was left"
