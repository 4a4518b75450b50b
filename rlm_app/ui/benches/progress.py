"""Benches that are under way or were left: how far they are, Stop and Resume."""

import time
from collections.abc import Sequence

import streamlit as st

from rlm_app.application import App
from rlm_app.benches import Bench
from rlm_app.benchmarking import Standing
from rlm_app.benchmarking.pace import pace
from rlm_app.reports.leaderboard import Row, State
from rlm_app.ui import visitor
from rlm_app.ui.places import BENCHMARKS
from rlm_app.ui.session import user_errors
from rlm_app.ui.text import literal

TICK_SECONDS = 1.0
REDRAW_SECONDS = 4.0  # between two drawings of figures and charts while more comes in
AT_MOST = 3
"""Unfinished benches above the leaderboard; the others are in it."""


def unfinished(here: App, rows: Sequence[Row]) -> None:
    """The newest benches that are not done, each with its progress and what can be done about it."""
    some = [row for row in rows if row.state != "done"][:AT_MOST]
    for row in some:
        with st.container(horizontal=True, vertical_alignment="center"):
            name = f"{row.bench.config.model} on {row.bench.dataset}, {row.bench.split}"
            if st.button(literal(name, 80), type="tertiary", key=f"open-{row.bench.id}"):
                st.switch_page(BENCHMARKS, query_params={"bench": row.bench.id})
            follow(here, row.bench.id)
            stop_or_resume(here, row.bench)


def state_of(here: App, row: Row) -> State:
    """The state of a bench: also `running` where this process works on it and has no attempt under way just now."""
    return "running" if row.state == "stopped" and here.bencher.works_on(row.bench.id) else row.state


def follow(here: App, bench_id: str) -> None:
    """A line that is polled; the page is drawn anew when the bench has ended, or now and then when there is more."""
    standing = here.bencher.standing(bench_id)
    if not _live(here, standing):
        _line(standing)
        return
    st.fragment(_tick, run_every=TICK_SECONDS)(here, bench_id, standing.tally.done, time.time())


def _tick(here: App, bench_id: str, drawn: int, since: float) -> None:
    standing = here.bencher.standing(bench_id)
    more = standing.tally.done > drawn and time.time() - since > REDRAW_SECONDS
    if more or not _live(here, standing):
        st.rerun()
    _line(standing)


def _live(here: App, standing: Standing) -> bool:
    return here.bencher.works_on(standing.bench.id) or bool(standing.tally.outcomes.get("running"))


def _line(standing: Standing) -> None:
    tally = standing.tally
    text = f"{tally.done:,} of {tally.total:,} · {pace(standing, time.time())}"
    st.progress(tally.done / max(tally.total, 1), text=literal(text), width="stretch")


def stop_or_resume(here: App, bench: Bench) -> None:
    """Stop where somebody works on it, Resume where nobody of this process does."""
    standing = here.bencher.standing(bench.id)
    if standing.tally.done == standing.tally.total:
        return
    works = here.bencher.works_on(bench.id)
    if (works or standing.tally.outcomes.get("running")) and not bench.cancelled:
        if st.button("Stop", icon=":material/stop_circle:", key=f"stop-{bench.id}", help="It can be resumed"):
            here.bencher.cancel(bench.id)
            st.rerun()
    elif works:
        st.button("Stopping", icon=":material/stop_circle:", key=f"stop-{bench.id}", disabled=True)
    elif st.button("Resume", icon=":material/play_circle:", key=f"resume-{bench.id}"):
        with user_errors():
            go_on(here, bench)
            st.rerun()


def go_on(here: App, bench: Bench, max_cost: float | None = None) -> None:
    """Work on a stored bench in this process, with the visitor's keys.

    Raises:
        MissingKey: its model needs a key that is not set.
        UserError: it cannot be resumed.
    """
    keys, config = visitor.own_keys(), bench.config
    here.config(keys=keys, model=config.model, sub_model=config.sub_model, sandbox=config.sandbox)
    here.bencher.start(here.bencher.resumable(bench.id, max_cost), workers=here.settings.workers, keys=keys)


def ending(here: App, bench: Bench) -> None:
    """Why this process stopped working on a bench that is not done, where there is something to say."""
    if here.bencher.works_on(bench.id):
        return
    with user_errors():
        if here.bencher.ending(bench.id) == "budget":
            st.warning(literal(here.bencher.left_over(bench.id), 600))
            with st.container(horizontal=True, vertical_alignment="bottom"):
                more = st.number_input(
                    "USD for the whole bench", value=2 * (bench.max_cost or 0), format="%g", width=220
                )
                if st.button("Resume with this", key="raise_budget"):
                    go_on(here, bench, more)
                    st.rerun()
