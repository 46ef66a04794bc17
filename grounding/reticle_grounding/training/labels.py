"""What the attention should be: target values per merged patch for a labelled box.

Boxes are ``(left, top, right, bottom)``; pictures are already whole merged patches (``cell`` pixels each way). Maps are
[rows, columns] of merged patches unless said otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from reticle_grounding.geometry import Point, Size
from reticle_grounding.types import FloatMap

Box: TypeAlias = tuple[float, float, float, float]
Share: TypeAlias = Literal["cell", "box", "union"]
"""What the overlap of a patch and the box is divided by: the patch, the box, or both together."""
SPREAD = 0.8
"""Standard deviation of the soft labels in box widths and heights (GUI-AIMA, section 3)."""


@dataclass(frozen=True, slots=True)
class Fusion:
    """How the box and the UI graph become one label per patch for the patch scorer."""

    box: float
    graph: float
    clip: bool
    """Limit the sum of a raw patch to 0..1."""
    signed: bool
    """Stretch 0..1 to -1..1."""


PAPER_FUSION = Fusion(box=0.8, graph=0.2, clip=False, signed=False)
"""FocusUI, section 3.2."""
CODE_FUSION = Fusion(box=1.0, graph=0.5, clip=True, signed=True)
"""What the published checkpoints were trained with."""


def touched_cells(boxes: Sequence[Box], size: Size, cell: int) -> FloatMap:
    """1 for every patch that any box (0..1 of the picture) overlaps with positive extent, else 0 (GUI-Actor, 3.2)."""
    rows, columns = size.height // cell, size.width // cell
    labels = np.zeros((rows, columns), np.float32)
    for box in boxes:
        left, top, right, bottom = _scaled(box, size)
        x, y = np.arange(columns) * cell, np.arange(rows) * cell
        across = (x < right) & (x + cell > left)
        down = (y < bottom) & (y + cell > top)
        labels[np.ix_(down, across)] = 1
    return labels


def soft_cells(
    box: Box, size: Size, cell: int, share: Share = "cell", gaussian: bool = True, spread: float = SPREAD
) -> FloatMap:
    """Overlap of each patch with a box (0..1 of the picture), falling off from its centre (GUI-AIMA, section 3).

    Args:
        share: what the overlap is measured against.
        gaussian: multiply with a Gaussian around the centre of the box, ``spread`` box sides wide.
    """
    rows, columns = size.height // cell, size.width // cell
    left, top, right, bottom = _scaled(box, size)
    width, height = right - left, bottom - top
    if width <= 0 or height <= 0:
        return np.zeros((rows, columns), np.float32)
    x, y = np.arange(columns) * float(cell), np.arange(rows) * float(cell)
    across = np.clip(np.minimum(x + cell, right) - np.maximum(x, left), 0, None)
    down = np.clip(np.minimum(y + cell, bottom) - np.maximum(y, top), 0, None)
    overlap = np.outer(down, across)
    whole = {"cell": cell**2, "box": width * height, "union": cell**2 + width * height - overlap}[share]
    labels = overlap / whole
    if gaussian:
        dx = (x + cell / 2 - (left + right) / 2) / (spread * width)
        dy = (y + cell / 2 - (top + bottom) / 2) / (spread * height)
        labels = labels * np.outer(np.exp(-0.5 * dy**2), np.exp(-0.5 * dx**2))
    return np.asarray(labels, np.float32)


def cell_of(point: Point, size: Size, cell: int) -> int:
    """Index of the patch under a point (0..1 of the picture), in reading order; the far edges belong to the last."""
    rows, columns = size.height // cell, size.width // cell
    column = min(int(point.x * size.width / cell), columns - 1)
    row = min(int(point.y * size.height / cell), rows - 1)
    return row * columns + column


def box_shares(box: Box, size: Size, patch: int, merge: int = 2) -> FloatMap:
    """Share of every raw patch that the box covers: [rows, columns, merge, merge], rows and columns of merged patches.

    The box follows the rules of the published data: four values up to 1 are shares of the picture; a right edge left of
    the left one (or a bottom above the top) means width and height; all is cut to whole pixels inside the picture.
    """
    left, top, right, bottom = _whole_pixels(box, size)
    x, y = np.arange(size.width // patch) * patch, np.arange(size.height // patch) * patch
    across = np.clip(np.minimum(x + patch, right) - np.maximum(x, left), 0, None)
    down = np.clip(np.minimum(y + patch, bottom) - np.maximum(y, top), 0, None)
    shares = np.outer(down, across) / patch**2
    blocks = shares.reshape(len(y) // merge, merge, len(x) // merge, merge)
    return np.asarray(blocks.transpose(0, 2, 1, 3), np.float32)


def scorer_labels(shares: FloatMap, graph: FloatMap, fusion: Fusion = CODE_FUSION) -> tuple[FloatMap, FloatMap]:
    """Labels of the patch scorer: per merged patch [rows, columns] and per raw patch [rows, columns, merge, merge].

    Args:
        shares: from :func:`box_shares`; zeros for a target without a box.
        graph: [rows, columns] weights of the UI graph.
    """
    raw = np.float32(fusion.box) * shares + np.float32(fusion.graph) * graph[..., None, None]
    if fusion.clip:
        raw = raw.clip(0, 1)
    if fusion.signed:
        raw = raw * 2 - 1
    return raw.mean(axis=(2, 3)), raw


def _scaled(box: Box, size: Size) -> Box:
    width, height = size.width, size.height
    left, right = (min(max(v * width, 0.0), width) for v in (box[0], box[2]))
    top, bottom = (min(max(v * height, 0.0), height) for v in (box[1], box[3]))
    return left, top, right, bottom


def _whole_pixels(box: Box, size: Size) -> npt.NDArray[np.int64]:
    limits = np.array([size.width, size.height, size.width, size.height])
    values = np.array(box, np.float64)
    if (values <= 1).all():
        values = values * limits
    elif values[0] > values[2] or values[1] > values[3]:
        values[2:] += values[:2]
    return np.clip(values.astype(np.int64), 0, limits)
