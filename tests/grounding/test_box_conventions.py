"""Which convention a set's boxes are written by."""

from __future__ import annotations

from random import Random

import pytest

from reticle_grounding.errors import BadInput
from reticle_grounding.evaluation.conventions import CONVENTIONS, Boxes, Sample, by_name, detect
from reticle_grounding.geometry import Point, Rect, Size

XYXY, XYWH = Boxes("xyxy", "pixels"), Boxes("xywh", "pixels")
HD, UHD, SMALL = Size(1920, 1080), Size(3840, 2160), Size(640, 480)


def written(boxes: Boxes, size: Size, count: int = 60, seed: int = 0) -> list[Sample]:
    """Boxes all over a picture, written by a convention."""
    random = Random(seed)
    made = []
    for i in range(count):
        width, height = random.randint(10, size.width // 8), random.randint(8, size.height // 8)
        left, top = random.randint(0, size.width - width), random.randint(0, size.height - height)
        whole = {"pixels": (1, 1), "1": size_of(size), "1000": (size.width / 1000, size.height / 1000)}[boxes.unit]
        last = (width, height) if boxes.order == "xywh" else (left + width, top + height)
        numbers = (left / whole[0], top / whole[1], last[0] / whole[0], last[1] / whole[1])
        made.append(Sample(f"made.json, row {i + 1}", numbers, size))
    return made


def size_of(size: Size) -> tuple[int, int]:
    return size.width, size.height


@pytest.mark.parametrize("published", [XYXY, XYWH], ids=lambda b: b.order)
@pytest.mark.parametrize("size", [SMALL, HD, UHD], ids=lambda s: str(s.width))
@pytest.mark.parametrize("name", CONVENTIONS)
def test_every_convention_is_told_by_the_boxes_alone(name: str, size: Size, published: Boxes) -> None:
    assert detect(written(CONVENTIONS[name], size), published) == CONVENTIONS[name]


@pytest.mark.parametrize("published", [XYXY, XYWH], ids=lambda b: b.order)
def test_what_fits_both_ways_is_read_as_published(published: Boxes) -> None:
    assert detect([Sample("a.json, row 1", (100, 100, 200, 150), HD)], published) == published
    assert detect([], published) == published


def test_one_box_decides_where_only_one_reading_fits() -> None:
    assert detect([Sample("a.json, row 1", (900, 40, 30, 20), HD)], XYXY) == XYWH
    assert detect([Sample("a.json, row 1", (1800, 1000, 1900, 1050), HD)], XYWH) == XYXY


def test_a_box_one_pixel_beyond_its_picture_is_no_evidence() -> None:
    edge = Sample("a.json, row 1", (645, 625, 2361, 1590), Size(2360, 1640))
    assert detect([edge], XYXY) == XYXY
    small = Sample("a.json, row 1", (150, 90, 202, 122), Size(200, 120))
    assert detect([small], XYXY) == XYXY, "two pixels, however small the picture"
    with pytest.raises(BadInput, match="does not fit a picture of 200x120"):
        detect([Sample("a.json, row 1", (150, 90, 203, 122), Size(200, 120))], XYXY)


@pytest.mark.parametrize("unit", ["1", "1000"])
def test_a_box_slightly_beyond_its_picture_does_not_hide_the_unit(unit: str) -> None:
    """One of ScreenSpot-v2's boxes ends a pixel outside: 1.0004 of the width."""
    samples = written(Boxes("xyxy", unit), UHD)  # type: ignore[arg-type]
    whole = float(unit)
    beyond = Sample("a.json, row 61", (0.5 * whole, 0.5 * whole, 1.0004 * whole, 0.6 * whole), UHD)
    assert detect([*samples, beyond], XYWH) == Boxes("xyxy", unit)  # type: ignore[arg-type]


def test_few_boxes_below_1000_are_pixels_and_many_are_not() -> None:
    """Menus are at the top left: seven boxes there say nothing, sixty all over the picture do."""
    menus = [Sample(f"a.json, row {i}", (10 + 50 * i, 4, 50 + 50 * i, 24), UHD) for i in range(7)]
    assert detect(menus, XYXY).unit == "pixels"
    assert detect(written(Boxes("xyxy", "1000"), UHD, 40), XYXY).unit == "pixels", "too few to overrule"
    assert detect(written(Boxes("xyxy", "1000"), UHD, 60), XYXY).unit == "1000"
    assert detect(written(XYXY, Size(1000, 800)), XYXY).unit == "pixels", "1000 is the picture's own width"


def test_a_few_reversed_boxes_do_not_change_the_order() -> None:
    samples = written(XYXY, HD, 100)
    reversed_ = [Sample(s.where, (*s.numbers[2:], *s.numbers[:2]), s.size) for s in samples[:3]]
    assert detect([*reversed_, *samples[3:]], XYXY) == XYXY


def test_reversed_corners_are_refused_only_where_the_scorer_minds() -> None:
    samples = [
        Sample("a.json, row 1", (1600, 940, 1480, 880), HD),
        Sample("a.json, row 2", (1850, 1000, 1910, 1060), HD),
    ]
    with pytest.raises(BadInput, match=r"a\.json, row 1"):
        detect(samples, XYXY)
    assert detect(samples, XYXY, swaps=True) == XYXY
    outside = Sample("a.json, row 3", (2600, 940, 2480, 880), HD)
    with pytest.raises(BadInput, match=r"a\.json, row 3"):
        detect([*samples, outside], XYXY, swaps=True)


def test_boxes_that_fit_no_way_are_refused_by_row() -> None:
    good = written(XYXY, HD, 10)
    bad = Sample("a.json, row 11", (1900, 1000, 500, 2000), HD)
    with pytest.raises(BadInput, match=r"a\.json, row 11: box \[1900, 1000, 500, 2000\].*1920x1080.*1 of 11"):
        detect([*good, bad], XYXY)
    assert detect([*written(XYXY, HD, 30), bad], XYXY) == XYXY, "one in twenty may be wrong"


def test_polygons_tell_the_unit_but_not_the_order() -> None:
    shares = Sample("a.json, row 1", (0.1, 0.1, 0.5, 0.1, 0.5, 0.4), HD, box=False)
    assert detect([shares], XYWH) == Boxes("xywh", "1")
    pixels = Sample("a.json, row 1", (100, 100, 1500, 100, 900, 400), HD, box=False)
    assert detect([pixels], XYWH) == XYWH


@pytest.mark.parametrize(
    ("name", "numbers", "rect"),
    [
        ("xyxy-pixels", (10, 20, 30, 50), Rect(10, 20, 30, 50)),
        ("xywh-pixels", (10, 20, 30, 50), Rect(10, 20, 40, 70)),
        ("xyxy-1", (0.25, 0.5, 0.5, 1.0), Rect(480, 540, 960, 1080)),
        ("xywh-1", (0.25, 0.5, 0.5, 0.25), Rect(480, 540, 1440, 810)),
        ("xyxy-1000", (250, 500, 500, 1000), Rect(480, 540, 960, 1080)),
        ("xywh-1000", (250, 500, 500, 250), Rect(480, 540, 1440, 810)),
    ],
)
def test_every_convention_gives_pixels(name: str, numbers: tuple[float, ...], rect: Rect) -> None:
    assert by_name(name).rect(numbers, HD) == rect


def test_points_and_names() -> None:
    assert by_name("xywh-1").points((0.5, 0.5, 1, 0), HD) == (Point(960, 540), Point(1920, 0))
    assert by_name("xywh-1000").words == "[left, top, width, height] from 0 to 1000"
    with pytest.raises(BadInput, match="no box convention xyz; there are xyxy-pixels, xyxy-1"):
        by_name("xyz")
