"""Figures in words."""

import pytest

from rlm_app import wording

NOW = 1_790_000_000.0


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (231, "231"), (41_240, "41.2 k"), (999_999, "1 M"), (1_490_000, "1.49 M"), (2e9, "2 G")],
)
def test_amount(value: float, text: str) -> None:
    assert wording.amount(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0.0 s"),
        (4.24, "4.2 s"),
        (9.96, "10 s"),
        (59.4, "59 s"),
        (59.6, "1 min 0 s"),
        (125, "2 min 5 s"),
        (3780, "1 h 3 min"),
    ],
)
def test_seconds(value: float, text: str) -> None:
    assert wording.seconds(value) == text


@pytest.mark.parametrize(
    ("usd", "text"), [(None, "cost unknown"), (0.0, "$0"), (0.00004, "<$0.0001"), (0.0123, "$0.0123"), (1.5, "$1.50")]
)
def test_cost(usd: float | None, text: str) -> None:
    assert wording.cost(usd) == text


@pytest.mark.parametrize(
    ("passed", "text"),
    [
        (0, "just now"),
        (-5, "just now"),
        (50, "1 min ago"),
        (3500, "58 min ago"),
        (3600, "1 h ago"),
        (90_000, "1 day ago"),
    ],
)
def test_ago(passed: float, text: str) -> None:
    assert wording.ago(NOW - passed, NOW) == text


def test_a_week_ago_is_a_date() -> None:
    assert wording.ago(NOW - 8 * 86_400, NOW) == "2026-09-13"
