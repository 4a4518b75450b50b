"""Tables as text that no cell can break out of."""

import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from rlm_app.reports.tables import csv_text, markdown_table

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


@given(st.lists(st.tuples(TEXT, st.none() | st.integers() | TEXT)))
def test_csv_reads_back_and_starts_no_formula(rows: list[tuple[str, str | int | None]]) -> None:
    heads, *read = csv.reader(io.StringIO(csv_text(["a", "b"], rows), newline=""))
    assert heads == ["a", "b"]
    for row, cells in zip(rows, read, strict=True):
        for value, cell in zip(row, cells, strict=True):
            told = "" if value is None else str(value)
            assert cell in (told, "'" + told)
            assert not (isinstance(value, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r")))


@given(st.lists(st.tuples(TEXT, TEXT), max_size=5))
def test_every_row_of_markdown_is_one_line_with_its_cells(rows: list[tuple[str, str]]) -> None:
    lines = markdown_table(["a", "b"], rows).split("\n")
    assert len(lines) == len(rows) + 2
    for line in lines:
        assert line.replace("\\\\", "").replace("\\|", "").count("|") == 3
        assert "<" not in line
