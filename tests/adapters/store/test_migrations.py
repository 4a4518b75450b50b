"""A database of an earlier version is brought up to date with what it holds."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, insert, inspect
from sqlalchemy import table as bare_table
from sqlalchemy.sql import column as bare_column

from rlm_app.adapters.store import SqlStore
from rlm_app.adapters.store import migrations as scripts
from rlm_app.adapters.store.texts import encode
from rlm_app.codebase import Corpus
from rlm_app.ports import Quote, RunQuery
from tests.adapters.store.told import bench, corpus, finish, receipt, start, tell

TEXTS = ("status", "source", "repository", "commit", "question", "model", "sandbox")


def made_by_the_first_version(url: str) -> None:
    """A database of schema 0001 with a run that was answered, as that version stored it."""
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    config = Config()
    config.set_main_option("script_location", str(Path(str(scripts.__file__)).parent))
    run = dict.fromkeys(("id", "owner", *TEXTS, "folded_question", "folded_repository", "folded_model"), "old")
    run |= {"status": "answered", "model": "m/one", "question": "Why?"}
    row = {
        **run,
        "started": start().time,
        "steps": 4,
        "cost": 0.5,
        "seconds": 9.0,
        "beat": 0.0,
        "stop_requested": False,
    }
    told = (start("old", model="m/one"), finish(1))
    events = [{"run_id": "old", "seq": e.seq, "at": e.time, "type": e.type, "body": encode(e)} for e in told]
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        for name, rows in (("runs", [row]), ("events", events)):
            there = [bare_column(found["name"]) for found in inspect(connection).get_columns(name)]
            connection.execute(insert(bare_table(name, *there)), rows)
    engine.dispose()


def test_a_database_of_the_first_version_keeps_its_runs_and_learns_the_rest(new_url: str, blobs: Path) -> None:
    made_by_the_first_version(new_url)
    store = SqlStore.open(new_url, blobs)
    assert [event.type for event in store.events("old")] == ["run_started", "run_finished"]
    assert [(run.id, run.steps, run.cost) for run in store.runs(RunQuery())[0]] == [("old", 4, 0.5)]
    assert store.quote("m/one") == Quote(1, (4, 4), (0, 0), (9, 9), (0.5, 0.5))
    tell(store, "new", start("new", model="m/one"), finish(1))
    assert store.quote("m/one").runs == 2
    made = store.benches.create(bench("a"))
    assert store.benches.tally([made.id])[made.id].total == 1
    assert store.datasets.datasets() == []
    context: Corpus = corpus()
    store.put_corpus(context, keep=True)
    store.put_receipt(receipt(context))
    store.delete("old")
    assert store.runs(RunQuery())[1] == 1
    store.close()
