"""What may be removed once a run or a data set is: what it named, nothing names any more, and nobody has put lately."""

from collections.abc import Iterable

from sqlalchemy import ColumnElement, Connection, delete, exists, select, update

from rlm_app.adapters.store.blobs import Blobs
from rlm_app.adapters.store.database import Database, put
from rlm_app.adapters.store.schema import corpora, examples, loose, named, receipts, runs
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


def keep_contexts(connection: Connection, dataset: str) -> None:
    """Keep the contexts of a data set: while it was being imported another that names them may have been deleted."""
    contexts = select(examples.c.context).where(examples.c.dataset == dataset)
    connection.execute(update(corpora).where(corpora.c.digest.in_(contexts), ~corpora.c.kept).values(kept=True))


def loosen_contexts(connection: Connection, contexts: Iterable[str]) -> None:
    """Leave to `sweep`, and to the last run that names them, those contexts that no data set names any more."""
    unnamed = ~exists().where(examples.c.context == corpora.c.digest)
    for digest in contexts:
        freed = update(corpora).where(corpora.c.digest == digest, corpora.c.kept, unnamed).values(kept=False)
        if connection.execute(freed).rowcount:
            put(connection, loose, {"digest": digest}, update={})


def loosen_abandoned(database: Database, *, before: float) -> None:
    """Leave to `sweep` the corpora that nothing names and nobody has put since that time.

    They were loaded and never asked about, or belong to an import whose process was killed.
    """
    unnamed = ~exists().where(named.c.digest == corpora.c.digest) & ~exists().where(
        examples.c.context == corpora.c.digest
    )
    abandoned = select(corpora.c.digest).where(corpora.c.at <= before, unnamed)
    with database.reading() as connection:
        if connection.scalar(abandoned.limit(1)) is None:
            return
    with database.writing() as connection:
        for digest in connection.scalars(abandoned).all():
            connection.execute(update(corpora).where(corpora.c.digest == digest).values(kept=False))
            put(connection, loose, {"digest": digest}, update={})


def sweep(database: Database, blobs: Blobs, *, before: float) -> None:
    """Remove what deleted runs and data sets named, nothing names now, and was last put before that time.

    `before` is in seconds since the epoch. Rows go first and files after they are gone for good; a crash in between
    leaves files that the next sweep removes.
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
