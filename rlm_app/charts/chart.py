"""What a chart is before it is drawn: series of points with intervals, and the words around them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from rlm_app.reports.tables import Cell, csv_text

Mark = Literal["dots", "line", "steps", "bars", "cells", "box"]
Kind = Literal["linear", "count", "log", "percent", "share", "category"]
Value = float | str


@dataclass(frozen=True)
class Axis:
    """`title` has the unit. `percent` reads shares as percent, and `share` runs from 0 to 1 besides; `count` has whole
    numbers; `order` is that of categories."""

    title: str
    kind: Kind = "linear"
    order: tuple[str, ...] = ()


@dataclass(frozen=True)
class Series:
    """Points that belong together, column by column; a column is empty or as long as `x`.

    The colour is that of `model`, or of `tone` (an outcome, or what time went to); without either it is grey.
    `hollow` marks the lesser of two versions, `dash` tells lines of one model apart. `low` and `high` bound y, `x_low`
    and `x_high` x. `z` is the value of a cell. `notes` is what hovering adds to a point.
    """

    name: str
    mark: Mark
    x: tuple[Value, ...]
    y: tuple[Value, ...]
    model: str = ""
    tone: str = ""
    hollow: bool = False
    dash: int = 0
    panel: str = ""
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    x_low: tuple[float, ...] = ()
    x_high: tuple[float, ...] = ()
    z: tuple[Value, ...] = ()
    n: tuple[int, ...] = ()
    examples: tuple[str, ...] = ()
    runs: tuple[str | None, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Line:
    """A value to hold the series against, drawn grey across the chart."""

    label: str
    value: float
    along: Literal["x", "y"]
    source: str = ""


@dataclass(frozen=True)
class Table:
    """Figures that belong to a chart and are no points of it."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Chart:
    """`title` says what is shown, `n` of how much, `how` how to read it, `warnings` what could mislead.

    With `panels` each series is drawn in the panel that it names, one below the other. `stacked` bars add up.
    """

    name: str
    title: str
    how: str
    x: Axis
    y: Axis
    series: tuple[Series, ...] = ()
    n: str = ""
    lines: tuple[Line, ...] = ()
    panels: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    table: Table | None = None

    @property
    def empty(self) -> bool:
        return not any(series.x for series in self.series)


def to_csv(chart: Chart) -> str:
    """Every point of a chart as CSV, with the columns that it has, and its lines with their sources."""
    columns = ("x", "x_low", "x_high", "y", "low", "high", "z", "n", "examples", "runs", "notes")
    used = [name for name in columns if any(getattr(series, name) for series in chart.series)]
    titles = {"x": chart.x.title, "y": chart.y.title, "low": "low", "high": "high", "z": "value"}
    titles |= {"examples": "example", "runs": "run", "notes": "note"}
    panel = ["panel"] if chart.panels else []
    heads = [*panel, "series", *(titles.get(name, name) for name in used)]
    return csv_text(heads, _rows(chart, used))


def _rows(chart: Chart, columns: list[str]) -> Iterable[list[Cell]]:
    for series in chart.series:
        panel: list[Cell] = [series.panel] if chart.panels else []
        for at in range(len(series.x)):
            values = (getattr(series, name) for name in columns)
            yield [*panel, series.name, *(column[at] if column else None for column in values)]
    for line in chart.lines:
        place = {"x": line.value} if line.along == "x" else {"y": line.value}
        place_of = [place.get(name) if name != "notes" else line.source for name in columns]
        yield [*([""] if chart.panels else []), line.label, *place_of]
