"""A database is opened, brought up to date, and refuses in one sentence that says what to do."""

import os
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from rlm_app.adapters.store import SqlStore
from rlm_app.adapters.store.refusals import database_refusals
from rlm_app.adapters.store.schema import REVISION, VERSION_TABLE, metadata
from rlm_app.errors import InvalidConfig, StorageFailed
from rlm_app.ports import RunQuery
from tests.adapters.store.conftest import Open
from tests.adapters.store.told import progress, start

ROOT = Path(__file__).parents[3]


def test_migrations_make_what_the_schema_says(store: SqlStore) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.runtime.migration import MigrationContext

    with store._database.reading() as connection:
        context = MigrationContext.configure(
            connection, opts={"version_table": VERSION_TABLE, "compare_type": True, "compare_server_default": True}
        )
        assert compare_metadata(context, metadata) == []
        assert context.get_current_revision() == REVISION


def test_a_database_of_a_newer_version_is_left_alone(store: SqlStore, open_store: Open) -> None:
    store.append("r", start())
    with store._database.writing() as connection:
        connection.exec_driver_sql(f"UPDATE {VERSION_TABLE} SET version_num = '9999'")
    try:
        with pytest.raises(StorageFailed, match=r"newer version of rlm-app \(its schema is 9999\); update"):
            open_store()
    finally:
        with store._database.writing() as connection:
            connection.exec_driver_sql(f"UPDATE {VERSION_TABLE} SET version_num = '{REVISION}'")
    assert open_store().events("r") == store.events("r")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nonsense",
        "mysql://me:secret@host/db",
        "sqlite://",
        "sqlite:///:memory:",
        "postgresql://me:secret@host:port/db",
    ],
)
def test_what_is_no_address_of_a_database_is_refused_and_keeps_its_password(url: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidConfig, match="sqlite:///") as refused:
        SqlStore.open(url, tmp_path)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("name", ["a b.db", "100%.db", "größe.db", "deep/er/x.db", "q?mark.db"])
def test_a_database_may_have_any_name(name: str, tmp_path: Path) -> None:
    store = SqlStore.open(f"sqlite:///{tmp_path / name.replace('?', '%3F')}", tmp_path / "blobs")
    store.append("r", start())
    store.close()
    assert (tmp_path / name).exists()


def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "runs.db"
    file.write_bytes(b"My diary, which is not a database at all. " * 100)
    before = file.read_bytes()
    with pytest.raises(StorageFailed, match=r"runs\.db is damaged or not a database; move it away"):
        SqlStore.open(f"sqlite:///{file}", tmp_path / "blobs")
    assert file.read_bytes() == before


def test_a_damaged_page_is_told_in_words(tmp_path: Path) -> None:
    file = tmp_path / "runs.db"
    store = SqlStore.open(f"sqlite:///{file}", tmp_path / "blobs")
    store.append("r", start())
    for seq in range(1, 40):
        store.append("r", progress(seq, note="x" * 4000))
    store.close()
    data = bytearray(file.read_bytes())
    data[8192:-8192] = os.urandom(len(data) - 16384)
    file.write_bytes(data)
    with pytest.raises(StorageFailed, match="damaged"):
        SqlStore.open(f"sqlite:///{file}", tmp_path / "blobs").events("r")


def test_a_folder_that_cannot_hold_a_database_is_told_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageFailed, match="cannot be written to; choose another"):
        SqlStore.open(f"sqlite:///{tmp_path / 'file' / 'runs.db'}", tmp_path / "blobs")
    with pytest.raises(StorageFailed, match="check the permissions"):
        SqlStore.open(f"sqlite:///{tmp_path}", tmp_path / "blobs")


READ_ONLY = """
import os, sys
from pathlib import Path
from rlm_app.adapters.store import SqlStore
from rlm_app.errors import StorageFailed
from tests.adapters.store.told import start
if os.geteuid() == 0:
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
for database, blobs in (("locked", "open"), ("open", "locked")):
    try:
        store = SqlStore.open(f"sqlite:///{Path(database).absolute()}/runs.db", Path(blobs).absolute() / "blobs")
        store.append("r", start())
        print("stored")
    except StorageFailed as error:
        print(error)
"""


def test_a_folder_without_the_right_to_write_is_told_in_words(tmp_path: Path) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as shared:  # pytest's own folders are closed to other users
        for name, mode in (("locked", 0o555), ("open", 0o777)):
            (Path(shared) / name).mkdir()
            (Path(shared) / name).chmod(mode)
        Path(shared).chmod(0o755)
        told = _python(READ_ONLY, cwd=Path(shared)).splitlines()
    assert len(told) == 2
    assert "check the permissions" in told[0]
    assert "cannot be written to; choose another one or change its permissions" in told[1]


def test_a_server_that_is_not_there_is_told_in_words_without_the_password(tmp_path: Path) -> None:
    with pytest.raises(StorageFailed, match=r"db at 127\.0\.0\.1 cannot be reached; check that it runs") as refused:
        SqlStore.open("postgresql://me:secret@127.0.0.1:1/db", tmp_path / "blobs")
    assert "secret" not in str(refused.value)


def test_a_busy_database_is_told_in_words(tmp_path: Path) -> None:
    file = tmp_path / "runs.db"
    first, second = (sqlite3.connect(file, timeout=0, isolation_level=None) for _ in range(2))
    first.execute("BEGIN IMMEDIATE")
    with pytest.raises(StorageFailed, match="busy"), database_refusals("it", file):
        second.execute("BEGIN IMMEDIATE")
    first.close()
    second.close()


def test_a_database_that_somebody_is_writing_is_waited_for(tmp_path: Path) -> None:
    file = tmp_path / "runs.db"
    other = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    for statement in ("CREATE TABLE other (x)", "BEGIN IMMEDIATE", "INSERT INTO other VALUES (1)"):
        other.execute(statement)
    threading.Timer(0.2, other.execute, ["COMMIT"]).start()
    store = SqlStore.open(f"sqlite:///{file}", tmp_path / "blobs")
    assert store.runs(RunQuery()) == ([], 0)
    store.close()


# PostgreSQL alone


@pytest.mark.parametrize("url", ["postgres"], indirect=True)
class TestPostgres:
    def test_the_short_form_of_its_address_is_understood(self, url: str, blobs: Path) -> None:
        store = SqlStore.open(url.replace("postgresql://", "postgres://"), blobs)
        assert store.runs(RunQuery()) == ([], 0)
        store.close()

    def test_a_server_that_was_restarted_is_found_again(self, store: SqlStore, url: str) -> None:
        import psycopg

        store.append("r", start())
        with psycopg.connect(url) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        store.append("r", progress(1))
        assert store.last_seq("r") == 1

    @pytest.mark.parametrize(
        ("state", "sentence"), [("53100", "is full; free some space"), ("42501", "give its user"), ("55P03", "busy")]
    )
    def test_what_it_refuses_is_told_in_words(self, store: SqlStore, state: str, sentence: str) -> None:
        refusal = f"DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{state}'; END $$"
        with pytest.raises(StorageFailed, match=sentence), store._database.writing() as connection:
            connection.exec_driver_sql(refusal)


def _python(source: str, *arguments: str, cwd: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", source, *arguments],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
