"""Tables as text: CSV that a spreadsheet opens safely, and markdown."""

import csv
import io
from collections.abc import Iterable, Sequence
from html import escape

Cell = str | int | float | None


def csv_text(heads: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    """RFC 4180 with a header line; None is empty.

    A text that a spreadsheet would run as a formula is kept from it by an apostrophe, since examples and errors are
    others' words (OWASP, CSV injection).
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(heads)
    writer.writerows([_harmless(cell) for cell in row] for row in rows)
    return out.getvalue()


def _harmless(cell: Cell) -> Cell:
    return "'" + cell if isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell


def markdown_table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A markdown table whose cells cannot break out of it; all columns but the first are set to the right."""
    ruler = ["---", *["---:"] * (len(heads) - 1)]
    return "\n".join(
        "| " + " | ".join(line) + " |" for line in (map(cell, heads), ruler, *(map(cell, row) for row in rows))
    )


def cell(text: str) -> str:
    """A text of others on one line of markdown, without markup."""
    line = escape(" ".join(text.split()), quote=False)
    return "".join("\\" + char if char in "\\`*_[]|#" else char for char in line)
