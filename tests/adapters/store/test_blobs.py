"""Bytes and texts come back as they were put, once on disk, or not at all."""

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rlm_app.adapters.store.blobs import Blobs
from rlm_app.errors import NotFound, StorageFailed


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "blobs"


@pytest.fixture
def kept(folder: Path) -> Blobs:
    return Blobs.open(folder)


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=100_000))
def test_bytes_come_back(kept: Blobs, data: bytes) -> None:
    assert kept.get(kept.put(data)) == data


def test_the_same_bytes_are_stored_once_and_compressed(kept: Blobs, folder: Path) -> None:
    assert kept.put(b"x" * 100_000) == kept.put(b"x" * 100_000)
    (file,) = files(folder)
    assert file.stat().st_size < 1000
    assert file.parent.name + file.name == kept.put(b"x" * 100_000)


@pytest.mark.parametrize("damage", [b"", b"not zstd", b"\x28\xb5\x2f\xfd\xe0" + b"\xff" * 6 + b"\0\0 claims 256 TB"])
def test_a_damaged_blob_is_never_returned_and_is_healed_by_putting_it_again(
    kept: Blobs, folder: Path, damage: bytes
) -> None:
    digest = kept.put(b"hello" * 100)
    files(folder)[0].write_bytes(damage)
    with pytest.raises(StorageFailed, match="damaged"):
        kept.get(digest)
    assert kept.put(b"hello" * 100) == digest
    assert kept.get(digest) == b"hello" * 100


def test_another_blob_under_a_blobs_name_is_seen(kept: Blobs, folder: Path) -> None:
    first = kept.put(b"first")
    (file,) = files(folder)
    kept.put(b"second")
    (other,) = set(files(folder)) - {file}
    file.write_bytes(other.read_bytes())
    with pytest.raises(StorageFailed, match="damaged"):
        kept.get(first)


@pytest.mark.parametrize(
    "name", ["", "ab", "../" * 10 + "etc/passwd", "A" * 64, "0" * 64, "0" * 64 + "\n", "\ud800" * 64]
)
def test_what_is_not_there_is_not_found(kept: Blobs, name: str) -> None:
    with pytest.raises(NotFound):
        kept.get(name)


def test_an_old_blob_is_dropped_and_a_new_or_renewed_one_is_not(kept: Blobs, folder: Path) -> None:
    digest, now = kept.put(b"data"), time.time()
    (file,) = files(folder)
    assert not kept.drop(digest, before=now - 60)
    os.utime(file, (now - 3600, now - 3600))
    kept.put(b"data")
    assert not kept.drop(digest, before=now - 60)
    os.utime(file, (now - 3600, now - 3600))
    assert kept.drop(digest, before=now - 60)
    assert files(folder) == []
    assert kept.drop(digest, before=now)


def test_a_blob_that_is_put_while_it_is_dropped_is_there_afterwards(kept: Blobs, folder: Path) -> None:
    """The dropper sees the blob as old all the time: only what was put before its look may go."""
    data = b"contended" * 50
    digest = kept.put(data)
    for _ in range(60):
        os.utime(folder / digest[:2] / digest[2:], (1, 1))
        together = threading.Barrier(2)

        def put(together: threading.Barrier = together) -> None:
            together.wait(10)
            kept.put(data)

        def drop(together: threading.Barrier = together) -> None:
            together.wait(10)
            kept.drop(digest, before=1000)

        with ThreadPoolExecutor(2) as pool:
            for done in [pool.submit(put), pool.submit(drop)]:
                done.result()
        assert kept.get(digest) == data


def test_leftovers_of_a_killed_process_are_tidied_once_old(kept: Blobs, folder: Path) -> None:
    leftover, fresh = folder / "new" / "tmp1", folder / "new" / "tmp2"
    for path in (leftover, fresh):
        path.write_bytes(b"half")
    os.utime(leftover, (1, 1))
    kept.tidy(before=time.time() - 3600)
    assert files(folder) == [fresh]


def test_a_folder_that_cannot_be_one_is_told_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "blobs"):
        with pytest.raises(StorageFailed, match=r"cannot be written to; choose another"):
            Blobs.open(folder)
