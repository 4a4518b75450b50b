"""One suite for both databases: each test that takes `store` runs on SQLite and on PostgreSQL."""

import functools
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rlm_app.adapters.store import SqlStore
from rlm_app.adapters.store.schema import VERSION_TABLE
from tests.postgres import NoServer, database_url

Open = Callable[..., SqlStore]


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database with empty tables."""
    if request.param == "sqlite":
        (tmp_path / "runs.db").write_bytes(_migrated())
        return f"sqlite:///{tmp_path / 'runs.db'}"
    try:
        return _emptied(_database())
    except NoServer as reason:
        pytest.skip(str(reason))


@pytest.fixture(params=["sqlite", "postgres"])
def new_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database without tables."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'runs.db'}"
    try:
        return database_url()
    except NoServer as reason:
        pytest.skip(str(reason))


@functools.cache
def _migrated() -> bytes:
    """An empty SQLite database: to migrate one anew takes longer than most tests."""
    with tempfile.TemporaryDirectory() as folder:
        SqlStore.open(f"sqlite:///{folder}/runs.db", Path(folder)).close()
        return (Path(folder) / "runs.db").read_bytes()


@functools.cache
def _database() -> str:
    """One database for all tests of a process, for the same reason."""
    return database_url()


def _emptied(url: str) -> str:
    import psycopg

    with psycopg.connect(url) as connection:
        for (name,) in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall():
            if name != VERSION_TABLE:
                connection.execute(f'DELETE FROM "{name}"')
    return url


@pytest.fixture
def blobs(tmp_path: Path) -> Path:
    return tmp_path / "blobs"


@pytest.fixture
def open_store(url: str, blobs: Path) -> Iterator[Open]:
    """Opens the same place again, as another process would; keywords go to `SqlStore.open`."""
    opened: list[SqlStore] = []

    def open_it(**options: float) -> SqlStore:
        opened.append(SqlStore.open(url, blobs, **options))
        return opened[-1]

    yield open_it
    for store in opened:
        store.close()


@pytest.fixture
def store(open_store: Open) -> SqlStore:
    return open_store()
