"""Every font that screens are painted with can draw what is written on them."""

from __future__ import annotations

import pytest
from PIL import ImageFont

from reticle_grounding.training.fonts import BOLD, OTHER, SANS, SERIF, installed

ABSENT = "\uffff"
"""No font has this one, so it is drawn as the box for missing characters."""
LISTED = [name for name in sorted({*SANS, *BOLD, *OTHER, *SERIF}) if name in installed()]


def test_there_are_fonts_to_look_at() -> None:
    assert LISTED


@pytest.mark.parametrize("name", LISTED)
def test_a_font_draws_letters_and_digits(name: str) -> None:
    font = ImageFont.truetype(str(installed()[name]), 24)
    missing = bytes(font.getmask(ABSENT))
    assert [c for c in "AaMmgQ059" if bytes(font.getmask(c)) == missing] == []
