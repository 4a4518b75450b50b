"""A chart as a plotly figure: readable in light and dark, and at 390 pixels."""

from collections.abc import Mapping
from typing import Any, Literal

from rlm_app.charts.chart import Axis, Chart, Series
from rlm_app.charts.colours import GREY, TONES, colours
from rlm_app.figures.look import DARK, FONT, LIGHT, Theme, heading, plain
from rlm_app.figures.traces import band, targets, trace

HEIGHT, PANEL, ROW, LINE, SIDE = 280, 190, 42, 15, 14
"""Pixels: of a plain chart, a panel, a row with its name above it, a line of the heading, the margin."""

NARROW = 7
"""Columns beyond which their names stand upright."""
NAMED = 60
"""Rows of cells that are named; of more, hovering tells."""


def figure(chart: Chart, palette: Mapping[str, str] | None = None, *, dark: bool = False) -> Any:
    """A `plotly.graph_objects.Figure`; its first traces are the chart's series, in order.

    `palette` names the colour of each model (`colours.colours` of all models there are); without it the models of this
    chart alone share the colours out.
    """
    from plotly.graph_objects import Figure

    drawn = Figure(spec(chart, palette, dark=dark))
    drawn.layout.template = "none"  # plotly's own would outline bars in white and be sent with every figure
    return drawn


def spec(chart: Chart, palette: Mapping[str, str] | None = None, *, dark: bool = False) -> dict[str, Any]:
    """The same as plain `data` and `layout`, for those who draw without plotly's Python."""
    theme = DARK if dark else LIGHT
    known = palette or colours(series.model for series in chart.series if series.model)
    seen: set[str] = set()
    drawn = []
    for series in chart.series:
        one = trace(chart, series, theme, known) | _axes(chart, series)
        one.setdefault("showlegend", chart.x.kind != "category" or len(chart.series) > 1)
        one["showlegend"] = one["showlegend"] and series.name not in seen and series.mark != "cells"
        seen.add(series.name)
        drawn.append(one)
    shades = [shade for series in chart.series if (shade := band(series, known))]
    cells = [on | _axes(chart, series) for series in chart.series if (on := targets(chart, series))]
    data = [*drawn, *shades, *cells, *_outcome_legend(chart)]
    return {"data": data, "layout": _layout(chart, theme, sum(bool(one.get("showlegend")) for one in data))}


def config(chart: Chart, form: Literal["png", "svg"] = "png") -> dict[str, Any]:
    """What the browser offers: an image at twice the size or as vectors, named after the chart, and no logo."""
    return {
        "displaylogo": False,
        "responsive": True,
        "modeBarButtonsToRemove": ["lasso2d", "select2d", "autoScale2d"],
        "toImageButtonOptions": {"format": form, "filename": f"rlm-app-{chart.name}", "scale": 2},
    }


def run_at(chart: Chart, curve: int, point: int) -> str | None:
    """The run behind a point that was clicked, by the number of its trace and its own; None where there is none."""
    if not 0 <= curve < len(chart.series):
        return None
    runs = chart.series[curve].runs
    return runs[point] if 0 <= point < len(runs) else None


def _axes(chart: Chart, series: Series) -> dict[str, Any]:
    at = chart.panels.index(series.panel) if series.panel in chart.panels else 0
    return {"xaxis": f"x{at + 1}", "yaxis": f"y{at + 1}"} if at else {}


def _outcome_legend(chart: Chart) -> list[dict[str, Any]]:
    """Cells have no legend of their own, so each outcome among them gets a point that is nowhere."""
    found = {value for series in chart.series if series.mark == "cells" for value in series.z}
    return [
        {"type": "scatter", "x": [None], "y": [None], "mode": "markers", "name": kind, "showlegend": True}
        | {"marker": {"color": colour, "symbol": "square", "size": 10}}
        for kind, colour in TONES.items()
        if kind in found
    ]


