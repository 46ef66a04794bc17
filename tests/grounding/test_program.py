"""Names of programs in instructions."""

from __future__ import annotations

import pytest

from reticle_grounding.geometry import Rect
from reticle_grounding.ocr import TextBox, proportional_words
from reticle_grounding.program import program_names, without_program


def at(text: str, left: float, top: float) -> TextBox:
    rect = Rect(left, top, left + 8.0 * len(text), top + 20)
    return TextBox(text, rect, 0.98, proportional_words(text, rect))


MENU = (
    at("Unsaved — Cantor", 300, 2),
    at("File", 8, 30),
    at("Help", 60, 30),
    at("Settings", 120, 30),
    at("About Cantor", 60, 60),
)


def test_titles_and_menus_show_the_programs_name() -> None:
    assert program_names(MENU) == {"cantor"}
    assert program_names((at("smplayer", 300, 2), at("Open", 8, 30))) == {"smplayer"}
    assert program_names((at("K3b Handbook", 8, 90), at("Welcome to Okteta", 8, 120))) == {"k3b", "okteta"}
    assert not program_names(())


@pytest.mark.parametrize(
    "texts",
    [
        (at("Terminal", 300, 2), at("Open", 8, 30)),  # a word for other things, too
        (at("Grisbi", 8, 2), at("Sofia", 200, 2)),  # a row of texts is no title
        (at("Open", 8, 2), at("Sofia Khan", 8, 200), at("Quit now, please", 8, 230)),
        (at("Report – 2026", 300, 2),),
    ],
)
def test_other_texts_name_no_program(texts: tuple[TextBox, ...]) -> None:
    assert not program_names(texts)


@pytest.mark.parametrize(
    ("instruction", "spoken"),
    [
        ("who made Cantor?", "who made the program?"),
        ("where can I change Cantor's preferences", "where can I change the program's preferences"),
        ("leave cantor", "leave the program"),
        ("what does this Cantor cost", "what does this program cost"),
    ],
)
def test_meanings_are_compared_without_the_name(instruction: str, spoken: str) -> None:
    assert without_program(instruction, MENU) == spoken


@pytest.mark.parametrize(
    "instruction",
    [
        "About Cantor",  # all of this is shown
        "about cantor, please",
        'click "About Cantor"',
        "Cantor",
        "the Cantor logo",
        "the menu right of Cantor",
        "open the settings",
        "who made Cantorella?",
    ],
)
def test_where_the_name_is_the_wish_or_its_neighbour_nothing_changes(instruction: str) -> None:
    assert without_program(instruction, MENU) == instruction
