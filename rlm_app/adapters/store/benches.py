"""Benches and their attempts. What is true about them is in these rows alone, whoever asks from wherever."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Row, RowMapping, delete, insert, select, true, update

from rlm_app.adapters.store.attempts import COLUMNS, USAGE, from_row, held, take, to_row, within
from rlm_app.adapters.store.database import Database, clock, put
from rlm_app.adapters.store.schema import attempts, benches
from rlm_app.adapters.store.scores import scores
from rlm_app.adapters.store.tallies import tallies
from rlm_app.adapters.store.texts import encode, printable
from rlm_app.benches import OPEN, Attempt, Bench, Outcome, Score, Tally
from rlm_app.errors import NotFound

_WANTED = select(benches.c.id, benches.c.cancelled, benches.c.max_cost, benches.c.body)


class SqlBenches:
    """Implements `ports.Benches`.

    Leases run by the clock of the database server, so that machines whose clocks differ agree on when one has lapsed;
    with SQLite all processes share a machine and its clock.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    # Benches

    def create(self, bench: Bench) -> Bench:
        """As `ports.Benches` says. A `max_cost` of None says nothing: it neither lifts a cap nor stands against one."""
        bench = bench.model_copy(update={"id": bench.key, "cancelled": False})
        fresh = [(example, epoch) for epoch in range(1, bench.epochs + 1) for example in bench.examples]
        made = [Attempt(bench=bench.id, example=example, epoch=epoch) for example, epoch in fresh]
        with self._database.writing() as connection:
            bench = bench.model_copy(update={"created": bench.created or clock(connection)})
            if not _insert(connection, bench, made):
                there = update(benches).where(benches.c.id == bench.id)
                connection.execute(there.values(cancelled=False))
                if bench.max_cost is not None:
                    lower = benches.c.max_cost.is_(None) | (benches.c.max_cost < bench.max_cost)
                    connection.execute(there.where(lower).values(max_cost=bench.max_cost))
            return _bench(connection.execute(_WANTED.where(benches.c.id == bench.id)).mappings().one())

    def put_attempts(self, bench: Bench, attempts: Iterable[Attempt]) -> None:
        bench = bench.model_copy(update={"id": bench.id or bench.key})
        told = [attempt.model_copy(update={"bench": bench.id}) for attempt in attempts]
        with self._database.writing() as connection:
            if not _insert(connection, bench, told):
                raise ValueError(f"bench {bench.id} is there already")

    def bench(self, bench_id: str) -> Bench:
        name = printable(bench_id)
        begins = benches.c.id.startswith(name, autoescape=True)
        exact_first = _WANTED.where(begins).order_by(benches.c.id != name).limit(2)
        with self._database.reading() as connection:
            found = connection.execute(exact_first).mappings().all() if name else []
        if not found:
            raise _none(bench_id)
        if len(found) > 1 and found[0]["id"] != name:
            raise NotFound(f"More than one bench begins with {bench_id}; give more of its id.")
        return _bench(found[0])

    def benches(self) -> list[Bench]:
        newest = _WANTED.order_by(benches.c.created.desc(), benches.c.id)
        with self._database.reading() as connection:
            return [_bench(row) for row in connection.execute(newest).mappings()]

    def cancel(self, bench_id: str) -> None:
        self._set_cancelled(bench_id, True)

    def resume(self, bench_id: str) -> None:
        self._set_cancelled(bench_id, False)

    def _set_cancelled(self, bench_id: str, cancelled: bool) -> None:
        with self._database.writing() as connection:
            _state(connection, bench_id)
            connection.execute(update(benches).where(benches.c.id == bench_id).values(cancelled=cancelled))

    def delete_bench(self, bench_id: str) -> Sequence[str]:
        named = select(attempts.c.run_id).where(attempts.c.bench == bench_id, attempts.c.run_id.is_not(None))
        with self._database.writing() as connection:
            _state(connection, bench_id, lock=True)
            run_ids = connection.scalars(named.order_by(attempts.c.run_id)).all()
            connection.execute(delete(benches).where(benches.c.id == bench_id))
        return run_ids

    # Leases

    def lease(self, bench_id: str, owner: str, seconds: float, *, run_id: str, allot: float | None) -> Attempt | None:
        """As `ports.Benches` says. With a `max_cost`, what is not known (a price, `allot`) leases nothing."""
        with self._database.writing() as connection:
            bench = _state(connection, bench_id)
            if bench.max_cost is not None:
                bench = _state(connection, bench_id, lock=True)  # whoever adds up the cost must do so alone
            if bench.cancelled or (bench.max_cost is not None and allot is None):
                return None
            now = clock(connection)
            taken = {"owner": owner, "lease_until": now + seconds, "run_id": run_id, "allotted": allot}
            affordable = true() if bench.max_cost is None else within(bench_id, bench.max_cost, allot or 0.0)
            row = connection.execute(take(bench_id, now, affordable, taken)).first()
        return from_row(row) if row else None

    def renew(self, owner: str, seconds: float) -> frozenset[str]:
        mine = (attempts.c.outcome == "running") & (attempts.c.owner == printable(owner))
        with self._database.writing() as connection:
            until = clock(connection) + seconds
            prolonged = update(attempts).where(mine).values(lease_until=until).returning(attempts.c.run_id)
            return frozenset(connection.scalars(prolonged))

    def finish(self, attempt: Attempt) -> bool:
        """As `ports.Benches` says. Raises: ValueError, where `attempt.outcome` says that it has not ended."""
        if attempt.outcome in OPEN:
            raise ValueError(f"an attempt does not end as {attempt.outcome}")
        ended = to_row(attempt) | {"lease_until": 0.0, "allotted": None}
        with self._database.writing() as connection:
            ended["finished"] = attempt.finished or clock(connection)
            return connection.execute(update(attempts).where(held(attempt)).values(ended)).rowcount == 1

    def release(self, attempt: Attempt) -> None:
        """As `ports.Benches` says. `attempt.usage`, what its run has cost so far, counts until it is leased again."""
        spent = {name: getattr(attempt.usage, name) for name in USAGE}
        waiting = {"outcome": "waiting", "owner": "", "lease_until": 0.0, "allotted": None}
        with self._database.writing() as connection:
            connection.execute(update(attempts).where(held(attempt)).values(waiting | spent))

    def retry(self, bench_id: str, outcomes: Sequence[Outcome]) -> int:
        row = attempts.c
        ended = [outcome for outcome in outcomes if outcome not in OPEN]
        # The flag first: of two who retry at once, the second then finds nothing.
        superseded = (
            update(attempts)
            .where(row.bench == bench_id, row.latest, row.outcome.in_(ended))
            .values(latest=False)
            .returning(row.example, row.epoch, row.number, row.position)
        )
        with self._database.writing() as connection:
            _state(connection, bench_id, lock=True)
            old, now = connection.execute(superseded).all(), clock(connection)
            new = [Attempt(bench=bench_id, example=at.example, epoch=at.epoch, number=at.number + 1) for at in old]
            placed = [to_row(one) | _place(at.position, now) for one, at in zip(new, old, strict=True)]
            if placed:
                connection.execute(insert(attempts), placed)
        return len(placed)

    # Reading

    def attempts(self, bench_ids: Sequence[str], *, latest: bool = True) -> list[Attempt]:
        """As `ports.Benches` says; the benches in the order of `bench_ids`."""
        row = attempts.c
        wanted = select(*COLUMNS).where(row.bench.in_(bench_ids)).order_by(row.position, row.epoch, row.number)
        order = {bench_id: at for at, bench_id in enumerate(bench_ids)}
        with self._database.reading() as connection:
            for missing in set(bench_ids) - set(connection.scalars(select(benches.c.id))):
                raise _none(missing)
            rows = connection.execute(wanted.where(row.latest) if latest else wanted).all()
        return [from_row(found) for found in sorted(rows, key=lambda found: order[found.bench])]

    def tally(self, bench_ids: Sequence[str]) -> dict[str, Tally]:
        with self._database.reading() as connection:
            found = tallies(connection, [printable(bench_id) for bench_id in bench_ids])
        for missing in set(bench_ids) - set(found):
            raise _none(missing)
        return {bench_id: found[bench_id] for bench_id in bench_ids}

    def scores(self, bench_ids: Sequence[str]) -> dict[str, Score]:
        with self._database.reading() as connection:
            return scores(connection, [printable(bench_id) for bench_id in bench_ids])


