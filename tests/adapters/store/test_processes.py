"""Many processes on one store, one killed at any point, and a disk that fills up: what was stored stays readable."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from rlm_app.adapters.store import SqlStore
from rlm_app.adapters.store.index import summary
from rlm_app.errors import NotFound, StorageFailed
from rlm_app.events import StepStarted, SubCallStarted, fold
from rlm_app.ports import RunQuery
from tests.adapters.store.told import progress, start

ROOT = Path(__file__).parents[3]

WRITER = """
import sys
from pathlib import Path
from rlm_app.adapters.store import SqlStore
from tests.adapters.store.told import call, progress, start

url, blobs, run_id, number = sys.argv[1:]
sys.stdin.readline()  # all begin at once
store = SqlStore.open(url, Path(blobs))
store.append(run_id, start(run_id))
for seq in range(1, int(number)):
    body = store.put_body(f"{run_id} {seq} " * 2000)
    store.append(run_id, call(seq, body) if seq % 2 else progress(seq))
    print(seq, flush=True)
"""


def writer(url: str, blobs: Path, run_id: str, events: int) -> "subprocess.Popen[str]":
    """A process that stores so many events, and says each number once it is stored. It begins at a line."""
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, url, str(blobs), run_id, str(events)],
        cwd=blobs.parent,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def check(store: SqlStore, run_id: str, *, at_least: int) -> None:
    """Every event that was said to be stored is there, in order, with its texts."""
    events = store.events(run_id)
    assert [event.seq for event in events] == list(range(len(events)))
    assert len(events) > at_least
    assert summary(fold(events)) in store.runs(RunQuery())[0]
    for event in events:
        if isinstance(event, SubCallStarted):
            assert store.text(event.prompt) == f"{run_id} {event.seq} " * 2000


def test_processes_that_open_and_write_at_once_lose_nothing(new_url: str, blobs: Path) -> None:
    names = [f"run{number}" for number in range(3)]
    writers = [writer(new_url, blobs, name, 25) for name in names]
    for process in writers:
        process.stdin.write("go\n")  # type: ignore[union-attr]
        process.stdin.flush()  # type: ignore[union-attr]
    for process in writers:
        process.communicate(timeout=60)
        assert process.returncode == 0
    store = SqlStore.open(new_url, blobs)
    for name in names:
        check(store, name, at_least=24)
    store.close()


def test_what_a_killed_process_had_stored_is_there(url: str, blobs: Path) -> None:
    for number, moment in enumerate((1, 12)):
        process = writer(url, blobs, f"run{number}", 100_000)
        process.stdin.write("go\n")  # type: ignore[union-attr]
        process.stdin.flush()  # type: ignore[union-attr]
        for _ in range(moment):
            process.stdout.readline()  # type: ignore[union-attr]
        process.send_signal(signal.SIGKILL)
        said = [moment, *map(int, process.communicate(timeout=60)[0].split())]
        store = SqlStore.open(url, blobs)
        check(store, f"run{number}", at_least=said[-1])
        assert store.interrupt_dead(lambda owner, seconds: True) == [f"run{number}"]
        store.close()
    if url.startswith("sqlite"):
        with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A disk of 2 MB, where one can be mounted."""
    folder = Path(tempfile.mkdtemp())
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    if not shutil.which("mount") or subprocess.run(mount, capture_output=True).returncode != 0:
        folder.rmdir()
        pytest.skip("a small disk can be mounted by root alone")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)
    folder.rmdir()


def test_a_full_disk_is_told_in_words_and_costs_only_what_it_refused(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"x" * 700_000)
    store = SqlStore.open(f"sqlite:///{small_disk / 'runs.db'}", small_disk / "blobs")
    store.append("r", start())
    seq = 0
    sentence = r"^The disk that holds .*runs\.db is full; free some space and try again\.$"
    with pytest.raises(StorageFailed, match=sentence):  # noqa: PT012 - which one does not fit, the disk decides
        for seq in range(1, 200):
            store.append("r", StepStarted(seq=seq, step=seq, reasoning="y" * 30_000, code=""))
    assert seq > 5
    assert store.last_seq("r") == seq - 1
    events = store.events("r")
    assert len(events) == seq
    assert store.runs(RunQuery())[0] == [summary(fold(events))]

    ballast.unlink()
    store.append("r", progress(seq))
    assert store.last_seq("r") == seq
    store.close()


def test_a_full_disk_leaves_no_half_of_a_blob(small_disk: Path) -> None:
    blobs = small_disk / "blobs"
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"x" * 700_000)
    store = SqlStore.open(f"sqlite:///{small_disk / 'runs.db'}", blobs)
    data = os.urandom(1_800_000)
    with pytest.raises(StorageFailed, match=r"^The disk that holds .*blobs is full; free some space and try again\.$"):
        store.put_blob(data)
    assert [path for path in blobs.rglob("*") if path.is_file()] == []
    ballast.unlink()
    digest = store.put_blob(data[:900_000])
    assert store.get_blob(digest) == data[:900_000]
    with pytest.raises(NotFound):
        store.get_blob("0" * 64)
    store.close()
