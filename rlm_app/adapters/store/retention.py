"""What may be removed once a run is deleted: what it named, nothing names any more, and nobody has put lately."""

from sqlalchemy import ColumnElement, Connection, delete, exists, select

from rlm_app.adapters.store.blobs import Blobs
from rlm_app.adapters.store.database import Database, put
from rlm_app.adapters.store.schema import corpora, loose, named, receipts, runs
from rlm_app.errors import NotFound


def delete_run(connection: Connection, run_id: str) -> None:
    """Remove a run and its events, and remember what it named for `sweep`.

    Raises:
        NotFound: no such run.
    """
    digests = connection.scalars(select(named.c.digest).where(named.c.run_id == run_id)).all()
    if connection.execute(delete(runs).where(runs.c.id == run_id)).rowcount == 0:
        raise NotFound("There is no such run here; it may have been deleted already.")
    for digest in digests:
        put(connection, loose, {"digest": digest}, update={})


def sweep(database: Database, blobs: Blobs, *, before: float) -> None:
    """Remove what deleted runs named, nothing names now, and was last put before that time (seconds since the epoch).

    Rows go first and files after they are gone for good; a crash in between leaves files that the next sweep removes.
    """
    with database.reading() as connection:
        if connection.scalar(select(loose.c.digest).limit(1)) is None:
            return
    with database.writing() as connection:
        for digest in connection.scalars(select(loose.c.digest)).all():
            _drop_corpus(connection, digest, before)
        connection.execute(delete(loose).where(loose.c.digest.in_(select(named.c.digest))))
        connection.execute(delete(loose).where(loose.c.digest.in_(select(corpora.c.digest).where(corpora.c.kept))))
        due = connection.scalars(select(loose.c.digest).where(~_in_use(loose.c.digest))).all()
    gone = [digest for digest in due if blobs.drop(digest, before=before)]
    if gone:
        with database.writing() as connection:
            for digest in gone:
                connection.execute(delete(loose).where(loose.c.digest == digest))


def _drop_corpus(connection: Connection, digest: str, before: float) -> None:
    """Remove the row of a corpus that no run names, with its receipt; its blobs are loose from then on."""
    old = corpora.c.at <= before
    unnamed = ~exists().where(named.c.digest == corpora.c.digest)
    text_digest = connection.scalar(
        delete(corpora)
        .where(corpora.c.digest == digest, old, ~corpora.c.kept, unnamed)
        .returning(corpora.c.text_digest)
    )
    if text_digest is not None:
        connection.execute(delete(receipts).where(receipts.c.digest == digest))
        put(connection, loose, {"digest": text_digest}, update={})


def _in_use(digest: ColumnElement[str]) -> ColumnElement[bool]:
    return exists().where(corpora.c.digest == digest) | exists().where(corpora.c.text_digest == digest)
