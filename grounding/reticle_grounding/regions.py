"""Connected regions of an attention map (GUI-Actor, section 3.3): what may have been meant, best first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from .geometry import Point, Rect, Space, Transform
from .types import FloatMap

THRESHOLD = 0.3
"""Share of the map's maximum that a patch must exceed; the published default."""
RegionRank: TypeAlias = Literal["mean", "max"]
"""What regions are ordered by; GUI-AIMA takes the maximum, the others the mean."""


@dataclass(frozen=True, slots=True)
class Region:
    """Patches that hang together. ``rect`` and ``point`` are in patch space unless :meth:`mapped` moved them."""

    point: Point
    """Attention-weighted mean of the patch centres; inside ``rect``."""
    rect: Rect
    """Smallest rectangle around the patches."""
    mean: float
    """Mean attention of the patches; regions are ordered by it unless asked otherwise."""
    max: float
    mass: float
    """Sum of attention over the patches, 0..1."""
    patches: tuple[tuple[int, int], ...]
    """Row and column of each patch, in reading order."""

    @property
    def middle(self) -> Point:
        """Mean of the distinct rows and columns (patch space), attention left out."""
        rows, columns = ({p[axis] for p in self.patches} for axis in (0, 1))
        return Point(sum(columns) / len(columns) + 0.5, sum(rows) / len(rows) + 0.5)

    def mapped(self, transform: Transform, target: Space = Space.CAPTURE) -> Region:
        """The same region with ``point`` and ``rect`` in another space of the chain."""
        point = transform.point(self.point, Space.PATCH, target)
        rect = transform.rect(self.rect, Space.PATCH, target)
        return Region(point, rect, self.mean, self.max, self.mass, self.patches)


def find_regions(attention: FloatMap, threshold: float = THRESHOLD, rank: RegionRank = "mean") -> list[Region]:
    """Regions of patches above ``threshold`` times the maximum (strictly), joined by their sides, best first.

    Equal ones keep reading order. A map that is empty, all zero or holds NaN has no regions.

    Args:
        attention: [rows, columns], non-negative.
        threshold: 0..1; at 1 nothing exceeds the maximum, so there are no regions.
        rank: what makes a region better.
    """
    if attention.size == 0 or not np.isfinite(attention).all() or attention.max() <= 0:
        return []
    above = attention > attention.max() * np.asarray(threshold, attention.dtype)
    labels, count = ndimage.label(above)
    if not count:
        return []
    rows, columns = np.nonzero(labels)
    owner = labels[rows, columns]
    order = np.argsort(owner, kind="stable")
    cuts = np.flatnonzero(np.diff(owner[order])) + 1
    found = [_region(attention, rows[part], columns[part]) for part in np.split(order, cuts)]
    found.sort(key=lambda region: region.patches[0])
    return sorted(found, key=lambda region: -(region.mean if rank == "mean" else region.max))


def _region(attention: FloatMap, rows: npt.NDArray[np.intp], columns: npt.NDArray[np.intp]) -> Region:
    weights = attention[rows, columns].astype(np.float64)
    mass = float(weights.sum())
    rect = Rect(float(columns.min()), float(rows.min()), float(columns.max() + 1), float(rows.max() + 1))
    return Region(
        point=Point(float(weights @ (columns + 0.5)) / mass, float(weights @ (rows + 0.5)) / mass),
        rect=rect,
        mean=mass / weights.size,
        max=float(weights.max()),
        mass=mass,
        patches=tuple(zip(rows.tolist(), columns.tolist(), strict=True)),
    )
