"""Controls found on small drawn pictures."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from reticle_grounding.geometry import Rect
from reticle_grounding.ocr import RgbArray, TextBox, Word
from reticle_grounding.proposals import Elements, find_elements


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
