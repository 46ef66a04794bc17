"""What is drawn in a box: anything at all, and is it the name.

The name's width in an average sans-serif font is compared with the width of what is drawn. How wide the letters of this
program are is measured on elements that always show their names (menus, labels, check boxes), so no font is guessed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from .roles import SHOWS_NAME, TEXTUAL

Rgb = npt.NDArray[np.uint8]
"""[height, width, 3]."""
Box = tuple[int, int, int, int]
CONTRAST = 28
"""Grey levels between background and ink."""
DRAWN = 12
"""Grey levels between the darkest and the brightest pixel of a box with something in it."""
LINE = 1.25
"""Height of a line of text in em at most; what is taller has a picture in it."""
STACKED = 2.2
"""Marks taller than this many em may be an icon with its name below."""
USUAL_EM = 13.0
"""Pixels at scale 1, where a program shows too few names to measure."""


@dataclass(frozen=True, slots=True)
class Ink:
    """Marks in a box."""

    width: int
    """Pixels from the first to the last column with ink, frames left out."""
    height: int


def is_drawn(pixels: Rgb) -> bool:
    if pixels.size == 0:
        return False
    grey = pixels.mean(axis=2)
    return bool(grey.max() - grey.min() >= DRAWN)


def em_width(text: str) -> float:
    """Width of a text in em of an average sans-serif font."""
    return sum(_letter(character) for character in text)


@lru_cache(maxsize=4096)
def _letter(character: str) -> float:
    if character in "iljtfrI.,:;'|!()[] ":
        return 0.31
    if character in "mwMW@%":
        return 0.86
    if ord(character) > 0x2E7F:
        return 1.0
    return 0.64 if character.isupper() else 0.55


def measure(pixels: Rgb, edge: int = 2) -> Ink:
    """The extent of the ink within a box, its outermost pixels (frame, focus line) left out."""
    inner = pixels[edge:-edge, edge:-edge] if min(pixels.shape[:2]) > 4 * edge else pixels
    grey = inner.mean(axis=2)
    ink = np.abs(grey - np.median(grey)) > CONTRAST
    ink[:, ink.mean(axis=0) > 0.9] = False  # lines: frames, separators
    ink[ink.mean(axis=1) > 0.9] = False
    columns, rows = np.flatnonzero(ink.any(axis=0)), np.flatnonzero(ink.any(axis=1))
    if not len(columns):
        return Ink(0, 0)
    return Ink(int(columns[-1] - columns[0] + 1), int(rows[-1] - rows[0] + 1))


def letter_size(named: Sequence[tuple[str, str, Ink]], scale: float) -> float:
    """Pixels per em of a program, from (role, name, ink) of its elements.

    The lower quarter is taken: a menu item's ink may include a check mark and a shortcut beside the name.
    """
    sizes = [ink.width / em_width(name) for role, name, ink in named if role in SHOWS_NAME and len(name) > 2]
    sizes = sorted(size for size in sizes if 6 * scale < size < 30 * scale)
    return sizes[len(sizes) // 4] if sizes else USUAL_EM * scale


def shows_name(role: str, name: str, ink: Ink, em: float) -> bool | None:
    """Whether the name is written in the box; None when that cannot be told.

    An estimate: ink much narrower than the name is an icon; ink taller than a line of text holds an icon, and the name
    must fit beside it; ink as wide as the name and as low as text is the name.
    """
    name = name.strip()
    if not name:
        return None
    wanted, shows = em_width(name) * em, role in SHOWS_NAME
    if ink.height > LINE * em and role not in TEXTUAL:
        if ink.width >= 0.85 * wanted + 0.8 * min(ink.height, 2 * em):
            return True
        return None if ink.height > STACKED * em or ink.width > 1.3 * ink.height else False
    if role == "label":
        wanted /= max(1, round(ink.height / (LINE * em)))
    if len(name) <= 2:
        return True if shows or (0.5 * wanted <= ink.width <= 1.6 * wanted and ink.height >= 0.5 * em) else None
    if ink.width < 0.7 * wanted:
        return False
    return True if ink.width >= 0.85 * wanted else None
