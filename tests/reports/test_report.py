"""A bench in numbers, on data checked by hand."""

import csv
import json

import pytest

from rlm_app.model import json_of
from rlm_app.reports.report import Report, report, to_csv, to_markdown
from rlm_app.scoring import wilson
from tests.attempts import attempt_of, bench_of, example_of

BENCH = bench_of(6, config={"sub_model": "lab/small"})
ATTEMPTS = [
    attempt_of(BENCH, 0, "e", cost=0.25, steps=1, seconds=None),
    attempt_of(BENCH, 0, "+", number=2, seconds=1.0),
    attempt_of(BENCH, 1, "+", seconds=2.0),
    attempt_of(BENCH, 2, "-", seconds=30.0),
    attempt_of(BENCH, 3, "e", seconds=4.0),
    attempt_of(BENCH, 4, "l", seconds=5.0),
    attempt_of(BENCH, 5, "."),
    attempt_of(bench_of(9), 0, "+"),
]
EXAMPLES = [
    example_of(n, difficulty="hard" if n % 2 else "easy", length=["short", "long"][n % 2], kind="caller" if n else "")
    for n in range(6)
]


def made() -> Report:
    return report(BENCH, ATTEMPTS, EXAMPLES)


def test_counts_shares_and_intervals() -> None:
    found = made()
    assert (found.n, found.right, found.wrong, found.limits, found.errors, found.no_answer) == (5, 2, 1, 1, 1, 0)
    assert (found.accuracy, found.interval) == (0.4, wilson(2, 5))
    assert (found.answered, found.accuracy_answered, found.interval_answered) == (3, 2 / 3, wilson(2, 3))
    assert (found.examples, found.open, found.interval_method) == (6, 1, "Wilson")


def test_totals_count_retries_and_means_the_latest() -> None:
    found = made()
    assert found.cost == pytest.approx(0.25 + 6 * 0.5)
    assert (found.tokens, found.steps, found.seconds) == (700, 19, 52.0)
    assert (found.mean_cost, found.mean_tokens, found.mean_steps, found.median_seconds) == (0.5, 100, 3, 4.0)
    assert found.mean_cost_interval == (0.5, 0.5)


def test_breakdowns_have_the_groups_that_examples_tell_of() -> None:
    parts = {part.by: part.groups for part in made().breakdowns}
    assert list(parts) == ["difficulty", "length", "context tokens", "question type"]
    assert [(group.value, group.n, group.right) for group in parts["difficulty"]] == [("easy", 3, 1), ("hard", 2, 1)]
    assert [group.value for group in parts["length"]] == ["short", "long"]
    sizes = [group.value for group in parts["context tokens"]]
    assert sizes == ["under 10 k", "10 k–31.6 k", "100 k–316 k", "1 M–3.16 M", "over 10 M"]
    (kind,) = parts["question type"]  # x0 tells nothing of its kind
    assert (kind.value, kind.n, kind.errors, kind.answered, kind.accuracy_answered) == ("caller", 4, 1, 2, 0.5)


def test_one_json_object_with_the_promised_keys() -> None:
    told = json.loads(json.dumps(json_of(made()), allow_nan=False))
    wanted = "id dataset split model n right accuracy interval answered errors limits cost tokens steps seconds"
    assert set(wanted.split()) <= set(told)
    assert told["interval"] == pytest.approx(list(wilson(2, 5)))
    assert (told["id"], told["sub_model"], told["sandbox"], told["epochs"]) == (BENCH.id, "lab/small", "monty", 1)


def test_a_bench_that_has_not_begun_knows_nothing() -> None:
    found = report(BENCH, [], [])
    assert (found.n, found.accuracy, found.interval, found.mean_cost, found.median_seconds) == (
        0,
        None,
        (0, 1),
        None,
        None,
    )
    assert found.open == 6
    assert "–" in to_markdown(found)
    json.dumps(json_of(found), allow_nan=False)


def test_unknown_prices_are_never_zero() -> None:
    found = report(BENCH, [attempt_of(BENCH, 0), attempt_of(BENCH, 1, cost=None)], [])
    assert (found.cost, found.mean_cost, found.mean_cost_interval) == (None, None, None)
    assert "Cost: cost unknown" in to_markdown(found)


def test_one_example_has_no_interval_of_its_cost() -> None:
    assert report(BENCH, [attempt_of(BENCH, 0)], []).mean_cost_interval is None


def test_epochs_are_clustered_by_example() -> None:
    bench = bench_of(4, epochs=3)
    attempts = [attempt_of(bench, n, "+" if n < 2 else "-", epoch) for n in range(4) for epoch in (1, 2, 3)]
    found = report(bench, attempts, [])
    assert (found.n, found.accuracy, found.interval_method) == (12, 0.5, "cluster bootstrap by example")
    assert found.interval.high - found.interval.low > wilson(6, 12).high - wilson(6, 12).low


def test_markdown_says_both_denominators_and_is_safe() -> None:
    bench = bench_of(1, model="x|`<img>", dataset="d_d")
    text = to_markdown(report(bench, [attempt_of(bench, 0)], [example_of(0, repository="a|b\n# c")]))
    assert "- Right over all: 100.0 % [20.7, 100.0], 1 of 1" in text
    assert "- Right over answered: 100.0 % [20.7, 100.0], of 1" in text
    assert "# x\\|\\`&lt;img&gt; on d\\_d all" in text
    assert "| a\\|b \\# c | 1 |" in text


def test_csv_has_a_line_an_attempt_and_runs_no_formula() -> None:
    rows = list(
        csv.DictReader(to_csv([*ATTEMPTS[:2], attempt_of(BENCH, 1, "e", error="=1+1\n,x", cost=None)]).splitlines(True))
    )
    assert [row["outcome"] for row in rows] == ["error", "right", "error"]
    assert (rows[0]["seconds"], rows[0]["cost"], rows[1]["number"]) == ("", "0.25", "2")
    assert (rows[2]["error"], rows[2]["cost"], rows[2]["coverage"]) == ("'=1+1\n,x", "", "")
