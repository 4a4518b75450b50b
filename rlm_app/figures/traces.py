"""One plotly trace for each series, in the same order, so that trace and point lead back to the chart's data."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from rlm_app.charts.chart import Chart, Series, Value
from rlm_app.charts.colours import GREY, TONES
from rlm_app.figures.look import Theme, plain

MANY = 40
"""Numbers from which an array is sent in binary, as 32-bit floats."""
CROWDED = 1500
"""Bars of a chart above which only the first of each stack says whose it is: the others would triple its size."""

_DASHES = ("solid", "dot", "dash")
_SYMBOLS = ("diamond", "square", "triangle-up", "x", "star", "triangle-down", "cross")


def trace(chart: Chart, series: Series, theme: Theme, palette: Mapping[str, str]) -> dict[str, Any]:
    """A series as plotly's `data` has it, colours and hover included."""
    colour = colour_of(series, palette)
    rows = chart.y.kind == "category" and series.mark != "cells"
    common = {
        "name": plain(series.name),
        "x": values(series.x),
        "y": values(_places(chart, series) if rows else series.y),
        "legendgroup": plain(series.name),
    } | _hover(chart, series)
    match series.mark:
        case "cells":
            return common | _cells(chart, series, theme)
        case "bars":
            return (
                common
                | {"type": "bar", "marker": {"color": colour, "line": {"width": 0}}, "textposition": "none"}
                | ({"orientation": "h", "width": 0.4} if rows else {})
            )
        case "box":
            return common | _box(series, colour)
        case "dots":
            return common | _dots(chart, series, colour, theme)
    shape = "hv" if series.mark == "steps" else "linear"
    few = len(series.x) <= MANY
    return common | {
        "type": "scatter",
        "mode": "lines+markers" if few or series.runs else "lines",
        "line": {"color": colour, "width": 2, "shape": shape, "dash": _DASHES[series.dash % len(_DASHES)]},
        "marker": {"size": 6 if few else 3},
    }


def _places(chart: Chart, series: Series) -> tuple[Value, ...]:
    """Rows by number, from above; the lesser version of a row stands a little lower."""
    return tuple(chart.y.order.index(str(row)) + (0.2 if series.hollow else 0.0) for row in series.y)


def band(series: Series, palette: Mapping[str, str]) -> dict[str, Any] | None:
    """The interval of a line as a shade; None where it has none."""
    if series.mark not in ("line", "steps") or not series.low:
        return None
    x, low, high = list(series.x), list(series.low), list(series.high)
    if series.mark == "steps":  # a shade has no steps, so each value holds until the next
        x = [value for at in range(len(x)) for value in (x[at], x[min(at + 1, len(x) - 1)])]
        low, high = ([value for value in bound for _ in range(2)] for bound in (low, high))
    return {
        "type": "scatter",
        "x": values([*x, *reversed(x)]),
        "y": values([*high, *reversed(low)]),
        "fill": "toself",
        "fillcolor": _faint(colour_of(series, palette)),
        "line": {"width": 0},
        "hoverinfo": "skip",
        "showlegend": False,
        "legendgroup": plain(series.name),
        "mode": "lines",
    }


def colour_of(series: Series, palette: Mapping[str, str]) -> str:
    return palette.get(series.model) or TONES.get(series.tone, GREY)


def values(column: Sequence[Value]) -> Any:
    """A column as plotly takes it: words as they are, few numbers as a list, many as 32-bit floats."""
    if any(isinstance(value, str) for value in column):
        return [plain(str(value)) for value in column]
    if len(column) < MANY:
        return list(column)
    import numpy

    return numpy.asarray(column, dtype="float32")


def _hover(chart: Chart, series: Series) -> dict[str, Any]:
    bars = sum(len(one.x) for one in chart.series if one.mark == "bars")
    first = next(one for one in chart.series if one.panel == series.panel)
    crowded = series.mark == "bars" and bars > CROWDED and series is not first
    rows = zip(series.examples or ("",) * len(series.x), series.notes or ("",) * len(series.x), strict=True)
    x = "%{x:.1%}" if chart.x.kind in ("share", "percent") else "%{x}"
    y = "" if chart.y.kind == "category" else ", %{y:.1%}" if chart.y.kind in ("share", "percent") else ", %{y}"
    template = f"{x}{y}<extra>%{{fullData.name}}</extra>"
    if crowded or not (series.examples or series.notes):
        return {"hovertemplate": template}
    text = ["<br>".join(plain(part, 160) for part in row if part) for row in rows]
    told = {"text": text, "hovertemplate": f"%{{text}}<br>{template}"}
    return told | ({"customdata": list(series.runs)} if series.runs else {})


