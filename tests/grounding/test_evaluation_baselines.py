"""Plain text search, as a fair opponent."""

from __future__ import annotations

import pytest

from reticle_grounding.evaluation.baselines import largest_match, text_search, wordings
from reticle_grounding.geometry import Rect
from reticle_grounding.ocr import TextBox, proportional_words


def line(text: str, left: float, top: float, width: float = 80, height: float = 20) -> TextBox:
    rect = Rect(left, top, left + width, top + height)
    return TextBox(text, rect, 1.0, proportional_words(text, rect))


SCREEN = [line("File", 0, 0), line("Save", 100, 0), line("Save as...", 200, 0), line("Your name", 0, 100)]


@pytest.mark.parametrize(
    ("instruction", "searched"),
    [
        ("Save", ["Save"]),
        ("click the Save button.", ["Save button"]),
        ("please click on 'Save as'", ["'Save as'", "Save as"]),
        ('the button "Don\'t save"', ['button "Don\'t save"', "Don't save"]),
        ("don't ask", ["don't ask"]),
        ("the", ["the"]),
    ],
)
def test_what_is_searched_for(instruction: str, searched: list[str]) -> None:
    assert wordings(instruction) == searched


def test_the_most_similar_line_comes_first() -> None:
    centres = {box.text: box.rect.center for box in SCREEN}
    found = text_search("click SAVE", SCREEN)
    assert found[:2] == [centres["Save"], centres["Save as..."]]
    assert len(found) == 3
    assert text_search("enter your name", SCREEN)[0] == centres["Your name"]
    assert text_search('the second one, "File"', SCREEN, 1) == [centres["File"]]
    assert text_search("anything", []) == []


def test_the_largest_equal_line_is_clicked() -> None:
    small, large = line("Save", 0, 0), line("save", 0, 200, 160, 40)
    assert largest_match("the Save button", [small, large, line("Save all of it now", 0, 300, 600, 60)]) == (
        large.rect.center
    )


def test_lines_that_hold_the_name_and_names_that_hold_the_line() -> None:
    centres = {box.text: box.rect.center for box in SCREEN}
    assert largest_match("click name", SCREEN) == centres["Your name"]
    assert largest_match("open the file you like", SCREEN) == centres["File"], "a whole word of the instruction"
    assert largest_match("profile", SCREEN) is None, "whole words only"
    assert largest_match("???", [line("...", 0, 0)]) is None
