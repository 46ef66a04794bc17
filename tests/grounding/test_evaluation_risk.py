"""Risk, coverage, bounds and calibration against values worked out by hand."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reticle_grounding.evaluation.counting import calibration, rejection, rejection_keeping, risk, thinned
from reticle_grounding.evaluation.risk import (
    Answer,
    RiskPoint,
    act_alone,
    aurc,
    brier,
    calibration_error,
    reliability,
    risk_coverage,
    seen_right,
    threshold_keeping,
    wilson_lower,
)

FOUR = [Answer(0.9, True), Answer(0.8, False), Answer(0.6, True), Answer(0.3, False, present=False)]
answers = st.lists(
    st.builds(Answer, st.none() | st.floats(0, 1), st.booleans(), st.just(True)), min_size=1, max_size=60
)


def test_risk_and_coverage_of_four_answers() -> None:
    points = risk_coverage(FOUR[::-1])
    assert [p.p_true for p in points] == [0.9, 0.8, 0.6, 0.3]
    assert [p.coverage for p in points] == [0.25, 0.5, 0.75, 1.0]
    assert [p.risk for p in points] == pytest.approx([0, 1 / 2, 1 / 3, 1 / 2])
    assert aurc(points) == pytest.approx((0 + 1 / 2 + 1 / 3 + 1 / 2) / 4)


def test_equal_probabilities_are_one_point_whatever_their_order() -> None:
    tied = [Answer(0.5, True), Answer(0.5, False), Answer(0.9, True)]
    points = risk_coverage(tied)
    assert [(p.p_true, p.answered, p.right) for p in points] == [(0.9, 1, 1), (0.5, 3, 2)]
    assert aurc(points) == aurc(risk_coverage(tied[::-1])) == pytest.approx(2 / 3 * 1 / 3)


def test_no_candidate_counts_as_wrong_when_all_is_covered() -> None:
    points = risk_coverage([Answer(0.7, True), Answer(None, False)])
    assert (points[-1].p_true, points[-1].coverage, points[-1].risk) == (0.0, 1.0, 0.5)


def test_area_of_the_extremes() -> None:
    assert aurc([]) is None
    assert aurc(risk_coverage([Answer(0.9, True), Answer(0.1, True)])) == 0.0
    assert aurc(risk_coverage([Answer(0.9, False), Answer(0.1, False)])) == 1.0


@given(answers)
def test_coverage_grows_and_the_curve_ends_at_everything(found: list[Answer]) -> None:
    points = risk_coverage(found)
    assert all(a.p_true > b.p_true and a.coverage < b.coverage for a, b in pairwise(points))
    assert points[-1].coverage == 1.0
    assert points[-1].risk == pytest.approx(1 - sum(a.right for a in found) / len(found))
    area = aurc(points)
    assert area is not None
    assert -1e-12 <= area <= 1 + 1e-12


@pytest.mark.parametrize(
    ("right", "n", "z", "bound"),
    [
        (0, 0, 1.96, 0.0),
        (0, 10, 1.96, 0.0),
        (8, 10, 1.96, 0.4902),  # Newcombe (1998) and any table of Wilson intervals: 0.490 to 0.943
        (10, 10, 1.96, 10 / (10 + 1.96**2)),
        (81, 263, 1.959964, 0.2553),  # Newcombe (1998), table I, method 3
        (3, 3, 1.6448536269514722, 3 / (3 + 2.705543)),
    ],
)
def test_wilson_lower_bound(right: int, n: int, z: float, bound: float) -> None:
    assert wilson_lower(right, n, z) == pytest.approx(bound, abs=5e-5)


@given(st.integers(1, 500), st.data())
def test_the_bound_lies_below_the_share_and_tightens_with_more_of_the_same(n: int, data: st.DataObject) -> None:
    right = data.draw(st.integers(0, n))
    assert 0.0 <= wilson_lower(right, n) <= right / n
    assert wilson_lower(right * 4, n * 4) >= wilson_lower(right, n)


def test_three_of_three_may_not_act_alone_but_enough_of_them_may() -> None:
    few = risk_coverage([Answer(0.9 + i / 100, True) for i in range(3)])
    assert act_alone(few, 0.99) is None
    assert seen_right(few, 0.99) is None
    for count, sure in ((51, False), (52, True)):
        found = act_alone(risk_coverage([Answer(0.9, True)] * count), 0.95)
        assert (found is not None) is sure, count
    assert act_alone(risk_coverage([Answer(0.9, True)] * 267), 0.99) is None
    assert act_alone(risk_coverage([Answer(0.9, True)] * 268), 0.99) is not None


def test_the_widest_coverage_is_taken() -> None:
    found = [Answer(0.9, True)] * 60 + [Answer(0.8, True)] * 40 + [Answer(0.2, False)] * 30
    point = act_alone(risk_coverage(found), 0.95)
    assert point == RiskPoint(0.8, 100, 100, 130)
    assert seen_right(risk_coverage(found), 0.99) == point
    seen = seen_right(risk_coverage([*found, Answer(0.1, True)]), 0.75)
    assert seen is not None
    assert seen.answered == 131, "101 of 131 are right"


def test_nothing_right_means_never() -> None:
    wrong = [Answer(0.9, False)] * 300
    assert act_alone(risk_coverage(wrong), 0.95) is None
    assert seen_right(risk_coverage(wrong), 0.95) is None
    assert threshold_keeping(wrong, 0.95) is None
    assert rejection_keeping(wrong)["threshold"] is None
    assert risk(wrong)["aurc"] == 1.0


def test_threshold_that_keeps_a_share_of_the_right_ones() -> None:
    right = [Answer(i / 100, True) for i in range(1, 101)]
    assert threshold_keeping([*right, Answer(0.001, False)], 0.95) == 0.06, "95 of 100 are 0.06 or more"
    assert threshold_keeping(right[:3], 0.95) == 0.01, "of three, all must stay"
    assert threshold_keeping(right[:1], 0.0) == 0.01


@given(answers, st.floats(0.01, 1.0))
def test_the_threshold_keeps_what_it_promises_and_no_higher_one_does(found: list[Answer], kept: float) -> None:
    threshold = threshold_keeping(found, kept)
    right = [a.p or 0.0 for a in found if a.right]
    if threshold is None:
        assert not right
        return
    assert sum(p >= threshold for p in right) >= kept * len(right) - 1e-6
    higher = [p for p in right if p > threshold]
    assert len(higher) < kept * len(right) + 1e-6


def test_rejection_at_a_threshold() -> None:
    found = [*FOUR, Answer(None, False, present=False), Answer(0.7, False, present=False)]
    assert rejection(found, 0.65) == {
        "threshold": 0.65,
        "right_kept": 0.5,
        "absent_rejected": 0.6667,
        "answered": 0.5,
        "right_of_answered": 0.3333,
    }
    assert rejection(FOUR[:3], 0.0)["absent_rejected"] is None
    assert rejection([], None)["answered"] is None


def test_calibration_error_by_hand() -> None:
    found = [Answer(0.1, False), Answer(0.3, True), Answer(0.7, True), Answer(0.9, True), Answer(None, False)]
    table = reliability(found, bins=2)
    assert [(b.n, b.lowest, b.highest) for b in table] == [(2, 0.1, 0.3), (2, 0.7, 0.9)]
    assert [b.mean_p for b in table] == pytest.approx([0.2, 0.8])
    assert [b.right for b in table] == [0.5, 1.0]
    assert calibration_error(table) == pytest.approx((0.3 + 0.2) / 2)
    assert brier(found) == pytest.approx((0.01 + 0.49 + 0.09 + 0.01) / 4)


def test_bins_hold_equal_masses() -> None:
    table = reliability([Answer(i / 1000, i % 2 == 0) for i in range(103)])
    assert sorted(b.n for b in table) == [10] * 7 + [11] * 3
    assert all(a.highest < b.lowest for a, b in pairwise(table))


def test_without_any_candidate_there_is_no_calibration() -> None:
    none = [Answer(None, False)]
    assert calibration(none) == {"ece": None, "brier": None, "bins": []}
    assert calibration_error([]) is None
    assert len(reliability([Answer(0.5, True)] * 3)) == 3


def test_points_are_thinned_to_their_ends() -> None:
    points = risk_coverage([Answer(i / 5000, True) for i in range(1000)])
    kept = thinned(points, 11)
    assert len(kept) == 11
    assert (kept[0], kept[-1]) == (points[0], points[-1])
    assert thinned(points[:5], 11) == points[:5]
