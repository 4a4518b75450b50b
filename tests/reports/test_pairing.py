"""Paired tests, checked against published examples and scipy."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from rlm_app.reports import pairing


def test_mcnemar_as_published() -> None:
    # Armitage, Berry & Matthews, Statistical Methods in Medical Research, 4th ed., 4.5: two culture media, 12 against 2
    assert pairing.mcnemar(12, 2) == pytest.approx(0.0129, abs=5e-5)
    assert pairing.mcnemar(0, 0) == 1
    assert pairing.mcnemar(5, 5) == 1


@given(st.integers(0, 300), st.integers(0, 300))
def test_mcnemar_as_scipy(only_a: int, only_b: int) -> None:
    if only_a + only_b:
        assert pairing.mcnemar(only_a, only_b) == pytest.approx(stats.binomtest(only_a, only_a + only_b).pvalue)


def test_difference_pairs_examples() -> None:
    a = [1.0] * 30 + [0.0] * 20
    b = [1.0] * 20 + [0.0] * 30
    mean, (low, high) = pairing.difference(a, b)
    assert mean == pytest.approx(0.2)
    rng_free = stats.norm.interval(0.95, loc=0.2, scale=(0.16 / 50) ** 0.5)
    assert (low, high) == pytest.approx(rng_free, abs=0.02)
    # The same shares, unpaired by turning one around: wider, since more examples differ.
    _, wide = pairing.difference(a, b[::-1])
    assert wide.high - wide.low > 1.5 * (high - low)


def test_equal_results_still_leave_an_interval() -> None:
    mean, (low, high) = pairing.difference([1.0] * 30, [1.0] * 30)
    assert mean == 0
    assert -low == high == pytest.approx(0.095, abs=0.001)  # 1 - 0.05 ** (1 / 30)


@pytest.mark.parametrize(("a", "b"), [([], []), ([1.0], [])])
def test_difference_needs_the_same_examples(a: list[float], b: list[float]) -> None:
    with pytest.raises(ValueError, match="same examples"):
        pairing.difference(a, b)


def test_holm_as_published() -> None:
    # Four hypotheses at 0.01, 0.04, 0.03, 0.005: the first and the last are rejected at 5 %, as in R's p.adjust
    assert pairing.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert pairing.holm([0.01, 0.02, 0.03, 0.04, 0.05]) == pytest.approx([0.05, 0.08, 0.09, 0.09, 0.09])
    assert pairing.holm([]) == []


@given(st.lists(st.floats(0, 1), max_size=8))
def test_holm_keeps_order_and_lies_between_raw_and_bonferroni(p_values: list[float]) -> None:
    adjusted = pairing.holm(p_values)
    for raw, holm in zip(p_values, adjusted, strict=True):
        assert raw <= holm <= min(1, raw * len(p_values)) + 1e-12
    assert [holm for _, holm in sorted(zip(p_values, adjusted, strict=True))] == sorted(adjusted)


def test_settling_as_published() -> None:
    # The worked example of powerandsamplesize.com for Connor 1987: 0.45 and 0.05 at 80 % power need 23 pairs
    assert pairing.examples_to_settle(45, 5, 100) == 23
    assert pairing.examples_to_settle(45, 5, 100, pairs=3) == 30  # z of 0.05 / 3 is 2.394
    assert pairing.examples_to_settle(3, 3, 20) is None
    assert pairing.examples_to_settle(0, 0, 20) is None


def test_settling_has_the_power_it_promises() -> None:
    n = pairing.examples_to_settle(12, 6, 100)
    assert n is not None
    power = 0.0  # over all numbers of examples that differ, and of those on one side
    for differ in range(n + 1):
        weight = stats.binom.pmf(differ, n, 0.18)
        if weight > 1e-7 and differ:
            sides = stats.binom.pmf(range(differ + 1), differ, 12 / 18)
            z = [(2 * side - differ) / differ**0.5 for side in range(differ + 1)]
            power += weight * sum(share for share, value in zip(sides, z, strict=True) if abs(value) >= 1.959964)
    assert power == pytest.approx(0.8, abs=0.02)
