"""The UI graph of FocusUI (arXiv 2601.03928, algorithm 2): equal neighbouring patches hang together.

Large components are background and weigh little; patches unlike their neighbours weigh 1. Whole arrays at a time: the
differences of all neighbours in two passes, then one labelling of a sparse graph.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import ndimage, sparse
from scipy.sparse import csgraph

from reticle_grounding.types import FloatMap

Labels: TypeAlias = npt.NDArray[np.int64]
GraphWeight: TypeAlias = Literal["log", "inverse", "sqrt"]
SAME = 2.0
"""Neighbours with a smaller distance are one node; the published value, whatever the size of a patch."""
FRAMES = 2
"""A still picture counts as so many equal frames in the distance."""
DETAIL = 3
"""Components of fewer patches are detail: text, drawings, edges."""


def components(pixels: npt.NDArray[np.uint8], cell: int, same: float = SAME, frames: int = FRAMES) -> Labels:
    """[rows, columns] number of each patch's component, in order of first appearance.

    Args:
        pixels: [height, width, 3] RGB, both sides whole multiples of ``cell``.
        same: limit of the Euclidean distance between two patches, channels in 0..1, all frames together.
    """
    rows, columns = pixels.shape[0] // cell, pixels.shape[1] // cell
    # Squared differences of bytes summed exactly; the limit is moved to their scale.
    limit = same**2 * 255**2 / frames
    nodes = np.arange(rows * columns).reshape(rows, columns)
    right = _squares(pixels[:, cell:], pixels[:, :-cell], cell) < limit
    down = _squares(pixels[cell:], pixels[:-cell], cell) < limit
    first = np.concatenate([nodes[:, :-1][right], nodes[:-1][down]])
    second = np.concatenate([nodes[:, 1:][right], nodes[1:][down]])
    edges = sparse.csr_array((np.ones(first.size, np.int8), (first, second)), shape=(nodes.size, nodes.size))
    _, labels = csgraph.connected_components(edges, directed=False)
    return _by_appearance(labels).reshape(rows, columns)


def _squares(one: npt.NDArray[np.uint8], other: npt.NDArray[np.uint8], cell: int) -> npt.NDArray[np.int64]:
    """Sum of squared differences per patch."""
    height, width = one.shape[:2]
    difference = one.astype(np.int16) - other
    square = np.einsum("hwc,hwc->hw", difference, difference, dtype=np.int32)
    bands = square.reshape(height // cell, cell, width).sum(1, dtype=np.int64)
    sums: npt.NDArray[np.int64] = bands.reshape(height // cell, width // cell, cell).sum(2)
    return sums


def _by_appearance(labels: npt.NDArray[np.int32]) -> Labels:
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    rank = np.empty(first.size, np.int64)
    rank[np.argsort(first)] = np.arange(first.size)
    return rank[inverse]


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
