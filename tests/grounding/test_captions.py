"""Captions of drawings: which words belong to a drawing, and what the law hears of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from reticle_grounding.captions import Captions
from reticle_grounding.evidence import Draft, Scene
from reticle_grounding.features import CAPTION_FEATURES, describe
from reticle_grounding.geometry import Rect, Size, Transform
from reticle_grounding.looks import NOTHING_SEEN
from reticle_grounding.ocr import TextBox, proportional_words
from reticle_grounding.proposals import Elements
from reticle_grounding.words import parse

ICON, TEXT = Rect(20, 40, 40, 60), Rect(46, 42, 106, 58)


def written(text: str, left: float, top: float, width: float = 60) -> TextBox:
    rect = Rect(left, top, left + width, top + 16)
    return TextBox(text, rect, 0.99, proportional_words(text, rect))


@pytest.mark.parametrize(
    ("texts", "caption"),
    [
        ([written("Mute", 46, 42)], 0),
        ([written("Mute", 46, 42), written("Volume", 46, 66)], 0),
        ([written("far", 70, 42)], None),  # further than the drawing is high
        ([written("row below", 46, 66)], None),
        ([written("Music", 0, 62)], None),  # lower than TILE heights of the words: no tile
        ([written("?", 46, 42, 10)], None),  # a sign may be the next drawing
        ([written("long line of words", 10, 42, 120)], None),  # the drawing is a part of a letter
    ],
)
def test_the_words_right_of_a_small_drawing_are_its_caption(texts: list[TextBox], caption: int | None) -> None:
    assert Captions(texts).of(ICON) == caption


def test_the_words_under_a_large_drawing_are_its_caption() -> None:
    tile = Rect(20, 20, 84, 84)
    below, aside = written("notes.txt", 22, 88), written("other.txt", 150, 88)
    assert Captions([aside, below]).of(tile) == 1
    assert Captions([aside]).of(tile) is None
    assert Captions([written("notes.txt", 22, 110)]).of(tile) is None, "too far below"


def test_what_holds_words_has_no_caption() -> None:
    button = Rect(20, 40, 120, 66)
    assert Captions([written("REPEAT", 40, 45), written("ALERTS", 40, 70)]).of(button) is None


def test_nothing_is_a_caption_where_nothing_is_read() -> None:
    assert Captions([]).of(ICON) is None


def test_the_law_hears_the_caption_of_a_drawing() -> None:
    size, even = Size(300, 200), np.full((2, 4), 1 / 8, np.float32)
    texts = (written("Mute", 46, 42),)
    scene = Scene(parse("mute"), even, Transform.for_image(size, size, 10), (), texts, Elements((), ()), size=size)
    scene = replace(scene, agreement=replace(NOTHING_SEEN, texts=np.array([0.7], np.float32)))
    drawing = Draft(ICON, ICON.center, "element", None, kind="look")
    told, text = describe(scene, [drawing, Draft(TEXT, TEXT.center, "text", "Mute")])
    assert told["captioned"] == 1.0
    assert told["caption_text"] == pytest.approx(1.0)
    assert told["caption_meant"] == pytest.approx(0.7)
    assert not any(text[name] for name in CAPTION_FEATURES), "a text is no drawing"
