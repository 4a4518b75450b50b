"""The tables as they are today. `migrations/` says how a database of any age gets there."""

from sqlalchemy import Boolean, Column, Double, ForeignKey, Index, Integer, MetaData, Table, Text

REVISION = "0001"
"""The newest migration: a database that is there needs none."""

VERSION_TABLE = "rlm_app_schema"

metadata = MetaData()

runs = Table(
    "runs",
    metadata,
    Column("id", Text, primary_key=True),
    Column("started", Double, nullable=False),
    Column("status", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("repository", Text, nullable=False),
    Column("commit", Text, nullable=False),
    Column("question", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("sandbox", Text, nullable=False),
    Column("steps", Integer, nullable=False),
    Column("cost", Double),
    Column("seconds", Double),
    # The same texts without case: SQLite's own lower() knows ASCII alone.
    Column("folded_question", Text, nullable=False),
    Column("folded_repository", Text, nullable=False),
    Column("folded_model", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("beat", Double, nullable=False),
    Column("stop_requested", Boolean, nullable=False),
    Index("runs_newest", "started", "id"),
    Index("runs_alive", "status", "owner"),
)

events = Table(
    "events",
    metadata,
    Column("run_id", Text, ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("at", Double, nullable=False),
    Column("type", Text, nullable=False),
    Column("body", Text, nullable=False),
)

named = Table(
    "named",
    metadata,
    Column("run_id", Text, ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    Column("digest", Text, primary_key=True),
    Index("named_digest", "digest"),
    comment="Blobs and corpora that the events of a run name.",
)

corpora = Table(
    "corpora",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("text_digest", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("revision", Text, nullable=False),
    Column("at", Double, nullable=False),
    Column("kept", Boolean, nullable=False),
    Index("corpora_text", "text_digest"),
)

receipts = Table(
    "receipts",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("at", Double, nullable=False),
    Column("body", Text, nullable=False),
    Index("receipts_newest", "at"),
)

loose = Table(
    "loose",
    metadata,
    Column("digest", Text, primary_key=True),
    comment="Named by a run that was deleted: to be removed once old enough, unless named again.",
)
