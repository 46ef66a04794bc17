"""What counts as a change of the target, on drawn controls."""

from __future__ import annotations

import pytest
from PIL import Image, ImageChops, ImageDraw

from reticle_agent.recheck import MARGIN_PX, SAME, changed_box, changed_within, crop_around, crop_sha, similarity
from reticle_grounding.geometry import Rect

REGION = Rect(60, 40, 150, 66)


def button(
    label: str = "Save", *, fill: int = 225, outline: int = 120, at: tuple[int, int] = (60, 40), size: int = 90
) -> Image.Image:
    image = Image.new("RGB", (260, 120), (245, 245, 245))
    draw = ImageDraw.Draw(image)
    x, y = at
    draw.rectangle((x, y, x + size - 1, y + 25), fill=(fill, fill, fill), outline=(outline, outline, outline))
    draw.text((x + 30, y + 7), label, fill=(20, 20, 20))
    return image


def entry(text: str = "", caret_at: int | None = None) -> Image.Image:
    image = Image.new("RGB", (260, 120), (245, 245, 245))
    draw = ImageDraw.Draw(image)
    draw.rectangle((20, 40, 230, 66), fill=(255, 255, 255), outline=(150, 150, 150))
    draw.text((26, 46), text, fill=(20, 20, 20))
    if caret_at is not None:
        draw.rectangle((caret_at, 44, caret_at + 1, 62), fill=(0, 0, 0))
    return image


def score(before: Image.Image, after: Image.Image, region: Rect = REGION) -> float:
    return similarity(crop_around(before, region), crop_around(after, region))


@pytest.mark.parametrize(
    "after",
    [
        button(),
        button(fill=240),
        button(fill=208),
        button(outline=95),
        ImageChops.add(button(), Image.new("RGB", (260, 120), (4, 4, 4))),
    ],
    ids=["same", "brighter", "hover", "outline", "noise"],
)
def test_unchanged(after: Image.Image) -> None:
    assert score(button(), after) >= SAME


@pytest.mark.parametrize(
    "after",
    [
        button(at=(66, 40)),
        button(at=(60, 45)),
        Image.new("RGB", (260, 120), (245, 245, 245)),
        entry("Save"),
        button("Delete everything", size=180),
    ],
    ids=["moved-right", "moved-down", "gone", "another-control", "wider"],
)
def test_changed(after: Image.Image) -> None:
    assert score(button(), after) < SAME


def test_another_word_on_a_menu_item_is_a_change() -> None:
    def item(label: str) -> Image.Image:
        image = Image.new("RGB", (260, 120), (250, 250, 250))
        ImageDraw.Draw(image).text((70, 46), label, fill=(20, 20, 20))
        return image

    assert score(item("Duplicate row"), item("Duplicate row")) == 1.0
    assert score(item("Duplicate row"), item("Remove account")) < SAME


def test_blinking_cursor_is_no_change() -> None:
    region = Rect(20, 40, 231, 67)
    assert score(entry("abc"), entry("abc", caret_at=60), region) == 1.0
    assert changed_box(entry("abc"), entry("abc", caret_at=60)) is None
    inside = Rect(40, 50, 80, 58)
    assert score(entry(), entry(caret_at=60), inside) == 1.0


def test_typed_text_is_a_change() -> None:
    box = changed_box(entry(), entry("hello"))
    assert box is not None
    assert Rect(20, 40, 231, 67).intersection(box) == box
    assert changed_within(entry(), entry("hello"), Rect(20, 40, 60, 66))
    assert not changed_within(entry(), entry("hello"), Rect(200, 90, 220, 110))


def test_flat_crops_are_compared_by_brightness() -> None:
    white, grey, black = (Image.new("RGB", (200, 100), (v, v, v)) for v in (255, 245, 0))
    assert score(white, grey, Rect(20, 20, 60, 60)) > 0.9
    assert score(white, black, Rect(20, 20, 60, 60)) == 0.0


def test_other_size_has_nothing_in_common() -> None:
    assert similarity(Image.new("RGB", (10, 10)), Image.new("RGB", (10, 11))) == 0.0
    assert changed_box(Image.new("RGB", (10, 10)), Image.new("RGB", (30, 11))) == Rect(0, 0, 30, 11)


def test_crop_has_its_margin_and_is_cut_at_the_edges() -> None:
    image = button()
    assert crop_around(image, REGION).size == (90 + 2 * MARGIN_PX, 26 + 2 * MARGIN_PX)
    assert crop_around(image, Rect(0, 0, 20, 20)).size == (20 + MARGIN_PX, 20 + MARGIN_PX)
    with pytest.raises(ValueError, match="outside"):
        crop_around(image, Rect(900, 900, 910, 910))
    assert crop_sha(crop_around(image, REGION)) != crop_sha(crop_around(button("Open"), REGION))
