"""A second look: when it is taken, at what, and where its answers lie on the whole screenshot."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from reticle_grounding.calibration import Calibration
from reticle_grounding.errors import BadInput, Cancelled
from reticle_grounding.evidence import Draft
from reticle_grounding.geometry import Point, Rect, Size, Space, Transform
from reticle_grounding.ocr import RgbArray, TextBox
from reticle_grounding.predictor import Grounder, GroundingConfig
from reticle_grounding.regions import RegionRank
from reticle_grounding.second_look import Crop, Crops, SecondLookRule, crops_for, published_side, zoom_box
from reticle_grounding.sources import Look
from reticle_grounding.types import FloatMap

SCREEN = Size(640, 400)
UNSURE = Calibration({"attention_peak": 1.0}, -1.5, 0.2)
"""An attention region alone is believed a little: ``p_true`` about 0.38."""
GRID = 10
"""Rows and columns of the map, whatever the picture's size: a model that sees little of a large picture."""


class NoReader:
    def read(self, image: RgbArray, region: Rect | None = None) -> list[TextBox]:
        return []


@dataclass
class CoarseLook:
    transform: Transform
    attention: FloatMap
    timings_ms: Mapping[str, float] = field(default_factory=dict)
    region_rank: RegionRank = "mean"

    def attend(self, instruction: str) -> FloatMap:
        return self.attention


@dataclass
class CoarseSource:
    """Attends to where the picture, shrunk to so many cells, is reddest."""

    looked: list[tuple[int, int]] = field(default_factory=list)

    @property
    def name(self) -> str:
        return "coarse"

    def look(self, image: Image.Image) -> Look:
        self.looked.append(image.size)
        seen = np.asarray(image.resize((GRID, GRID), Image.Resampling.BOX), np.float32) / 255
        red = np.clip(seen[..., 0] - seen[..., 2], 0, None) + 1e-6
        transform = Transform.for_image(Size(*image.size), Size(GRID * 28, GRID * 28), 28)
        return CoarseLook(transform, (red / red.sum()).astype(np.float32))

    def judge(self, crop: Image.Image, instruction: str) -> float:
        return 0.5


RED = Rect(331, 170, 341, 180)


def screen() -> Image.Image:
    """A red dot of 10 pixels in the corner of one of the ten times ten cells (64 x 40 pixels each)."""
    image = Image.new("RGB", (SCREEN.width, SCREEN.height), (200, 200, 200))
    ImageDraw.Draw(image).rectangle((RED.left, RED.top, RED.right - 1, RED.bottom - 1), fill=(230, 20, 20))
    return image


def grounder(rule: SecondLookRule | None, calibration: Calibration = UNSURE) -> tuple[Grounder, CoarseSource]:
    source = CoarseSource()
    config = GroundingConfig(reading="off", elements=False, second_look=rule)
    return Grounder(source, NoReader(), calibration, config), source


def test_a_small_target_is_hit_once_it_is_enlarged() -> None:
    once = grounder(None)[0].observe(screen()).ground("the red dot")
    again = grounder(SecondLookRule())[0].observe(screen()).ground("the red dot")
    assert once.candidates[0].region.contains(RED.center)
    assert not RED.contains(once.candidates[0].point), "the cell is larger than the dot, and its middle misses it"
    assert RED.contains(again.candidates[0].point)
    assert again.candidates[0].region.area < once.candidates[0].region.area / 4


def test_the_answer_tells_of_the_second_look() -> None:
    found = grounder(SecondLookRule())[0].observe(screen()).ground("the red dot")
    assert [(o.kind, o.instruction, o.agrees) for o in found.opinions] == [("second look", "the red dot", True)]
    looked = found.opinions[0]
    assert looked.part.contains(RED.center)
    assert looked.part.width == looked.part.height == round(published_side(SCREEN) * SecondLookRule().side)
    assert looked.point is not None
    assert RED.contains(looked.point)
    assert found.candidates[0].evidence["second_look_agree"] == 1.0
    assert {"second look", "rank"} <= set(found.timings_ms)
    assert found.attention.shape == (GRID, GRID), "the map stays that of the whole screenshot"


