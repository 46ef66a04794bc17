"""Controls found on small drawn pictures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageDraw

from reticle_grounding.geometry import Rect
from reticle_grounding.labels import without_symbol
from reticle_grounding.looks import worth_a_look
from reticle_grounding.ocr import RgbArray, TextBox, Word
from reticle_grounding.proposals import Elements, find_elements, proposals_of


def canvas(width: int = 240, height: int = 120) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    image = Image.new("RGB", (width, height), (240, 240, 240))
    return image, ImageDraw.Draw(image)


def pixels(image: Image.Image) -> RgbArray:
    return np.asarray(image, dtype=np.uint8)


def read(text: str, rect: Rect, score: float = 0.99) -> TextBox:
    return TextBox(text, rect, score, (Word(text, rect),))


def best_icon(elements: Elements, rect: Rect) -> float:
    return max((icon.iou(rect) for icon in elements.icons), default=0.0)


def test_dots_of_a_menu_are_one_icon() -> None:
    image, draw = canvas()
    for top in (40, 47, 54):
        draw.rectangle((100, top, 102, top + 2), fill=(40, 40, 40))
    assert best_icon(find_elements(pixels(image), []), Rect(100, 40, 103, 57)) > 0.6


def dots_in_a_row(lengths: tuple[int, ...], step: int, ink: int = 40, side: int = 4) -> RgbArray:
    """Marks under each other, ``side`` wide and so long each, beginning every ``step`` pixels."""
    image, draw = canvas()
    for n, length in enumerate(lengths):
        draw.rectangle((100, 40 + n * step, 99 + side, 39 + n * step + length), fill=(ink,) * 3)
    return pixels(image)


@pytest.mark.parametrize("turned", [False, True])
def test_three_dots_are_worth_a_look_however_long_they_are(turned: bool) -> None:
    image, dots = dots_in_a_row((4, 4, 4), 9), Rect(100, 40, 104, 62)
    if turned:
        image, dots = np.ascontiguousarray(image.transpose(1, 0, 2)), Rect(40, 100, 62, 104)
    elements = find_elements(image, [])
    assert [found.iou(dots) > 0.6 for found in elements.dots] == [True]
    assert set(worth_a_look(elements)) >= set(elements.dots)
    without = replace(elements, dots=())
    assert not any(found.iou(dots) > 0.6 for found in worth_a_look(without)), "else this shows nothing"


@pytest.mark.parametrize(
    "image",
    [
        dots_in_a_row((4, 4), 9),
        dots_in_a_row((4, 4, 4, 4), 8),
        dots_in_a_row((4, 8, 4), 11),
        dots_in_a_row((7, 7, 7), 10),
        dots_in_a_row((22,), 22),
        dots_in_a_row((4, 4, 4), 9, ink=225),
    ],
    ids=["two", "four", "uneven", "strokes", "a line", "faint"],
)
def test_what_is_no_three_equal_dots(image: RgbArray) -> None:
    elements = find_elements(image, [])
    assert elements.dots == ()
    assert any(icon.height > 2.5 * icon.width for icon in elements.icons), "else nothing was long enough to be told"


def test_corners_of_a_full_screen_icon_are_one_icon() -> None:
    image, draw = canvas()
    for x, y, dx, dy in ((60, 40, 1, 1), (79, 40, -1, 1), (60, 59, 1, -1), (79, 59, -1, -1)):
        draw.line((x, y, x + 6 * dx, y), fill=(20, 20, 20), width=2)
        draw.line((x, y, x, y + 6 * dy), fill=(20, 20, 20), width=2)
    assert best_icon(find_elements(pixels(image), []), Rect(60, 40, 80, 60)) > 0.7


def test_small_arrow_and_dash_are_icons() -> None:
    image, draw = canvas()
    draw.polygon(((50, 40), (58, 40), (54, 44)), fill=(30, 30, 30))
    draw.rectangle((150, 40, 159, 41), fill=(30, 30, 30))
    elements = find_elements(pixels(image), [])
    assert best_icon(elements, Rect(50, 40, 59, 45)) > 0.6
    assert best_icon(elements, Rect(150, 40, 160, 42)) > 0.5


def test_icon_touching_a_long_border_is_found_apart_from_it() -> None:
    image, draw = canvas()
    draw.line((0, 60, 240, 60), fill=(90, 90, 90))
    draw.ellipse((100, 44, 115, 59), outline=(200, 30, 30), width=3)
    assert best_icon(find_elements(pixels(image), []), Rect(100, 44, 116, 60)) > 0.75


def test_misread_drawing_stays_an_icon_but_a_word_is_none() -> None:
    image, draw = canvas()
    cross = Rect(50, 40, 66, 56)
    draw.line((50, 40, 65, 55), fill=(0, 0, 0), width=2)
    draw.line((65, 40, 50, 55), fill=(0, 0, 0), width=2)
    word = Rect(120, 38, 190, 58)
    draw.text((124, 42), "Settings", fill=(0, 0, 0))
    for misread in (read("X", cross.grown(2)), read("xxxxx", cross.grown(2), 0.6)):
        elements = find_elements(pixels(image), [misread, read("Settings", word)])
        assert best_icon(elements, cross) > 0.7
        assert not any(word.contains(icon.center) for icon in elements.icons)


def test_square_and_entry_are_proposed_with_their_sorts() -> None:
    image, draw = canvas()
    draw.rectangle((20, 20, 35, 35), outline=(90, 90, 90), fill=(255, 255, 255))
    draw.rectangle((60, 50, 200, 76), outline=(90, 90, 90), fill=(255, 255, 255))
    draw.line((100, 100, 112, 112), fill=(0, 0, 0), width=3)
    sorts = {p.rect: p.sort for p in proposals_of(find_elements(pixels(image), []))}
    assert sorts[max(sorts, key=lambda r: r.iou(Rect(21, 21, 35, 35)))] == "mark"
    assert sorts[max(sorts, key=lambda r: r.iou(Rect(61, 51, 200, 76)))] == "bar"
    assert sorts[max(sorts, key=lambda r: r.iou(Rect(100, 100, 113, 113)))] == "icon"


def test_blobs_that_cross_each_other_go_first() -> None:
    alone = tuple(Rect(40.0 * i, 0, 40.0 * i + 16, 16) for i in range(6))
    crossing = tuple(Rect(300 + 9.0 * i, 5.0 * (i % 3), 316 + 9.0 * i, 5.0 * (i % 3) + 16) for i in range(30))
    kept = proposals_of(Elements((), (*crossing, *alone)), limit=12)
    assert len(kept) == 12
    assert {p.rect for p in kept} >= set(alone)


def test_picture_larger_than_an_icon_is_a_control() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (100, 100, 3), dtype=np.uint8)
    image, _ = canvas(300, 200)
    image.paste(Image.fromarray(noise), (50, 40))
    found = find_elements(pixels(image), []).controls
    assert max(r.iou(Rect(50, 40, 150, 140)) for r in found) > 0.9


@pytest.mark.parametrize(
    ("words", "rest"),
    [
        (("✓", "Attributes"), "Attributes"),
        (("ORight-handed",), "Right-handed"),
        (("X", "Button"), "Button"),
        (("DRun",), "Run"),
    ],
)
def test_misread_mark_is_taken_off_its_label(words: tuple[str, ...], rest: str) -> None:
    pieces = tuple(Word(w, Rect(60.0 * i, 0, 60.0 * i + 9 * len(w) + 9, 18)) for i, w in enumerate(words))
    box = TextBox(" ".join(words), Rect(0, 0, pieces[-1].rect.right, 18), 0.9, pieces)
    cleaned = without_symbol(box)
    assert cleaned is not None
    assert cleaned.text == rest
    assert cleaned.rect.left >= 15


@pytest.mark.parametrize("text", ["A picture", "Open", "OK", "(none)", "3 files", "I agree"])
def test_ordinary_labels_stay_whole(text: str) -> None:
    words = tuple(Word(w, Rect(50.0 * i, 0, 50.0 * i + 45, 18)) for i, w in enumerate(text.split()))
    assert without_symbol(TextBox(text, Rect(0, 0, 100, 18), 0.9, words)) is None
