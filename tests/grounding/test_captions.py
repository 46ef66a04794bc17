"""Candidates in words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from reticle_grounding.captions import AROUND_WORDS, Captions
from reticle_grounding.evidence import Draft, Scene, drafts
from reticle_grounding.geometry import Rect, Size, Transform
from reticle_grounding.ocr import TextBox, proportional_words
from reticle_grounding.proposals import NOTHING, Elements
from reticle_grounding.words import parse

SIZE = Size(900, 600)
TRANSFORM = Transform.for_image(SIZE, SIZE, 28)


def line(text: str, left: float, top: float) -> TextBox:
    rect = Rect(left, top, left + 8.0 * len(text), top + 18)
    return TextBox(text, rect, 0.99, proportional_words(text, rect))


def scene(instruction: str, texts: Sequence[TextBox], elements: Elements = NOTHING) -> Scene:
    even = np.full((21, 32), 1 / 672, dtype=np.float32)
    return Scene(parse(instruction), even, TRANSFORM, (), tuple(texts), elements)


def captions(where: Scene, names: Sequence[str] = ()) -> Captions:
    return Captions(where, lambda _: names, SIZE)


def icon(rect: Rect) -> Draft:
    return Draft(rect, rect.center, "element", None, kind="look", look=0)


def test_an_icon_is_told_by_its_looks_and_by_what_stands_around_it() -> None:
    where = scene("pin", [line("Chats", 40, 10), line("Freya Garcia", 40, 100), line("Unread", 400, 100)])
    caption = captions(where, ["pin", "bookmark", "pin"]).of(icon(Rect(240, 100, 256, 116)))
    assert caption == "icon pin, bookmark; left: Freya Garcia; right: Unread; top left"


def test_the_nearest_text_above_is_told_and_far_ones_are_not() -> None:
    texts = [line("Far heading", 40, 20), line("Near heading", 40, 300), line("Beyond", 880, 340)]
    caption = captions(scene("x", texts)).of(icon(Rect(60, 340, 80, 360)))
    assert "above: Near heading" in caption
    assert "Far heading" not in caption
    assert "Beyond" not in caption


def test_a_part_of_a_line_names_its_line() -> None:
    where = scene("open the Search menu", [line("File Edit Search Tools", 0, 0)])
    draft = next(d for d in drafts(where) if d.text == "Search")
    assert captions(where).of(draft).startswith("text Search, part of File Edit Search Tools")


def test_a_field_is_told_by_its_label_and_by_what_it_holds() -> None:
    box = Rect(120, 195, 400, 220)
    where = scene("the City field", [line("City", 40, 200), line("Tartu", 130, 200)], Elements((box,), ()))
    made = {d.kind: captions(where).of(d) for d in drafts(where) if d.found is not None}
    assert made["entry"] == "field City, with Tartu; left: City; left"


def test_a_text_alone_in_its_box_is_a_button() -> None:
    where = scene("Save", [line("Save", 40, 200), line("Other", 300, 300)], Elements((Rect(30, 194, 90, 224),), ()))
    assert captions(where).of(drafts(where)[0]).startswith("button Save")


def test_misread_signs_are_left_out_and_long_texts_are_cut() -> None:
    texts = [line("%", 200, 100), line("one two three four five six seven", 300, 100)]
    caption = captions(scene("x", texts)).of(icon(Rect(240, 100, 256, 116)))
    assert "%" not in caption
    assert "five" in caption
    assert "six" not in caption
    assert AROUND_WORDS == 5


def test_nothing_read_and_nothing_known_is_still_a_caption() -> None:
    assert captions(scene("x", [])).of(icon(Rect(440, 280, 460, 300))) == "icon"
