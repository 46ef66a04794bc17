from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from reticle_grounding.geometry import Rect
from reticle_grounding.ocr import TextBox, Word
from reticle_grounding.parsed import parse_screen


def text(words: str, left: float, top: float, right: float, bottom: float) -> TextBox:
    rect = Rect(left, top, right, bottom)
    return TextBox(words, rect, 1.0, (Word(words, rect),))


def screen() -> np.ndarray:
    image = Image.new("RGB", (400, 200), (240, 240, 240))
    draw = ImageDraw.Draw(image)
    draw.rectangle((40, 120, 140, 150), fill="white", outline=(60, 60, 60))
    draw.text((66, 128), "Save", fill=(20, 20, 20))
    draw.text((40, 30), "Title", fill=(20, 20, 20))
    return np.asarray(image)


def test_a_button_is_named_by_the_text_that_fills_it() -> None:
    found = parse_screen(screen(), [text("Title", 40, 30, 72, 42), text("Save", 66, 128, 94, 140)])
    named = [element for element in found if element.text == "Save"]
    assert [element.sort != "text" for element in named] == [True], "once, and as the control"
    assert named[0].rect.iou(Rect(41, 121, 140, 150)) > 0.8


def test_rows_come_from_the_top_and_go_to_the_right() -> None:
    texts = [text("c", 300, 101, 330, 112), text("a", 20, 20, 60, 30), text("b", 40, 100, 90, 112)]
    blank = np.full((200, 400, 3), 240, dtype=np.uint8)
    assert [element.text for element in parse_screen(blank, texts)] == ["a", "b", "c"]


def test_an_empty_screen_has_no_elements() -> None:
    assert parse_screen(np.full((50, 80, 3), 200, dtype=np.uint8), []) == ()
