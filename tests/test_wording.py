"""Figures in words."""

import pytest

from rlm_app import wording
from rlm_app.model import Usage
from tests.test_export import make_run

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


def test_expected_says_what_earlier_runs_took_and_never_guesses_a_price() -> None:
    quote = {"steps": (4.0, 9.2), "tokens": (12_000.0, 41_000.0), "seconds": (20.0, 75.0)}
    assert wording.expected(runs=12, cost=(0.01, 0.25), **quote) == (
        "4 – 9 steps, 12 k – 41 k tokens, 20 s – 1 min 15 s, $0.0100 – $0.25 (median to 90th percentile of 12 runs)"
    )
    assert "cost unknown" in wording.expected(runs=2, cost=None, **quote)
    assert wording.expected(runs=0, cost=None, **quote) == "no runs yet with this model"
    same = wording.expected(runs=1, steps=(3, 3), tokens=(0, 0), seconds=(2, 2), cost=(0, 0))
    assert same == "3 steps, 0 tokens, 2.0 s, $0 (as in the one run so far)"


def test_a_limit_is_named_and_an_answer_at_one_is_a_fallback() -> None:
    assert wording.outcome(make_run(status="limit", limit="max_cost")) == "cost limit reached"
    answered = make_run(status="limit", limit="max_seconds", answer="Perhaps.")
    assert wording.outcome(answered) == "fallback answer: with what it had at the time limit"
    assert wording.outcome(make_run(status="limit")) == "limit reached"
    assert wording.outcome(make_run(status="failed")) == "failed"


def test_tokens_tell_what_was_cached_thought_and_stored() -> None:
    usage = Usage(calls=3, cached_calls=2, tokens_in=1200, tokens_cached=800, tokens_out=310, tokens_reasoning=200)
    assert wording.tokens(usage) == "1.2 k tokens in (800 cached), 310 out (200 reasoning), 2 stored"
    assert wording.tokens(Usage(calls=1, tokens_in=5, tokens_out=1)) == "5 tokens in, 1 out"


@pytest.mark.parametrize(("count", "text"), [(0, "0 B"), (999, "999 B"), (41_200, "41.2 kB"), (1_490_000, "1.49 MB")])
def test_sizes(count: int, text: str) -> None:
    assert wording.size(count) == text
