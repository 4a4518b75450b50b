"""A chart on a page: the figure, how to read it, what belongs to it, and its exports."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, cast

import streamlit as st

from rlm_app.charts.chart import Chart, to_csv
from rlm_app.figures.draw import config, figure, run_at
from rlm_app.figures.look import WARNINGS_SHOWN
from rlm_app.ui.text import literal


def show(chart: Chart, palette: Mapping[str, str], *, key: str, dark: bool) -> str | None:
    """Draw a chart; returns the run whose point was clicked, until another is.

    `palette` is `charts.colours.colours` of all models there are, so that a model has one colour on every page.
    """
    if chart.empty:
        st.subheader(chart.title, anchor=False)
        st.caption("\n\n".join(literal(warning, 400) for warning in chart.warnings) or "There is nothing to show yet.")
        return None
    form = cast(Literal["png", "svg"], st.session_state.get(f"{key}-form") or "png")
    state = st.plotly_chart(
        figure(chart, palette, dark=dark),
        key=key,
        theme=None,
        on_select="rerun",
        selection_mode="points",
        config=config(chart, form),
        alt=chart.title,
    )
    st.caption(literal(chart.how, 400))
    for warning in chart.warnings[WARNINGS_SHOWN:]:
        st.markdown(f":orange[:small[{literal(warning, 400)}]]")  # a caption would pale the amber
    if chart.table:
        figure_table(chart.table.heads, chart.table.rows)
    with st.popover("Export", type="tertiary", icon=":material/download:"):
        name = f"rlm-app-{chart.name}.csv"
        st.download_button("Data as CSV", lambda: to_csv(chart), name, "text/csv", key=f"{key}-csv", on_click="ignore")
        st.segmented_control(
            "The camera saves", ["png", "svg"], key=f"{key}-form", default="png", format_func=str.upper
        )
    return clicked(chart, cast(Mapping[str, Any], state))


def figure_table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Figures in words, a row below the other; on a phone the table moves within itself."""
    cells = [[literal(cell) for cell in row] for row in rows]
    columns = {head or " ": [row[at] for row in cells] for at, head in enumerate(heads)}
    st.table(columns, border="horizontal", hide_index=True, width="content")


def clicked(chart: Chart, state: Mapping[str, Any]) -> str | None:
    """The run behind the selected point of what `st.plotly_chart` returned, None where none is."""
    for point in state.get("selection", {}).get("points", []):
        told = point.get("customdata")
        run = told[0] if isinstance(told, list) and told else told
        found = run or run_at(chart, point.get("curve_number", -1), point.get("point_index", -1))
        if found:
            return str(found)
    return None
