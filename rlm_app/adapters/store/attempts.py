"""Attempts as rows: how one is written and read, and which one is leased next."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Row, Update, and_, case, func, or_, select, tuple_, update

from rlm_app.adapters.store.schema import attempts
from rlm_app.adapters.store.texts import printable
from rlm_app.benches import OPEN, Attempt, Measures
from rlm_app.model import Usage

USAGE = tuple(Usage.model_fields)
_PLAIN = tuple(name for name in Attempt.model_fields if name not in ("usage", "measures"))
COLUMNS = tuple(attempts.c[name] for name in (*_PLAIN, *USAGE, "measures"))

_ROUNDING = 1 + 1e-9  # ten times ten cents are one dollar, though sums of floats say otherwise


def to_row(attempt: Attempt) -> dict[str, Any]:
    """The columns that an attempt fills, by name."""
    plain = {name: getattr(attempt, name) for name in _PLAIN}
    told = {name: printable(value) if isinstance(value, str) else value for name, value in plain.items()}
    used = {name: getattr(attempt.usage, name) for name in USAGE}
    return told | used | {"measures": attempt.measures.model_dump_json()}


def from_row(row: Row[*tuple[Any, ...]]) -> Attempt:
    """The attempt in a row of `COLUMNS`."""
    used = len(_PLAIN)
    usage, measures = dict(zip(USAGE, row[used:-1], strict=True)), Measures.model_validate_json(row[-1])
    return Attempt.model_validate(dict(zip(_PLAIN, row, strict=False)) | {"usage": usage, "measures": measures})


def held(attempt: Attempt) -> ColumnElement[bool]:
    """Whether the owner that an attempt names still holds it, for that run."""
    row = attempts.c
    return and_(
        row.bench == attempt.bench,
        row.example == printable(attempt.example),
        row.epoch == attempt.epoch,
        row.number == attempt.number,
        row.outcome == "running",
        row.owner == printable(attempt.owner),
        row.run_id == printable(attempt.run_id or ""),
    )


def take(bench_id: str, now: float, affordable: ColumnElement[bool], taken: Mapping[str, Any]) -> Update:
    """Lease the next attempt of a bench, if there is one, and return it.

    Those with a lapsed lease come before those that wait, epoch by epoch and in the order of the bench's examples. Only
    the newest attempt of an example is ever open, so none needs to be asked for.
    """
    row = attempts.c
    open_now = or_(row.outcome == "waiting", and_(row.outcome == "running", row.lease_until < now))
    key = (row.example, row.epoch, row.number)
    following = (
        select(*key)
        .where(row.bench == bench_id, row.outcome.in_(OPEN), open_now, affordable)
        .order_by(case((row.outcome == "running", 0), else_=1), row.epoch, row.position)
        .limit(1)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    changes = {
        "outcome": "running",
        "lease_until": taken["lease_until"],
        "owner": printable(taken["owner"]),
        "allotted": taken["allotted"],
        "run_id": func.coalesce(row.run_id, printable(taken["run_id"])),
        "started": func.coalesce(row.started, now),
        "queue_seconds": func.coalesce(row.queue_seconds, now - row.made),
    }
    return update(attempts).where(row.bench == bench_id, tuple_(*key) == following).values(changes).returning(*COLUMNS)


def within(bench_id: str, max_cost: float, allot: float) -> ColumnElement[bool]:
    """Whether an attempt, given `allot` (USD) in place of what it has now, leaves its bench within `max_cost`.

    An attempt that runs counts with what it is allotted, any other with what it cost. Where one of these is not known
    (None: a model without a price) the sum is not either, and nothing is within.
    """
    every = attempts.alias()
    used = _committed(every)
    known = case((func.count() == func.count(used), func.sum(used)))
    total = select(known).where(every.c.bench == bench_id).scalar_subquery()
    return total - _committed(attempts) + allot <= max_cost * _ROUNDING


def _committed(table: FromClause) -> ColumnElement[float]:
    return case((table.c.outcome == "running", table.c.allotted), else_=table.c.cost)
