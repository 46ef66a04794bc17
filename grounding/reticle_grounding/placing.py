"""Which candidates are drawn, and where labels go so that they cover nothing that matters.

Pictures and the live overlay both use this, each in its own coordinates. Own method: a label tries the places beside
its box, then is pushed outwards ring by ring; where nothing is free, the place that covers least is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from .geometry import Point, Rect
from .types import Candidate

FAINT_P = 0.05
"""A candidate below this ``p_true`` is left out of pictures..."""
FAR_BEHIND = 0.25
"""...where it also has less than this share of the first one's."""
RINGS = 10
"""How often a label is pushed on before it must cover something."""

INK_STEP = 0.08
"""Places whose share of ink differs by less are alike, and the preferred one is taken."""

_Table = npt.NDArray[np.float64]
Ink = Callable[[_Table], npt.NDArray[np.float64]]
"""[places, 4] rectangles -> [places] share of each that is drawn on, 0..1."""
_ON_LABEL, _ON_OWN_BOX = 3.0, 1.5
"""What covering costs besides covering another box, which costs 1 per whole box or label."""


def worth_drawing(candidates: Sequence[Candidate], chosen: int | None = None, everything: bool = False) -> list[int]:
    """Indices of the candidates to draw, weakest first and the chosen one (else the first) last.

    Args:
        candidates: best first.
        chosen: index of the candidate that is drawn whatever its ``p_true``.
        everything: leave none out.
    """
    if not candidates:
        return []
    best = candidates[0].p_true
    last = 0 if chosen is None else chosen
    kept = [
        i
        for i, c in enumerate(candidates)
        if everything or i in (0, last) or c.p_true >= FAINT_P or c.p_true >= FAR_BEHIND * best
    ]
    return sorted(kept, key=lambda i: (i == last, -i))


def place_labels(
    boxes: Sequence[Rect],
    sizes: Sequence[tuple[float, float]],
    surface: Rect,
    gap: float,
    taken: Sequence[Rect] = (),
    rings: int = RINGS,
    ink: Ink | None = None,
) -> list[Rect]:
    """One place per box, inside ``surface``; earlier boxes are served first.

    A place covers neither a box nor another label nor what is ``taken``, as long as there is such a place within
    ``rings`` pushes. Of those beside the box one is taken that hides little of what is drawn there. All rectangles are
    in the coordinates of the surface.

    Args:
        boxes: what is labelled.
        sizes: width and height of each label.
        gap: distance between a box and its label.
        rings: 0 tries only the places that touch the box.
        ink: how much of a place is drawn on, where that is known.
    """
    box_table, labels = _table(boxes), _table(taken)
    places: list[Rect] = []
    for index, (box, (width, height)) in enumerate(zip(boxes, sizes, strict=True)):
        weights = np.ones(len(box_table))
        weights[index] = _ON_OWN_BOX
        for pushes in sorted({0, rings}):  # most labels find their place at once
            spots = _inside(_spots(box, width, height, gap, pushes), surface)
            cost = _covered(spots, box_table) @ weights + _ON_LABEL * _covered(spots, labels).sum(axis=1)
            best = spots[_least(cost, spots, None if pushes else ink)]
            if not cost.min():
                break
        left, top, right, bottom = (float(side) for side in best)
        places.append(Rect(left, top, right, bottom))
        labels = np.vstack([labels, best])
    return places


def _least(cost: npt.NDArray[np.float64], spots: _Table, ink: Ink | None) -> int:
    """The first of the cheapest places, or of those of them with the least ink."""
    cheapest = np.flatnonzero(cost <= cost.min())
    if ink is None or len(cheapest) == 1:
        return int(cheapest[0])
    return int(cheapest[np.argmin(np.round(ink(spots[cheapest]) / INK_STEP))])


def ticks(frame: Rect, at: Point, length: float) -> list[tuple[Point, Point]]:
    """Lines outside of a frame (left, right, above, below) at the height and width of a point inside of it, which they
    tell without hiding what is there; units as given."""
    return [
        (Point(frame.left - length, at.y), Point(frame.left, at.y)),
        (Point(frame.right, at.y), Point(frame.right + length, at.y)),
        (Point(at.x, frame.top - length), Point(at.x, frame.top)),
        (Point(at.x, frame.bottom), Point(at.x, frame.bottom + length)),
    ]


def leader(box: Rect, label: Rect, near: float) -> tuple[Point, Point] | None:
    """The line that ties a label to its box; None where they are at most ``near`` apart or overlap."""
    on_label = _nearest(label, box.center)
    on_box = _nearest(box, on_label)
    on_label = _nearest(label, on_box)
    if max(abs(on_box.x - on_label.x), abs(on_box.y - on_label.y)) <= near:
        return None
    return on_box, on_label


def _nearest(rect: Rect, to: Point) -> Point:
    return Point(min(max(to.x, rect.left), rect.right), min(max(to.y, rect.top), rect.bottom))


def _table(rects: Sequence[Rect]) -> _Table:
    return np.array([r.as_tuple() for r in rects], dtype=np.float64).reshape(-1, 4)


def _spots(box: Rect, width: float, height: float, gap: float, rings: int) -> _Table:
    """[places, 4] beside the box, the preferred ones first, then the same ones pushed away step by step."""
    middle_x, middle_y = box.center.x - width / 2, box.center.y - height / 2
    above, below = box.top - height - gap, box.bottom + gap
    right, left = box.right + gap, box.left - width - gap
    corners = [
        (box.left, above, 0, -1), (box.left, below, 0, 1), (right, middle_y, 1, 0), (left, middle_y, -1, 0),
        (box.right - width, above, 0, -1), (box.right - width, below, 0, 1), (middle_x, above, 0, -1),
        (middle_x, below, 0, 1), (right, box.top, 1, 0), (left, box.top, -1, 0), (right, above, 1, -1),
        (left, above, -1, -1), (right, below, 1, 1), (left, below, -1, 1),
    ]  # fmt: skip
    step_x, step_y = width / 2 + gap, height / 2 + gap
    origins = [
        (x + ring * step_x * dx, y + ring * step_y * dy) for ring in range(rings + 1) for x, y, dx, dy in corners
    ]
    at = np.array(origins)
    return np.hstack([at, at + np.array([width, height])])


def _inside(spots: _Table, surface: Rect) -> _Table:
    """Moved as little as needed; a label larger than the surface keeps its left top corner there."""
    low = np.array([surface.left, surface.top])
    high = np.array([surface.right, surface.bottom])
    extent = spots[:, 2:] - spots[:, :2]
    at = np.maximum(low, np.minimum(spots[:, :2], high - extent))
    return np.hstack([at, at + extent])


def _covered(spots: _Table, others: _Table) -> _Table:
    """[places, others] common area as a share of the smaller of the two."""
    if not len(others):
        return np.zeros((len(spots), 0))
    low = np.maximum(spots[:, None, :2], others[None, :, :2])
    high = np.minimum(spots[:, None, 2:], others[None, :, 2:])
    common = np.prod(np.clip(high - low, 0.0, None), axis=2)
    areas = np.minimum(_areas(spots)[:, None], _areas(others)[None, :])
    shares: _Table = common / np.maximum(areas, 1e-9)
    return shares


def _areas(rects: _Table) -> _Table:
    areas: _Table = np.prod(rects[:, 2:] - rects[:, :2], axis=1)
    return areas
