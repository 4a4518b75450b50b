"""Bytes under the name of their SHA-256, compressed, in a folder: `ab/cdef…`, never half-written."""

import hashlib
import os
import re
import tempfile
from contextlib import suppress
from pathlib import Path

import zstandard

from rlm_app.adapters.store.refusals import folder_refusals
from rlm_app.errors import NotFound, StorageFailed

_DIGEST = re.compile(r"[0-9a-f]{64}")
_LEVEL = 3  # zstd's own default: source code shrinks to about a fifth at hundreds of MB a second


class Blobs:
    """A folder of blobs, safe to share between threads and processes.

    Whoever puts a blob that is there already renews its date, and `drop` spares what is new: so a blob is never
    dropped between being put and being named.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._new = folder, folder / "new"

    @classmethod
    def open(cls, folder: Path) -> "Blobs":
        """The blobs in `folder`, made where needed. Raises: StorageFailed."""
        blobs = cls(folder)
        with folder_refusals(folder):
            blobs._new.mkdir(parents=True, exist_ok=True)
            if not os.access(blobs._new, os.W_OK | os.X_OK):
                raise PermissionError(13, "Permission denied", str(folder))
        return blobs

    def put(self, data: bytes) -> str:
        """Store bytes durably, once, and return their SHA-256. A damaged blob of that name is written anew.

        Raises:
            StorageFailed: the disk refuses; nothing half-written is left.
        """
        digest = hashlib.sha256(data).hexdigest()
        path = self._path(digest)
        with folder_refusals(self._folder):
            try:
                os.utime(path)
                self.get(digest)
            except (FileNotFoundError, NotFound, StorageFailed):
                self._write(path, zstandard.ZstdCompressor(level=_LEVEL).compress(data))
        return digest

    def get(self, digest: str) -> bytes:
        """The bytes of that name.

        Raises:
            NotFound: there is no such blob.
            StorageFailed: what is there are not those bytes, or the disk refuses.
        """
        if not _DIGEST.fullmatch(digest):
            raise NotFound("That is not the name of a stored text.")
        with folder_refusals(self._folder):
            try:
                stored = self._path(digest).read_bytes()
            except FileNotFoundError:
                raise NotFound(f"The text {digest[:12]}… is not stored here; it may have been deleted.") from None
        with suppress(zstandard.ZstdError, MemoryError):  # a damaged header may ask for any size
            data = zstandard.ZstdDecompressor().decompress(stored)
            if hashlib.sha256(data).hexdigest() == digest:
                return data
        raise StorageFailed(
            f"The stored text {digest[:12]}… in {self._folder} is damaged; ask again to have it stored anew."
        )

    def drop(self, digest: str, *, before: float) -> bool:
        """Remove a blob that was last put before that time (seconds since the epoch); True if it is gone."""
        path, aside = self._path(digest), self._new / f"{digest}.old"
        with folder_refusals(self._folder):
            try:
                if path.stat().st_mtime > before:
                    return False
                path.replace(aside)
                if aside.stat().st_mtime > before:  # somebody put it again in this very moment
                    aside.replace(path)
                    return False
                aside.unlink()
            except FileNotFoundError:
                return True
        return True

    def tidy(self, *, before: float) -> None:
        """Remove what a process that was killed left half-written before that time."""
        with folder_refusals(self._folder):
            for leftover in self._new.iterdir():
                with suppress(FileNotFoundError):
                    if leftover.stat().st_mtime < before:
                        leftover.unlink()

    def _path(self, digest: str) -> Path:
        return self._folder / digest[:2] / digest[2:]

    def _write(self, path: Path, data: bytes) -> None:
        handle, name = tempfile.mkstemp(dir=self._new)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            if not path.parent.is_dir():
                path.parent.mkdir(exist_ok=True)
                _sync(self._folder)
            os.replace(name, path)
        except BaseException:
            with suppress(FileNotFoundError):
                os.unlink(name)
            raise
        _sync(path.parent)


def _sync(folder: Path) -> None:
    """Make a new name in a folder survive a power cut; Windows does so by itself."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
