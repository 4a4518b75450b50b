"""Files in LongBench-v2's exact schema, and ours, made for tests."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from rlm_app.rows import CODE, FIELDS

Row = dict[str, Any]


def row(number: int, **others: Any) -> Row:
    """A good row; `others` replace its fields."""
    plain = {
        "_id": f"{number:024x}",
        "domain": CODE,
        "sub_domain": "Code repo QA",
        "difficulty": "hard" if number % 3 else "easy",
        "length": ("short", "medium", "long")[number % 3],
        "question": f"What does part {number} do?",
        "choice_A": "It adds.",
        "choice_B": "It sorts.",
        "choice_C": "It waits.",
        "choice_D": "It fails.",
        "answer": "ABCD"[number % 4],
        "context": f"def part_{number}():\n    return {number}\n# ünïcode ✓\r\nlast line without an end",
    }
    return {**plain, **others}


def write_file(path: Path, rows: Iterable[Row]) -> Path:
    """The rows as JSON array, JSON lines or parquet, by the ending of the name."""
    rows = list(rows)
    if path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in rows), encoding="utf-8")
    elif path.suffix == ".json":
        path.write_text(json.dumps(rows, ensure_ascii=False, indent=4), encoding="utf-8")
    else:
        import pyarrow
        import pyarrow.parquet

        table = pyarrow.table({field: [one.get(field) for one in rows] for field in rows[0]})
        pyarrow.parquet.write_table(table, path, row_group_size=7)
    return path


def longbench_rows() -> Iterator[Row]:
    """As LongBench-v2 is: 50 rows about code among rows of other domains."""
    for number in range(60):
        yield row(number, domain="Single-Document QA") if number % 6 == 5 else row(number)


assert set(row(0)) == set(FIELDS)
