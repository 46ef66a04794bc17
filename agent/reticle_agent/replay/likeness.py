"""Is this the control that was recorded? Compares two crops across scale and theme, and two texts across misreadings.

Crops are brought to one height and compared by the strength of their edges alone (normalised cross-correlation, a few
pixels of play), so that dark on light and light on dark look alike. What every row or every column has in common is
taken out first: two labels are not alike because each is one line of text.
"""

from __future__ import annotations

import re
from difflib import SequenceMatcher

import numpy as np
import numpy.typing as npt
from PIL import Image

from reticle_agent.recheck import crop_around
from reticle_grounding.geometry import Rect

HEIGHT = 32
WIDEST = 200
PLAY = 2
"""Pixels of the brought height by which the crops may be shifted against each other."""
SAME_TEXT = 0.8
"""Share of equal letters from which on two readings are the same text."""
MARGIN = 0.1
"""Of its height, how far beyond a control is compared: on a screen of twice the scale that is twice as far."""
Edges = npt.NDArray[np.float64]


def crop_of(image: Image.Image, region: Rect) -> Image.Image:
    """The control as it is compared. Raises ValueError for a region outside of the picture."""
    return crop_around(image, region, MARGIN * region.height)


def likeness(recorded: Image.Image, now: Image.Image) -> float:
    """0 (nothing in common) to 1. Crops without any edge are alike when both have none."""
    width = min(WIDEST, max(8, round(recorded.width * HEIGHT / max(1, recorded.height))))
    a, b = _edges(recorded, width), _edges(now, width)
    flat = [not np.any(edges) for edges in (a, b)]
    if any(flat):
        return 1.0 if all(flat) else 0.0
    shapes = [crop.width / max(1, crop.height) for crop in (recorded, now)]
    a, b = _without_lines(a), _without_lines(b)
    best = 0.0
    for dy in range(-PLAY, PLAY + 1):
        for dx in range(-PLAY, PLAY + 1):
            best = max(best, _correlation(_shifted(a, dx, dy), _shifted(b, -dx, -dy)))
    return best * min(shapes) / max(shapes)


def same_text(recorded: str | None, now: str | None) -> bool | None:
    """Whether two readings say the same; None when either says nothing."""
    a, b = (_letters(text or "") for text in (recorded, now))
    if not a or not b:
        return None
    return SequenceMatcher(None, a, b, autojunk=False).ratio() >= SAME_TEXT


def _letters(text: str) -> str:
    return re.sub(r"[\W_]+", "", text.casefold())


def _edges(crop: Image.Image, width: int) -> Edges:
    grey = np.asarray(crop.convert("L").resize((width, HEIGHT), Image.Resampling.BILINEAR), dtype=np.float64)
    down, right = np.gradient(grey)
    strength: Edges = np.hypot(down, right)
    strength[strength < 2.0] = 0.0
    return strength


def _without_lines(edges: Edges) -> Edges:
    rows, columns = edges.mean(axis=1, keepdims=True), edges.mean(axis=0, keepdims=True)
    kept: Edges = edges - rows - columns + edges.mean()
    return kept


def _shifted(edges: Edges, dx: int, dy: int) -> Edges:
    """Without the first dx columns and dy rows; without the last ones where negative."""
    height, width = edges.shape
    return edges[max(0, dy) : height + min(0, dy), max(0, dx) : width + min(0, dx)]


def _correlation(a: Edges, b: Edges) -> float:
    a, b = a - a.mean(), b - b.mean()
    norm = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return max(0.0, float((a * b).sum()) / norm) if norm > 0 else 0.0
