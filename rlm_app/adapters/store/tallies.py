"""How far benches are: one query, however many."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, case, func, select

from rlm_app.adapters.store.attempts import USAGE
from rlm_app.adapters.store.schema import attempts, benches
from rlm_app.benches import Outcome, Tally
from rlm_app.model import Usage


def tallies(connection: Connection, bench_ids: Sequence[str]) -> dict[str, Tally]:
    """The tally of each bench that is there: the outcomes of latest attempts, what all attempts used."""
    by_bench: dict[str, list[RowMapping]] = {}
    for row in connection.execute(_sums(bench_ids)).mappings():
        by_bench.setdefault(row["bench"], []).append(row)
    return {bench_id: _tally(rows) for bench_id, rows in by_bench.items()}


def _sums(bench_ids: Sequence[str]) -> Select[Any]:
    """A row for each bench, outcome and whether latest, in the order of an index; one of nulls for an empty bench."""
    row = attempts.c
    sums = (
        select(
            row.bench,
            row.outcome,
            row.latest,
            func.count().label("number"),
            func.count(row.cost).label("known"),
            func.sum(case((row.outcome == "running", row.allotted))).label("allotted"),
            *(func.sum(row[name]).label(name) for name in USAGE),
        )
        .where(row.bench.in_(bench_ids))
        .group_by(row.bench, row.outcome, row.latest)
        .subquery()
    )
    others = [column for column in sums.c if column.name != "bench"]
    both = benches.outerjoin(sums, sums.c.bench == benches.c.id)
    return select(benches.c.id.label("bench"), *others).select_from(both).where(benches.c.id.in_(bench_ids))


def _tally(rows: Sequence[RowMapping]) -> Tally:
    outcomes: dict[Outcome, int] = {row["outcome"]: row["number"] for row in rows if row["latest"]}
    used = Usage()
    for row in rows:
        sums: dict[str, Any] = {name: int(row[name] or 0) for name in USAGE if name != "cost"}
        used += Usage(**sums, cost=(row["cost"] or 0.0) if row["known"] == row["number"] else None)
    allotted = sum(row["allotted"] or 0.0 for row in rows)
    return Tally(total=sum(outcomes.values()), outcomes=outcomes, usage=used, allotted=allotted)