def _layout(chart: Chart, theme: Theme, entries: int) -> dict[str, Any]:
    above, lines = heading(chart, theme)
    labelled = bool(chart.panels) or any(line.along == "x" for line in chart.lines)
    top, bottom = 38 + LINE * lines + 20 * labelled, 48 + 19 * entries + (10 if chart.x.title else 0)
    panels = max(len(chart.panels), 1)
    in_cells = any(series.mark == "cells" for series in chart.series)
    layout: dict[str, Any] = {
        "title": {
            "text": f"<b>{plain(chart.title)}</b>",
            "font": {"size": 15},
            "subtitle": {"text": above, "font": {"size": 11}},
            "x": 0,
            "xanchor": "left",
            "y": 1,
            "yref": "container",
            "yanchor": "top",
            "pad": {"t": 12, "l": SIDE},
        },
        "height": top + bottom + _inner_height(chart),
        "margin": {"t": top, "b": bottom, "l": SIDE if _in_rows(chart) else 58, "r": SIDE},
        "font": {"family": FONT, "size": 12, "color": theme.text},
        "paper_bgcolor": theme.paper,
        "plot_bgcolor": theme.paper,
        "legend": {"x": 0, "y": 0, "yref": "container", "yanchor": "bottom", "font": {"size": 11}, "tracegroupgap": 0},
        "barmode": "stack",
        "bargap": 0.1 if all(len(series.x) <= 100 for series in chart.series) else 0,
        "boxmode": "group",
        "scattermode": "group" if chart.x.kind == "category" and not in_cells else "overlay",
        "hovermode": "closest",
        "hoverdistance": -1 if in_cells else 20,  # a cell is as wide as the page; its target is a point in its middle
        "hoverlabel": {"font": {"family": FONT, "size": 12}, "align": "left"},
        "clickmode": "event+select",
        "shapes": [_rule(chart, line.along, line.value) for line in chart.lines],
        "annotations": [*_rule_labels(chart, theme), *_panel_titles(chart, theme), *_row_names(chart, theme)],
    }
    for at in range(panels):
        suffix = str(at + 1) if at else ""
        layout[f"xaxis{suffix}"] = _axis(chart.x, theme) | {"anchor": f"y{suffix}"} | _few_ticks(chart)
        layout[f"yaxis{suffix}"] = _axis(chart.y, theme) | {"anchor": f"x{suffix}"} | _share_of_height(at, panels)
        if at < panels - 1:
            layout[f"xaxis{suffix}"] |= {"title": {"text": ""}}
        if chart.y.kind == "category":
            layout[f"yaxis{suffix}"] |= _rows(chart)
    return layout


def _few_ticks(chart: Chart) -> dict[str, Any]:
    """Every whole number where there are few, since plotly would put halves between them; many names upright."""
    most = max((float(x) for one in chart.series for x in one.x if not isinstance(x, str)), default=0.0)
    if chart.x.kind == "category":
        return {"tickangle": 90} if len(chart.x.order) > NARROW else {}
    return {"dtick": 1} if chart.x.kind == "count" and most <= 8 else {}


def _in_rows(chart: Chart) -> bool:
    """Whether there is a row for each category, with its name above it, where a phone has room for long ones."""
    return chart.y.kind == "category" and not any(series.mark == "cells" for series in chart.series)


def _inner_height(chart: Chart) -> int:
    panels, rows = max(len(chart.panels), 1), len(chart.y.order)
    if chart.y.kind == "category":
        row = ROW if _in_rows(chart) else 22 if rows <= NAMED else 3
        return max(row * rows * panels + 50 * (panels - 1), ROW)
    return PANEL * panels if chart.panels else HEIGHT


def _share_of_height(at: int, panels: int) -> dict[str, Any]:
    """The first panel on top; what is between them holds a title and tick labels."""
    gap = min(0.28 / panels, 0.12) if panels > 1 else 0.0
    room = (1 - gap * (panels - 1)) / panels
    low = (panels - 1 - at) * (room + gap)
    return {"domain": [low, low + room]}


