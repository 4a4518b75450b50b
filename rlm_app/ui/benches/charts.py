"""Charts of benches on a page: which one, what a click on it leads to, and the literature in it or not."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import streamlit as st

from rlm_app.charts.catalogue import CHARTS
from rlm_app.charts.chart import Chart
from rlm_app.charts.parts import by_property, properties
from rlm_app.charts.references import REFERENCES
from rlm_app.ui import charts
from rlm_app.ui.benches.shown import Shown
from rlm_app.ui.places import BENCHMARKS, RUN, Query
from rlm_app.ui.session import user_errors

BY = "by "
TELLING = ("question type", "difficulty", "length", "domain", "language", "repository")

COST = "cost-accuracy"
"""The chart that holds right answers against cost. What is free has no place on it."""

OF_COST = (COST, "cost", "cost-budget")
"""Charts that show nothing where all is free."""

NOT_ALONE = ("differences", "memorisation", COST)
"""Charts that need several benches."""

FREE = "These benches cost nothing, so there is no cost to hold their answers against."

BROKEN_DOWN = "context-size"
"""The chart whose groups are those of the breakdown by context tokens."""


def leading(shown: Shown) -> tuple[str, str]:
    """What stands on the leaderboard: accuracy, and cost, or where that would be empty the most telling breakdown."""
    return "accuracy", telling(shown) if made(COST, shown).empty else COST


def first_charts(shown: Shown, names: tuple[str, str]) -> None:
    """Two charts side by side where there is room."""
    for name, column in zip(names, st.columns(2), strict=True):
        with column:
            chart(name, shown)


def chart_picker(shown: Shown, names: tuple[str, ...], *, key: str, without: tuple[str, ...] = ()) -> None:
    """One chart of these that are `offered`; the choice is part of the address."""
    name = st.selectbox(
        "Chart",
        offered(shown, names, without),
        format_func=title,
        key=key,
        bind="query-params",
        width=420,
        filter_mode="contains",
    )
    chart(name, shown)


def offered(shown: Shown, names: tuple[str, ...], without: tuple[str, ...] = ()) -> list[str]:
    """Those of these charts that have something to show, and the breakdowns that there are `without` some."""
    parts = [BY + by for by in properties(shown.examples) if by != "context tokens"]
    useless = (*(OF_COST if _free(shown) else ()), *(NOT_ALONE if len(shown.results) < 2 else ()))
    return [*(name for name in names if name not in useless), *(part for part in parts if part not in without)]


def _free(shown: Shown) -> bool:
    return all(attempt.usage.cost == 0 for result in shown.results for attempt in result.ended)


def telling(shown: Shown) -> str:
    """The breakdown that tells most about these examples, or where there is none the steps that attempts took."""
    there = properties(shown.examples)
    return next((BY + by for by in TELLING if by in there), "steps")


def others(names: tuple[str, ...]) -> tuple[str, ...]:
    """All charts but these."""
    return tuple(name for name in CHARTS if name not in names)


@cache
def title(name: str) -> str:
    """What a chart is called before there is anything on it."""
    return made(name, Shown((), {}, {})).title


def made(name: str, shown: Shown) -> Chart:
    """A chart by its name in the catalogue, or a breakdown by `by …`."""
    if name.startswith(BY):
        return by_property(shown.results, shown.examples, name.removeprefix(BY))
    chart = CHARTS[name](shown.results, shown.examples)
    if name == COST and chart.empty and chart.lines and _free(shown):
        return replace(chart, warnings=(FREE,))
    return chart if shown.literature else without_literature(chart)


def without_literature(chart: Chart) -> Chart:
    """The chart with what was measured here alone."""
    names = {reference.label for reference in REFERENCES}
    kept = tuple(row for row in chart.y.order if row not in names)
    series = tuple(one for one in chart.series if one.model or one.tone or one.name not in names)
    return replace(chart, y=replace(chart.y, order=kept), series=series)


def open_run(run_id: str) -> None:
    st.switch_page(RUN, query_params={"run": run_id})


def chart(name: str, shown: Shown, on_run: Callable[[str], None] = open_run) -> None:
    """Draw a chart. A click calls `on_run` with the run behind a point, or opens the bench where it stands for several.

    A point stays selected once it was clicked, so only another click counts.
    """
    run_id, where, key = None, None, f"chart-{name.replace(' ', '-')}"
    with user_errors():
        drawn = made(name, shown)
        run_id = charts.show(drawn, shown.palette, key=key, dark=st.context.theme.type == "dark")
        where = aim(drawn, shown, st.session_state.get(key) or {})
    before = st.session_state.get(f"{key}-clicked")
    st.session_state[f"{key}-clicked"] = run_id
    if run_id and run_id != before:
        on_run(run_id)
    if where and not run_id:
        st.switch_page(BENCHMARKS, query_params=where)


def aim(chart: Chart, shown: Shown, state: Mapping[str, Any]) -> Query | None:
    """The bench, and the part of its examples, behind a selected point that is no single run; None without one."""
    for point in state.get("selection", {}).get("points", []):
        curve = point.get("curve_number", -1)
        if not 0 <= curve < len(chart.series):
            continue
        series = chart.series[curve]
        bench_id = shown.bench_of(series.panel or series.name) if series.model or series.panel else None
        if not bench_id:
            continue
        by = "context tokens" if chart.name == BROKEN_DOWN else chart.x.title
        if chart.name == BROKEN_DOWN or chart.name.startswith("by-"):
            return {"bench": bench_id, "tab": "Examples", "part": f"{by}: {point.get('x')}"}
        return {"bench": bench_id}
    return None
