"""How figures look: colours of both themes, type, and room for titles on a phone."""

import textwrap
from dataclasses import dataclass
from html import escape

from rlm_app.charts.chart import Chart

WIDE = 56
"""Characters of a line above a chart that still fit 390 pixels."""

WARNINGS_SHOWN = 3


@dataclass(frozen=True)
class Theme:
    paper: str
    text: str
    quiet: str
    grid: str
    amber: str


LIGHT = Theme("#FBFBF9", "#1C1F22", "#5A6168", "#E4E4DF", "#8A5A00")
DARK = Theme("#14171A", "#E6E8E6", "#9BA3A9", "#2A3036", "#E6B450")

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', sans-serif"


def plain(text: str, limit: int = 80) -> str:
    """A text of others on one line, cut, and without markup that plotly would read."""
    line = " ".join(text.split())
    return escape(line if len(line) <= limit else line[: limit - 1] + "…", quote=False)


def heading(chart: Chart, theme: Theme) -> tuple[str, int]:
    """What stands above a chart, n and warnings, as lines of plotly's HTML, and how many lines that are."""
    shown = list(chart.warnings[:WARNINGS_SHOWN])
    if more := len(chart.warnings) - len(shown):
        shown.append(f"{more} more below.")
    quiet = textwrap.wrap(chart.n, WIDE)
    amber = [line for warning in shown for line in textwrap.wrap(f"⚠ {warning}", WIDE, break_on_hyphens=False)]
    lines = [_line(line, theme.quiet) for line in quiet] + [_line(line, theme.amber) for line in amber]
    return "<br>".join(lines), len(lines)


def _line(text: str, colour: str) -> str:
    return f'<span style="color:{colour}">{escape(text, quote=False)}</span>'
