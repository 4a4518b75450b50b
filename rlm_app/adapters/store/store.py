"""The Store of this project: events and their index in a database, bodies and corpora as blobs."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path

from pydantic import RootModel
from sqlalchemy import ColumnElement, false, func, select, update
from sqlalchemy.exc import IntegrityError

from rlm_app.adapters.store import index, journal, retention
from rlm_app.adapters.store.benches import SqlBenches
from rlm_app.adapters.store.blobs import Blobs
from rlm_app.adapters.store.database import Database, put
from rlm_app.adapters.store.datasets import SqlDatasets
from rlm_app.adapters.store.quotes import quote
from rlm_app.adapters.store.schema import corpora, events, named, receipts, runs
from rlm_app.adapters.store.texts import decode, encode, folded, printable, well_formed
from rlm_app.codebase import Corpus, FileSpan, Receipt
from rlm_app.errors import NotFound, StorageFailed
from rlm_app.events import Event, RunFinished
from rlm_app.model import Body, RunSummary
from rlm_app.ports import Quote, RunQuery

INLINE_BYTES = 8192
MAX_SEARCH_CHARS = 10_000  # SQLite takes patterns of 50 kB; escaped and in UTF-8 this stays below
GRACE_SECONDS = 3600.0  # between storing a text and naming it lie moments; an hour is safe on any machine
ABANDONED = 24  # times the grace: a day for code that was loaded, and may yet be asked about
_DIED = "The process that worked on this run ended before the run did; what it had stored by then is kept."


class _Stored(RootModel[Receipt]):
    """A receipt as its row holds it: JSON, checked when it is read."""


class SqlStore:
    """Implements `ports.Store`; its `datasets` and `benches` implement those ports, over the same database.

    One instance serves all threads of a process; each process opens its own.
    """

    def __init__(self, database: Database, blobs: Blobs, *, grace: float = GRACE_SECONDS) -> None:
        self._database, self._blobs, self._grace = database, blobs, grace
        self.datasets, self.benches = SqlDatasets(database, self._sweep), SqlBenches(database)

    @classmethod
    def open(cls, url: str, blobs: Path, *, grace: float = GRACE_SECONDS) -> "SqlStore":
        """The store at a database address and a folder, both made and migrated where needed.

        Args:
            url: `sqlite:///file` or `postgresql://user@host/name`.
            blobs: the folder of large texts; processes that share the database share it too.
            grace: seconds for which a text stays that no run names any more.

        Raises:
            InvalidConfig: not such an address.
            StorageFailed: database or folder cannot be used; the sentence says what to do.
        """
        folder = Blobs.open(blobs)
        store = cls(Database.open(url), folder, grace=grace)
        folder.tidy(before=time.time() - GRACE_SECONDS)
        retention.loosen_abandoned(store._database, before=time.time() - ABANDONED * grace)
        store._sweep()
        return store

    def close(self) -> None:
        """Give back all connections. Nothing needs it to be durable."""
        self._database.close()

    # Events

    def append(self, run_id: str, event: Event) -> None:
        body = encode(event)
        event = decode(body)  # what could not be read back is refused here, not found out later
        changes = index.changes(event, lambda: self._before(run_id, event.seq))
        try:
            with self._database.writing() as connection:
                journal.insert_event(connection, run_id, event, body, changes)
                for digest in index.names(event):
                    put(connection, named, {"run_id": run_id, "digest": digest}, update={})
        except IntegrityError:
            raise journal.out_of_order(run_id, event.seq) from None

    def _before(self, run_id: str, seq: int) -> list[Event]:
        told = self.events(run_id)
        if len(told) != seq:
            raise journal.out_of_order(run_id, seq)
        return told

    def events(self, run_id: str, after: int = -1) -> list[Event]:
        wanted = select(events.c.body).where(events.c.run_id == printable(run_id), events.c.seq > after)
        with self._database.reading() as connection:
            bodies = connection.scalars(wanted.order_by(events.c.seq)).all()
        try:
            return [decode(body) for body in bodies]
        except ValueError as error:
            raise StorageFailed(
                f"Run {run_id} holds an event that this version cannot read; it was stored by a newer rlm-app, "
                "so update this one."
            ) from error

    def last_seq(self, run_id: str) -> int:
        with self._database.reading() as connection:
            last = connection.scalar(journal.last_seq(printable(run_id)))
        return -1 if last is None else int(last)

    # History

    def runs(self, query: RunQuery) -> tuple[list[RunSummary], int]:
        conditions = _conditions(query)
        columns = [runs.c[field.name] for field in fields(RunSummary)]
        page = (
            select(*columns)
            .where(*conditions)
            .order_by(runs.c.started.desc(), runs.c.id.desc())
            .limit(query.limit)
            .offset(query.offset)
        )
        with self._database.reading() as connection:
            total = connection.scalar(select(func.count()).select_from(runs).where(*conditions)) or 0
            return [RunSummary(**row) for row in connection.execute(page).mappings()], total

    def quote(self, model: str) -> Quote:
        with self._database.reading() as connection:
            return quote(connection, model)

    def delete(self, run_id: str) -> None:
        with self._database.writing() as connection:
            retention.delete_run(connection, printable(run_id))
        self._sweep()

    def _sweep(self) -> None:
        retention.sweep(self._database, self._blobs, before=time.time() - self._grace)

    # Blobs and bodies

    def put_blob(self, data: bytes) -> str:
        return self._blobs.put(data)

    def get_blob(self, digest: str) -> bytes:
        return self._blobs.get(digest)

    def put_body(self, text: str) -> Body:
        text = well_formed(text)
        data = text.encode()
        if len(data) <= INLINE_BYTES:
            return Body(chars=len(text), text=text)
        return Body(chars=len(text), blob=self._blobs.put(data))

    def text(self, body: Body) -> str:
        return self._blobs.get(body.blob).decode() if body.blob else body.text or ""

    # Corpora and receipts

    def put_corpus(self, corpus: Corpus, *, keep: bool = False) -> None:
        text_digest = self._blobs.put(corpus.text.encode())
        digest = self._blobs.put(corpus.index_json())
        told = {"name": corpus.name, "revision": corpus.revision, "at": time.time()}
        row = {"digest": digest, "text_digest": text_digest, **told, "kept": keep}
        with self._database.writing() as connection:
            put(connection, corpora, row, update=told | ({"kept": True} if keep else {}))

    def corpus(self, digest: str) -> Corpus:
        with self._database.reading() as connection:
            row = connection.execute(select(corpora).where(corpora.c.digest == printable(digest))).first()
        if row is None:
            raise NotFound("This code is not stored here any more; load its repository again.")
        text = self._blobs.get(row.text_digest).decode()
        spans = json.loads(self._blobs.get(row.digest))["files"]
        return Corpus(row.name, row.revision, text, tuple(FileSpan(*span) for span in spans))

    def put_receipt(self, receipt: Receipt) -> None:
        told = {"at": time.time(), "body": encode(_Stored(receipt))}
        with self._database.writing() as connection:
            put(connection, receipts, {"digest": receipt.digest, **told}, update=told)

    def receipt(self, digest: str) -> Receipt:
        with self._database.reading() as connection:
            body = connection.scalar(select(receipts.c.body).where(receipts.c.digest == printable(digest)))
        if body is None:
            raise NotFound("This code is not stored here any more; load its repository again.")
        return _Stored.model_validate_json(body).root

    def recent_receipts(self, limit: int) -> list[Receipt]:
        newest = select(receipts.c.body).order_by(receipts.c.at.desc(), receipts.c.digest).limit(limit)
        with self._database.reading() as connection:
            return [_Stored.model_validate_json(body).root for body in connection.scalars(newest)]

    # Who works on what

    def claim(self, run_id: str, owner: str) -> None:
        self._set(run_id, owner=owner, beat=time.time())

    def request_stop(self, run_id: str) -> None:
        self._set(run_id, stop_requested=True)

    def beat(self, owner: str) -> Sequence[str]:
        mine = (runs.c.status == "running") & (runs.c.owner == owner)
        beaten = update(runs).where(mine).values(beat=time.time()).returning(runs.c.id, runs.c.stop_requested)
        with self._database.writing() as connection:
            return [row.id for row in connection.execute(beaten) if row.stop_requested]

    def interrupt_dead(self, is_dead: Callable[[str, float], bool]) -> Sequence[str]:
        running = select(runs.c.id, runs.c.owner, runs.c.beat).where(runs.c.status == "running")
        with self._database.reading() as connection:
            rows = connection.execute(running).all()
        now = time.time()
        return [row.id for row in rows if is_dead(row.owner, now - row.beat) and self._interrupt(row.id, row.beat)]

    def _interrupt(self, run_id: str, beat: float) -> bool:
        """Finish a run at its last sign of life; False if it has gone on, ended or been deleted meanwhile."""
        try:
            told = self.events(run_id)
        except StorageFailed:  # of a newer version, which will end it
            return False
        with self._database.reading() as connection:
            judged = connection.scalar(select(runs.c.id).where(runs.c.id == run_id, runs.c.beat == beat))
        if judged is None or not told:  # deleted, or resumed since it was judged
            return False
        at = datetime.fromtimestamp(max(beat, told[-1].time), UTC)
        end = RunFinished(seq=told[-1].seq + 1, at=at, status="interrupted", error=_DIED)
        try:
            self.append(run_id, end)
        except ValueError:
            return False
        return True

    def _set(self, run_id: str, **values: object) -> None:
        with self._database.writing() as connection:
            found = connection.execute(update(runs).where(runs.c.id == printable(run_id)).values(**values)).rowcount
        if not found:
            raise NotFound("There is no such run here; it may have been deleted.")


def _conditions(query: RunQuery) -> list[ColumnElement[bool]]:
    def holds(column: ColumnElement[str], text: str) -> ColumnElement[bool]:
        return column.contains(folded(text), autoescape=True) if len(text) <= MAX_SEARCH_CHARS else false()

    columns, conditions = runs.c, list[ColumnElement[bool]]()
    if query.text:
        conditions.append(holds(columns.folded_question, query.text) | holds(columns.folded_repository, query.text))
    if query.repository:
        conditions.append(holds(columns.folded_repository, query.repository))
    if query.model:
        conditions.append(holds(columns.folded_model, query.model))
    if query.status:
        conditions.append(columns.status == query.status)
    return conditions
