"""What runs of a model took, from the rows of those that have finished."""

from collections.abc import Sequence

from sqlalchemy import Connection, select

from rlm_app.adapters.store.schema import runs
from rlm_app.adapters.store.texts import printable
from rlm_app.ports import Quote

_NEWEST = 1000


def quote(connection: Connection, model: str) -> Quote:
    """As `Store.quote` says. Runs from before schema 0002 have no tokens and are left out of those alone."""
    counted = (runs.c.model == printable(model)) & runs.c.status.in_(("answered", "extracted", "limit"))
    columns = (runs.c.steps, runs.c.tokens_in, runs.c.tokens_out, runs.c.seconds, runs.c.cost)
    newest = select(*columns).where(counted).order_by(runs.c.started.desc()).limit(_NEWEST)
    rows = connection.execute(newest).all()
    if not rows:
        return Quote(0)
    costs = [row.cost for row in rows]
    return Quote(
        runs=len(rows),
        steps=_spread([row.steps for row in rows]),
        tokens=_spread([row.tokens_in + row.tokens_out for row in rows if row.tokens_in is not None]),
        seconds=_spread([row.seconds for row in rows]),
        cost=None if None in costs else _spread(costs),
    )


def _spread(values: Sequence[float]) -> tuple[float, float]:
    """Median and 90th percentile, between two values in proportion (Hyndman and Fan's definition 7); 0 of nothing."""
    ordered = sorted(values)

    def quantile(share: float) -> float:
        at = share * (len(ordered) - 1)
        low = int(at)
        high = min(low + 1, len(ordered) - 1)
        return ordered[low] + (at - low) * (ordered[high] - ordered[low])

    return (quantile(0.5), quantile(0.9)) if ordered else (0, 0)
