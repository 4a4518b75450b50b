"""What people read when a disk or a database refuses: one sentence that says what to do."""

import errno
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as NoConnectionFree

from rlm_app.errors import StorageFailed

_SPARE = 256 * 1024  # bytes; below this a disk is full to SQLite, which reports some of its failures as I/O errors


@contextmanager
def folder_refusals(folder: Path) -> Iterator[None]:
    """Within the block, what the system refuses is told in words.

    Raises:
        StorageFailed: in place of any OSError.
    """
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            sentence = _full(folder)
        elif error.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST):
            sentence = f"The folder {folder} cannot be written to; choose another one or change its permissions."
        else:
            sentence = f"The disk that holds {folder} fails ({error.strerror}); check it and try again."
        raise StorageFailed(sentence) from error


@contextmanager
def database_refusals(place: str, file: Path | None) -> Iterator[None]:
    """Within the block, what the database refuses is told in words.

    Args:
        place: what people call the database: a path, or host and name.
        file: the file of an SQLite database.

    Raises:
        StorageFailed: in place of any database error but a broken constraint, which is for the caller to read.
    """
    try:
        yield
    except IntegrityError:
        raise
    except NoConnectionFree as error:
        raise StorageFailed(_busy(place)) from error
    except (SQLAlchemyError, sqlite3.Error) as error:
        cause = getattr(error, "orig", None) or error
        sentence = _sqlite(cause, file) if file else _postgres(cause, place)
        if sentence is None:
            raise
        raise StorageFailed(sentence) from error


def _full(place: Path) -> str:
    return f"The disk that holds {place} is full; free some space and try again."


def _busy(place: str) -> str:
    return f"The database {place} has been busy for too long; close other programs that use it and try again."


def _sqlite(error: BaseException, file: Path) -> str | None:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return _full(file)
    if code in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM):
        if file.parent.is_dir() and shutil.disk_usage(file.parent).free < _SPARE:
            return _full(file)
        if code == sqlite3.SQLITE_IOERR:
            return f"The disk that holds {file} fails ({error}); check it and try again."
        return f"The database {file} cannot be opened for writing; check the permissions of the file and its folder."
    if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
        return f"{file} is damaged or not a database; move it away or restore a copy, then start again."
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return _busy(str(file))
    return None


def _postgres(error: BaseException, place: str) -> str | None:
    state = getattr(error, "sqlstate", None) or ""
    if state == "53100":
        return f"The disk of the database {place} is full; free some space there and try again."
    if state in ("42501", "25006"):
        return (
            f"The database {place} does not allow this ({_line(error)}); give its user the right to create and write."
        )
    if state[:2] in ("55", "40") or state == "57014":
        return _busy(place)
    if state[:2] in ("08", "28", "3D", "53", "57") or (not state and type(error).__name__ == "OperationalError"):
        return f"The database {place} cannot be reached; check that it runs, and its address, user and password."
    return None


def _line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
