"""Bare clones by (URL, commit) in one folder, shared by threads and processes, the least recently used going first."""

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from rlm_app.errors import StorageFailed
from rlm_app.stop import Stop

_POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Resolved:
    """What a request came to when it was last looked up; `at` is seconds since the epoch."""

    commit: str
    ref: str | None
    refname: str | None
    folder: str
    url: str
    at: float


def key_of(*parts: str) -> str:
    """A folder name for what the parts name together; it tells nothing of them."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:40]


class Cache:
    """Clones, what refs came to, and a lock for each clone.

    A reader holds its clone's lock shared, a writer alone. A clone is made under another name and renamed when it is
    whole, so what a killed process leaves behind is never taken for a clone; the next writer of that clone sweeps it
    away. Locks belong to open files and die with their process.
    """

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self._clones, self._making = folder / "repositories", folder / "unfinished"
        self._refs, self._locks = folder / "refs", folder / "locks"
        self.folder = folder
        self._max_bytes = max_bytes

    @contextmanager
    def clone(self, key: str, make: Callable[[Path], None], stop: Stop) -> Iterator[Path]:
        """A clone to read from within the block, made by `make(folder)` where it is not there yet.

        Raises:
            StorageFailed: the folder cannot be written to, or the disk is full.
            RunError: the cause of `stop`.
        """
        with self.writing():
            for folder in (self._clones, self._making, self._refs, self._locks):
                folder.mkdir(parents=True, exist_ok=True)
        target = self._clones / key
        with self._locked(key, stop) as lock:
            if not target.is_dir():
                lock.exclusive(stop)
                if not target.is_dir():
                    self._make(key, target, make)
                    self.trim(keep=key)
                lock.shared(stop)
            with suppress(OSError):
                os.utime(target)
            yield target

    def _make(self, key: str, target: Path, make: Callable[[Path], None]) -> None:
        self._sweep(key)
        unfinished = self._making / f"{key}-{os.urandom(16).hex()}"
        try:
            with self.writing():
                make(unfinished)
                unfinished.rename(target)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)

    def _sweep(self, key: str) -> None:
        for left in self._making.glob(f"{key}-*"):
            shutil.rmtree(left, ignore_errors=True)

    def has(self, key: str) -> bool:
        return (self._clones / key).is_dir()

    def discard(self, key: str, stop: Stop) -> None:
        """Remove a damaged clone, once nobody reads it."""
        with self._locked(key, stop) as lock:
            lock.exclusive(stop)
            self._remove(key)

    def clear(self) -> int:
        """Remove all clones that nobody reads at this moment; return the bytes that this freed."""
        shutil.rmtree(self._refs, ignore_errors=True)
        return self._evict(lambda total: True, keep="")

    def trim(self, keep: str = "") -> int:
        """Remove clones, least recently used first, until they fit; return the bytes that this freed."""
        return self._evict(lambda total: total > self._max_bytes, keep)

    def size(self) -> int:
        """Bytes on disk of all clones."""
        return sum(disk_bytes(folder) for folder in self._entries())

    def _evict(self, wanted: Callable[[int], bool], keep: str) -> int:
        sizes = {folder: disk_bytes(folder) for folder in self._entries()}
        total = before = sum(sizes.values())
        for folder, size in sizes.items():
            if not wanted(total):
                break
            if folder.name != keep and self._remove_unused(folder.name):
                total -= size
        for left in self._making.glob("*-*") if self._making.is_dir() else ():
            key = left.name.partition("-")[0]
            if key != keep:
                self._remove_unused(key, whole=False)
        return before - total

    def _entries(self) -> list[Path]:
        """Clones, least recently used first."""
        ages = []
        for folder in self._clones.iterdir() if self._clones.is_dir() else ():
            with suppress(OSError):
                ages.append((folder.stat().st_mtime, folder))
        return [folder for _, folder in sorted(ages)]

    def _remove_unused(self, key: str, *, whole: bool = True) -> bool:
        with self._locked(key, None) as lock:
            if not lock.try_exclusive():
                return False
            self._sweep(key)
            if whole:
                self._remove(key)
            return True

    def _remove(self, key: str) -> None:
        doomed = self._making / f"{key}-{os.urandom(16).hex()}"
        with suppress(FileNotFoundError):
            (self._clones / key).rename(doomed)
        shutil.rmtree(doomed, ignore_errors=True)

    def recall(self, repository: str, request: str) -> Resolved | None:
        """What a request came to last time, if that is still known."""
        try:
            return Resolved(**json.loads((self._refs / f"{repository}.json").read_bytes())[request])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def remember(self, repository: str, request: str, resolved: Resolved) -> None:
        """Note what a request came to."""
        path = self._refs / f"{repository}.json"
        with self.writing():
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                known = dict(json.loads(path.read_bytes()))
            except (OSError, ValueError, TypeError):
                known = {}
            known[request] = asdict(resolved)
            unfinished = path.with_suffix(f".{os.urandom(16).hex()}")
            unfinished.write_text(json.dumps(dict(list(known.items())[-200:])))
            unfinished.replace(path)

    def forget(self, repository: str) -> None:
        """Drop what is known of a repository's refs."""
        (self._refs / f"{repository}.json").unlink(missing_ok=True)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Tell people of a disk that refuses. Raises: StorageFailed."""
        try:
            yield
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise self.full() from None
            raise StorageFailed(
                f"The cache folder {self.folder} cannot be written to ({error.strerror}); "
                "mend that or choose another folder in Settings."
            ) from None

    def full(self) -> StorageFailed:
        return StorageFailed(
            f"The disk with the cache folder {self.folder} is full; free some space or clear the cache."
        )

    @contextmanager
    def _locked(self, key: str, stop: Stop | None) -> Iterator["_Lock"]:
        with self.writing():
            self._locks.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self._locks / key, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            lock = _Lock(descriptor)
            if stop is not None:
                lock.shared(stop)
            yield lock
        finally:
            os.close(descriptor)


class _Lock:
    """A lock on one open file: shared by readers, or of one writer. Waits end with a stop."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def shared(self, stop: Stop) -> None:
        self._wait(shared=True, stop=stop)

    def exclusive(self, stop: Stop) -> None:
        self._wait(shared=False, stop=stop)

    def try_exclusive(self) -> bool:
        return self._try(shared=False)

    def _wait(self, *, shared: bool, stop: Stop) -> None:
        while not self._try(shared=shared):
            stop.wait(_POLL_SECONDS)
            stop.check()

    def _try(self, *, shared: bool) -> bool:
        import fcntl

        try:
            fcntl.flock(self._descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def disk_bytes(folder: Path) -> int:
    """Bytes of all files beneath a folder, of those that stay long enough to be looked at."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                total += os.lstat(os.path.join(place, name)).st_size
    return total
