"""The leaderboard: one row a bench, the literature beside them, and the rows that were chosen."""

import zlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import streamlit as st

from rlm_app.application import App
from rlm_app.charts.references import Reference
from rlm_app.reports.leaderboard import STATES, Row, Wanted, literature, rows_of
from rlm_app.scoring import Interval, wilson
from rlm_app.ui.benches.shown import CHOSEN, choose, chosen
from rlm_app.ui.places import BENCHMARKS, COMPARE
from rlm_app.ui.text import visible

MOST_CHARTED = 6
MOST_COMPARED = 4
ROWS_SEEN = 14
OPEN = "open_bench"


def rows(here: App) -> list[Row]:
    """Every bench there is, newest first."""
    stored = here.bencher.services.benches
    benches = stored.benches()
    return rows_of(benches, stored.scores([bench.id for bench in benches]))


def filters(every: Sequence[Row]) -> tuple[Wanted, bool]:
    """What the visitor looks for, and whether the literature is to be seen; all of it is part of the address."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        like = st.text_input("Model", key="like", bind="query-params", type="search", placeholder="any", width=220)
        names = sorted({row.bench.dataset for row in every})
        dataset = _one_of("Data set", "dataset", names) if len(names) > 1 else ""
        states = [state for state in STATES if any(row.state == state for row in every)]
        state = _one_of("State", "state", states) if len(states) > 1 else ""
        known = bool(literature(every, Wanted()))
        shown = known and st.toggle("Literature", value=True, key="literature", bind="query-params")
    return Wanted(dataset, like or "", state), shown


def _one_of(label: str, key: str, options: Sequence[str]) -> str:
    return st.selectbox(label, options, index=None, placeholder="any", key=key, bind="query-params", width=160) or ""


def board(found: Sequence[Row], known: Sequence[Reference]) -> None:
    """The table. Ticked rows are kept in the address; a model's name opens its bench."""
    if not found:
        st.markdown("No bench matches these filters.")
        st.button("Clear the filters", on_click=_clear)
        return
    ids = [row.bench.id for row in found]
    ticked = [ids.index(bench_id) for bench_id in st.query_params.get_all(CHOSEN) if bench_id in ids]
    # Its selection goes by place, so another list of benches is another table.
    key = f"board-{zlib.crc32(' '.join(ids).encode()):08x}"

    def on_tick() -> None:
        places = st.session_state[key]["selection"]["rows"]
        choose([ids[at] for at in places if at < len(ids)])

    def on_open() -> None:
        place = st.session_state[OPEN]["row"]
        if place < len(ids):
            st.session_state["opening"] = ids[place]

    cells = [_cells(row) for row in found] + [_reference(reference) for reference in known]
    st.dataframe(
        {name: [row[name] for row in cells] for name in cells[0]},
        hide_index=True,
        key=key,
        on_select=on_tick,
        selection_mode="multi-row",
        selection_default={"selection": {"rows": ticked}},
        column_config=_columns(on_open, cells),
        height="content" if len(cells) <= ROWS_SEEN else 35 * (ROWS_SEEN + 1),
        placeholder="–",
        alt="Leaderboard",
    )
    if opened := st.session_state.pop("opening", None):
        st.switch_page(BENCHMARKS, query_params={"bench": opened})


def _clear() -> None:
    st.session_state["like"] = ""
    st.session_state["dataset"] = st.session_state["state"] = None


def _cells(row: Row) -> dict[str, Any]:
    bench, overall, answered = row.bench, row.over_all, row.over_answered
    progress = "" if row.state == "done" else f" {row.done:,}/{row.total:,}"
    sub = bench.config.sub_model
    return {
        "model": visible(bench.config.model),
        "right": _percent(overall.value),
        "interval": _interval(overall.interval) if overall.n else None,
        "n": overall.n,
        "state": row.state + progress,
        "dataset": bench.dataset,
        "split": visible(bench.split),
        "right_answered": _percent(answered.value),
        "interval_answered": _interval(answered.interval) if answered.n else None,
        "errors": row.score.outcomes.get("error", 0),
        "limits": row.score.outcomes.get("limit", 0),
        "cost": row.mean_cost,
        "tokens": row.mean_tokens,
        "seconds": row.score.median_seconds,
        "steps": row.mean_steps,
        "sub_model": visible(sub) if sub and sub != bench.config.model else None,
        "sandbox": bench.config.sandbox,
        "prompts": bench.prompts[:6],
        "epochs": bench.epochs,
        "shuffle": None if bench.shuffle is None else f"seed {bench.shuffle}",
        "max_steps": bench.config.max_steps,
        "date": datetime.fromtimestamp(bench.created, UTC),
        "id": bench.id,
    }