def _insert(connection: Connection, bench: Bench, made: Iterable[Attempt]) -> bool:
    """Store a bench and its attempts; False where it is there, and nothing is stored. Raises: ValueError."""
    positions = {example: position for position, example in enumerate(bench.examples)}
    if len(positions) < len(bench.examples):
        raise ValueError("a bench names each of its examples once")
    values = {name: getattr(bench, name) for name in ("id", "created", "cancelled", "max_cost")}
    if not put(connection, benches, values | {"body": encode(bench)}, update={}):
        return False
    now, rows, newest = clock(connection), dict[tuple[str, int, int], dict[str, Any]](), dict[tuple[str, int], int]()
    for attempt in made:
        at = attempt.example, attempt.epoch
        if attempt.example not in positions or (*at, attempt.number) in rows:
            raise ValueError(f"bench {bench.id} has no place for attempt {attempt.key}, or has it twice")
        newest[at] = max(attempt.number, newest.get(at, 0))
        rows[*at, attempt.number] = to_row(attempt) | _place(positions[attempt.example], now)
    for (example, epoch, number), row in rows.items():
        row["latest"] = number == newest[example, epoch]
    if rows:
        connection.execute(insert(attempts), list(rows.values()))
    return True


def _place(position: int, made: float) -> dict[str, Any]:
    return {"position": position, "latest": True, "made": made}


def _state(connection: Connection, bench_id: str, *, lock: bool = False) -> Row[bool, float | None]:
    """What may change in a bench; with `lock`, nobody else who locks it goes on before this transaction has ended.

    Raises:
        NotFound: no such bench.
    """
    wanted = select(benches.c.cancelled, benches.c.max_cost).where(benches.c.id == printable(bench_id))
    found = connection.execute(wanted.with_for_update(key_share=True) if lock else wanted).first()
    if found is None:
        raise _none(bench_id)
    return found


def _bench(row: RowMapping) -> Bench:
    bench = Bench.model_validate_json(row["body"])
    return bench.model_copy(update={"cancelled": row["cancelled"], "max_cost": row["max_cost"]})


def _none(bench_id: str) -> NotFound:
    return NotFound(f"There is no bench {bench_id} here; `rlm-app bench list` lists those there are.")
