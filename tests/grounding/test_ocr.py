"""Reading text with the real engine."""

from __future__ import annotations

import socket
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from reticle_grounding.geometry import Rect
from reticle_grounding.ocr import (
    MAX_SIDE,
    RgbArray,
    TextBox,
    TextReader,
    Word,
    crop,
    proportional_words,
    split_line,
    strips_of,
)


@pytest.fixture(scope="module")
def reader() -> TextReader:
    return TextReader(threads=1)


@pytest.fixture(scope="module")
def screen() -> RgbArray:
    """A menu bar and a dark button."""
    picture = Image.new("RGB", (480, 200), (245, 245, 245))
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(16)
    for left, text in ((10, "File"), (60, "Edit"), (110, "Search"), (185, "Help")):
        draw.text((left, 8), text, fill="black", font=font)
    draw.rectangle((300, 130, 440, 165), fill=(40, 40, 46))
    draw.text((322, 138), "Save As...", fill="white", font=font)
    return np.asarray(picture)


def test_words_of_a_line_have_their_own_places(reader: TextReader, screen: RgbArray) -> None:
    words = {w.text: w.rect for box in reader.read(screen) for w in box.words}
    for text, left, right in (("File", 8, 45), ("Edit", 56, 98), ("Search", 106, 172)):
        assert text in words
        assert left <= words[text].center.x <= right
        assert words[text].top < 30


def test_a_region_is_read_in_coordinates_of_the_whole(reader: TextReader, screen: RgbArray) -> None:
    found = reader.read(screen, Rect(290, 120, 470, 180))
    assert [box.text.replace(" ", "").rstrip(".…") for box in found] == ["SaveAs"]
    assert Rect(300, 130, 441, 166).contains(found[0].rect.center)


def test_reading_needs_no_network(monkeypatch: pytest.MonkeyPatch, screen: RgbArray) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the network was used")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert TextReader(threads=1).read(screen)


@pytest.mark.parametrize("shape", [(1, 1, 3), (3, 200, 3), (40, 60, 3)])
def test_empty_and_tiny_pictures_have_no_text(reader: TextReader, shape: tuple[int, int, int]) -> None:
    assert reader.read(np.full(shape, 200, dtype=np.uint8)) == []


def test_a_region_outside_the_picture_has_no_text(reader: TextReader, screen: RgbArray) -> None:
    assert reader.read(screen, Rect(900, 900, 950, 950)) == []


def test_crops_are_clipped_to_the_picture() -> None:
    image = np.zeros((40, 60, 3), dtype=np.uint8)
    cut, left, top = crop(image, Rect(-10.5, 20.2, 30.1, 90))
    assert (cut.shape[:2], left, top) == ((20, 31), 0, 20)


def test_width_is_shared_by_characters() -> None:
    words = proportional_words("ab  cdef", Rect(0, 0, 80, 10))
    assert [(w.text, w.rect.left, w.rect.right) for w in words] == [("ab", 0.0, 20.0), ("cdef", 40.0, 80.0)]


def test_spans_join_neighbouring_words() -> None:
    words = (Word("Find", Rect(0, 0, 20, 10)), Word("and", Rect(24, 1, 40, 10)), Word("Replace", Rect(44, 0, 90, 12)))
    box = TextBox("Find and Replace", Rect(0, 0, 90, 12), 1.0, words)
    assert box.span(1, 3) == ("and Replace", Rect(24, 0, 90, 12))


def letters(text: str, starts: list[float]) -> list[tuple[str, Rect]]:
    return [(c, Rect(x, 2, x + 7, 18)) for c, x in zip(text, starts, strict=True)]


def test_a_line_is_cut_at_wide_gaps_with_or_without_a_blank() -> None:
    starts = [0, 8, 16, 40, 48, 62, 70]
    pieces = split_line("abcde fg", Rect(0, 0, 80, 20), 0.9, letters("abcdefg", starts))
    assert [p.text for p in pieces] == ["abc", "de fg"]
    assert [w.text for w in pieces[1].words] == ["de", "fg"]
    assert pieces[0].rect.right < pieces[1].rect.left
    assert pieces[1].words[0].rect.left == 40


def test_letters_that_do_not_fit_leave_the_line_whole() -> None:
    pieces = split_line("ab cd", Rect(0, 0, 50, 20), 0.9, letters("abc", [0, 8, 30]))
    assert [p.text for p in pieces] == ["ab cd"]
    assert [w.rect.left for w in pieces[0].words] == [0.0, 30.0]
    assert split_line("  ", Rect(0, 0, 50, 20), 0.9, []) == []


def test_a_very_long_strip_is_read_in_pieces_that_cover_it() -> None:
    pieces = strips_of(Rect(10, 20, 20_010, 140))
    assert pieces[0].left == 10
    assert pieces[-1].right == 20_010
    assert all(one.right == two.left for one, two in pairwise(pieces))
    assert all(p.width <= MAX_SIDE and p.height == 120 for p in pieces)
    assert strips_of(Rect(0, 0, 3840, 2160)) == [Rect(0, 0, 3840, 2160)]
