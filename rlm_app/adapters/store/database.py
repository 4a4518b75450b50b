"""One database, SQLite or PostgreSQL: opened, brought up to date, read and written in short transactions."""

import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Table, create_engine, event, inspect, literal, select, table, text
from sqlalchemy import column as sql_column
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from rlm_app.adapters.store.refusals import database_refusals, folder_refusals
from rlm_app.adapters.store.schema import REVISION, VERSION_TABLE
from rlm_app.errors import InvalidConfig, StorageFailed

BUSY_SECONDS = 30
_MIGRATING = 7_237_150  # any number, the same for all who migrate one PostgreSQL database
_alembic = threading.Lock()  # Alembic's context is a global


class Database:
    """A pool of connections. Safe to use from many threads; other processes open their own."""

    def __init__(self, engine: Engine, place: str, file: Path | None) -> None:
        self._engine, self._place, self._file = engine, place, file
        self._writer = engine.execution_options(writes=True)
        # Waiting threads take turns here; SQLite itself would have each sleep and try again.
        self._turn = threading.Lock() if file else None

    @classmethod
    def open(cls, url: str) -> "Database":
        """The database at `url`, made and migrated where needed.

        Raises:
            InvalidConfig: not the address of an SQLite file or a PostgreSQL database.
            StorageFailed: it cannot be opened, is not a database of ours, or was made by a newer version.
        """
        parsed = _parse(url)
        if parsed.get_backend_name() == "sqlite":
            database = _open_sqlite(Path(str(parsed.database)))
        else:
            engine = create_engine(parsed, pool_pre_ping=True, hide_parameters=True)
            database = cls(engine, f"{parsed.database} at {parsed.host or 'this machine'}", None)
        try:
            database._migrate()
        except BaseException:
            database.close()
            raise
        return database

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that sees one state of the database. Raises: StorageFailed."""
        with database_refusals(self._place, self._file), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that is durable when the block ends, and undone if it raises.

        Raises:
            StorageFailed: the database refuses.
            IntegrityError: a constraint is broken.
        """
        with ExitStack() as stack:
            stack.enter_context(database_refusals(self._place, self._file))
            if self._turn:
                stack.enter_context(self._turn)
            yield stack.enter_context(self._writer.begin())

    def close(self) -> None:
        self._engine.dispose()

    def _migrate(self) -> None:
        with self.reading() as connection:
            if _revision(connection) == REVISION:
                return
        with self.writing() as connection:
            if self._file is None:
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATING})
            if (found := _revision(connection)) == REVISION:
                return  # another process was faster
            _upgrade(connection, found, self._place)


def put(connection: Connection, into: Table, values: Mapping[str, Any], *, update: Mapping[str, Any]) -> bool:
    """Insert a row; where its primary key is taken, set `update` on the row that is there (nothing when empty).

    False where nothing was written.
    """
    # The two statements are built alike and share no base class that says so.
    insert: Any = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    statement = insert(into).values(**values)
    if update:
        statement = statement.on_conflict_do_update(index_elements=list(into.primary_key), set_=dict(update))
    else:
        statement = statement.on_conflict_do_nothing()
    return connection.execute(statement.returning(literal(1))).first() is not None


def clock(connection: Connection) -> float:
    """Now, in seconds since the epoch: on PostgreSQL by the server's clock, which all machines share."""
    if connection.dialect.name == "sqlite":
        return time.time()
    return float(connection.scalar(text("SELECT extract(epoch FROM clock_timestamp())::float8")))


def _parse(url: str) -> URL:
    wrong = InvalidConfig("Storage needs an address such as sqlite:///path/to/file.db or postgresql://user@host/name.")
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise wrong from None  # the address may hold a password
    if parsed.drivername in ("postgres", "postgresql"):
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername not in ("sqlite", "sqlite+pysqlite", "postgresql+psycopg"):
        raise wrong
    if parsed.drivername.startswith("sqlite") and parsed.database in (None, "", ":memory:"):
        raise wrong
    return parsed


def _open_sqlite(file: Path) -> Database:
    with folder_refusals(file.parent):
        file.parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        URL.create("sqlite", database=str(file)), connect_args={"timeout": BUSY_SECONDS}, hide_parameters=True
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _: object) -> None:
        connection.isolation_level = None  # the driver would begin some transactions by itself, and late
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = FULL")  # in WAL anything less may lose what a power cut follows

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A transaction that reads first and writes later cannot wait for its turn: it would act on an old state.
        writes = connection.get_execution_options().get("writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    with database_refusals(str(file), file):
        _use_wal(file)
    return Database(engine, str(file), file)


def _use_wal(file: Path) -> None:
    """Switch to write-ahead logging, which the file remembers. SQLite does not wait for a lock here, so this does."""
    end = time.monotonic() + BUSY_SECONDS
    connection = sqlite3.connect(file, timeout=BUSY_SECONDS)
    try:
        while True:
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                    raise
                time.sleep(0.02)
    finally:
        connection.close()


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    return connection.scalar(select(sql_column("version_num")).select_from(table(VERSION_TABLE)))


def _upgrade(connection: Connection, found: str | None, place: str) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if found is not None and found not in known:
        raise StorageFailed(
            f"The database {place} was made by a newer version of rlm-app (its schema is {found}); "
            "update rlm-app or choose another database."
        )
    config.attributes["connection"] = connection
    with _alembic:
        command.upgrade(config, "head")
