"""The files of one commit, read from the object store without a checkout."""

import subprocess
import threading
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path
from typing import IO, NamedTuple

from rlm_app.adapters.git.command import GitFailed, Place, running
from rlm_app.adapters.git.limits import Limits, in_bytes
from rlm_app.decoding import readable_path
from rlm_app.errors import CorpusTooLarge
from rlm_app.flatten import Blob
from rlm_app.selecting import Selector, Tally
from rlm_app.stop import Stop

_CHUNK = 1 << 20
_PIPE_BYTES = 1 << 20
_SYMLINK, _SUBMODULE = b"120000", b"160000"


class DamagedClone(Exception):
    """Objects that should be there are missing or unreadable."""


class Entry(NamedTuple):
    """One file of a tree: where it is, what it is, and its size in bytes (None: not in this clone)."""

    path: str
    mode: bytes
    oid: bytes
    size: int | None


def list_tree(folder: Path, commit: str, part: str, max_files: int, stop: Stop) -> list[Entry]:
    """All entries beneath `part` of a commit's tree ("" for all of it), in path order.

    Raises:
        CorpusTooLarge: more than `max_files`; the listing is not read to its end, which may be very far.
        DamagedClone: git cannot read the tree.
    """
    arguments = ["ls-tree", "-r", "-l", "-z", "--full-tree", commit, *(["--", part] if part else [])]
    entries: list[Entry] = []
    rest = b""
    try:
        with running(arguments, Place(folder), stop) as git:
            while data := git.stdout.read1(_CHUNK):  # type: ignore[attr-defined]
                *lines, rest = (rest + data).split(b"\0")
                entries += map(_entry, lines)
                if len(entries) > max_files:
                    raise CorpusTooLarge(
                        f"This repository has more than {max_files:,} files, which is the limit. "
                        "Narrow it to a folder or raise the limit in Settings."
                    )
            git.finish()
    except GitFailed as error:
        raise DamagedClone(error.stderr) from None
    return sorted(entries)


def _entry(line: bytes) -> Entry:
    about, _, path = line.partition(b"\t")
    mode, _, oid, size = about.split()
    return Entry(readable_path(path), mode, oid, int(size) if size.isdigit() else None)


def choose(entries: list[Entry], selector: Selector, limits: Limits, tally: Tally, *, filtered: bool) -> list[Entry]:
    """The entries to read; the others are counted in `tally`, each with its reason.

    `filtered` says that what is not in this clone was left out of it for its size.
    """
    too_large = f"larger than {in_bytes(limits.file_bytes)}"
    missing = too_large if filtered else "not in this partial clone"
    taken = []
    for entry in entries:
        reason = selector.reason(entry.path)
        if reason:
            tally.add(entry.path, reason, entry.size or 0)
        elif entry.mode == _SUBMODULE:
            tally.add(entry.path, "submodule", detail=f"at commit {entry.oid.decode()}")
        elif entry.mode == _SYMLINK:
            tally.add(entry.path, "symlink", entry.size or 0)
        elif entry.size is None:
            tally.add(entry.path, missing)
        elif entry.size > limits.file_bytes:
            tally.add(entry.path, too_large, entry.size)
        else:
            taken.append(entry)
    return taken


def read_blobs(folder: Path, entries: list[Entry], stop: Stop) -> Generator[Blob, None, None]:
    """The contents of entries, in their order, one in memory at a time.

    Raises:
        DamagedClone: an object is missing, of another size than listed, or unreadable.
    """
    with running(["cat-file", "--batch", "--buffer"], Place(folder), stop, stdin=subprocess.PIPE) as git:
        _widen(git.stdout)
        threading.Thread(target=_ask, args=(git.stdin, entries), daemon=True).start()
        read, read_line = git.stdout.read, git.stdout.readline
        for entry in entries:
            header = read_line()
            size = entry.size or 0
            data = read(size + 1)
            if len(data) != size + 1 or not header.endswith(b" blob %d\n" % size):
                stop.check()
                raise DamagedClone(f"{entry.path}: {header.decode(errors='replace').strip() or 'cut short'}")
            yield Blob(entry.path, data[:-1])


def _widen(pipe: IO[bytes]) -> None:
    """Let git run ahead while a file is decoded and written; where a system gives no more, it waits more often."""
    import fcntl

    with suppress(OSError, AttributeError):
        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)


def _ask(stdin: IO[bytes], entries: list[Entry]) -> None:
    """Name the objects wanted, beside the reader: a pipe holds neither all questions nor all answers."""
    with suppress(OSError), stdin:  # git may be gone by then, and its reader knows why
        stdin.writelines(entry.oid + b"\n" for entry in entries)
