"""One bench: how it went or goes, its attempts and charts, and what can be done with it."""

import tempfile
from pathlib import Path

import streamlit as st

from rlm_app.application import App
from rlm_app.benches import Bench, Outcome
from rlm_app.model import KEYLESS_LABEL, KEYLESS_MODEL
from rlm_app.reports.leaderboard import Row
from rlm_app.reports.report import GROUP_HEADS, Report, group_row, report, settings_of, to_csv
from rlm_app.reports.results import Results
from rlm_app.ui import figures
from rlm_app.ui.benches.attempts import attempt_table
from rlm_app.ui.benches.charts import chart_picker, first_charts, others, telling
from rlm_app.ui.benches.progress import ending, follow, go_on, state_of, stop_or_resume
from rlm_app.ui.benches.shown import Shown, shown
from rlm_app.ui.charts import figure_table
from rlm_app.ui.places import BENCHMARKS
from rlm_app.ui.session import user_errors
from rlm_app.ui.text import literal
from rlm_app.wording import seconds

TABS = ("Charts", "Examples", "Breakdowns", "Settings")
LAST = ("context-size", "grid")
"""Charts that say little of one bench."""
LOOKS = {
    "done": (":material/check_circle:", "green"),
    "running": (":material/progress_activity:", "primary"),
    "stopped": (":material/pause_circle:", "gray"),
}


def bench_view(here: App, bench: Bench) -> None:
    """A bench whole; while it runs, figures and charts fill as attempts end."""
    row = Row(bench, here.bencher.services.benches.scores([bench.id])[bench.id])
    if st.button("All benches", type="tertiary", icon=":material/arrow_back:"):
        st.switch_page(BENCHMARKS)
    _head(here, row)
    if row.state != "done":
        with st.container(horizontal=True, vertical_alignment="center"):
            follow(here, bench.id)
            stop_or_resume(here, bench)
        ending(here, bench)
    seen = shown(here, [bench.id])
    (result,) = seen.results
    every = here.bencher.attempts(bench.id, latest=False)
    found = report(bench, every, list(seen.examples.values()))
    _figures(row, found)
    _actions(here, row, result, seen)
    for name, tab in zip(TABS, st.tabs(TABS, key="tab", bind="query-params"), strict=True):
        if not tab.open:
            continue
        with tab, user_errors():
            if name == "Charts":
                first = ("accuracy", telling(seen))
                first_charts(seen, first)
                chart_picker(seen, (*others((*first, *LAST)), *LAST), key="chart", without=first)
            elif name == "Examples":
                attempt_table(seen, result)
            elif name == "Breakdowns":
                _breakdowns(found)
            else:
                _settings(found)


def _head(here: App, row: Row) -> None:
    bench = row.bench
    st.title(literal(f"{bench.config.model} on {bench.dataset}, {bench.split}", 160), anchor=False)
    state = state_of(here, row)
    icon, colour = LOOKS[state]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.badge(state, icon=icon, color=colour)  # type: ignore[arg-type]
        sub = bench.config.sub_model
        st.html(
            figures.facts(
                KEYLESS_LABEL if bench.config.model == KEYLESS_MODEL else "",
                f"sub-model {figures.safe(sub)}" if sub and sub != bench.config.model else "",
                figures.plural(len(bench.examples), "example"),
                figures.plural(bench.epochs, "epoch") if bench.epochs > 1 else "",
                "" if bench.shuffle is None else f"choices shuffled, seed {bench.shuffle}",
                figures.moment(bench.created),
            ),
            width="content",
        )


def _figures(row: Row, found: Report) -> None:
    """The numbers above all others; intervals stand below what they belong to."""
    overall, answered = row.over_all, row.over_answered
    with st.grid("auto", min_column_width=130):
        _figure("Right over all", overall.value, f"{overall.right:,} of {overall.n:,}", found.interval)
        _figure("Right over answered", answered.value, f"of {answered.n:,}", found.interval_answered)
        st.metric("Errors · limits · no answer", f"{found.errors} · {found.limits} · {found.no_answer}")
        st.metric("Cost", figures.cost(found.cost), help="Of every attempt ever made, repeated ones too")
        st.metric("Tokens", figures.amount(found.tokens))
        st.metric("Median time", "–" if found.median_seconds is None else seconds(found.median_seconds))
        st.metric("Steps an attempt", "–" if found.mean_steps is None else f"{found.mean_steps:.1f}")
    if found.warnings:
        st.caption(f":orange[:material/warning:] {literal(' '.join(found.warnings), 800)}")


