"""Coordinates: one chain of affine links maps screen <-> capture <-> model <-> patch.

Every space is continuous: pixel (or patch) ``i`` covers the half-open interval ``[i, i+1)``, so a rectangle's right and
bottom edges are exclusive and the pixel under a point is its floor. Overlay, click, trace and report map through one
:class:`Transform`; there is no second arithmetic anywhere, hence what is drawn is what is clicked.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum


class Space(Enum):
    """The spaces of the chain, outermost first."""

    LOGICAL = "logical"
    """Desktop coordinates of the window system's toolkit (device-independent pixels, may be negative)."""
    PHYSICAL = "physical"
    """Desktop coordinates in device pixels; what the pointer is moved in (may be negative)."""
    CAPTURE = "capture"
    """Pixels of the captured picture, origin top-left."""
    CROP = "crop"
    """Pixels of an enlarged part of the capture, origin at the part's top-left; only in the chain of a closer look."""
    MODEL = "model"
    """Pixels of the picture as the model sees it (both sides a multiple of the merged patch)."""
    PATCH = "patch"
    """Merged patches: x is the column, y the row."""


@dataclass(frozen=True, slots=True)
class Size:
    """Width and height in whole pixels (or patches)."""

    width: int
    height: int

    @property
    def area(self) -> int:
        return self.width * self.height


@dataclass(frozen=True, slots=True)
class Point:
    """A position; units and origin are those of the space it is said to be in."""

    x: float
    y: float

    def pixel(self) -> tuple[int, int]:
        """The pixel that contains the point (floor on both axes)."""
        return math.floor(self.x), math.floor(self.y)


EDGE = 1e-6
"""Pixels; a centre this near to an edge may fall on either side of it after another rounding along the chain."""


def _pixel_within(low: float, high: float, wanted: float) -> int:
    for margin in (EDGE, 0.0):
        first, last = math.ceil(low - 0.5 + margin), math.ceil(high - 0.5 - margin) - 1
        if first <= last:
            return min(max(math.floor(wanted), first), last)
    return math.floor((low + high) / 2)


@dataclass(frozen=True, slots=True)
class Rect:
    """An axis-parallel rectangle; right and bottom are exclusive."""

    left: float
    top: float
    right: float
    bottom: float

    @classmethod
    def of_size(cls, size: Size) -> Rect:
        return cls(0.0, 0.0, float(size.width), float(size.height))

    @classmethod
    def around(cls, points: list[Point]) -> Rect:
        """Smallest rectangle holding all points. Raises ValueError when there are none."""
        if not points:
            raise ValueError("a rectangle needs at least one point")
        xs, ys = [p.x for p in points], [p.y for p in points]
        return cls(min(xs), min(ys), max(xs), max(ys))

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def height(self) -> float:
        return self.bottom - self.top

    @property
    def area(self) -> float:
        return max(0.0, self.width) * max(0.0, self.height)

    @property
    def center(self) -> Point:
        return Point((self.left + self.right) / 2, (self.top + self.bottom) / 2)

    @property
    def corners(self) -> list[Point]:
        return [
            Point(self.left, self.top),
            Point(self.right, self.top),
            Point(self.right, self.bottom),
            Point(self.left, self.bottom),
        ]

    def contains(self, point: Point) -> bool:
        return self.left <= point.x < self.right and self.top <= point.y < self.bottom

    def pixel_near(self, point: Point) -> tuple[int, int]:
        """The pixel nearest to ``point`` whose centre lies inside; in a rectangle without any, the one at its centre.

        Flooring alone is not enough: after a quarter turn a point on a pixel's edge belongs to the neighbour.
        """
        return _pixel_within(self.left, self.right, point.x), _pixel_within(self.top, self.bottom, point.y)

    def intersection(self, other: Rect) -> Rect | None:
        """The common part, or None when it has no area."""
        cut = Rect(
            max(self.left, other.left),
            max(self.top, other.top),
            min(self.right, other.right),
            min(self.bottom, other.bottom),
        )
        return cut if cut.width > 0 and cut.height > 0 else None

    def iou(self, other: Rect) -> float:
        """Intersection over union, 0..1."""
        cut = self.intersection(other)
        if cut is None:
            return 0.0
        return cut.area / (self.area + other.area - cut.area)

    def grown(self, by: float) -> Rect:
        return Rect(self.left - by, self.top - by, self.right + by, self.bottom + by)

    def shifted(self, dx: float, dy: float) -> Rect:
        return Rect(self.left + dx, self.top + dy, self.right + dx, self.bottom + dy)

    def as_tuple(self) -> tuple[float, float, float, float]:
        return self.left, self.top, self.right, self.bottom


