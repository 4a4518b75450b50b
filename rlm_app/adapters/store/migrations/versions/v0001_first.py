"""Runs, their events, and what they name."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    _create_runs()
    op.create_table(
        "events",
        sa.Column("run_id", sa.Text, sa.ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("seq", sa.Integer, primary_key=True),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_table(
        "named",
        sa.Column("run_id", sa.Text, sa.ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("digest", sa.Text, primary_key=True),
        comment="Blobs and corpora that the events of a run name.",
    )
    op.create_index("named_digest", "named", ["digest"])
    op.create_table(
        "corpora",
        sa.Column("digest", sa.Text, primary_key=True),
        sa.Column("text_digest", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("revision", sa.Text, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("kept", sa.Boolean, nullable=False),
    )
    op.create_index("corpora_text", "corpora", ["text_digest"])
    op.create_table(
        "receipts",
        sa.Column("digest", sa.Text, primary_key=True),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_index("receipts_newest", "receipts", ["at"])
    op.create_table(
        "loose",
        sa.Column("digest", sa.Text, primary_key=True),
        comment="Named by a run that was deleted: to be removed once old enough, unless named again.",
    )


def _create_runs() -> None:
    texts = ("status", "source", "repository", "commit", "question", "model", "sandbox")
    op.create_table(
        "runs",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("started", sa.Double, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in texts),
        sa.Column("steps", sa.Integer, nullable=False),
        sa.Column("cost", sa.Double),
        sa.Column("seconds", sa.Double),
        *(sa.Column(f"folded_{name}", sa.Text, nullable=False) for name in ("question", "repository", "model")),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("beat", sa.Double, nullable=False),
        sa.Column("stop_requested", sa.Boolean, nullable=False),
    )
    op.create_index("runs_newest", "runs", ["started", "id"])
    op.create_index("runs_alive", "runs", ["status", "owner"])
