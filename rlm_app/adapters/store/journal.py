"""How an event gets into the database: next in order, with what it changes in the row of its run, or not at all."""

from typing import Any

from sqlalchemy import ColumnElement, Connection, Integer, Select, bindparam, func, insert, select, update
from sqlalchemy.sql.dml import ReturningInsert

from rlm_app.adapters.store.schema import events, runs
from rlm_app.adapters.store.texts import printable
from rlm_app.events import Event, RunResumed, RunStarted


def insert_event(connection: Connection, run_id: str, event: Event, body: str, changes: dict[str, object]) -> None:
    """Add an event and change the row of its run, if that event is the next one of a run that has not finished.

    `RunResumed` may also follow an end that said `interrupted`; from then on whoever stores it is to claim the run.
    `changes` are the columns of the run's row that the event changes. They are written before the event, so that two
    writers of one run queue up and cannot block each other.

    Raises:
        ValueError: it is not the next event, or the run has finished or is not there.
        IntegrityError: another process has just stored an event of that number.
    """
    row = {"run_id": run_id, "seq": event.seq, "at": event.time, "type": event.type, "body": body}
    resumes = isinstance(event, RunResumed)
    goes_on = runs.c.status.in_(("running", "interrupted") if resumes else ("running",))
    next_one = goes_on & (last_seq(run_id).scalar_subquery() == event.seq - 1)
    unclaimed = {"owner": "", "beat": event.time, "stop_requested": False}
    if isinstance(event, RunStarted):
        if event.seq != 0 or event.run_id != run_id or printable(run_id) != run_id:
            raise ValueError(f"run {run_id!r} begins with event 0, which names it")
        connection.execute(insert(runs).values(**changes, **unclaimed))
    elif changes:
        changes = changes | unclaimed if resumes else changes
        changed = connection.execute(update(runs).where(runs.c.id == run_id, next_one).values(**changes))
        if changed.rowcount == 0:
            raise out_of_order(run_id, event.seq)
    else:
        # Not rowcount: on PostgreSQL an INSERT here may leave it unknown.
        if connection.scalar(_INSERT_NEXT, {**row, "before": event.seq - 1}) is None:
            raise out_of_order(run_id, event.seq)
        return
    connection.execute(_INSERT, row)


def last_seq(run_id: str | ColumnElement[str]) -> Select[Any]:
    return select(func.max(events.c.seq)).where(events.c.run_id == run_id)


def _insert_next() -> ReturningInsert[Any]:
    """An event, if its run is running and the one `before` is its last. Made once: most of a run are stored by it."""
    names = ("run_id", "seq", "at", "type", "body")
    told = [bindparam(name, type_=events.c[name].type) for name in names]
    last = last_seq(bindparam("run_id", type_=events.c.run_id.type)).scalar_subquery()
    goes_on = (runs.c.id == told[0]) & (runs.c.status == "running") & (last == bindparam("before", type_=Integer))
    return insert(events).from_select(names, select(*told).where(goes_on)).returning(events.c.seq)


_INSERT, _INSERT_NEXT = insert(events), _insert_next()


def out_of_order(run_id: str, seq: int) -> ValueError:
    return ValueError(f"event {seq} is not the next one of run {run_id!r}, or that run has finished or is not there")
