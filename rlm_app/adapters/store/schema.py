"""The tables as they are today. `migrations/` says how a database of any age gets there."""

from sqlalchemy import BigInteger, Boolean, Column, Double, ForeignKey, Index, Integer, MetaData, Table, Text

REVISION = "0002"
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
    # None until the run has finished, and for what finished before schema 0002.
    Column("tokens_in", BigInteger),
    Column("tokens_out", BigInteger),
    Index("runs_newest", "started", "id"),
    Index("runs_alive", "status", "owner"),
    Index("runs_model", "model", "started"),
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

datasets = Table(
    "datasets",
    metadata,
    Column("name", Text, primary_key=True),
    Column("body", Text, nullable=False),
)

examples = Table(
    "examples",
    metadata,
    Column("dataset", Text, ForeignKey("datasets.name", ondelete="CASCADE"), primary_key=True),
    Column("id", Text, primary_key=True),
    Column("position", Integer, nullable=False),
    Column("context", Text, nullable=False),
    Column("body", Text, nullable=False),
    Index("examples_context", "context"),
)

benches = Table(
    "benches",
    metadata,
    Column("id", Text, primary_key=True),
    Column("created", Double, nullable=False),
    # What may change in a bench; the columns count, not the body.
    Column("cancelled", Boolean, nullable=False),
    Column("max_cost", Double),
    Column("body", Text, nullable=False),
    Index("benches_newest", "created", "id"),
)

attempts = Table(
    "attempts",
    metadata,
    Column("bench", Text, ForeignKey("benches.id", ondelete="CASCADE"), primary_key=True),
    Column("example", Text, primary_key=True),
    Column("epoch", Integer, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("position", Integer, nullable=False, comment="Of the example in its bench, from 0."),
    Column("latest", Boolean, nullable=False, comment="No other attempt of this example and epoch came after it."),
    Column("made", Double, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("run_id", Text),
    Column("owner", Text, nullable=False),
    Column("lease_until", Double, nullable=False),
    Column("allotted", Double),
    Column("predicted", Text),
    Column("run_status", Text),
    Column("limit", Text),
    Column("error", Text),
    Column("steps", Integer, nullable=False),
    Column("calls", BigInteger, nullable=False),
    Column("cached_calls", BigInteger, nullable=False),
    Column("tokens_in", BigInteger, nullable=False),
    Column("tokens_out", BigInteger, nullable=False),
    Column("tokens_cached", BigInteger, nullable=False),
    Column("tokens_reasoning", BigInteger, nullable=False),
    Column("bytes_sent", BigInteger, nullable=False),
    Column("cost", Double),
    Column("seconds", Double),
    Column("queue_seconds", Double),
    Column("started", Double),
    Column("finished", Double),
    Column("measures", Text, nullable=False),
    Index("attempts_next", "bench", "outcome", "latest", "epoch", "position"),
    Index("attempts_held", "outcome", "owner"),
)
