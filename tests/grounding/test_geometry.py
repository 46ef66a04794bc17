"""The one chain of coordinate links."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reticle_grounding.geometry import Affine, Point, Rect, Size, Space, Transform

coordinate = st.floats(-5000, 5000, allow_nan=False)
side = st.integers(1, 8000)


@st.composite
def rects(draw: st.DrawFn) -> Rect:
    left, top = draw(coordinate), draw(coordinate)
    return Rect(left, top, left + draw(st.floats(1, 8000)), top + draw(st.floats(1, 8000)))


@given(rects(), rects(), st.integers(0, 3), coordinate, coordinate)
def test_a_map_and_its_inverse_give_the_point_back(source: Rect, target: Rect, turns: int, x: float, y: float) -> None:
    there = Affine.mapping(source, target, turns)
    back = there.inverse().point(there.point(Point(x, y)))
    stretch = max(1.0, source.width / target.width, source.height / target.height, source.width / target.height)
    bound = 1e-8 * (abs(x) + abs(y) + 20_000) * max(stretch, source.height / target.width)
    assert abs(back.x - x) < bound
    assert abs(back.y - y) < bound


@given(rects(), rects(), st.integers(0, 3))
def test_the_source_rectangle_lands_on_the_target(source: Rect, target: Rect, turns: int) -> None:
    landed = Affine.mapping(source, target, turns).rect(source)
    assert landed.as_tuple() == pytest.approx(target.as_tuple(), abs=1e-6)


def test_quarter_turns_are_clockwise() -> None:
    unit = Rect(0, 0, 1, 1)
    top_left = Point(0, 0)
    assert Affine.mapping(unit, unit, 1).point(top_left) == Point(1, 0)
    assert Affine.mapping(unit, unit, 2).point(top_left) == Point(1, 1)
    assert Affine.mapping(unit, unit, 3).point(top_left) == Point(0, 1)


@given(side, side, st.integers(1, 100), st.integers(1, 100), st.floats(0, 1), st.floats(0, 1))
def test_image_chain_round_trip_is_within_half_a_patch(
    w: int, h: int, cols: int, rows: int, u: float, v: float
) -> None:
    chain = Transform.for_image(Size(w, h), Size(cols * 28, rows * 28), 28)
    p = Point(u * w, v * h)
    back = chain.point(chain.point(p, Space.CAPTURE, Space.PATCH), Space.PATCH, Space.CAPTURE)
    assert abs(back.x - p.x) <= 0.5 * w / cols * 1e-6 + 1e-6
    assert abs(back.y - p.y) <= 0.5 * h / rows * 1e-6 + 1e-6
    in_patches = chain.point(p, Space.CAPTURE, Space.PATCH)
    assert in_patches.x == pytest.approx(u * cols, abs=1e-6)
    assert in_patches.y == pytest.approx(v * rows, abs=1e-6)


def test_a_space_outside_the_chain_is_an_error() -> None:
    chain = Transform.for_image(Size(100, 100), Size(56, 56), 28)
    with pytest.raises(ValueError, match="physical"):
        chain.point(Point(0, 0), Space.PHYSICAL, Space.PATCH)


def test_a_longer_chain_maps_through_every_link() -> None:
    chain = Transform.for_image(Size(200, 100), Size(56, 28), 28).prepended(
        Space.PHYSICAL, Affine.translation(-1000, 50)
    )
    assert chain.point(Point(1000, -50), Space.PHYSICAL, Space.PATCH) == Point(0, 0)
    assert chain.point(Point(2, 1), Space.PATCH, Space.PHYSICAL) == Point(1200, 50)


def test_an_empty_rectangle_cannot_be_mapped() -> None:
    with pytest.raises(ValueError, match="empty"):
        Affine.mapping(Rect(0, 0, 0, 5), Rect(0, 0, 1, 1))


@given(rects(), rects())
def test_iou_is_symmetric_and_bounded(a: Rect, b: Rect) -> None:
    assert a.iou(b) == pytest.approx(b.iou(a))
    assert 0 <= a.iou(b) <= 1 + 1e-9
    assert a.iou(a) == pytest.approx(1)
