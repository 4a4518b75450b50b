"""A private PostgreSQL server for tests, where its programs are installed: no port, no disk waits, gone afterwards."""

import atexit
import functools
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest

_numbers = itertools.count()


class NoServer(Exception):
    """Why there is none."""


def database_url() -> str:
    """The address of a new, empty database of the server of this process, which is started on first use.

    Raises:
        NoServer: PostgreSQL is not installed.
    """
    socket = _server()
    name = f"test_{next(_numbers)}"
    _sql(socket, f"CREATE DATABASE {name} TEMPLATE template0")
    return f"postgresql://postgres@/{name}?host={socket}"


@pytest.fixture
def postgres_url() -> str:
    """A new, empty PostgreSQL database; skips where there is no server to be had."""
    try:
        return database_url()
    except NoServer as reason:
        pytest.skip(str(reason))


@functools.cache
def _server() -> Path:
    """The folder of the socket of a running server."""
    programs = _programs()
    folder = Path(tempfile.mkdtemp(prefix="pg"))  # short: a socket's path has some 100 characters
    data, as_user = folder / "data", _unprivileged()
    if as_user:
        shutil.chown(folder, as_user["user"], as_user["group"])
    quiet: dict[str, Any] = {"cwd": folder, "stdout": subprocess.DEVNULL, **as_user}
    setup = ["-D", str(data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
    subprocess.run([programs / "initdb", *setup], check=True, **quiet)
    options = {"listen_addresses": "", "unix_socket_directories": folder, "fsync": "off", "shared_buffers": "16MB"}
    arguments = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen([programs / "postgres", "-D", data, *arguments], stderr=log, **quiet)
    atexit.register(_end, server, folder)
    _wait(folder, server)
    return folder


def _programs() -> Path:
    if found := shutil.which("initdb"):
        return Path(found).parent
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if not installed:
        raise NoServer("PostgreSQL is not installed here")
    return installed[-1].parent


def _unprivileged() -> dict[str, Any]:
    """What makes a child process run as somebody else than root, under whom the server refuses to start."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    raise NoServer("PostgreSQL does not run as root, and there is no other user here")


def _sql(socket: Path, statement: str) -> None:
    import psycopg

    with psycopg.connect(host=str(socket), user="postgres", dbname="postgres", autocommit=True) as connection:
        connection.execute(statement)


def _wait(socket: Path, server: subprocess.Popen[bytes]) -> None:
    import psycopg

    end = time.monotonic() + 30
    while True:
        try:
            return _sql(socket, "SELECT 1")
        except psycopg.OperationalError:
            if server.poll() is not None or time.monotonic() > end:
                raise NoServer(f"PostgreSQL does not start: {(socket / 'log').read_text()[-500:]}") from None
            time.sleep(0.05)


def _end(server: subprocess.Popen[bytes], folder: Path) -> None:
    if server.poll() is None:
        server.send_signal(signal.SIGQUIT)  # at once, with clients still connected
        server.wait(10)
    shutil.rmtree(folder, ignore_errors=True)
