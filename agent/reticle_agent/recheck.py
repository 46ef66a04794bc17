"""Is what was grounded still there? Compares two pictures of the same place, blind to what does not matter.

Not a change: a blinking cursor, a background that brightens under the pointer, compression-like noise. A change: other
words, another control, the same control some pixels further. Where whole pictures are compared, another hue of the same
brightness is a change as well.
"""

from __future__ import annotations

import hashlib
import math

import numpy as np
import numpy.typing as npt
from PIL import Image

from reticle_grounding.geometry import Rect, Size

MARGIN_PX = 10
"""The crop reaches this far beyond the target's region (capture pixels)."""
SAME = 0.6
"""Similarity from which on the target counts as unchanged."""
NOISE = 12
"""Differences of brightness (0-255) up to this are noise."""
HUE_NOISE = 16
"""The same for the two axes of hue (Cb and Cr, 0-255)."""
CARET_PX = 3
"""A difference no wider than this is a text cursor."""
Grey = npt.NDArray[np.int16]


def crop_around(image: Image.Image, region: Rect, margin: float = MARGIN_PX) -> Image.Image:
    """The target with a margin (pixels), cut at the picture's edges. Raises ValueError for a region outside of the
    picture."""
    box = region.grown(margin).intersection(Rect.of_size(Size(*image.size)))
    if box is None:
        raise ValueError(f"the region {region} lies outside of the picture")
    return image.crop((math.floor(box.left), math.floor(box.top), math.ceil(box.right), math.ceil(box.bottom)))


def crop_sha(crop: Image.Image) -> str:
    """First 16 hex digits of the SHA-256 of the crop's bytes."""
    return hashlib.sha256(crop.tobytes()).hexdigest()[:16]


def similarity(before: Image.Image, after: Image.Image) -> float:
    """0..1 for two RGB crops of the same place: the share of edges (in strength) that both have.

    Flat crops without edges are compared by brightness; crops of different size have nothing in common.
    """
    if before.size != after.size:
        return 0.0
    a, b = _grey(before), _grey(after)
    if _is_caret(np.abs(a - b) > NOISE):
        return 1.0
    edges_a, edges_b = _edges(a), _edges(b)
    strongest = float(np.maximum(edges_a, edges_b).sum())
    if strongest == 0:
        return 1.0 - float(np.abs(a - b).mean()) / 255
    return float(np.minimum(edges_a, edges_b).sum()) / strongest


def moved_edges(before: Image.Image, after: Image.Image) -> int:
    """Pixels of edges that only one of two crops of equal size has, also one pixel further; strength does not count."""
    a, b = _edges(_grey(before)) > 0, _edges(_grey(after)) > 0
    return int((a & ~_widened(b)).sum() + (b & ~_widened(a)).sum())


def _widened(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    padded = np.pad(mask, 1)
    height, width = mask.shape
    wide = np.zeros_like(mask)
    for dy in range(3):
        for dx in range(3):
            wide |= padded[dy : dy + height, dx : dx + width]
    return wide


def changed_box(before: Image.Image, after: Image.Image) -> Rect | None:
    """Where two pictures of one display differ (capture pixels); None when nothing but a text cursor does.

    Pictures of different size differ everywhere.
    """
    if before.size != after.size:
        return Rect.of_size(Size(*after.size))
    differs = differing(before, after)
    if _is_caret(differs):
        return None
    columns, rows = np.flatnonzero(differs.any(axis=0)), np.flatnonzero(differs.any(axis=1))
    return Rect(float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1))


def differing(before: Image.Image, after: Image.Image) -> npt.NDArray[np.bool_]:
    """[height, width]: pixels that look different; all of them for pictures of different size."""
    if before.size != after.size:
        return np.ones((after.height, after.width), dtype=np.bool_)
    a, b = (np.asarray(image.convert("YCbCr"), dtype=np.int16) for image in (before, after))
    away = np.abs(a - b)
    differs: npt.NDArray[np.bool_] = (away[..., 0] > NOISE) | (away[..., 1:].max(axis=2) > HUE_NOISE)
    return differs


def changed_within(before: Image.Image, after: Image.Image, region: Rect) -> bool:
    """Whether anything but a text cursor changed in a region."""
    if before.size != after.size:
        return True
    return changed_box(crop_around(before, region), crop_around(after, region)) is not None


def _grey(image: Image.Image) -> Grey:
    return np.asarray(image.convert("L"), dtype=np.int16)


def _is_caret(differs: npt.NDArray[np.bool_]) -> bool:
    columns = np.flatnonzero(differs.any(axis=0))
    return columns.size == 0 or int(columns[-1] - columns[0]) < CARET_PX


def _edges(grey: Grey) -> npt.NDArray[np.int32]:
    """Strength of the brightness steps to the right and below, noise removed."""
    right, below = np.zeros(grey.shape, np.int32), np.zeros(grey.shape, np.int32)
    right[:, :-1] = np.abs(np.diff(grey, axis=1))
    below[:-1] = np.abs(np.diff(grey, axis=0))
    right[right <= NOISE] = 0
    below[below <= NOISE] = 0
    return right + below
