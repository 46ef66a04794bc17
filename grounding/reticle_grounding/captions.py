"""Captions of drawings: the words right of a drawing, or under it, say what it is ("Mute" beside a loudspeaker)."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from .geometry import Rect
from .ocr import TextBox

GAP = 1.0
"""Farthest that a caption stands right of its drawing, in heights of the higher of both."""
UNDER = 0.8
"""Farthest that one stands under its drawing, in heights of its own."""
ASIDE = 0.5
"""Middles of a drawing and of a caption under it are at most so far apart, in widths of the wider one."""
TILE = 1.5
"""Least height of a drawing with a caption under it, in heights of the caption."""
_WORDS = re.compile(r"[^\W_]{2}")
"""What is no more than a sign may be a drawing itself."""


class Captions:
    """Which text of a screenshot captions a drawing. All in capture pixels."""

    def __init__(self, texts: Sequence[TextBox]) -> None:
        self._rects = np.array([t.rect.as_tuple() for t in texts], np.float64).reshape(-1, 4)
        self._said = np.array([bool(_WORDS.search(t.text)) for t in texts], np.bool_)

    def of(self, drawing: Rect) -> int | None:
        """Number of the caption: the nearest text right of the drawing on its line, else the one under it.

        None where there is no such text, and for what holds words or is a part of some.
        """
        left, top, right, bottom = self._rects.T
        high, at = bottom - top, drawing.center
        across, down = (left + right) / 2, (top + bottom) / 2
        holds = (drawing.left <= across) & (across <= drawing.right) & (drawing.top <= down) & (down <= drawing.bottom)
        part = (left <= at.x) & (at.x < right) & (top <= at.y) & (at.y < bottom)
        if ((holds | part) & self._said).any():
            return None
        gap = left - drawing.right
        reach = GAP * np.maximum(high, drawing.height)
        beside = self._said & (top <= at.y) & (at.y < bottom) & (gap >= -0.3 * high) & (gap <= reach)
        if beside.any():
            return int(np.argmin(np.where(beside, gap, np.inf)))
        below = top - drawing.bottom
        aside = self._said & (np.abs(across - at.x) <= ASIDE * np.maximum(right - left, drawing.width) / 2)
        under = aside & (below >= -0.3 * high) & (below <= UNDER * high) & (drawing.height >= TILE * high)
        return int(np.argmin(np.where(under, below, np.inf))) if under.any() else None
