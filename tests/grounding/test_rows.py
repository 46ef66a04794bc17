"""Instructions that name a place by what stands in its row."""

from __future__ import annotations

import pytest

from reticle_grounding.geometry import Rect
from reticle_grounding.ocr import TextBox, Word
from reticle_grounding.rows import gap_beside, parted, sides_of
from reticle_grounding.words import parse, tokens


def _text(words: str, left: float, top: float, width: float = 80.0) -> TextBox:
    rect = Rect(left, top, left + width, top + 20.0)
    return TextBox(words, rect, 1.0, (Word(words, rect),))


SOFIA, MEI, PIN = _text("Sofia Khan", 100, 100), _text("Mei Bauer", 100, 160), _text("Pinned", 100, 20)


@pytest.mark.parametrize(
    ("instruction", "rest"),
    [
        ("pin Sofia Khan", ("pin",)),
        ("the pin icon of Sofia Khan", ("pin",)),
        ("Delete the message from Sofia Khan", ("delete", "message")),
        ("mute sofia khan please", ("mute",)),
    ],
)
def test_a_name_on_the_screen_parts_the_instruction(instruction: str, rest: tuple[str, ...]) -> None:
    part = parted(tokens(instruction), [MEI, SOFIA, PIN])
    assert part is not None
    assert part.rest == rest
    assert part.names == (SOFIA.rect,)


@pytest.mark.parametrize(
    "instruction",
    [
        "Mei Bauer",  # nothing is left
        "click the Mei Bauer button",  # nor here: a gesture and a role
        "pin Sofia Khan",  # a small part of a text is no name
        "open the settings",
        "click it",
    ],
)
def test_without_a_name_or_a_rest_there_is_nothing_to_part(instruction: str) -> None:
    shown = [MEI, _text("Sofia Khan and three more people", 100, 100, 300)]
    assert parted(tokens(instruction), shown) is None


def test_the_longer_name_wins_and_the_same_name_may_stand_twice() -> None:
    part = parted(
        tokens("hide Late garden"), [_text("Late", 0, 0), _text("Late garden", 0, 50), _text("Late garden", 9, 90)]
    )
    assert part is not None
    assert len(part.names) == 2
    many = [_text("Late garden", 0, 30.0 * n) for n in range(9)]
    assert parted(tokens("hide Late garden"), many) is None


def test_what_stands_in_the_row_is_told_from_what_does_not() -> None:
    part = parted(tokens("pin Sofia Khan"), [SOFIA, MEI])
    assert part is not None
    near, far = Rect(200, 96, 224, 124), Rect(700, 96, 724, 124)
    assert part.stands(near) > part.stands(far) > 0.0
    assert part.stands(Rect(200, 156, 224, 184)) == 0.0  # Mei's row
    assert part.stands(SOFIA.rect) == 0.0
    assert part.is_name(SOFIA.rect)
    assert not part.is_name(near)


@pytest.mark.parametrize(
    ("relation", "region", "gap"),
    [
        ("right of", Rect(190, 100, 210, 120), 10.0),
        ("right of", Rect(60, 100, 80, 120), None),
        ("to the left of", Rect(60, 100, 80, 120), 20.0),
        ("before", Rect(60, 140, 80, 160), None),  # not level
        ("below", Rect(110, 150, 130, 170), 30.0),
        ("above", Rect(110, 150, 130, 170), None),
        ("next to", Rect(60, 100, 80, 120), 20.0),
        ("next to", Rect(190, 100, 210, 120), 10.0),
        ("between", Rect(190, 100, 210, 120), 10.0),
        ("between", Rect(110, 150, 130, 170), 30.0),
        ("between", Rect(60, 100, 80, 120), None),
        ("of", Rect(190, 100, 210, 120), None),
        ("right of", Rect(170, 102, 176, 118), None),  # the last letter
    ],
)
def test_how_far_on_the_side_that_is_told(relation: str, region: Rect, gap: float | None) -> None:
    assert gap_beside(region, SOFIA.rect, sides_of(relation)) == gap


def test_the_anchor_ends_at_a_relation_of_its_own() -> None:
    wanted = parse("the squares icon left of the bell in the other window")
    assert wanted.relation == "left of"
    assert wanted.near == ("bell",)


@pytest.mark.parametrize(
    ("instruction", "near", "unnamed"),
    [
        ("the menu between Insert and Tools", ("insert",), True),
        ("Tracks, between Edit and Effect", ("edit",), False),
        ("the one between CMYK and LCH", ("cmyk",), True),
        ("envelope icon between the bin and the clock", ("bin",), False),
    ],
)
def test_between_two_is_behind_the_first(instruction: str, near: tuple[str, ...], unnamed: bool) -> None:
    wanted = parse(instruction)
    assert wanted.relation == "between"
    assert (wanted.near, wanted.unnamed) == (near, unnamed)


@pytest.mark.parametrize(
    "instruction",
    ["switch between light and dark", "the menu for moving between pictures", "what differs between the two and why"],
)
def test_between_may_tell_no_place(instruction: str) -> None:
    assert parse(instruction).relation != "between"


@pytest.mark.parametrize(
    ("instruction", "dragged", "written"),
    [
        ("drag the volume slider", True, False),
        ("turn the sound down", True, False),
        ("make it louder", True, False),
        ("turn off the light", False, False),
        ("the label Look in", False, True),
        ("click the words Look in:", False, True),
        ("the text field Name", False, False),
        ("type text into the name field", False, False),
    ],
)
def test_sliders_and_written_words_are_told_by_the_instruction(instruction: str, dragged: bool, written: bool) -> None:
    wanted = parse(instruction)
    assert (wanted.dragged, wanted.written) == (dragged, written)
