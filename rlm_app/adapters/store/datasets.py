"""Data sets and their examples. The contexts are corpora, which live as long as a data set or a run names them."""

from collections.abc import Callable, Iterable, Sequence

from sqlalchemy import Connection, delete, insert, select

from rlm_app.adapters.store import retention
from rlm_app.adapters.store.database import Database, put
from rlm_app.adapters.store.schema import datasets, examples
from rlm_app.adapters.store.texts import encode, printable
from rlm_app.errors import DatasetUnavailable, NotFound
from rlm_app.examples import Dataset, Example

_FEW = 1000  # ids that go into a statement; SQLite takes 32,766, and for more it is quicker to read all


class SqlDatasets:
    """Implements `ports.Datasets`. `sweep` is called, outside any transaction, once contexts may be removable."""

    def __init__(self, database: Database, sweep: Callable[[], None]) -> None:
        self._database, self._sweep = database, sweep

    def put_dataset(self, dataset: Dataset, examples: Iterable[Example]) -> None:
        """As `ports.Datasets` says. Raises: DatasetUnavailable, for ids that are not unique or hold control codes."""
        rows = _rows(dataset.name, examples)  # first of all: whoever makes the examples may be storing their contexts
        body = encode(dataset)
        with self._database.writing() as connection:
            put(connection, datasets, {"name": dataset.name, "body": body}, update={"body": body})
            _replace_examples(connection, dataset.name, rows)
        self._sweep()

    def datasets(self) -> list[Dataset]:
        with self._database.reading() as connection:
            bodies = connection.scalars(select(datasets.c.body).order_by(datasets.c.name)).all()
        return sorted(map(Dataset.model_validate_json, bodies), key=lambda dataset: dataset.name)

    def dataset(self, name: str) -> Dataset:
        with self._database.reading() as connection:
            _check(connection, name)
            body = connection.scalar(select(datasets.c.body).where(datasets.c.name == name))
        return Dataset.model_validate_json(body or "")

    def examples(self, name: str, ids: Sequence[str] | None = None) -> list[Example]:
        wanted = select(examples.c.id, examples.c.body).where(examples.c.dataset == name)
        if ids is not None and len(ids) <= _FEW:
            wanted = wanted.where(examples.c.id.in_([printable(one) for one in ids]))
        with self._database.reading() as connection:
            _check(connection, name)
            bodies = {row.id: row.body for row in connection.execute(wanted.order_by(examples.c.position))}
        missing = [one for one in ids or () if one not in bodies]
        if missing:
            raise NotFound(
                f"The data set {name} has no example {missing[0]}; `rlm-app dataset show {name}` lists them."
            )
        return [Example.model_validate_json(bodies[one]) for one in (bodies if ids is None else ids)]

    def delete_dataset(self, name: str) -> None:
        with self._database.writing() as connection:
            _check(connection, name)
            _replace_examples(connection, name, [])
            connection.execute(delete(datasets).where(datasets.c.name == name))
        self._sweep()


def _rows(name: str, told: Iterable[Example]) -> list[dict[str, object]]:
    rows: dict[str, dict[str, object]] = {}
    for position, example in enumerate(told):
        if example.id in rows or printable(example.id) != example.id:
            raise DatasetUnavailable(
                f"Example {position + 1} has the id {example.id!r}, which is taken or cannot be stored; "
                "give each example a name of its own and import the file again."
            )
        told_of = {"id": example.id, "context": example.context, "body": encode(example)}
        rows[example.id] = {"dataset": name, "position": position, **told_of}
    return list(rows.values())


def _replace_examples(connection: Connection, name: str, rows: list[dict[str, object]]) -> None:
    mine = examples.c.dataset == name
    before = connection.scalars(select(examples.c.context).where(mine).distinct()).all()
    connection.execute(delete(examples).where(mine))
    if rows:
        connection.execute(insert(examples), rows)
    retention.keep_contexts(connection, name)
    retention.loosen_contexts(connection, before)


def _check(connection: Connection, name: str) -> None:
    """Raises: NotFound, with the names there are."""
    names = sorted(connection.scalars(select(datasets.c.name)))
    if name not in names:
        there = f"there are {', '.join(names)}" if names else "none is stored yet"
        raise NotFound(f"There is no data set {name} here: {there}; `rlm-app dataset import` adds one.")
