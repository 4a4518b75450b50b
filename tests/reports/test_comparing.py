"""Benches against each other, on data checked by hand."""

import pytest

from rlm_app.reports.comparing import compare
from rlm_app.reports.pairing import mcnemar
from tests.attempts import results


def test_a_pair_by_both_denominators() -> None:
    a = results(*"+++++-e-", model="lab/a")
    b = results(*"+----+++", model="lab/b")
    found = compare(a, b)
    assert found.examples == tuple(f"x{n}" for n in range(8))
    (pair,) = found.pairs
    over_all = pair.over_all
    assert (pair.a, pair.b) == (a.bench.id, b.bench.id)
    assert (over_all.both, over_all.only_a, over_all.only_b, over_all.neither, over_all.n) == (1, 4, 3, 0, 8)
    assert over_all.difference == pytest.approx(5 / 8 - 4 / 8)
    assert over_all.p == over_all.p_holm == mcnemar(4, 3)
    assert over_all.interval.low < 0 < over_all.interval.high
    answered = pair.over_answered  # x6 was an error of a, and no wrong answer
    assert (answered.both, answered.only_a, answered.only_b, answered.neither, answered.n) == (1, 4, 2, 0, 7)
    assert answered.difference == pytest.approx(5 / 7 - 3 / 7)


def test_flips_lead_to_both_runs() -> None:
    a, b = results(*"+-+", model="lab/a"), results(*"--e", model="lab/b")
    (pair,) = compare(a, b).pairs
    assert [(flip.example, flip.run_a, flip.run_b) for flip in pair.only_a] == [
        ("x0", f"{a.bench.id}-0-1", f"{b.bench.id}-0-1"),
        ("x2", f"{a.bench.id}-2-1", f"{b.bench.id}-2-1"),
    ]
    assert pair.only_b == ()


def test_only_what_all_have_ended_is_compared() -> None:
    found = compare(results(*"++.+c"), results(*"+-++-", model="lab/b"), results(*"+.+++", model="lab/c"))
    assert found.examples == ("x0", "x3")
    assert [pair.over_all.n for pair in found.pairs] == [2, 2, 2]


def test_several_pairs_are_adjusted_for_their_number() -> None:
    a, b, c = results(*"+" * 12), results(*"-" * 12, model="lab/b"), results(*"+" * 6 + "-" * 6, model="lab/c")
    found = compare(a, b, c)
    raw = [pair.over_all.p for pair in found.pairs]
    assert raw == [mcnemar(12, 0), mcnemar(6, 0), mcnemar(0, 6)]
    assert [pair.over_all.p_holm for pair in found.pairs] == pytest.approx([3 * raw[0], 2 * raw[1], 2 * raw[1]])
    assert raw[1] < 0.05 < found.pairs[1].over_all.p_holm
    assert [pair.over_all.to_settle == 0 for pair in found.pairs] == [
        p <= 0.05 for p in (3 * raw[0], 2 * raw[1], 2 * raw[2])
    ]


def test_what_would_settle_it() -> None:
    settled = compare(results(*"+" * 12), results(*"-" * 12, model="lab/b")).pairs[0].over_all
    assert settled.to_settle == 0
    assert compare(results(*"+-"), results(*"-+", model="lab/b")).pairs[0].over_all.to_settle is None
    close = compare(results(*"++-" * 4), results(*"+-+" * 3 + "+--", model="lab/b")).pairs[0].over_all
    assert (close.only_a, close.only_b, close.n) == (4, 3, 12)
    assert close.to_settle == 645  # Connor: 657 in all at 4/12 and 3/12


def test_epochs_count_by_majority_and_say_so() -> None:
    found = compare(results("++-", "+--", "+--"), results("---", "---", "+++", model="lab/b"))
    over_all = found.pairs[0].over_all
    assert (over_all.only_a, over_all.only_b, over_all.neither) == (1, 1, 1)
    assert over_all.difference == pytest.approx((4 - 3) / 9)
    assert any("majority" in warning for warning in found.warnings)


def test_nothing_in_common_is_no_difference() -> None:
    found = compare(results("+"), results(".", model="lab/b"))
    (pair,) = found.pairs
    assert (pair.over_all.n, pair.over_all.difference, pair.over_all.p) == (0, None, 1)
    assert "Only 0 examples in common: most differences are chance." in found.warnings


def test_one_bench_is_no_comparison() -> None:
    with pytest.raises(ValueError, match="two benches"):
        compare(results("+"))