@pytest.mark.parametrize(
    ("rule", "looks"),
    [
        (SecondLookRule(below=0.3), 1),
        (SecondLookRule(below=0.5), 2),
        (SecondLookRule(below=0.0, small=28.1), 2),
        (SecondLookRule(below=0.0, small=27.9), 1),
        (SecondLookRule(below=0.9, budget=0), 1),
    ],
)
def test_only_unsure_or_small_answers_are_looked_at_again(rule: SecondLookRule, looks: int) -> None:
    opened, source = grounder(rule)
    opened.observe(screen()).ground("the red dot")
    assert len(source.looked) == looks


@pytest.mark.parametrize(
    "settings", [{"budget": -1}, {"side": 0.0}, {"scale": -2.0}, {"scale": 9.0}, {"side": float("nan")}]
)
def test_impossible_rules_are_refused(settings: dict[str, float]) -> None:
    with pytest.raises(BadInput, match=next(iter(settings))):
        SecondLookRule(**settings)  # type: ignore[arg-type]


def test_a_part_is_enlarged_once_for_all_instructions() -> None:
    opened, source = grounder(SecondLookRule())
    observation = opened.observe(screen())
    first, second = observation.ground("the red dot"), observation.ground("that dot")
    assert len(source.looked) == 2
    assert first.candidates[0].point == second.candidates[0].point


def test_nothing_found_is_no_place_to_look_at() -> None:
    opened, source = grounder(SecondLookRule())
    blank = Image.new("RGB", (SCREEN.width, SCREEN.height), (128, 128, 128))
    assert opened.observe(blank).ground("the red dot").opinions == ()
    assert len(source.looked) == 1


def test_a_stop_is_heeded_before_the_second_look() -> None:
    opened, source = grounder(SecondLookRule())
    observation = opened.observe(screen())
    calls = iter(range(100))
    with pytest.raises(Cancelled):
        observation.ground("the red dot", stop=lambda: next(calls) >= 4)
    assert len(source.looked) == 1


@pytest.mark.parametrize(
    ("width", "height", "side"),
    [(1920, 1080, 336), (2560, 1440, 448), (3840, 2160, 672), (5120, 2880, 896), (30, 30, 28)],
)
def test_the_published_side(width: int, height: int, side: int) -> None:
    """560 pixels at 5.76 megapixels, in whole cells: the sides GUI-AIMA's rule gives on common screens."""
    assert published_side(Size(width, height)) == side


def test_crops_lie_inside_and_apart() -> None:
    size, rule = Size(1000, 600), SecondLookRule(budget=3)
    points = [Point(2, 3), Point(20, 20), Point(999, 599), Point(500, 300), Point(200, 500)]
    parts = crops_for(points, size, rule)
    assert len(parts) == 3, "the second point lies in the first crop"
    for part, point in zip(parts, (points[0], points[2], points[3]), strict=True):
        assert part.contains(point)
        assert part.intersection(Rect.of_size(size)) == part
        assert part.width == part.height == published_side(size) * rule.side


def test_a_part_that_is_the_whole_picture_is_not_looked_at_again() -> None:
    assert crops_for([Point(5, 5)], Size(20, 20), SecondLookRule()) == []
    assert len(crops_for([Point(5, 5)], Size(20, 60), SecondLookRule())) == 1


@pytest.mark.parametrize("scale", [1.0, 2.0, 3.7])
def test_places_of_a_crop_map_back_through_the_transform(scale: float) -> None:
    image = screen()
    crop = Crop.of(image, zoom_box(RED.center, SCREEN, 112), scale)
    assert crop.image.size == (round(112 * scale), round(112 * scale))
    red = np.argwhere(np.asarray(crop.image)[..., 2] < 100)
    (top, left), (bottom, right) = red.min(0), red.max(0) + 1
    box = Rect(left, top, right, bottom)
    draft = crop.back(Draft(box, box.center, "attention", None, attended=1))
    for ours, true in zip(draft.region.as_tuple(), RED.as_tuple(), strict=True):
        assert abs(ours - true) <= 1.0
    assert RED.contains(draft.point)
    there = crop.transform.point(draft.point, Space.CAPTURE, Space.CROP)
    assert (there.x, there.y) == pytest.approx((box.center.x, box.center.y))
    assert draft.attended is None