def _figure(label: str, value: float | None, counted: str, interval: tuple[float, float]) -> None:
    with st.container(gap=None):
        st.metric(label, "–" if value is None else f"{100 * value:.1f} %")
        if value is not None:
            st.caption(f"{counted} · 95 %: {100 * interval[0]:.0f} to {100 * interval[1]:.0f}")


def _breakdowns(found: Report) -> None:
    if not found.breakdowns:
        st.caption("Nothing to break down yet: nothing has ended, or the data set is not here.")
    alike = [f"{one.by} {one.groups[0].value}" for one in found.breakdowns if len(one.groups) == 1]
    if alike:
        st.caption(f"The same for all: {literal(', '.join(alike), 500)}.")
    for breakdown in found.breakdowns:
        if len(breakdown.groups) > 1:
            figure_table([f"by {breakdown.by}", *GROUP_HEADS[1:]], map(group_row, breakdown.groups))


def _settings(found: Report) -> None:
    figure_table(["setting", "value"], settings_of(found))
    st.caption(f"Bench {found.id}. Intervals are 95 %, {found.interval_method}.")


def _actions(here: App, row: Row, result: Results, seen: Shown) -> None:
    bench, failed = row.bench, row.score.outcomes.get("error", 0) + row.score.outcomes.get("cancelled", 0)
    with st.container(horizontal=True):
        _downloads(here, bench, result)
        if failed and not here.bencher.works_on(bench.id):
            _retry(here, bench, "Retry errors", ("error", "cancelled"))
        if row.score.outcomes.get("limit") and not here.bencher.works_on(bench.id):
            _retry(here, bench, "Retry limits", ("limit",))
        if st.button("Delete", type="tertiary", icon=":material/delete:", key="delete_bench"):
            confirm_delete(here, bench)


def _retry(here: App, bench: Bench, label: str, outcomes: tuple[Outcome, ...]) -> None:
    if st.button(label, icon=":material/replay:", help="New attempts; the old ones are kept"):
        with user_errors():
            here.bencher.retry(bench.id, outcomes)
            go_on(here, bench)
            st.rerun()


def _downloads(here: App, bench: Bench, result: Results) -> None:
    """Each file is made when it is asked for."""
    name = f"bench-{bench.id}"

    def archive() -> bytes:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "bench.zip"
            here.bencher.export(bench.id, file)
            return file.read_bytes()

    with st.popover("Download", icon=":material/download:"):
        st.download_button(
            "Report, HTML",
            lambda: here.bencher.html(bench.id),
            f"{name}.html",
            "text/html",
            key="html",
            on_click="ignore",
        )
        st.download_button(
            "Attempts, CSV", lambda: to_csv(result.attempts), f"{name}.csv", "text/csv", key="csv",
            on_click="ignore",
        )  # fmt: skip
        st.download_button(
            "Everything, zip", archive, f"{name}.zip", "application/zip", key="zip", on_click="ignore",
            help="Settings, versions, attempts and trajectories, without the contexts; rlm-app bench import reads it",
        )  # fmt: skip


@st.dialog("Delete this bench?")
def confirm_delete(here: App, bench: Bench) -> None:
    """Ask before a bench, its attempts and their runs are removed for good."""
    st.markdown(literal(f"{bench.config.model} on {bench.dataset}, {bench.split}"))
    st.caption("The bench, its attempts and all their runs are removed for good.")
    with st.container(horizontal=True):
        if st.button("Delete", type="primary", key="delete_now"):
            with user_errors():
                here.bencher.delete(bench.id)
                st.query_params.pop("bench", None)
                st.rerun()
        if st.button("Keep it", key="keep"):
            st.rerun()
