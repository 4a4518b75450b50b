"""The report of a bench as one HTML file that needs no network, no server, and no trust in what it quotes."""

import gzip
import hashlib
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from html import escape

from rlm_app.benches import Attempt, Bench
from rlm_app.charts.catalogue import CHARTS
from rlm_app.charts.chart import Chart, to_csv
from rlm_app.charts.colours import colours
from rlm_app.examples import Example
from rlm_app.figures.draw import config, spec
from rlm_app.figures.look import WARNINGS_SHOWN
from rlm_app.figures.page import SCRIPT, STYLE
from rlm_app.reports.breakdowns import Breakdown
from rlm_app.reports.report import GROUP_HEADS, Report, group_row, headline, settings_of
from rlm_app.reports.results import example_of, results_of
from rlm_app.wording import cost, seconds

ROWS = 2000
"""Attempts listed at most."""
LONG = 40
"""Characters from which a cell is broken into lines."""


def html_report(
    report: Report,
    benches: Sequence[Bench],
    attempts: Sequence[Attempt],
    examples: Sequence[Example],
    palette: Mapping[str, str] | None = None,
) -> str:
    """The numbers, settings and versions of `report`, and every chart of the benches that has something to show.

    About 2 MB, nearly all of it plotly.js, compressed; a browser of 2023 or later inflates it. Text of others is
    escaped, and a content security policy lets only the two scripts of the file run, by their hashes. `palette` is as
    for `draw.figure`.
    """
    results = results_of(benches, attempts)
    known = example_of(examples)
    charts = [chart for make in CHARTS.values() if not (chart := make(results, known)).empty]
    plotly, digest = _plotly()
    title = f"{report.model} on {report.dataset}, {report.split}"
    parts = [
        f"<h1>{escape(title)}</h1>",
        *(f'<p class="warning">⚠ {escape(warning)}</p>' for warning in report.warnings),
        _table(["", ""], headline(report)),
        f'<p class="quiet">Intervals are 95 %, {escape(report.interval_method)}.</p>',
        '<p id="status" class="warning"></p>',
        *map(_section, charts),
        *map(_breakdown, report.breakdowns),
        "<section><h2>Settings and versions</h2>" + _table(["setting", "value"], settings_of(report)) + "</section>",
        _attempts(attempts, known),
        f'<script id="charts" type="text/plain">{_packed(_json(charts, palette))}</script>',
        f'<script id="plotly" type="text/plain">{plotly}</script>',
        f"<script>{SCRIPT}</script>",
    ]
    policy = (
        f"default-src 'none'; script-src {digest} {_digest(SCRIPT)}; style-src 'unsafe-inline'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(policy)}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>\n<body>\n"
        + "\n".join(parts)
        + "\n</body></html>\n"
    )


@lru_cache(maxsize=1)
def _plotly() -> tuple[str, str]:
    """plotly.js compressed, and the hash that lets it run."""
    from plotly.offline import get_plotlyjs

    source = get_plotlyjs().replace("\r\n", "\n")  # what a script element holds, and so what its hash is of
    return _packed(source), _digest(source)


def _packed(text: str) -> str:
    return b64encode(gzip.compress(text.encode(), mtime=0)).decode()


def _digest(script: str) -> str:
    return f"'sha256-{b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


def _json(charts: Sequence[Chart], palette: Mapping[str, str] | None) -> str:
    from plotly.io.json import to_json_plotly

    palette = palette or colours(series.model for chart in charts for series in chart.series if series.model)
    return str(
        to_json_plotly(
            [
                {
                    "name": chart.name,
                    "light": spec(chart, palette),
                    "dark": spec(chart, palette, dark=True),
                    "config": config(chart),
                    "csv": to_csv(chart),
                }
                for chart in charts
            ]
        )
    )


def _section(chart: Chart) -> str:
    forms = "".join(
        f'<button data-chart="{chart.name}" data-format="{form}">{form.upper()}</button>'
        for form in ("png", "svg", "csv")
    )
    return (
        f'<section><div class="figure" id="figure-{chart.name}" role="img" aria-label="{escape(chart.title)}"></div>'
        f'<p class="quiet">{escape(chart.how)}</p>'
        + "".join(f'<p class="warning">⚠ {escape(warning)}</p>' for warning in chart.warnings[WARNINGS_SHOWN:])
        + (_table(chart.table.heads, chart.table.rows) if chart.table else "")
        + f"<p>{forms}</p></section>"
    )


def _breakdown(breakdown: Breakdown) -> str:
    heads = [breakdown.by, *GROUP_HEADS[1:]]
    return f"<section><h2>By {escape(breakdown.by)}</h2>{_table(heads, map(group_row, breakdown.groups))}</section>"


def _attempts(attempts: Sequence[Attempt], examples: dict[str, Example]) -> str:
    def row(attempt: Attempt) -> list[str]:
        key = examples[attempt.example].expected if attempt.example in examples else "–"
        took = "–" if attempt.seconds is None else seconds(attempt.seconds)
        answer = (attempt.outcome, attempt.predicted or "–", key, f"{attempt.steps}", cost(attempt.usage.cost), took)
        return [attempt.example, attempt.bench, f"{attempt.epoch}", *answer, attempt.error or attempt.limit or ""]

    heads = ["example", "bench", "epoch", "outcome", "given", "key", "steps", "cost", "time", "error or limit"]
    more = f"<p>The first {ROWS:,} of {len(attempts):,}.</p>" if len(attempts) > ROWS else ""
    listed = _table(heads, map(row, attempts[:ROWS]))
    return f"<section><h2>Attempts</h2>{more}<details><summary>Show them</summary>{listed}</details></section>"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in heads)
    body = "".join("<tr>" + "".join(map(_cell, row)) + "</tr>" for row in rows)
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _cell(text: str) -> str:
    return ("<td class=long>" if len(text) > LONG else "<td>") + escape(text) + "</td>"