def _reference(reference: Reference) -> dict[str, Any]:
    """A figure of the literature as a row; of a range its middle, with the ends as its interval."""
    low, high = reference.value, reference.to or reference.value
    interval = Interval(low, high)
    if reference.n and reference.to is None:
        interval = wilson(round(reference.value * reference.n), reference.n)
    blank = dict.fromkeys(_COLUMNS)
    return blank | {
        "model": reference.label,
        "right": _percent((low + high) / 2),
        "interval": _interval(interval) if reference.n or reference.to else None,
        "n": reference.n,
        "state": "literature",
        "dataset": "longbench",
        "split": reference.source,
        "cost": reference.cost[0] if reference.cost else None,
    }


def _percent(value: float | None) -> float | None:
    return None if value is None else 100 * value


def _interval(interval: Interval) -> str:
    return f"{100 * interval.low:.1f} – {100 * interval.high:.1f}"


_COLUMNS: Mapping[str, tuple[str, str, str]] = {
    "model": ("Model", "", ""),
    "right": ("Right", "%.1f %%", "Over all attempts that ended: whatever is not right is not"),
    "interval": ("95 %", "", "Wilson interval of that; with several epochs a cluster bootstrap by example"),
    "n": ("n", "%d", "Attempts that ended"),
    "state": ("State", "", ""),
    "dataset": ("Data set", "", ""),
    "split": ("Split", "", "Of a figure from the literature its source"),
    "right_answered": ("Right of answered", "%.1f %%", "Errors, limits and attempts without an answer left out"),
    "interval_answered": ("95 % ", "", ""),
    "errors": ("Errors", "%d", ""),
    "limits": ("Limits", "%d", "Ended at a limit without an answer"),
    "cost": ("USD each", "$%.4f", "Mean of an attempt"),
    "tokens": ("Tokens each", "compact", "Mean of an attempt, in and out"),
    "seconds": ("Seconds", "%.1f", "Median of an attempt"),
    "steps": ("Steps", "%.1f", "Mean of an attempt"),
    "sub_model": ("Sub-model", "", "Where it is another than the model"),
    "sandbox": ("Sandbox", "", ""),
    "prompts": ("Prompts", "", "Version"),
    "epochs": ("Epochs", "%d", ""),
    "shuffle": ("Shuffled", "", "Whether the choices were permuted, and by which seed"),
    "max_steps": ("Steps at most", "%d", ""),
    "date": ("Started", "distance", ""),
    "id": ("Bench", "", "As rlm-app bench names it"),
}
"""Heading, format and help of each column."""


def _columns(on_open: Any, cells: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    config: dict[str, Any] = {}
    for name, (label, form, told) in _COLUMNS.items():
        if all(row[name] is None for row in cells):
            config[name] = None  # a column that says nothing is a click away in the table's own menu
        elif name == "model":
            config[name] = st.column_config.ButtonColumn(
                label, type="tertiary", alignment="left", on_click=on_open, key=OPEN, width=220, help="Opens the bench"
            )
        elif name == "date":
            config[name] = st.column_config.DatetimeColumn(label, format=form)
        elif form:
            config[name] = st.column_config.NumberColumn(label, format=form, help=told or None)
        else:
            config[name] = st.column_config.TextColumn(label, help=told or None)
    return config


def choice_line(here: App, charted: Sequence[Row]) -> None:
    """What the charts below are about, and what can be done with the rows that were chosen."""
    picked = chosen(here)
    with st.container(horizontal=True, vertical_alignment="center"):
        if not picked:
            where = f" of {charted[0].bench.dataset}, {charted[0].bench.split}" if charted else ""
            st.caption(f"The charts show the newest benches{where}. Tick rows to choose others, or to compare them.")
            return
        enough = 2 <= len(picked) <= MOST_COMPARED
        if st.button(
            "Compare",
            icon=":material/difference:",
            disabled=not enough,
            help=None if enough else f"Tick two to {MOST_COMPARED} benches",
        ):
            st.switch_page(COMPARE, query_params={CHOSEN: picked})
        many = f", of which the first {MOST_CHARTED} are charted" if len(picked) > MOST_CHARTED else ""
        st.caption(f"{len(picked)} chosen{many}", width="content")
        if st.button("Choose none", type="tertiary"):
            st.switch_page(BENCHMARKS)