def _axis(axis: Axis, theme: Theme) -> dict[str, Any]:
    drawn: dict[str, Any] = {
        "title": {"text": axis.title, "font": {"size": 11, "color": theme.quiet}, "standoff": 8},
        "gridcolor": theme.grid,
        "linecolor": theme.grid,
        "zeroline": False,
        "tickfont": {"size": 11, "color": theme.quiet},
        "automargin": "height",
    }
    if axis.kind == "share":
        drawn |= {"tickformat": ".0%", "range": [-0.02, 1.02], "dtick": 0.25}
    elif axis.kind == "percent":
        drawn |= {"tickformat": ",.0%", "nticks": 6}
    elif axis.kind == "log":
        drawn |= {"type": "log", "dtick": "D2", "tickprefix": "$" if "USD" in axis.title else ""}
    elif axis.kind == "category":
        drawn |= {"type": "category", "categoryorder": "array", "categoryarray": [plain(name) for name in axis.order]}
        drawn |= {"range": [-0.5, max(len(axis.order), 1) - 0.5]}
    elif axis.kind == "count":
        drawn |= {"tickformat": ",d", "nticks": 8, "minallowed": -0.6, "exponentformat": "none"}
    elif "USD" in axis.title:
        drawn |= {"tickprefix": "$"}
    return drawn


def _rows(chart: Chart) -> dict[str, Any]:
    """Categories from top to bottom."""
    count = len(chart.y.order)
    if _in_rows(chart):
        return {"type": "linear", "range": [count - 0.6, -0.6], "showgrid": False, "showticklabels": False}
    named = {"showticklabels": count <= NAMED, "tickfont": {"size": 9}, "automargin": True, "tickmode": "array"}
    ends = [name if len(name) <= 12 else "…" + name[-8:] for name in chart.y.order]
    return {"range": [count - 0.5, -0.5], "tickvals": list(range(count)), "ticktext": list(map(plain, ends)), **named}


def _row_names(chart: Chart, theme: Theme) -> list[dict[str, Any]]:
    if not _in_rows(chart):
        return []
    at_left = {"showarrow": False, "x": 0, "xref": "paper", "xanchor": "left", "yanchor": "bottom", "yshift": 5}
    return [
        at_left | {"text": plain(name), "y": at, "font": {"size": 11, "color": theme.text}}
        for at, name in enumerate(chart.y.order)
    ]


def _rule(chart: Chart, along: str, value: float) -> dict[str, Any]:
    dotted = {"type": "line", "line": {"color": GREY, "width": 1, "dash": "dot"}, "layer": "below"}
    if along == "x":
        return dotted | {"x0": value, "x1": value, "y0": 0, "y1": 1, "yref": "y domain"}
    return dotted | {"y0": value, "y1": value, "x0": 0, "x1": 1, "xref": "x domain"}


def _rule_labels(chart: Chart, theme: Theme) -> list[dict[str, Any]]:
    found = []
    for line in chart.lines:
        label = {"text": plain(line.label), "showarrow": False, "font": {"size": 10, "color": theme.quiet}}
        label |= {"hovertext": plain(line.source, 160)} if line.source else {}
        if line.along == "x":
            place = {"x": line.value, "y": 1, "yref": "y domain", "yanchor": "bottom"}
        else:
            place = {"x": 0, "xref": "x domain", "xanchor": "left", "y": line.value, "yanchor": "bottom"}
        found.append(label | place)
    return found


def _panel_titles(chart: Chart, theme: Theme) -> list[dict[str, Any]]:
    return [
        {"text": plain(panel), "showarrow": False, "x": 0, "xref": f"x{at + 1 if at else ''} domain", "xanchor": "left"}
        | {
            "y": 1,
            "yref": f"y{at + 1 if at else ''} domain",
            "yanchor": "bottom",
            "font": {"size": 11, "color": theme.text},
        }
        for at, panel in enumerate(chart.panels)
    ]
