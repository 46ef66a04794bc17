"""The whole chain logical - physical - capture - model - patch, for any desktop."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from reticle_agent.displays import display_of, screen_transform
from reticle_agent.locate import aim, capture_point
from reticle_agent.seams import Display, Frame
from reticle_grounding.geometry import Point, Rect, Size, Space, Transform
from reticle_grounding.types import Candidate

SCALES = st.sampled_from([1.0, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0]) | st.floats(1.0, 3.0)
SPACES = [space for space in Space if space is not Space.CROP]  # only a second look has it


@dataclass(frozen=True)
class Scene:
    """One display out of several, captured and shown to a model."""

    displays: tuple[Display, ...]
    display: Display
    capture: Size
    chain: Transform
    patch: int

    @property
    def frame(self) -> Frame:
        image = Image.new("RGB", (1, 1))  # only the transform matters here
        outer = screen_transform(self.display, self.capture)
        return Frame(image, self.display, outer, 0.0, "0" * 16)


@st.composite
def scenes(draw: st.DrawFn) -> Scene:
    """Monitors of mixed scale side by side, some left of or above the origin, any of them turned."""
    displays = []
    x = draw(st.integers(-6000, 3000))
    for index in range(draw(st.integers(1, 3))):
        scale, turns = draw(SCALES), draw(st.integers(0, 3))
        width, height = draw(st.integers(320, 3840)), draw(st.integers(320, 2160))
        top = draw(st.integers(-3000, 3000))
        physical = Rect(x, top, x + width, top + height)
        left, upper = draw(st.floats(-4000, 4000)), draw(st.floats(-4000, 4000))
        logical = Rect(left, upper, left + width / scale, upper + height / scale)
        displays.append(Display(str(index), logical, physical, scale, turns, index == 0))
        x += width
    display = draw(st.sampled_from(displays))
    w, h = round(display.physical.width), round(display.physical.height)
    capture = Size(h, w) if display.quarter_turns % 2 else Size(w, h)
    patch = draw(st.sampled_from([14, 28]))
    columns, rows = draw(st.integers(4, 90)), draw(st.integers(4, 70))
    inner = Transform.for_image(capture, Size(columns * patch, rows * patch), patch)
    return Scene(tuple(displays), display, capture, Transform.joined(screen_transform(display, capture), inner), patch)


UNIT = st.floats(0.0, 1.0, exclude_max=True)


@settings(max_examples=150, deadline=None)
@given(scenes(), UNIT, UNIT, st.sampled_from(SPACES), st.sampled_from(SPACES))
def test_round_trip_stays_within_half_a_patch(scene: Scene, u: float, v: float, there: Space, via: Space) -> None:
    start = scene.chain.point(Point(u * scene.capture.width, v * scene.capture.height), Space.CAPTURE, there)
    back = scene.chain.point(scene.chain.point(start, there, via), via, there)
    a, b = scene.chain.point(start, there, Space.PATCH), scene.chain.point(back, there, Space.PATCH)
    assert abs(a.x - b.x) < 1e-6
    assert abs(a.y - b.y) < 1e-6


@settings(max_examples=150, deadline=None)
@given(scenes(), UNIT, UNIT)
def test_centre_of_the_patch_a_pixel_falls_in_is_within_half_a_patch(scene: Scene, u: float, v: float) -> None:
    point = scene.chain.point(Point(u * scene.capture.width, v * scene.capture.height), Space.CAPTURE, Space.PATCH)
    column, row = point.pixel()
    centre = scene.chain.point(Point(column + 0.5, row + 0.5), Space.PATCH, Space.LOGICAL)
    again = scene.chain.point(centre, Space.LOGICAL, Space.PATCH)
    assert abs(again.x - point.x) <= 0.5 + 1e-6
    assert abs(again.y - point.y) <= 0.5 + 1e-6


@settings(max_examples=300, deadline=None)
@given(scenes(), UNIT, UNIT, st.integers(2, 300), st.integers(2, 200), UNIT, UNIT)
def test_click_on_a_drawn_region_lands_inside_it(
    scene: Scene, u: float, v: float, width: int, height: int, p: float, q: float
) -> None:
    """A region is drawn in logical space and its point is clicked as a whole physical pixel."""
    left, top = u * max(0, scene.capture.width - width), v * max(0, scene.capture.height - height)
    region = Rect(left, top, left + width, top + height)
    candidate = Candidate(1, Point(left + p * width, top + q * height), region, 1.0, 1.0, 1.0, "attention")
    pixel = aim(scene.frame, candidate)
    drawn = scene.chain.rect(region, Space.CAPTURE, Space.LOGICAL)
    centre = Point(pixel[0] + 0.5, pixel[1] + 0.5)
    clicked = scene.chain.point(centre, Space.PHYSICAL, Space.LOGICAL)
    assert drawn.contains(clicked)
    assert region.contains(capture_point(scene.frame, pixel))
    assert scene.display.physical.contains(centre)
    assert display_of(scene.displays, Rect(pixel[0], pixel[1], pixel[0] + 1, pixel[1] + 1)) == scene.display


@settings(max_examples=150, deadline=None)
@given(scenes(), st.integers(0, 10**6), st.integers(0, 10**6))
def test_a_point_in_whole_pixels_is_clicked_on_that_very_pixel(scene: Scene, a: int, b: int) -> None:
    """Where capture and display have the same pixels, turned or not, nothing may shift by one."""
    x, y = a % scene.capture.width, b % scene.capture.height
    pixel_box = Rect(x, y, x + 1, y + 1)
    candidate = Candidate(1, pixel_box.center, pixel_box, 1.0, 1.0, 1.0, "attention")
    back = capture_point(scene.frame, aim(scene.frame, candidate))
    assert back.pixel() == (x, y)


@settings(max_examples=100, deadline=None)
@given(scenes(), UNIT, UNIT, st.floats(0.01, 0.99))
def test_region_smaller_than_a_pixel_is_hit_within_one_pixel(scene: Scene, u: float, v: float, size: float) -> None:
    left, top = u * (scene.capture.width - 1), v * (scene.capture.height - 1)
    region = Rect(left, top, left + size, top + size)
    candidate = Candidate(1, region.center, region, 1.0, 1.0, 1.0, "attention")
    at = capture_point(scene.frame, aim(scene.frame, candidate))
    assert abs(at.x - region.center.x) <= 1.0 + 1e-6
    assert abs(at.y - region.center.y) <= 1.0 + 1e-6
