"""Edges of a picture, and the connected areas and blobs they form. All rectangles are capture pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from .geometry import Rect
from .ocr import RgbArray, TextBox

FLAT_STEP = 6
"""Neighbouring pixels that differ by at most this (of 255, any channel) belong to one area."""
FRAME = 56
"""A straight line of edges of at least this many pixels frames or separates; it is no part of an icon."""
JOINS = ((5, 1), (9, 9))
"""Strokes with gaps below these many pixels (down, across) are tried as one drawing."""

FAINTEST_DOT = 40
"""Least difference of a dot from its ground, of 255 in any channel."""

Mask = npt.NDArray[np.uint8]
"""[height, width], 1 or 0."""
Table = npt.NDArray[np.float64]
"""[n, 4] rectangles: left, top, right, bottom."""


@dataclass(frozen=True, slots=True)
class Areas:
    """Connected areas of a mask."""

    rects: Table
    sizes: npt.NDArray[np.float64]
    """Pixels of each area."""

    @property
    def sides(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Widths and heights."""
        return self.rects[:, 2] - self.rects[:, 0], self.rects[:, 3] - self.rects[:, 1]

    @property
    def filled(self) -> npt.NDArray[np.float64]:
        """Share of each rectangle that the area covers."""
        width, height = self.sides
        return self.sizes / (width * height)

    def only(self, keep: npt.NDArray[np.bool_]) -> Areas:
        return Areas(self.rects[keep], self.sizes[keep])


def edges_of(image: RgbArray, step: int = FLAT_STEP) -> Mask:
    """1 where a pixel differs from its right or lower neighbour by more than ``step`` in any channel."""
    edges = np.zeros(image.shape[:2], dtype=np.uint8)
    if image.shape[1] > 1:
        edges[:, :-1] |= _strongest(cv2.absdiff(image[:, 1:], image[:, :-1])) > step
    if image.shape[0] > 1:
        edges[:-1, :] |= _strongest(cv2.absdiff(image[1:, :], image[:-1, :])) > step
    return edges


def _strongest(difference: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    first, second, third = (difference[..., i] for i in range(3))
    return np.maximum(np.maximum(first, second), third)


def areas_of(mask: Mask, neighbours: int) -> Areas:
    """The areas of ones; ``neighbours`` is 4, or 8 where corners connect."""
    stats = cv2.connectedComponentsWithStats(mask, connectivity=neighbours)[2][1:].astype(np.float64)
    left, top, width, height, size = (stats[:, i] for i in range(5))
    return Areas(np.stack([left, top, left + width, top + height], axis=1), size)


def without(mask: Mask, rects: Sequence[Rect]) -> Mask:
    """A copy with zeros inside the rectangles."""
    cleared = mask.copy()
    for rect in rects:
        left, top, right, bottom = (max(0, int(v)) for v in rect.as_tuple())
        cleared[top:bottom, left:right] = 0
    return cleared


def without_frames(edges: Mask) -> Mask:
    """The edges less the long straight lines, which tie icons to borders and separators."""
    lines = cv2.morphologyEx(edges, cv2.MORPH_OPEN, np.ones((1, FRAME), np.uint8))
    lines |= cv2.morphologyEx(edges, cv2.MORPH_OPEN, np.ones((FRAME, 1), np.uint8))
    return np.where(lines > 0, np.uint8(0), edges)


def joined(edges: Mask, gaps: tuple[int, int]) -> Mask:
    """The edges with gaps below so many pixels (down, across) closed."""
    return np.asarray(cv2.morphologyEx(edges, cv2.MORPH_CLOSE, np.ones(gaps, np.uint8)), dtype=np.uint8)


def dotted(image: RgbArray, rect: Rect) -> bool:
    """Whether a [height, width, 3] picture shows three equal dots in a line at ``rect`` (pixels), as buttons for more
    things have them."""
    left, top, right, bottom = (max(0, int(v)) for v in rect.grown(2).as_tuple())
    part = image[top:bottom, left:right].astype(np.int16)
    if part.shape[0] < part.shape[1]:
        part = part.transpose(1, 0, 2)
    ends = np.concatenate([part[0], part[-1]])
    drawn = np.abs(part - np.median(ends, axis=0)).max(axis=2)
    profile = drawn.max(axis=1)
    steps = np.flatnonzero(np.diff(np.pad((profile > profile.max() / 2).astype(np.int8), 1)))
    if len(steps) != 6:
        return False
    lengths, gaps = steps[1::2] - steps[::2], steps[2::2] - steps[1:-1:2]
    across = int((drawn.max(axis=0) > profile.max() / 2).sum())
    alike = np.ptp(lengths) <= 1 and np.ptp(gaps) <= 1
    return bool(alike and profile.max() >= FAINTEST_DOT and abs(int(lengths[0]) - across) <= 2)


def ink(edges: Mask, rect: Rect) -> Rect | None:
    """The smallest rectangle around all edges inside ``rect``; None where there are none."""
    left, top, right, bottom = (max(0, int(v)) for v in rect.as_tuple())
    rows, columns = np.nonzero(edges[top:bottom, left:right])
    if len(rows) == 0:
        return None
    return Rect(left + columns.min(), top + rows.min(), left + columns.max() + 1.0, top + rows.max() + 1.0)


def distinct(tables: Sequence[Table], alike: float = 0.8) -> Table:
    """All rectangles, dropping those that overlap an earlier one by an IoU of more than ``alike``."""
    every = np.concatenate([np.zeros((0, 4)), *tables])
    kept: list[int] = []
    for i, same in enumerate(_overlaps(every) > alike):
        if not same[kept].any():
            kept.append(i)
    return every[kept]


def _overlaps(rects: Table) -> npt.NDArray[np.float64]:
    """[n, n] intersection over union."""
    both = shared_areas(rects)
    area = np.diag(both)
    overlap: npt.NDArray[np.float64] = both / np.maximum(np.add.outer(area, area) - both, 1e-9)
    return overlap


def shared_areas(rects: Table) -> npt.NDArray[np.float64]:
    """[n, n] areas that two rectangles have in common; the diagonal holds their own."""
    left, top, right, bottom = (rects[:, i] for i in range(4))
    wide = np.minimum.outer(right, right) - np.maximum.outer(left, left)
    high = np.minimum.outer(bottom, bottom) - np.maximum.outer(top, top)
    both: npt.NDArray[np.float64] = np.clip(wide, 0, None) * np.clip(high, 0, None)
    return both


def as_rects(table: Table) -> tuple[Rect, ...]:
    return tuple(Rect(*map(float, row)) for row in table)


def symbolic(text: TextBox) -> bool:
    """Whether a detection may be a misread drawing: short and no wider than an icon, unsure, or without letters."""
    short = len(text.text) <= 2 or (len(text.text) <= 4 and text.rect.width <= 1.8 * text.rect.height)
    return short or text.score < 0.75 or not any(c.isalnum() for c in text.text)
