"""Attempts counted by both denominators, names of benches, and what a reader must know."""

import pytest

from rlm_app.model import KEYLESS_MODEL
from rlm_app.reports.results import cautions, differences, labels, results_of, size_class
from rlm_app.scoring import wilson
from tests.attempts import attempt_of, bench_of, results


def test_errors_limits_and_silence_are_not_wrong_answers() -> None:
    found = results("+", "+", "-", "e", "l", "0", "c", ".")
    assert found.over_all == (2, 6, wilson(2, 6))
    assert found.over_answered == (2, 3, wilson(2, 3))
    assert (found.open, found.outcomes["cancelled"]) == (1, 1)


def test_a_retry_counts_instead_of_what_it_retries() -> None:
    bench = bench_of(2)
    attempts = [
        attempt_of(bench, 1, "-"),
        attempt_of(bench, 0, "+", number=2),
        attempt_of(bench, 0, "e", number=1),
        attempt_of(bench_of(5), 0, "-"),
    ]
    (found,) = results_of([bench], attempts)
    assert [(attempt.example, attempt.outcome) for attempt in found.attempts] == [("x0", "right"), ("x1", "wrong")]


def test_attempts_that_no_row_stands_for_are_open() -> None:
    bench = bench_of(4, epochs=2)
    (found,) = results_of([bench], [attempt_of(bench, 0), attempt_of(bench, 1, ".")])
    assert found.open == 7


def test_mean_cost_is_over_examples_and_unknown_with_any_part_of_it() -> None:
    bench = bench_of(2, epochs=2)
    costs = [(0, 1, 1.0), (0, 2, 3.0), (1, 1, 4.0), (1, 2, 4.0)]
    attempts = [attempt_of(bench, number, epoch=epoch, cost=cost) for number, epoch, cost in costs]
    (found,) = results_of([bench], attempts)
    assert found.mean_cost is not None
    mean, spread = found.mean_cost
    assert mean == 3.0  # of the examples' means 2 and 4: t with one degree of freedom, not below zero
    assert spread == pytest.approx((0, 3 + 12.706), abs=0.01)
    (unknown,) = results_of([bench], [*attempts[:3], attempt_of(bench, 1, epoch=2, cost=None)])
    assert unknown.mean_cost is None


def test_benches_are_named_by_what_tells_them_apart() -> None:
    one, two = bench_of(2), bench_of(2, config={"sub_model": "lab/small"})
    other = bench_of(2, "lab/two")
    prompts = bench_of(2, prompts="q")
    assert labels(results_of([one, other], [])) == {one.id: "lab/one", other.id: "lab/two"}
    assert labels(results_of([one, two, other], [])) == {
        one.id: "lab/one",
        two.id: "lab/one · sub lab/small",
        other.id: "lab/two",
    }
    assert labels(results_of([one, prompts], [])) == {one.id: "lab/one · prompts p", prompts.id: "lab/one · prompts q"}
    shuffled, twice = bench_of(2, shuffle=1), bench_of(2, epochs=2)
    assert set(labels(results_of([one, shuffled], [])).values()) == {"lab/one", "lab/one · shuffled 1"}
    assert set(labels(results_of([one, twice], [])).values()) == {
        f"lab/one · {one.id[:6]}",
        f"lab/one · {twice.id[:6]}",
    }


@pytest.mark.parametrize(
    ("tokens", "name"), [(0, "under 10 k"), (9_999, "under 10 k"), (10_001, "10 k–31.6 k"), (2e7, "over 10 M")]
)
def test_size_classes(tokens: float, name: str) -> None:
    assert size_class(round(tokens * 3.6))[1] == name


def test_what_would_mislead_says_so() -> None:
    few = results("+", "e", ".", model=KEYLESS_MODEL)
    assert "\n".join(cautions([few])) == (
        "Few examples, so the intervals are wide: keyless/bm25 2.\n"
        "Attempts still to be made: keyless/bm25 1.\n"
        "Errors, which count as not right over all: keyless/bm25 1.\n"
        "keyless/bm25: retrieval baseline, no language model."
    )
    assert cautions([results(*"+" * 30)]) == ()
    assert cautions([few, results(*"++", model="lab/b")])[0] == "Few examples, so the intervals are wide: 2 each."
    assert cautions([results(".")]) == ("Nothing has ended yet: lab/one.",)


def test_benches_that_are_not_alike_say_so() -> None:
    plain = results("+", "-")
    assert differences([plain, results("+", "-", model="lab/two")]) == ()
    assert differences([plain, results("+", "-", "-")]) == (
        "These benches are of different examples, 2 of them in common.",
    )
    assert differences([plain, results("+", dataset="e")]) == ("These benches are of different data sets.",)
    assert differences([plain, results("+", "-", prompts="q")]) == ("These benches used different prompts.",)
    assert differences([plain, results("+", "-", config={"program": "z"})]) == (
        "These benches used different prompts.",
    )
