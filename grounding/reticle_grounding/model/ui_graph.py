"""The UI graph of FocusUI (arXiv 2601.03928, algorithm 2): equal neighbouring patches hang together.

Large components are background and weigh little; patches unlike their neighbours weigh 1. Whole arrays at a time: all
neighbours are compared at once, then a picture of patches and joints is labelled.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt
from scipy import ndimage

from reticle_grounding.types import FloatMap

Labels: TypeAlias = npt.NDArray[np.int64]
Pixels: TypeAlias = npt.NDArray[np.uint8]
GraphWeight: TypeAlias = Literal["log", "inverse", "sqrt"]
SAME = 2.0
"""Neighbours with a smaller distance are one node; the published value, whatever the size of a patch."""
FRAMES = 2
"""A still picture counts as so many equal frames in the distance."""
STRIPE = 4
"""Rows of patches compared at a time; their differences stay in cache."""
DETAIL = 3
"""Components of fewer patches are detail: text, drawings, edges."""


def components(pixels: Pixels, cell: int, same: float = SAME, frames: int = FRAMES) -> Labels:
    """[rows, columns] number of each patch's component, in order of first appearance.

    Args:
        pixels: [height, width, 3] RGB, both sides whole multiples of ``cell``.
        same: limit of the Euclidean distance between two patches, channels in 0..1, all frames together.
    """
    rows, columns = pixels.shape[0] // cell, pixels.shape[1] // cell
    # Squared differences of bytes are summed exactly; the limit is moved to their scale.
    limit = same**2 * 255**2 / frames
    lines = np.ascontiguousarray(pixels).reshape(rows * cell, -1)
    # Patches stand at even places of a finer grid, what joins two of them between.
    joined = np.zeros((2 * rows - 1, 2 * columns - 1), np.bool_)
    joined[::2, ::2] = True
    step = 3 * cell
    if columns > 1:
        joined[::2, 1::2] = _alike(lines[:, :-step], lines[:, step:], cell, limit)
    if rows > 1:
        joined[1::2, ::2] = _alike(lines[:-cell], lines[cell:], cell, limit)
    labels, _ = ndimage.label(joined)
    return _by_appearance(np.asarray(labels[::2, ::2], np.int64))


def _alike(one: Pixels, other: Pixels, cell: int, limit: float) -> npt.NDArray[np.bool_]:
    """[rows, columns]: whether two pictures [rows * cell, columns * cell * 3] are alike, patch by patch.

    The greatest difference in each column of values bounds a patch's sum of squares from both sides: it occurs at least
    once and at most in every line. That settles most patches; the others are summed whole. Single precision is exact
    up to 2**24, far above any limit in use; the sums of the library may miss whole numbers by a hair.
    """
    rows, values = one.shape[0] // cell, 3 * cell
    alike = np.empty((rows, one.shape[1] // values), np.bool_)
    buffer = np.empty((min(STRIPE, rows) * cell, one.shape[1]), np.uint8)
    for first in range(0, rows, STRIPE):
        lines = slice(first * cell, min(first + STRIPE, rows) * cell)
        gaps = cv2.absdiff(one[lines], other[lines], buffer[: lines.stop - lines.start])
        greatest = np.maximum.reduce(gaps.reshape(-1, cell, one.shape[1]), axis=1).astype(np.float32)
        greatest = greatest.reshape(len(greatest), -1, values)
        low = np.einsum("rcv,rcv->rc", greatest, greatest)
        settled = low * cell < limit
        for row, column in np.argwhere(~settled & (low < limit)).tolist():
            top, left = row * cell, column * values
            whole = cv2.norm(gaps[top : top + cell, left : left + values], cv2.NORM_L2SQR)
            settled[row, column] = round(whole) < limit
        alike[first : first + STRIPE] = settled
    return alike


def _by_appearance(labels: Labels) -> Labels:
    """Numbers from 0 in reading order; ``labels`` are numbers from 1."""
    flat = labels.ravel()
    first = np.empty(int(flat.max()) + 1, np.int64)
    first[0] = flat.size  # none is 0
    first[flat[::-1]] = np.arange(flat.size - 1, -1, -1)  # of several places the last one written stays: the first
    rank = np.empty(first.size, np.int64)
    rank[np.argsort(first)] = np.arange(first.size)
    return rank[labels]


def graph_weights(labels: Labels, weight: GraphWeight = "log") -> FloatMap:
    """[rows, columns]: 1 for a patch on its own, less for members of larger components."""
    count = np.bincount(labels.ravel()).astype(np.float64)
    value = {"log": 1 / np.maximum(1, np.log(count + 1)), "inverse": 1 / count, "sqrt": 1 / np.sqrt(count)}[weight]
    return np.asarray(value[labels], np.float32)


def candidates(labels: Labels, detail: int = DETAIL) -> Labels:
    """[rows, columns]: what may be an element, numbered from 1; 0 is background.

    Patches of components below ``detail`` patches that touch by a side are one candidate: the letters of a word, the
    outline of a button, an icon.
    """
    small = np.bincount(labels.ravel())[labels] < detail
    joined, _ = ndimage.label(small)
    return np.asarray(joined, np.int64)
