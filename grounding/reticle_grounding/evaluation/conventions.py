"""How a file writes its boxes: two corners or corner and size, in pixels or as a share of the picture.

The published benchmarks differ, and copies of one benchmark differ too, so the convention is read from all boxes of a
set together: the one the benchmark was published with, unless it does not fit the pictures and another does.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias, get_args

from reticle_grounding.errors import BadInput
from reticle_grounding.geometry import Point, Rect, Size

Order: TypeAlias = Literal["xyxy", "xywh"]
Unit: TypeAlias = Literal["pixels", "1", "1000"]
ORDERS: tuple[Order, ...] = get_args(Order)
UNITS: tuple[Unit, ...] = get_args(Unit)
SLACK = 2.0
"""Pixels a box may reach beyond its picture; the published files hold boxes one pixel too large."""
SLACK_SHARE = 0.005
"""The same as a share of the picture's side."""
MISFITS = 0.05
"""Share of the boxes that may contradict a convention before it is refused."""
FEWEST_OUTSIDE = 3
"""Boxes that must lie outside of their pictures as pixels before they are thousandths; fewer are mistakes."""
FEWEST = 50
"""Boxes on pictures over 1000 pixels wide from which chance may speak for thousandths."""
UNLIKELY = 1e-6
"""Chance of pixels never reaching beyond 1000, below which the numbers are thousandths."""
_SAID: dict[str, str] = {
    "xyxy": "[left, top, right, bottom]",
    "xywh": "[left, top, width, height]",
    "pixels": "in pixels",
    "1": "from 0 to 1",
    "1000": "from 0 to 1000",
}


@dataclass(frozen=True, slots=True)
class Boxes:
    """A convention."""

    order: Order
    unit: Unit

    @property
    def words(self) -> str:
        return f"{_SAID[self.order]} {_SAID[self.unit]}"

    def rect(self, numbers: Sequence[float], size: Size) -> Rect:
        """Four numbers as pixels of a picture of ``size``; the corners may come out in the wrong order."""
        x, y = self._scales(size)
        left, top, third, fourth = numbers
        right, bottom = (left + third, top + fourth) if self.order == "xywh" else (third, fourth)
        return Rect(left * x, top * y, right * x, bottom * y)

    def points(self, numbers: Sequence[float], size: Size) -> tuple[Point, ...]:
        """Alternating x and y as pixels of a picture of ``size``."""
        x, y = self._scales(size)
        return tuple(Point(a * x, b * y) for a, b in zip(numbers[::2], numbers[1::2], strict=True))

    def _scales(self, size: Size) -> tuple[float, float]:
        whole = {"pixels": None, "1": 1, "1000": 1000}[self.unit]
        return (1.0, 1.0) if whole is None else (size.width / whole, size.height / whole)


CONVENTIONS: dict[str, Boxes] = {f"{order}-{unit}": Boxes(order, unit) for order in ORDERS for unit in UNITS}
"""By the name a user may force."""


@dataclass(frozen=True, slots=True)
class Sample:
    """The numbers of one row."""

    where: str
    """File and row, for an error."""
    numbers: tuple[float, ...]
    """Four of a box, or alternating x and y of a polygon's corners."""
    size: Size
    """Of the picture, as the row gives it or as the file has it."""
    box: bool = True


def by_name(name: str) -> Boxes:
    """A convention by its name. Raises BadInput for an unknown one, naming all."""
    if name not in CONVENTIONS:
        raise BadInput(f"there is no box convention {name}; there are {', '.join(CONVENTIONS)}")
    return CONVENTIONS[name]


def detect(samples: Sequence[Sample], published: Boxes, swaps: bool = False) -> Boxes:
    """The convention of all samples together.

    The unit: from 0 to 1 when no number is larger; from 0 to 1000 when no number is larger and pixels would lie outside
    of the pictures, or would be too unlikely never to reach beyond 1000. The order: as ``published``, unless more than
    5% of the boxes would have negative sides or leave their picture and fewer do so in the other order.

    Args:
        swaps: reversed corners are as good as others, once it is known that they are corners.

    Raises BadInput naming a row when more than 5% of the boxes fit neither way.
    """
    if not samples:
        return published
    unit = _unit(samples)
    boxes = [s for s in samples if s.box]
    if not boxes:
        return Boxes(published.order, unit)
    most = MISFITS * len(boxes)
    misfits = {order: [s for s in boxes if not _fits(s, Boxes(order, unit))] for order in ORDERS}
    best = (
        published.order
        if len(misfits[published.order]) <= most
        else min((published.order, *ORDERS), key=lambda order: len(misfits[order]))
    )
    wrong = [s for s in misfits[best] if not (swaps and best == "xyxy" and _fits(_put_in_order(s), Boxes(best, unit)))]
    if len(wrong) > most:
        first = wrong[0]
        size = f"{first.size.width}x{first.size.height}"
        raise BadInput(
            f"{first.where}: box {list(first.numbers)} does not fit a picture of {size}, neither as two corners nor as "
            f"corner and size; the same holds for {len(wrong)} of {len(boxes)} boxes"
        )
    return Boxes(best, unit)


def _put_in_order(sample: Sample) -> Sample:
    left, top, right, bottom = sample.numbers
    return replace(sample, numbers=(min(left, right), min(top, bottom), max(left, right), max(top, bottom)))


def _unit(samples: Sequence[Sample]) -> Unit:
    highest = max(max(s.numbers) for s in samples)
    if highest <= 1 + SLACK_SHARE:
        return "1"
    if highest > 1000 * (1 + SLACK_SHARE):
        return "pixels"
    outside = min(_outside(samples, Boxes(order, "pixels")) for order in ORDERS)
    inside = min(_outside(samples, Boxes(order, "1000")) for order in ORDERS)
    if outside >= FEWEST_OUTSIDE and outside > MISFITS * len(samples) and inside < outside:
        return "1000"
    wide = [s for s in samples if s.size.width > 1000]
    chance = sum(math.log(1000 / s.size.width) + math.log(min(1.0, 1000 / s.size.height)) for s in wide)
    return "1000" if len(wide) >= FEWEST and chance < math.log(UNLIKELY) else "pixels"


def _outside(samples: Sequence[Sample], boxes: Boxes) -> int:
    return sum(not _fits(s, boxes) for s in samples)


def _fits(sample: Sample, boxes: Boxes) -> bool:
    """Sides are not negative, and nothing lies beyond the picture but for the slack."""
    if sample.box:
        rect = boxes.rect(sample.numbers, sample.size)
        if rect.width < 0 or rect.height < 0:
            return False
    else:
        rect = Rect.around(list(boxes.points(sample.numbers, sample.size)))
    across, down = (max(SLACK, SLACK_SHARE * side) for side in (sample.size.width, sample.size.height))
    return (
        rect.left >= -across
        and rect.top >= -down
        and rect.right <= sample.size.width + across
        and rect.bottom <= sample.size.height + down
    )
