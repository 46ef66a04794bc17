"""Drawings over screenshots."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageChops

from reticle_grounding.annotate import BEST, OTHER, UNSURE, annotate, heat_colours, stroke_unit
from reticle_grounding.geometry import Rect, Size, Transform
from reticle_grounding.types import Candidate, Grounding

REGIONS = [Rect(300, 200, 360, 230), Rect(0, 0, 30, 20), Rect(600, 380, 640, 400)]


def grounding(size: Size, regions: list[Rect], found: bool = True, peak: float = 0.0) -> Grounding:
    attention = np.full((10, 16), 1e-3, dtype=np.float32)
    attention[2, 3] += peak
    attention /= attention.sum()
    model = Size(16 * 28, 10 * 28)
    made = [Candidate(i, r.center, r, 0.9 / i, 0.1, 0.1, "text") for i, r in enumerate(regions, 1)]
    transform = Transform.for_image(size, model, 28)
    return Grounding("x", size, tuple(made), found, 0.5, attention, transform, {}, "fake")


def shown(picture: Image.Image, colour: tuple[int, int, int]) -> int:
    return int((np.asarray(picture) == np.array(colour)).all(axis=2).sum())


@pytest.mark.parametrize("background", ["white", "black", (214, 28, 78)])
def test_candidates_show_on_any_screen(background: str | tuple[int, int, int]) -> None:
    plain = Image.new("RGB", (640, 400), background)
    drawn = annotate(plain, grounding(Size(640, 400), REGIONS))
    for region in REGIONS:
        around = tuple(round(v) for v in region.grown(6).as_tuple())
        changed = np.asarray(ImageChops.difference(plain, drawn).crop(around)).max(axis=2)
        assert (changed > 60).mean() > 0.03, region
    assert shown(drawn, OTHER) > 100
    assert len(plain.getcolors() or []) == 1, "the screenshot itself stays as it is"


def test_the_best_has_its_own_colour_and_a_click_point() -> None:
    large = Rect(300, 200, 400, 260)
    drawn = annotate(Image.new("RGB", (640, 400), "white"), grounding(Size(640, 400), [large]))
    assert shown(drawn, BEST) > 200
    assert shown(drawn, OTHER) == 0
    ring = np.asarray(drawn.crop((342, 222, 358, 238)))
    assert (ring == np.array(BEST)).all(axis=2).any()


@pytest.mark.parametrize("region", [REGIONS[0], Rect(200, 100, 216, 110)])
def test_the_click_point_of_a_small_region_is_told_without_hiding_it(region: Rect) -> None:
    plain = Image.new("RGB", (640, 400), "white")
    drawn = annotate(plain, grounding(Size(640, 400), [region]))
    inside = tuple(round(v) for v in region.as_tuple())
    assert ImageChops.difference(plain, drawn).crop(inside).getbbox() is None, "what is named can be read"
    middle, below = round(region.center.x), round(region.bottom) + 8
    assert shown(drawn.crop((middle - 1, below, middle + 2, below + 2)), BEST), "a tick at the point's width"


def test_not_found_is_said_and_nothing_looks_chosen() -> None:
    drawn = annotate(Image.new("RGB", (640, 400), "white"), grounding(Size(640, 400), REGIONS, found=False))
    assert shown(drawn, BEST) == shown(drawn, OTHER) == 0
    assert shown(drawn.crop((200, 0, 440, 50)), UNSURE) > 500


@pytest.mark.parametrize("corner", [(0, 0), (610, 0), (0, 385), (610, 385)])
def test_labels_stay_inside_the_picture(corner: tuple[int, int]) -> None:
    left, top = corner
    region = Rect(left, top, left + 30, top + 15)
    drawn = annotate(Image.new("RGB", (640, 400), "white"), grounding(Size(640, 400), [region]))
    inner = annotate(Image.new("RGB", (640, 400), "white"), grounding(Size(640, 400), [Rect(300, 200, 330, 215)]))
    assert shown(drawn, BEST) > 0.75 * shown(inner, BEST), "nothing of the label is cut off"


def test_heat_is_laid_where_attention_is() -> None:
    plain = Image.new("RGB", (640, 400), "white")
    hot = np.asarray(annotate(plain, grounding(Size(640, 400), [], peak=5.0))).astype(int)
    changed = (255 - hot).max(axis=2)
    row, column = np.unravel_index(int(changed.argmax()), changed.shape)
    assert (column // 40, row // 40) == (3, 2)
    assert changed[300:, 400:].max() == 0
    assert not (np.asarray(annotate(plain, grounding(Size(640, 400), [], peak=5.0), heat=False)) != 255).any()


def test_a_flat_map_draws_no_heat() -> None:
    drawn = annotate(Image.new("RGB", (640, 400), "white"), grounding(Size(640, 400), []))
    assert not (np.asarray(drawn) != 255).any()


def test_strokes_grow_with_the_screen() -> None:
    assert stroke_unit(Size(1280, 800)) == 2.0
    assert stroke_unit(Size(3840, 2160)) == pytest.approx(4.0)


def test_heat_colours_have_the_asked_size_and_peak_at_the_maximum() -> None:
    attention = np.zeros((4, 6), dtype=np.float32)
    attention[1, 4] = 1.0
    colours = heat_colours(attention, (120, 80))
    assert colours.shape == (80, 120, 4)
    row, column = np.unravel_index(int(colours[:, :, 3].argmax()), (80, 120))
    assert (column // 20, row // 20) == (4, 1)


@pytest.mark.parametrize("size", [(1, 1), (20, 4), (3, 500)])
def test_tiny_pictures_can_be_annotated(size: tuple[int, int]) -> None:
    region = Rect(0, 0, size[0], size[1])
    assert annotate(Image.new("RGB", size), grounding(Size(*size), [region], peak=5.0)).size == size