@dataclass(frozen=True, slots=True)
class Affine:
    """``x' = xx*x + xy*y + dx``, ``y' = yx*x + yy*y + dy``."""

    xx: float = 1.0
    xy: float = 0.0
    yx: float = 0.0
    yy: float = 1.0
    dx: float = 0.0
    dy: float = 0.0

    @classmethod
    def scaling(cls, sx: float, sy: float) -> Affine:
        return cls(xx=sx, yy=sy)

    @classmethod
    def translation(cls, dx: float, dy: float) -> Affine:
        return cls(dx=dx, dy=dy)

    @classmethod
    def mapping(cls, source: Rect, target: Rect, quarter_turns: int = 0) -> Affine:
        """Maps ``source`` onto ``target``, turned clockwise by ``quarter_turns`` * 90 degrees.

        Raises ValueError when the source has no area.
        """
        if source.width <= 0 or source.height <= 0:
            raise ValueError(f"cannot map from an empty rectangle {source}")
        turned = cls.translation(-source.left, -source.top)
        width, height = source.width, source.height
        for _ in range(quarter_turns % 4):
            turned = turned.then(cls(xx=0.0, xy=-1.0, yx=1.0, yy=0.0, dx=height))
            width, height = height, width
        # One division per axis: equal sizes give a scale of exactly 1, which 1 / width * width does not.
        sx, sy = target.width / width, target.height / height
        return turned.then(cls(xx=sx, yy=sy, dx=target.left, dy=target.top))

    def then(self, other: Affine) -> Affine:
        """First this map, then ``other``."""
        return Affine(
            xx=other.xx * self.xx + other.xy * self.yx,
            xy=other.xx * self.xy + other.xy * self.yy,
            yx=other.yx * self.xx + other.yy * self.yx,
            yy=other.yx * self.xy + other.yy * self.yy,
            dx=other.xx * self.dx + other.xy * self.dy + other.dx,
            dy=other.yx * self.dx + other.yy * self.dy + other.dy,
        )

    def inverse(self) -> Affine:
        """Raises ValueError when the map is singular."""
        det = self.xx * self.yy - self.xy * self.yx
        if det == 0 or not math.isfinite(det):
            raise ValueError("this map has no inverse")
        xx, xy, yx, yy = self.yy / det, -self.xy / det, -self.yx / det, self.xx / det
        return Affine(xx, xy, yx, yy, -(xx * self.dx + xy * self.dy), -(yx * self.dx + yy * self.dy))

    def point(self, p: Point) -> Point:
        return Point(self.xx * p.x + self.xy * p.y + self.dx, self.yx * p.x + self.yy * p.y + self.dy)

    def rect(self, r: Rect) -> Rect:
        """Smallest axis-parallel rectangle around the mapped corners (exact for quarter turns)."""
        return Rect.around([self.point(c) for c in r.corners])


@dataclass(frozen=True, slots=True)
class Transform:
    """A chain of links between neighbouring spaces, outermost first.

    ``spaces`` has one entry more than ``links``; ``links[i]`` maps ``spaces[i]`` to ``spaces[i + 1]``.
    """

    spaces: tuple[Space, ...]
    links: tuple[Affine, ...]

    def __post_init__(self) -> None:
        if len(self.spaces) != len(self.links) + 1 or len(set(self.spaces)) != len(self.spaces):
            raise ValueError(f"a chain over {len(self.spaces)} spaces needs {len(self.spaces) - 1} links")

    @classmethod
    def for_image(cls, capture: Size, model: Size, patch_px: int) -> Transform:
        """capture -> model -> patch for a picture resized to ``model`` and cut into ``patch_px`` squares."""
        return cls(
            (Space.CAPTURE, Space.MODEL, Space.PATCH),
            (
                Affine.mapping(Rect.of_size(capture), Rect.of_size(model)),
                Affine.scaling(1 / patch_px, 1 / patch_px),
            ),
        )

    @classmethod
    def for_part(cls, part: Rect, enlarged: Size) -> Transform:
        """capture -> crop for a part of the capture (capture pixels) that is shown at another size.

        Raises ValueError when the part has no area.
        """
        return cls((Space.CAPTURE, Space.CROP), (Affine.mapping(part, Rect.of_size(enlarged)),))

    def of_part(self, outer: Transform) -> Transform:
        """This chain, whose capture is the picture that ``outer`` (capture -> crop) makes, seen from the whole capture.

        Raises ValueError when this chain does not start at the capture.
        """
        if self.spaces[0] is not Space.CAPTURE:
            raise ValueError(f"this chain starts in {self.spaces[0].value} space, not at the capture")
        return Transform.joined(outer, Transform((Space.CROP, *self.spaces[1:]), self.links))

    def prepended(self, space: Space, link: Affine) -> Transform:
        """The chain with one more outer space; ``link`` maps it to the present outermost space."""
        return Transform((space, *self.spaces), (link, *self.links))

    @classmethod
    def joined(cls, outer: Transform, inner: Transform) -> Transform:
        """The chain ``outer`` continued by ``inner``, which must start in the space ``outer`` ends in."""
        if outer.spaces[-1] is not inner.spaces[0]:
            raise ValueError(f"a chain ending in {outer.spaces[-1].value} cannot go on from {inner.spaces[0].value}")
        return cls((*outer.spaces, *inner.spaces[1:]), (*outer.links, *inner.links))

    def affine(self, source: Space, target: Space) -> Affine:
        """The map between any two spaces of the chain. Raises ValueError for a space that is not in it."""
        for space in (source, target):
            if space not in self.spaces:
                raise ValueError(f"this chain does not reach {space.value} space")
        i, j = self.spaces.index(source), self.spaces.index(target)
        if i > j:
            return self.affine(target, source).inverse()
        total = Affine()
        for link in self.links[i:j]:
            total = total.then(link)
        return total

    def point(self, p: Point, source: Space, target: Space) -> Point:
        return self.affine(source, target).point(p)

    def rect(self, r: Rect, source: Space, target: Space) -> Rect:
        return self.affine(source, target).rect(r)
