"""A second look: where the first answer is unsure or small, its surroundings are enlarged and looked at once more.

GUI-AIMA (arXiv 2511.00810) looks twice at every screen, at a square that holds 5.4% of it; AdaZoom-GUI (arXiv
2603.17441) only where the first answer is small. Both replace the first answer. Here the crop is read, cut into
elements and attended to by the same grounder as a picture of its own, and both answers are weighed together
(:mod:`.opinions`), so that a second look that sees nothing takes little away.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from PIL import Image

from .errors import BadInput
from .evidence import Draft
from .geometry import Point, Rect, Size, Space, Transform

MAX_CROPS = 4
"""Crops looked at for one instruction at most, whatever the rule says."""
CELL = 28
REFERENCE_SIDE, REFERENCE_PIXELS = 560, 5_760_000
"""The published square: 560 pixels on a screen of 3200x1800, in proportion on others, whole merged patches."""
KEPT = 3
"""Crops of one screenshot that stay ready for further instructions; the caches of large models are large."""
LARGEST = 8.0
"""Most a rule may widen or enlarge a crop."""
ENLARGED = Image.Resampling.BICUBIC
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SecondLookRule:
    """When to look again, and at what."""

    below: float = 0.6
    """``p_true`` of the first candidate under which the answer counts as unsure."""
    small: float = 8.0
    """Shorter side (model pixels) of the first candidate under which it counts as small, whatever its ``p_true``; no
    text is legible below. Screens that the model sees at full size hardly have any such target."""
    budget: int = 1
    """Crops per instruction: around the first candidate, then around the next that lies in none of them."""
    side: float = 1.5
    """Side of the crop in lengths of the published one, so that labels beside a field are seen with it."""
    scale: float = 2.0
    """Enlargement of the crop."""

    def __post_init__(self) -> None:
        """Raises BadInput for a rule that could not be followed."""
        if self.budget < 0:
            raise BadInput(f"a second look's budget is {self.budget} crops; it must not be negative")
        for name in ("side", "scale"):
            value = getattr(self, name)
            if not 0.0 < value <= LARGEST:
                raise BadInput(f"a second look's {name} is {value}; it must be above 0 and at most {LARGEST:g}")

    def wanted(self, p: float, region: Rect, transform: Transform) -> bool:
        """Whether the first candidate (``region`` in capture pixels) calls for a second look."""
        seen = transform.rect(region, Space.CAPTURE, Space.MODEL)
        return p < self.below or min(seen.width, seen.height) < self.small


def published_side(size: Size) -> int:
    """Side (capture pixels) of GUI-AIMA's second look at a screen: whole cells, at least one."""
    return max(1, math.floor(math.sqrt(size.area * REFERENCE_SIDE**2 / REFERENCE_PIXELS) / CELL)) * CELL


def zoom_box(point: Point, size: Size, side: int) -> Rect:
    """The published second look: a square of ``side`` capture pixels around a point, shifted to stay inside.

    Where the picture is smaller than the square, the square sticks out at the right and at the bottom.
    """
    left = max(0, min(int(point.x) - side // 2, size.width - side))
    top = max(0, min(int(point.y) - side // 2, size.height - side))
    return Rect(left, top, left + side, top + side)


def crops_for(points: list[Point], size: Size, rule: SecondLookRule) -> list[Rect]:
    """The parts to look at (capture pixels, inside the picture), best first; ``points`` are those of the candidates.

    None where the part would be the whole picture: that was looked at already.
    """
    side = max(1, round(published_side(size) * rule.side))
    chosen: list[Rect] = []
    for point in points:
        if len(chosen) >= min(rule.budget, MAX_CROPS):
            break
        box = zoom_box(point, size, side).intersection(Rect.of_size(size))
        if box is None or box == Rect.of_size(size) or any(c.contains(point) for c in chosen):
            continue
        chosen.append(box)
    return chosen


@dataclass(frozen=True, slots=True)
class Crop:
    """A part of the capture, enlarged."""

    part: Rect
    """Capture pixels."""
    image: Image.Image
    transform: Transform
    """capture -> crop."""

    @classmethod
    def of(cls, image: Image.Image, part: Rect, scale: float) -> Crop:
        """``part`` has whole edges and lies inside the picture."""
        left, top, right, bottom = map(int, part.as_tuple())
        cut = image.crop((left, top, right, bottom))
        enlarged = Size(max(1, round(cut.width * scale)), max(1, round(cut.height * scale)))
        shown = cut.resize((enlarged.width, enlarged.height), ENLARGED)
        return cls(part, shown, Transform.for_part(part, enlarged))

    def back(self, draft: Draft) -> Draft:
        """A draft of the crop as one of the capture; numbers of attention regions, looks and lines are left behind."""

        def rect(inner: Rect) -> Rect:
            return self.transform.rect(inner, Space.CROP, Space.CAPTURE)

        found = None if draft.found is None else replace(draft.found, rect=rect(draft.found.rect))
        point = self.transform.point(draft.point, Space.CROP, Space.CAPTURE)
        return replace(draft, region=rect(draft.region), point=point, found=found, attended=None, look=None, line=None)


class Crops(Generic[T]):
    """The crops of one screenshot that were looked at last, ready for further instructions."""

    def __init__(self, image: Image.Image, observe: Callable[[Image.Image], T]) -> None:
        self._image, self._observe = image, observe
        self._kept: OrderedDict[tuple[Rect, float], tuple[Crop, T]] = OrderedDict()

    def look(self, part: Rect, scale: float) -> tuple[Crop, T]:
        """The crop and what the grounder makes of it."""
        key = (part, scale)
        if key not in self._kept:
            crop = Crop.of(self._image, part, scale)
            self._kept[key] = (crop, self._observe(crop.image))
        self._kept.move_to_end(key)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return self._kept[key]
