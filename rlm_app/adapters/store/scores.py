"""What benches have come to, in three queries however many there are."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, RowMapping, and_, case, func, select

from rlm_app.adapters.store.schema import attempts
from rlm_app.benches import Outcome, Score
from rlm_app.reports.results import ANSWERED, ENDED

_ROW = attempts.c


def scores(connection: Connection, bench_ids: Sequence[str]) -> dict[str, Score]:
    """The score of each bench that has attempts."""
    latest = and_(_ROW.bench.in_(bench_ids), _ROW.latest)
    found: dict[str, list[RowMapping]] = {}
    for row in connection.execute(_SUMS.where(latest)).mappings():
        found.setdefault(row["bench"], []).append(row)
    several = [bench_id for bench_id, rows in found.items() if max(row["epochs"] for row in rows) > 1]
    groups, medians = _groups(connection, several), _medians(connection, latest)
    return {bench_id: _score(rows, medians.get(bench_id), groups.get(bench_id, ())) for bench_id, rows in found.items()}


_SUMS = select(
    _ROW.bench,
    _ROW.outcome,
    func.count().label("number"),
    func.max(_ROW.epoch).label("epochs"),
    func.sum(_ROW.tokens_in + _ROW.tokens_out).label("tokens"),
    func.sum(_ROW.steps).label("steps"),
    func.sum(_ROW.cost).label("cost"),
    func.count(_ROW.cost).label("priced"),
).group_by(_ROW.bench, _ROW.outcome)


def _score(rows: Sequence[RowMapping], median: float | None, groups: tuple[tuple[int, int, int], ...]) -> Score:
    outcomes: dict[Outcome, int] = {row["outcome"]: row["number"] for row in rows}
    ended = [row for row in rows if row["outcome"] in ENDED]
    priced = all(row["priced"] == row["number"] for row in ended)
    return Score(
        outcomes=outcomes,
        tokens=int(sum(row["tokens"] for row in ended)),
        cost=sum(row["cost"] for row in ended) if priced else None,
        steps=int(sum(row["steps"] for row in ended)),
        median_seconds=median,
        groups=groups,
    )


def _medians(connection: Connection, latest: ColumnElement[bool]) -> dict[str, float]:
    """The median of seconds by bench: neither database has a function for it that the other has too."""
    ranked = (
        select(
            _ROW.bench,
            _ROW.seconds,
            func.row_number().over(partition_by=_ROW.bench, order_by=_ROW.seconds).label("place"),
            func.count().over(partition_by=_ROW.bench).label("number"),
        )
        .where(latest, _ROW.outcome.in_(ENDED), _ROW.seconds.is_not(None))
        .subquery()
    )
    middle = ranked.c.place * 2 - ranked.c.number  # 1 where the number is odd, else 0 and 2
    wanted = select(ranked.c.bench, func.avg(ranked.c.seconds)).where(middle.between(0, 2)).group_by(ranked.c.bench)
    return {bench_id: float(median) for bench_id, median in connection.execute(wanted)}


def _groups(connection: Connection, bench_ids: Sequence[str]) -> dict[str, tuple[tuple[int, int, int], ...]]:
    """Right, answered and ended attempts of each example, in the order of the examples."""
    if not bench_ids:
        return {}
    wanted = (
        select(
            _ROW.bench,
            func.count(case((_ROW.outcome == "right", 1))),
            func.count(case((_ROW.outcome.in_(ANSWERED), 1))),
            func.count(),
        )
        .where(_ROW.bench.in_(bench_ids), _ROW.latest, _ROW.outcome.in_(ENDED))
        .group_by(_ROW.bench, _ROW.position)
        .order_by(_ROW.bench, _ROW.position)
    )
    found: dict[str, list[tuple[int, int, int]]] = {}
    for bench_id, right, answered, ended in connection.execute(wanted):
        found.setdefault(bench_id, []).append((right, answered, ended))
    return {bench_id: tuple(groups) for bench_id, groups in found.items()}
