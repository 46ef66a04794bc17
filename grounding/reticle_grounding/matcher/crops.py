"""Proposals as small pictures of one size, the same way in training and at work."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image

from reticle_grounding.geometry import Rect

SIDE = 32
"""Width and height of a crop in pixels."""
CONTEXT = 1.4
"""A crop's side in the picture, in lengths of the proposal's longer side."""
CLOSER = 1.15
"""The same for a closer crop: what a drawing looks like is the mean of both."""
LEAST = 14.0
"""Smaller proposals are looked at as if they were this large (pixels)."""

Crops = npt.NDArray[np.uint8]
"""[n, SIDE, SIDE, 3] RGB."""


def window(rect: Rect, context: float = CONTEXT) -> Rect:
    """The square around a proposal that its crop shows; may leave the picture."""
    half = max(rect.width, rect.height, LEAST) * context / 2
    c = rect.center
    return Rect(c.x - half, c.y - half, c.x + half, c.y + half)


def cut(image: npt.NDArray[np.uint8], rects: Sequence[Rect], context: float = CONTEXT) -> Crops:
    """Crops of a [height, width, 3] picture; what lies outside repeats its edge."""
    out = np.zeros((len(rects), SIDE, SIDE, 3), np.uint8)
    for i, rect in enumerate(rects):
        out[i] = _one(image, window(rect, context))
    return out


def _one(image: npt.NDArray[np.uint8], area: Rect) -> npt.NDArray[np.uint8]:
    height, width = image.shape[:2]
    left, top = int(np.floor(area.left)), int(np.floor(area.top))
    right, bottom = max(int(np.ceil(area.right)), left + 1), max(int(np.ceil(area.bottom)), top + 1)
    inside = image[max(0, top) : max(1, min(height, bottom)), max(0, left) : max(1, min(width, right))]
    if inside.size == 0:
        return np.zeros((SIDE, SIDE, 3), np.uint8)
    pad = ((max(0, -top), max(0, bottom - height)), (max(0, -left), max(0, right - width)), (0, 0))
    whole = np.pad(inside, pad, mode="edge") if any(side for axis in pad for side in axis) else inside
    box = (area.left - left, area.top - top, area.right - left, area.bottom - top)
    limits = (whole.shape[1], whole.shape[0])
    kept = (max(0.0, box[0]), max(0.0, box[1]), min(box[2], limits[0]), min(box[3], limits[1]))
    small = Image.fromarray(np.ascontiguousarray(whole)).resize((SIDE, SIDE), Image.Resampling.BILINEAR, box=kept)
    return np.asarray(small)
