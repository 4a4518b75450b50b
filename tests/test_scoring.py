"""Letters, and figures checked against published examples and scipy."""

import itertools
import math

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from rlm_app import scoring


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("B", "B"),
        (" (b). ", "B"),
        ("**B**", "B"),
        ("The correct answer is (B)", "B"),
        ("The correct answer is B.", "B"),
        ("**The correct answer is (B)**, since x", "B"),
        ("The correct answer is D according to `a.py`", "D"),
        ("The correct answer is A because", "A"),
        ("The answer is (B), A is wrong", "B"),
        ("Answer: B", "B"),
        ("Final answer = (B)", "B"),
        ('{"answer": "B"}', "B"),
        (r"\boxed{B}", "B"),
        ("B. It raises ValueError\nsince line 3 does", "B"),
        ("(B) It raises", "B"),
        ("A retry is made.\n\nB", "B"),
        ("The answer is B. A. Turing would agree", "B"),
        # none: prose, several, or something else that looks like a letter
        ("", None),
        ("E", None),
        ("A retry is made by option B", None),
        ("I think (B)", None),
        ("Option B is wrong", None),
        ("The answer is not B", None),
        ("The correct answer is A function of C", None),
        ("The answer is C++", None),
        ("The answer is C.py", None),
        ("The answer is Because", None),
        ("The answer is B or C", None),
        ("Answer: A, B", None),
        ("The correct answer is (A). No: the correct answer is (B).", None),
        ("A. one\nB. two", None),
    ],
)
def test_a_letter_is_read_only_where_it_is_the_answer(text: str, letter: str | None) -> None:
    assert scoring.letter(text, "ABCD") == letter


@given(st.sampled_from("ABCD"), st.sampled_from(["{}", "({})", "{}. text", "The correct answer is ({})", "Answer: {}"]))
def test_letters_outside_the_choices_name_nothing(letter: str, form: str) -> None:
    assert scoring.letter(form.format(letter), "ABCD") == letter
    assert scoring.letter(form.format(letter), set("ABCD") - {letter}) is None


def test_wilson_as_published() -> None:
    assert [round(bound, 3) for bound in scoring.wilson(13, 25)] == [0.335, 0.700]
    # Newcombe 1998, Statist. Med. 17:857, table I, method 3: 81/263, 15/148, 0/20, 1/29
    published = {
        (81, 263): (0.2553, 0.3662),
        (15, 148): (0.0624, 0.1605),
        (0, 20): (0, 0.1611),
        (1, 29): (0.0061, 0.1718),
    }
    for (right, n), bounds in published.items():
        assert scoring.wilson(right, n) == pytest.approx(bounds, abs=5e-5)


@given(st.integers(1, 600).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_as_scipy(counts: tuple[int, int]) -> None:
    theirs = stats.binomtest(*counts).proportion_ci(method="wilson")
    assert scoring.wilson(*counts) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


@given(st.integers(1, 600))
def test_wilson_ends_exactly_where_shares_do(n: int) -> None:
    assert scoring.wilson(0, n).low == 0
    assert scoring.wilson(n, n).high == 1


def test_nothing_measured_is_anything() -> None:
    share = scoring.accuracy([])
    assert (share.value, share.interval) == (None, (0, 1))


def test_one_epoch_is_wilson_and_more_are_clustered() -> None:
    once = scoring.accuracy([[True]] * 13 + [[False]] * 12)
    assert (once.right, once.n, once.interval) == (13, 25, scoring.wilson(13, 25))
    # Four epochs that always agree are the evidence of one, not of four.
    fourfold = scoring.accuracy([[True] * 4] * 13 + [[False] * 4] * 12)
    assert (fourfold.right, fourfold.n, fourfold.value) == (52, 100, 0.52)
    assert fourfold.interval == pytest.approx(once.interval, abs=0.03)
    assert fourfold.interval.high - fourfold.interval.low > 1.5 * (
        scoring.wilson(52, 100).high - scoring.wilson(52, 100).low
    )


def test_examples_that_all_agree_leave_room_for_doubt() -> None:
    assert scoring.accuracy([[True] * 3] * 10).interval == scoring.wilson(10, 10)


def test_cluster_interval_as_scipy_and_seeded() -> None:
    groups = tuple((float(at % 3 == 0), float(at % 2)) for at in range(60))
    ours = scoring.cluster_interval(groups, draws=4000)
    theirs = stats.bootstrap(
        ([sum(group) / 2 for group in groups],), numpy.mean, method="percentile", n_resamples=4000, rng=1
    ).confidence_interval
    assert ours == pytest.approx(tuple(theirs), abs=0.01)
    assert ours == scoring.cluster_interval.__wrapped__(groups, draws=4000)
    assert ours != scoring.cluster_interval(groups, seed=1, draws=4000)


def test_a_cluster_weighs_what_it_holds() -> None:
    low, high = scoring.cluster_interval(((1.0,) * 9, (0.0,)))
    assert (low, high) == (0, 1)
    assert scoring.accuracy([[True] * 9, [False]]).value == 0.9


@pytest.mark.parametrize("n", [2, 3, 4, 10, 25, 503])
def test_mean_interval_as_scipy(n: int) -> None:
    values = [float((at * 37) % 11) for at in range(n)]
    mean, interval = scoring.mean_interval(values)
    theirs = stats.t.interval(0.95, n - 1, loc=numpy.mean(values), scale=stats.sem(values))
    assert mean == pytest.approx(numpy.mean(values))
    assert interval == pytest.approx(theirs, rel=0.02)


def test_one_value_tells_nothing_of_its_spread() -> None:
    assert scoring.mean_interval([3.0]) == (3.0, (-math.inf, math.inf))
    with pytest.raises(ValueError):
        scoring.mean_interval([])


@given(st.lists(st.floats(-1e6, 1e6), min_size=1), st.floats(0, 1))
def test_quantile_as_numpy(values: list[float], share: float) -> None:
    assert scoring.quantile(values, share) == pytest.approx(numpy.quantile(values, share), rel=1e-9, abs=1e-6)


def test_ecdf_ends_at_one() -> None:
    assert scoring.ecdf(4) == (0.25, 0.5, 0.75, 1.0)


@given(st.integers(1, 7).flatmap(lambda n: st.tuples(st.integers(1, n), st.just(n), st.integers(0, n))))
def test_pass_at_k_and_pass_to_the_k_count_all_choices(case: tuple[int, int, int]) -> None:
    k, n, right = case
    drawn = list(itertools.combinations([True] * right + [False] * (n - right), k))
    assert scoring.pass_at(k, n, right) == pytest.approx(sum(map(any, drawn)) / len(drawn))
    assert scoring.pass_all(k, n, right) == pytest.approx(sum(map(all, drawn)) / len(drawn))


@given(st.lists(st.sampled_from(["A", "B", "C", None]), min_size=1, max_size=8), st.data())
def test_majority_counts_all_choices(votes: list[str | None], data: st.DataObject) -> None:
    k = data.draw(st.integers(1, len(votes)))
    won = []
    for drawn in itertools.combinations(votes, k):
        counts = {vote: drawn.count(vote) for vote in drawn if vote}
        first = [vote for vote, count in counts.items() if count == max(counts.values())]
        won.append(("A" in first) / max(len(first), 1))
    assert scoring.majority_at(k, votes, "A") == pytest.approx(sum(won) / len(won))


def test_no_more_can_be_drawn_than_there_are() -> None:
    for k in (0, 4):
        with pytest.raises(ValueError, match="3 attempts"):
            scoring.pass_at(k, 3, 1)
