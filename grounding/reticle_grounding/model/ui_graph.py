"""The UI graph of FocusUI (arXiv 2601.03928, algorithm 2): equal neighbouring patches hang together.

Large components are background and weigh little; patches unlike their neighbours weigh 1. Whole arrays at a time: all
neighbours are compared at once, then a picture of patches and joints is labelled.
"""

from __future__ import annotations

from math import gcd
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from reticle_grounding.types import FloatMap

Labels: TypeAlias = npt.NDArray[np.int64]
Pixels: TypeAlias = npt.NDArray[np.uint8]
Sums: TypeAlias = npt.NDArray[np.int32]
GraphWeight: TypeAlias = Literal["log", "inverse", "sqrt"]
SAME = 2.0
"""Neighbours with a smaller distance are one node; the published value, whatever the size of a patch."""
FRAMES = 2
"""A still picture counts as so many equal frames in the distance."""
PARTS = 4
"""Each side of a patch is cut so often for the bounds."""
BLOCK = 128
"""Pairs of patches summed at a time."""
DETAIL = 3
"""Components of fewer patches are detail: text, drawings, edges."""


def components(pixels: Pixels, cell: int, same: float = SAME, frames: int = FRAMES) -> Labels:
    """[rows, columns] number of each patch's component, in order of first appearance.

    Args:
        pixels: [height, width, 3] RGB, both sides whole multiples of ``cell``.
        same: limit of the Euclidean distance between two patches, channels in 0..1, all frames together.
    """
    rows, columns = pixels.shape[0] // cell, pixels.shape[1] // cell
    nodes = np.arange(rows * columns).reshape(rows, columns)
    first = np.concatenate([nodes[:, :-1].ravel(), nodes[:-1].ravel()])
    second = np.concatenate([nodes[:, 1:].ravel(), nodes[1:].ravel()])
    # Squared differences of bytes are summed exactly; the limit is moved to their scale.
    alike = _alike(pixels, cell, first, second, same**2 * 255**2 / frames)
    # Patches stand at even places of a finer grid, what joins two of them between.
    joined = np.zeros((2 * rows - 1, 2 * columns - 1), np.bool_)
    joined[::2, ::2] = True
    across = rows * (columns - 1)
    joined[::2, 1::2] = alike[:across].reshape(rows, columns - 1)
    joined[1::2, ::2] = alike[across:].reshape(rows - 1, columns)
    labels, _ = ndimage.label(joined)
    return _by_appearance(np.asarray(labels[::2, ::2], np.int64))


def _alike(pixels: Pixels, cell: int, first: Labels, second: Labels, limit: float) -> npt.NDArray[np.bool_]:
    """Whether the summed squared difference of each pair is below the limit.

    Most pairs are settled by bounds from the darkest and brightest values of a few parts of each patch, many of the
    others by a sample of lines; only what is left is summed whole.
    """
    low, high = _bounds(pixels, cell)
    alike = high < limit
    open_ = np.flatnonzero(~alike & (low < limit))
    cells = pixels.reshape(pixels.shape[0] // cell, cell, -1, cell * 3).transpose(0, 2, 1, 3)
    for step in (cell // 2, cell // 5, 1):
        open_ = open_[_squares(cells, first[open_], second[open_], slice(step // 2, None, step)) < limit]
    alike[open_] = True
    return alike


def _bounds(pixels: Pixels, cell: int) -> tuple[Sums, Sums]:
    """Least and greatest possible summed squared difference of each pair of neighbours."""
    parts = gcd(cell, PARTS)
    size = cell // parts
    dark, bright = (_extremes(pixels, size, extreme) for extreme in (np.minimum, np.maximum))
    low, high = [], []
    for one, other in ((np.s_[..., :-parts], np.s_[..., parts:]), (np.s_[:, :-parts], np.s_[:, parts:])):
        below, above = dark[one] - bright[other], dark[other] - bright[one]
        low.append(_summed(np.maximum(np.maximum(below, above), 0), parts))
        high.append(_summed(np.minimum(below, above), parts))
    return np.concatenate(low) * size**2, np.concatenate(high) * size**2


def _extremes(pixels: Pixels, size: int, extreme: np.ufunc) -> npt.NDArray[np.int16]:
    """[3, rows, columns] of parts of ``size`` pixels each way; always over neighbours in memory."""
    lines = extreme.reduce(pixels.reshape(pixels.shape[0] // size, size, -1), axis=1)
    span = 1
    while span < size:
        step = min(span, size - span)
        lines = extreme(lines[:, : -3 * step], lines[:, 3 * step :])
        span += step
    return np.stack([lines[:, channel :: 3 * size] for channel in range(3)]).astype(np.int16)


def _summed(gaps: npt.NDArray[np.int16], parts: int) -> Sums:
    """Squares of [3, rows * parts, columns * parts] summed per patch; flat."""
    squares = np.square(gaps, dtype=np.int32).sum(0, dtype=np.int32)
    lines = np.add.reduce(squares.reshape(squares.shape[0] // parts, parts, squares.shape[1]), axis=1)
    sums: Sums = sum(lines[:, part::parts] for part in range(parts))
    return sums.ravel()


def _squares(cells: Pixels, first: Labels, second: Labels, lines: slice) -> npt.NDArray[np.float32]:
    """Summed squared differences of pairs over some lines of [rows, columns, lines, values] patches.

    Single precision is exact up to 2**24, far above any limit in use. In blocks, whose working memory stays in cache.
    """
    columns = cells.shape[1]
    sums = np.empty(len(first), np.float32)
    for start in range(0, len(first), BLOCK):
        part = slice(start, start + BLOCK)
        one, other = (cells[index[part] // columns, index[part] % columns, lines] for index in (first, second))
        gap = (np.maximum(one, other) - np.minimum(one, other)).astype(np.float32)
        flat = gap.reshape(gap.shape[0], gap.shape[1] * gap.shape[2])
        np.einsum("pv,pv->p", flat, flat, out=sums[part])
    return sums


def _by_appearance(labels: Labels) -> Labels:
    """Numbers from 0 in reading order."""
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    rank = np.empty(first.size, np.int64)
    rank[np.argsort(first)] = np.arange(first.size)
    return rank[inverse].reshape(labels.shape)


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
