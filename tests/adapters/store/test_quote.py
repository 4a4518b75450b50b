"""A quote says what finished runs of a model took: the median and the 90th percentile of each figure."""

import statistics
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlm_app.adapters.store import SqlStore
from rlm_app.adapters.store.quotes import _spread
from rlm_app.events import RunFinished, StepStarted
from rlm_app.model import Usage
from rlm_app.ports import Quote
from tests.adapters.store.told import START, finish, progress, start, tell


def ran(store: SqlStore, run_id: str, *, steps: int = 1, status: str = "answered", cost: float | None = 0.0) -> None:
    """A run with so many steps of 100 tokens, a second each; the last one has the cost."""
    tell(store, run_id, start(run_id, model="m/one"))
    for step in range(1, steps + 1):
        usage = Usage(calls=1, tokens_in=90, tokens_out=10, cost=cost if step == steps else 0.0)
        store.append(run_id, StepStarted(seq=step, step=step, reasoning="", code="", usage=usage))
    end = START + timedelta(seconds=steps)
    store.append(run_id, RunFinished(seq=steps + 1, at=end, status=status))  # type: ignore[arg-type]


def test_without_runs_there_is_nothing_to_say(store: SqlStore) -> None:
    assert store.quote("m/one") == Quote(0)
    for status in ("cancelled", "failed", "interrupted"):
        ran(store, status, status=status)
    tell(store, "running", start("running", model="m/one"), progress(1))
    tell(store, "other", start("other", model="m/another"), finish(1))
    for model in ("m/one", "a\0b", "\ud800"):
        assert store.quote(model) == Quote(0)


def test_one_run_is_both_median_and_ninetieth(store: SqlStore) -> None:
    ran(store, "r", steps=3, cost=0.5)
    assert store.quote("m/one") == Quote(1, (3, 3), (300, 300), (3, 3), (0.5, 0.5))


def test_figures_lie_between_two_runs_in_proportion(store: SqlStore) -> None:
    for steps, status in ((1, "answered"), (2, "extracted"), (3, "limit"), (4, "answered")):
        ran(store, f"r{steps}", steps=steps, status=status, cost=steps / 10)
    quote = store.quote("m/one")
    assert quote.runs == 4
    assert quote.steps == pytest.approx((2.5, 3.7))
    assert quote.tokens == pytest.approx((250, 370))
    assert quote.seconds == pytest.approx((2.5, 3.7))
    assert quote.cost == pytest.approx((0.25, 0.37))


def test_the_cost_is_unknown_where_that_of_any_run_is(store: SqlStore) -> None:
    ran(store, "known", cost=0.5)
    ran(store, "unknown", cost=None)
    assert store.quote("m/one").cost is None
    assert store.quote("m/one").tokens == (100, 100)


def test_runs_from_before_tokens_were_counted_are_left_out_of_those_alone(store: SqlStore) -> None:
    ran(store, "old", steps=3)
    with store._database.writing() as connection:
        connection.exec_driver_sql("UPDATE runs SET tokens_in = NULL, tokens_out = NULL")
    assert store.quote("m/one").tokens == (0, 0)
    ran(store, "new", steps=1)
    quote = store.quote("m/one")
    assert (quote.runs, quote.steps[0], quote.tokens) == (2, 2, (100, 100))


def test_the_newest_thousand_count(store: SqlStore) -> None:
    from sqlalchemy import insert, select

    from rlm_app.adapters.store.schema import runs

    ran(store, "r", steps=2, cost=None)
    with store._database.writing() as connection:
        row = dict(connection.execute(select(runs)).mappings().one())
        newer = row | {"steps": 9, "cost": 0.5}
        later = [newer | {"id": f"r{number}", "started": row["started"] + number} for number in range(1, 1001)]
        connection.execute(insert(runs), later)
    assert store.quote("m/one") == Quote(1000, (9, 9), (200, 200), (2, 2), (0.5, 0.5))


@given(st.lists(st.floats(0, 1e6), min_size=2, max_size=30))
def test_quantiles_are_those_of_the_standard_library(values: list[float]) -> None:
    tenths = statistics.quantiles(values, n=10, method="inclusive")
    assert _spread(values) == pytest.approx((statistics.median(values), tenths[8]))
