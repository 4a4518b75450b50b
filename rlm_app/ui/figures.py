"""Numbers and times as HTML for pages, beside the plain words of `wording`."""

from datetime import UTC, datetime
from html import escape

from rlm_app.wording import ago, amount, cost, plural, seconds, size, tokens

__all__ = ["ago", "amount", "cost", "exact", "facts", "moment", "plural", "safe", "seconds", "size", "table", "tokens"]


def moment(then: float) -> str:
    """HTML of a relative time with the exact one on hover."""
    return f'<time title="{exact(then)}">{ago(then)}</time>'


def exact(then: float) -> str:
    return datetime.fromtimestamp(then, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def facts(*parts: str) -> str:
    """HTML of a quiet line of facts; each part is already safe HTML, empty ones are left out."""
    line = " · ".join(part for part in parts if part)
    return (
        '<div style="opacity:.75;font-size:.875rem;font-variant-numeric:tabular-nums;overflow-wrap:anywhere">'
        f"{line}</div>"
    )


def safe(text: str, limit: int = 200) -> str:
    """A text of others inside HTML, on one line and cut after `limit` characters."""
    from rlm_app.ui.text import visible

    line = " ".join(visible(text).split())
    return escape(line if len(line) <= limit else line[: limit - 1] + "…")


def table(heads: list[str], rows: list[list[str]]) -> str:
    """HTML of a small table; heads and cells are already safe HTML. All columns but the first are kept short."""
    cell = 'style="padding:.2em .9em .2em 0;text-align:left;vertical-align:top;border:0;overflow-wrap:anywhere"'
    head = "".join(f"<th {cell}>{name}</th>" for name in heads)
    body = "".join("<tr>" + "".join(f"<td {cell}>{value}</td>" for value in row) + "</tr>" for row in rows)
    return (
        '<table style="border-collapse:collapse;font-size:.875rem;font-variant-numeric:tabular-nums;border:0">'
        f'<thead style="opacity:.7"><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
    )
