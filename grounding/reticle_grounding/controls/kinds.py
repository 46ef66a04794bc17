"""Kinds of controls, and which of them each place of a screen may be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from reticle_grounding.geometry import Point, Rect

KINDS = (
    "none",
    "menu",
    "menu item",
    "tab",
    "button",
    "link",
    "cell",
    "column header",
    "label",
    "field",
    "drop-down",
    "check",
    "slider",
    "other",
)
"""``none`` is no control that a program tells of, such as a window's title; ``other`` one of another kind."""
NONE, BUTTON = KINDS.index("none"), KINDS.index("button")
DRAWN_BUTTON = KINDS.index("other")
"""Where kinds are expected from an instruction, this number is a button that shows no words, not another kind."""
TEXT, DRAWING, BOX = range(3)
"""Sorts of places: a text that was read, a drawing that the matcher looks at, another frame."""
NEAR = 2.0
"""A point so near to a place (capture pixels) lies on it."""
LEAST_SHARED = 0.3
"""A region is a place when both have so much in common (IoU)."""

Shares = npt.NDArray[np.float32]
Table = npt.NDArray[np.float32]
"""[places, numbers]."""
Sorts = npt.NDArray[np.int64]
"""[places] of :data:`TEXT`, :data:`DRAWING` and :data:`BOX`."""


@dataclass(frozen=True, slots=True, eq=False)
class Kinds:
    """Every place of a screen with what it may be."""

    rects: Table
    """[places, 4] capture pixels."""
    sorts: Sorts
    """[places] :data:`TEXT`, :data:`DRAWING` or :data:`BOX`."""
    shares: Shares
    """[places, kinds] probabilities of :data:`KINDS`."""
    whole: Shares
    """[places] how likely it covers most of its control, 0..1."""
    menus: tuple[Rect, ...] = ()
    """Open menus, capture pixels."""

    def under(self, point: Point, only: int | None = None) -> int | None:
        """The smallest place (of one sort) that the point lies on."""
        left, top, right, bottom = self.rects.T
        inside = (left - NEAR <= point.x) & (point.x <= right + NEAR) & (top - NEAR <= point.y)
        inside &= point.y <= bottom + NEAR
        if only is not None:
            inside &= self.sorts == only
        found = np.flatnonzero(inside)
        return int(found[np.argmin(((right - left) * (bottom - top))[found])]) if len(found) else None

    def most_alike(self, rect: Rect) -> int | None:
        """The place that has most in common with a rectangle, where that is enough."""
        if not len(self.rects):
            return None
        left, top, right, bottom = self.rects.T
        wide = np.clip(np.minimum(right, rect.right) - np.maximum(left, rect.left), 0, None)
        high = np.clip(np.minimum(bottom, rect.bottom) - np.maximum(top, rect.top), 0, None)
        both = wide * high
        shared = both / np.maximum((right - left) * (bottom - top) + rect.width * rect.height - both, 1e-6)
        best = int(np.argmax(shared))
        return best if shared[best] > LEAST_SHARED else None

    def share_at(self, rect: Rect, kind: str) -> float:
        """How likely what stands at a rectangle (capture pixels) is of a kind, 0..1; 0 where no place is there."""
        number = self.most_alike(rect)
        return 0.0 if number is None else float(self.shares[number, KINDS.index(kind)])


NO_KINDS = Kinds(
    np.zeros((0, 4), np.float32), np.zeros(0, np.int64), np.zeros((0, len(KINDS)), np.float32), np.zeros(0, np.float32)
)
"""Of a screen on which nothing is told."""
NO_WISH: Shares = np.zeros((2, 0), np.float32)
"""Of an instruction of which nothing is told."""
