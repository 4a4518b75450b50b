"""Codebases from Git: cloned bare into a cache or read in place, and flattened."""

import hashlib
import os
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING, TypeVar

from rlm_app.adapters.git.address import Address, parse
from rlm_app.adapters.git.limits import Limits
from rlm_app.adapters.git.local import UNCOMMITTED, open_local
from rlm_app.adapters.git.snapshot import Load, Reading, Snapshot
from rlm_app.adapters.git.tree import DamagedClone
from rlm_app.codebase import Corpus, FileSpan, Receipt, Selection, index_json
from rlm_app.errors import CloneFailed, StorageFailed
from rlm_app.flatten import join
from rlm_app.stop import Stop

if TYPE_CHECKING:
    from pydantic import SecretStr

    from rlm_app.adapters.git.cache import Cache
    from rlm_app.adapters.git.guard import Resolve
    from rlm_app.adapters.git.opening import Opener
    from rlm_app.ports import Progress

__all__ = ["GitSource", "Limits"]

T = TypeVar("T")


class GitSource:
    """Repositories of servers, by https, and of this machine, by path.

    Args:
        cache: folder for clones; made when first needed.
        allow_local: whether folders of this machine may be read.
        tokens: for private repositories, by host; sent to that host alone.
        resolve: looks a host name up, as `socket.getaddrinfo(host, port)`; None: the system's resolver.
        allow_hosts: hosts that may lie on private addresses and be talked to over `http`: servers of one's own.
    """

    def __init__(
        self,
        cache: Path,
        limits: Limits | None = None,
        *,
        allow_local: bool = True,
        tokens: "Mapping[str, SecretStr] | None" = None,
        resolve: "Resolve | None" = None,
        allow_hosts: Collection[str] = (),
    ) -> None:
        self._limits = limits or Limits()
        self._allow_local, self._allow_hosts = allow_local, frozenset(allow_hosts)
        self._folder, self._tokens, self._resolve = cache, tokens or {}, resolve

    @cached_property
    def _cache(self) -> "Cache":
        from rlm_app.adapters.git.cache import Cache  # a folder of this machine is read without any of it

        return Cache(self._folder, self._limits.cache_bytes)

    @cached_property
    def _opener(self) -> "Opener":
        from rlm_app.adapters.git.guard import resolve_stream
        from rlm_app.adapters.git.opening import Access, Opener

        access = Access(self._tokens, self._allow_hosts, self._resolve or resolve_stream)
        return Opener(self._cache, self._limits, access)

    def validate(self, source: str) -> None:
        """Refuse, without a network, what is not a source or must not be stored.

        Raises:
            InvalidSource, CloneRefused: one sentence with what to do.
        """
        place = self._parse(source)
        if isinstance(place, Path):
            open_local(place, Stop())
        else:
            from rlm_app.adapters.git.guard import refuse_literal

            refuse_literal(place, self._allow_hosts)

    def load(self, source: str, selection: Selection, *, stop: Stop, progress: "Progress") -> tuple[Corpus, Receipt]:
        """Fetch and flatten `source`, from the cache where that commit is there already.

        A branch is trusted to be where it was for `Limits.trust_seconds`, a commit for ever. When the server cannot
        be reached, what is in the cache is taken and the receipt says so.

        Raises:
            UserError: one sentence with what to do. Nothing half-written is left behind.
            RunError: the cause of `stop`, within two seconds of the request.
        """
        started = time.monotonic()

        def take(snapshot: Snapshot, load: Load) -> tuple[Corpus, Receipt]:
            spent = time.monotonic() - started
            reading = Reading(snapshot, load, self._limits)
            with closing(reading.pieces()) as pieces:
                text = join(pieces)
            corpus = Corpus(snapshot.name, snapshot.commit, text, tuple(reading.flattener.files))
            return corpus, reading.receipt(corpus.digest, spent)

        return self._visit(Load(source, selection, stop, progress), take)

    def write(
        self, source: str, selection: Selection, to: Path | IO[bytes], *, stop: Stop, progress: "Progress"
    ) -> tuple[tuple[FileSpan, ...], Receipt]:
        """Like `load`, but the text goes to a file as UTF-8 and is never held in memory.

        A file named by its path appears when it is whole, and a stream is written to when all is known to be there.

        Raises:
            StorageFailed: the file cannot be written.
            UserError, RunError: as `load`.
        """
        started = time.monotonic()

        def take(snapshot: Snapshot, load: Load) -> tuple[tuple[FileSpan, ...], Receipt]:
            spent = time.monotonic() - started
            reading = Reading(snapshot, load, self._limits)
            digest = hashlib.sha256()
            whole = _whole_file(to) if isinstance(to, Path) else _whole_stream(to)
            with whole as file, closing(reading.pieces()) as pieces:
                for piece in pieces:
                    data = piece.encode()
                    digest.update(data)
                    file.write(data)
            files = tuple(reading.flattener.files)
            named = hashlib.sha256(index_json(digest.hexdigest(), files)).hexdigest()
            return files, reading.receipt(named, spent)

        return self._visit(Load(source, selection, stop, progress), take)

    def cached(self, source: str, selection: Selection) -> str | None:
        """The commit that `load` would take without touching the network; None where it would, and for folders.

        Raises:
            InvalidSource, CloneRefused: as `validate`.
        """
        place = self._parse(source)
        return self._opener.cached(place, selection) if isinstance(place, Address) else None

    def clear(self) -> int:
        """Remove all clones that are not being read; return the bytes that this freed."""
        return self._cache.clear()

    def cache_bytes(self) -> int:
        """Bytes on disk of all clones."""
        return self._cache.size()

    def _parse(self, source: str) -> Address | Path:
        return parse(source, allow_local=self._allow_local, allow_hosts=self._allow_hosts)

    def _visit(self, load: Load, take: Callable[[Snapshot, Load], T]) -> T:
        """`take` what was asked for, once more from a new clone if the one in the cache is damaged."""
        place = self._parse(load.source)
        if isinstance(place, Path):
            return self._visit_local(place, load, take)
        for _ in range(2):
            with self._opener.open(place, load) as snapshot:
                try:
                    return take(snapshot, load)
                except DamagedClone:
                    load.stop.check()
            self._cache.discard(snapshot.folder.name, load.stop)
        raise CloneFailed(f"{snapshot.name} cannot be read even from a new clone; run “git fsck” on it where it lives.")

    def _visit_local(self, path: Path, load: Load, take: Callable[[Snapshot, Load], T]) -> T:
        repository = open_local(path, load.stop)
        commit, ref = repository.resolve(load.selection.ref or None, load.stop)
        load.cloning(1, 1, "read in place")
        notes = () if repository.bare else (UNCOMMITTED,)
        snapshot = Snapshot(
            repository.git_dir,
            commit,
            ref,
            repository.part,
            repository.top.name.removesuffix(".git") or str(repository.top),
            str(repository.top),
            notes=notes,
            filtered=False,
        )
        try:
            return take(snapshot, load)
        except DamagedClone:
            load.stop.check()
            raise CloneFailed(
                f"The repository in {repository.top} is damaged or a partial clone; run “git fsck” there."
            ) from None


@contextmanager
def _whole_file(path: Path) -> Iterator[IO[bytes]]:
    """A file to write that takes its place when the block ends well. Raises: StorageFailed."""
    path = path.resolve()
    special = path.exists() and not path.is_file()  # e.g. /dev/null, which must not be replaced
    unfinished = path if special else path.with_name(f".{path.name}.{os.urandom(16).hex()}")
    try:
        with open(unfinished, "wb") as file:
            yield file
        if not special:
            os.replace(unfinished, path)
    except OSError as error:
        raise StorageFailed(f"{path} cannot be written ({error.strerror}); choose another file.") from None
    finally:
        if not special:
            with suppress(OSError):
                unfinished.unlink()


@contextmanager
def _whole_stream(stream: IO[bytes]) -> Iterator[IO[bytes]]:
    """A file to write that is copied to the stream when the block ends well. Raises: StorageFailed."""
    import shutil
    import tempfile

    with tempfile.TemporaryFile() as file:
        try:
            yield file
            file.flush()
        except OSError as error:
            raise StorageFailed(f"A temporary file cannot be written ({error.strerror}); free some space.") from None
        file.seek(0)
        shutil.copyfileobj(file, stream, 1 << 20)