def test_one_chain_from_the_capture_to_the_cells_of_a_crop() -> None:
    part = Rect(100, 40, 212, 152)
    crop = Crop.of(screen(), part, 2.0)
    chain = Transform.for_image(Size(224, 224), Size(280, 280), 28).of_part(crop.transform)
    assert chain.spaces == (Space.CAPTURE, Space.CROP, Space.MODEL, Space.PATCH)
    cells = chain.rect(part, Space.CAPTURE, Space.PATCH)
    assert cells.as_tuple() == pytest.approx((0, 0, 10, 10), abs=1e-9)
    with pytest.raises(ValueError, match="starts in crop space"):
        Transform((Space.CROP, Space.MODEL), (chain.links[1],)).of_part(crop.transform)
    with pytest.raises(ValueError, match="empty"):
        Transform.for_part(Rect(3, 3, 3, 9), Size(10, 10))


def test_crops_of_long_ago_are_forgotten() -> None:
    seen: list[tuple[int, int]] = []

    def count(image: Image.Image) -> int:
        seen.append(image.size)
        return len(seen)

    crops = Crops(screen(), count)
    parts = [Rect(i, 0, i + 10, 10) for i in range(7)]
    numbers = [crops.look(part, 2.0)[1] for part in parts]
    assert numbers == [1, 2, 3, 4, 5, 6, 7]
    assert crops.look(parts[-1], 2.0)[1] == 7
    assert crops.look(parts[0], 2.0)[1] == 8


@pytest.mark.parametrize("family", ["gui_aima:qwen2_5_vl", "qwen2_vl"])
def test_published_families_look_again_by_the_same_path(family: str, tiny_folder: Callable[[str], Path]) -> None:
    """The second map is the model's own on the published square, enlarged twice; points go back as published."""
    config = GroundingConfig(reading="off", second_look=SecondLookRule(below=1.1, side=1.0), ocr_threads=1)
    opened = Grounder.open(tiny_folder(family), config)
    image = screen().resize((420, 280))
    observation = opened.observe(image)
    found = observation.ground("the red dot")
    first = observation.explain("the red dot").weighed.ranked(opened.calibration)[0][1]
    side = published_side(Size(420, 280))
    box = zoom_box(first.point, Size(420, 280), side)
    assert found.opinions[0].part == box
    shown = image.crop(box.as_tuple()).resize((2 * side, 2 * side), Image.Resampling.BICUBIC)
    alone = Grounder(opened.source, NoReader(), opened.calibration, replace(config, second_look=None), opened.matcher)
    best = alone.observe(shown).ground("the red dot").candidates[0]
    looked = found.opinions[0].point
    assert looked is not None
    assert (looked.x, looked.y) == pytest.approx((box.left + best.point.x / 2, box.top + best.point.y / 2), abs=1e-3)


def test_wordings_share_the_one_look_at_the_screen() -> None:
    source = CoarseSource()
    config = GroundingConfig(reading="off", elements=False, wordings=3)
    found = Grounder(source, NoReader(), UNSURE, config).observe(screen()).ground("click the red button")
    assert len(source.looked) == 1
    assert [o.kind for o in found.opinions] == ["wording"] * len(found.opinions)
    assert all(o.agrees and o.part == Rect.of_size(SCREEN) for o in found.opinions)
    assert found.candidates[0].evidence["wordings_agree"] == 1.0


def test_wordings_of_the_caller_replace_those_of_rules() -> None:
    opened, _ = grounder(None)
    found = opened.observe(screen()).ground("the red dot", other_words=["the crimson spot", "The red dot"])
    assert [o.instruction for o in found.opinions] == ["the crimson spot"]
    with pytest.raises(BadInput, match="empty"):
        opened.observe(screen()).ground("the red dot", other_words=[" "])


@pytest.mark.parametrize("count", [-1, 9])
def test_impossible_numbers_of_wordings_are_refused(count: int) -> None:
    with pytest.raises(BadInput, match="wordings"):
        Grounder(CoarseSource(), NoReader(), UNSURE, GroundingConfig(wordings=count))
