"""Data sets, benches and their attempts; the tokens of a run beside its cost."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("runs", sa.Column("tokens_in", sa.BigInteger))
    op.add_column("runs", sa.Column("tokens_out", sa.BigInteger))
    op.create_index("runs_model", "runs", ["model", "started"])
    op.create_table(
        "datasets", sa.Column("name", sa.Text, primary_key=True), sa.Column("body", sa.Text, nullable=False)
    )
    op.create_table(
        "examples",
        sa.Column("dataset", sa.Text, sa.ForeignKey("datasets.name", ondelete="CASCADE"), primary_key=True),
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("context", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_index("examples_context", "examples", ["context"])
    op.create_table(
        "benches",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("created", sa.Double, nullable=False),
        sa.Column("cancelled", sa.Boolean, nullable=False),
        sa.Column("max_cost", sa.Double),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_index("benches_newest", "benches", ["created", "id"])
    _create_attempts()


def _create_attempts() -> None:
    counts = ("calls", "cached_calls", "tokens_in", "tokens_out", "tokens_cached", "tokens_reasoning", "bytes_sent")
    op.create_table(
        "attempts",
        sa.Column("bench", sa.Text, sa.ForeignKey("benches.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("example", sa.Text, primary_key=True),
        sa.Column("epoch", sa.Integer, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("position", sa.Integer, nullable=False, comment="Of the example in its bench, from 0."),
        sa.Column(
            "latest",
            sa.Boolean,
            nullable=False,
            comment="No other attempt of this example and epoch came after it.",
        ),
        sa.Column("made", sa.Double, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("run_id", sa.Text),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("lease_until", sa.Double, nullable=False),
        sa.Column("allotted", sa.Double),
        *(sa.Column(name, sa.Text) for name in ("predicted", "run_status", "limit", "error")),
        sa.Column("steps", sa.Integer, nullable=False),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in counts),
        sa.Column("cost", sa.Double),
        *(sa.Column(name, sa.Double) for name in ("seconds", "queue_seconds", "started", "finished")),
        sa.Column("measures", sa.Text, nullable=False),
    )
    op.create_index("attempts_next", "attempts", ["bench", "outcome", "latest", "epoch", "position"])
    op.create_index("attempts_held", "attempts", ["outcome", "owner"])