def _dots(chart: Chart, series: Series, colour: str, theme: Theme) -> dict[str, Any]:
    found: dict[str, Any] = {
        "type": "scatter",
        "mode": "markers",
        "marker": {
            "color": theme.paper if series.hollow else colour,
            "size": 9 if len(series.x) <= MANY else 6,
            "symbol": _symbol(chart, series),
            "line": {"color": colour, "width": 2 if series.hollow else 0},
        },
        "offsetgroup": plain(series.name),
        "showlegend": chart.y.kind != "category",
    }
    bar = {"color": colour, "thickness": 2, "width": 4, "symmetric": False, "type": "data"}
    if series.x_low:
        floor = chart.x.kind == "log"  # a logarithm has no place for an interval that reaches 0
        lows = [max(low, float(x) / 20) if floor else low for low, x in zip(series.x_low, series.x, strict=True)]
        found["error_x"] = bar | _errors(series.x, lows, series.x_high)
    if series.low:
        found["error_y"] = bar | _errors(series.y, series.low, series.high)
    return found


def _symbol(chart: Chart, series: Series) -> str:
    """Rows have their names beside them; elsewhere the mark tells benches of one model, and of one colour, apart."""
    reference = not (series.model or series.tone)
    symbols = _SYMBOLS if reference else ("circle", *_SYMBOLS[1:])
    if chart.y.kind == "category":
        return symbols[0]
    alike = list(
        dict.fromkeys(one.name for one in chart.series if (one.model, one.tone) == (series.model, series.tone))
    )
    return symbols[alike.index(series.name) % len(symbols)]


def _errors(middle: Sequence[Value], low: Sequence[float], high: Sequence[float]) -> dict[str, Any]:
    known = [float(value) for value in middle]
    return {
        "array": [_finite(top - value) for top, value in zip(high, known, strict=True)],
        "arrayminus": [_finite(value - bottom) for bottom, value in zip(low, known, strict=True)],
    }


def _finite(value: float) -> float:
    return value if math.isfinite(value) else 0.0


def _box(series: Series, colour: str) -> dict[str, Any]:
    return {
        "type": "box",
        "marker": {"color": colour, "size": 4, "opacity": 0.6},
        "line": {"color": colour, "width": 1.5},
        "fillcolor": _faint(colour),
        "boxpoints": "all",
        "jitter": 0.5,
        "pointpos": 0,
        "offsetgroup": plain(series.name),
        "hoveron": "points",
    }


def _cells(chart: Chart, series: Series, theme: Theme) -> dict[str, Any]:
    """A matrix with a row for each y and a column for each x; a cell that is not there is empty."""
    place = {cell: at for at, cell in enumerate(zip(series.x, series.y, strict=True))}
    matrix = [[place.get((column, row)) for column in chart.x.order] for row in chart.y.order]
    words = any(isinstance(value, str) for value in series.z)
    kinds = [kind for kind in TONES if kind in series.z] if words else []
    codes = [kinds.index(str(value)) if value in kinds else None for value in series.z] if words else series.z
    return {
        "type": "heatmap",
        "x": [plain(column) for column in chart.x.order],
        "y": [plain(row) for row in chart.y.order],
        "z": [[None if at is None else codes[at] for at in row] for row in matrix],
        "xgap": 1,
        "ygap": 1 if len(matrix) <= MANY * 2 else 0,
        "showscale": False,
        "colorscale": _scale(kinds, theme),
        "zmin": 0,
        "zmax": max(len(kinds) - 1, 1) if words else None,
        "text": None,
        "texttemplate": None if words else "%{z}",
        "hoverinfo": "skip",
        "hovertemplate": None,
        "customdata": None,
    }


def targets(chart: Chart, series: Series) -> dict[str, Any] | None:
    """Unseen points on the cells, which can be hovered and clicked as a heat map's cannot; None for other marks."""
    if series.mark != "cells":
        return None
    unseen = {"marker": {"opacity": 0}}
    notes = series.notes or tuple(f"{example}: {kind}" for example, kind in zip(series.y, series.z, strict=True))
    return {
        "type": "scatter",
        "mode": "markers",
        "x": values(series.x),
        "y": values(series.y),
        "text": [plain(note, 160) for note in notes],
        "customdata": list(series.runs) if series.runs else None,
        "hovertemplate": "%{text}<extra>%{x}</extra>",
        "marker": {"opacity": 0, "size": 18 if len(chart.y.order) <= MANY * 2 else 4, "symbol": "square"},
        "selected": unseen,
        "unselected": unseen,
        "showlegend": False,
    }


def _scale(kinds: Sequence[str], theme: Theme) -> list[list[Any]]:
    if not kinds:
        return [[0, theme.paper], [1, "#0072B2"]]
    share = 1 / len(kinds)
    return [[edge, TONES[kind]] for at, kind in enumerate(kinds) for edge in (at * share, (at + 1) * share)]


def _faint(colour: str) -> str:
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.14)"
