"""How an event gets into the database: next in order, with what it changes in the row of its run, or not at all."""

from typing import Any

from sqlalchemy import Connection, Select, func, insert, literal, select, update

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
        values = select(*(literal(value) for value in row.values())).where(runs.c.id == run_id, next_one)
        stored = insert(events).from_select(list(row), values).returning(events.c.seq)
        if connection.scalar(stored) is None:  # not rowcount: on PostgreSQL an INSERT here may leave it unknown
            raise out_of_order(run_id, event.seq)
        return
    connection.execute(insert(events).values(**row))


def last_seq(run_id: str) -> Select[Any]:
    return select(func.max(events.c.seq)).where(events.c.run_id == run_id)


def out_of_order(run_id: str, seq: int) -> ValueError:
    return ValueError(f"event {seq} is not the next one of run {run_id!r}, or that run has finished or is not there")
