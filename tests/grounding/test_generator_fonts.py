"""Every font that screens are painted with can draw what is written on them."""

from __future__ import annotations

import pytest
from PIL import ImageFont

from reticle_grounding.training.fonts import HELD_OUT, TRAINING, installed

ABSENT = "\uffff"
"""No font has this one, so it is drawn as the box for missing characters."""
NAMED = {name for side in (TRAINING, HELD_OUT) for name in (*side.sans, *side.bold, *side.other, *side.serif)}
LISTED = [name for name in sorted(NAMED) if name in installed()]


def test_there_are_fonts_to_look_at() -> None:
    assert LISTED


@pytest.mark.parametrize("name", LISTED)
def test_a_font_draws_letters_and_digits(name: str) -> None:
    font = ImageFont.truetype(str(installed()[name]), 24)
    missing = bytes(font.getmask(ABSENT))
    assert [c for c in "AaMmgQ059" if bytes(font.getmask(c)) == missing] == []
