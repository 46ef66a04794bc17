"""What an input changed, where, and whether that is what was to be expected of it.

Compared are the last picture before the input and the first still one after it, in brightness and in hue. What lies
under windows of our own is left out, and so is a text cursor.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from reticle_grounding.geometry import Rect

from .actions import Click, Drag, Hotkey, Scroll, Step, TypeText
from .recheck import CARET_PX, MARGIN_PX, crop_around, differing, moved_edges
from .seams import Frame

Effect: TypeAlias = Literal["confirmed", "no_change", "changed_other", "unverifiable"]
Mask: TypeAlias = npt.NDArray[np.bool_]

EFFECT_WORDS: dict[Effect, str] = {
    "no_change": "nothing changed on the screen",
    "changed_other": "something changed, but not at the target",
    "unverifiable": "only the highlight of the target changed",
}
CELL_PX = 16
"""Differences nearer to each other than this are one change."""
MOST_REGIONS = 8
"""Changes told apart in the record; the largest."""
STRAY_EDGES = 6
"""A control with no more pixels of edges come or gone was only painted in another colour; a tick has more."""


@dataclass(frozen=True, slots=True)
class Change:
    """Where two pictures of one display differ."""

    regions: tuple[Rect, ...]
    """Capture pixels, largest first, at most ``MOST_REGIONS``."""
    share: float
    """Of the display, 0..1: pixels that differ."""

    def __bool__(self) -> bool:
        return bool(self.regions)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What became of an input."""

    effect: Effect
    method: str
    """How it was judged."""
    change: Change


def expectation(step: Step) -> str:
    """What is to change, in plain words."""
    if isinstance(step, Click):
        return "something at the target changes"
    if isinstance(step, Drag):
        return "something at one of the ends changes"
    if isinstance(step, Scroll):
        return "the content at the target moves" if step.target else "some content moves"
    if isinstance(step, TypeText):
        return "text appears in the target" if step.target else "text appears where the cursor is"
    return "something changes" if isinstance(step, Hotkey) else ""


def changed(before: Frame, after: Frame) -> bool:
    """Whether anything but a text cursor differs. Quicker than :func:`change_between`."""
    return before.sha != after.sha and _beyond_caret(_differing(before, after))


def change_between(before: Frame, after: Frame) -> Change:
    """All that differs; pictures of different size differ everywhere."""
    return _change(_differing(before, after))


def judge(before: Frame, after: Frame, targets: list[Rect]) -> Judgement:
    """The effect of an input at ``targets`` (capture pixels of both); keys have none, so any change confirms them.

    A control that was only painted in another colour may have been pressed or merely lie under the pointer, which
    cannot be told apart.
    """
    mask = _differing(before, after)
    change = _change(mask)
    if not change:
        return Judgement("no_change", "pixels of the display", change)
    if not targets:
        return Judgement("confirmed", "pixels of the display", change)
    around = "pixels around the target"
    if before.image.size != after.image.size:
        return Judgement("changed_other", "the display changed its size", change)
    if not any(_beyond_caret(_cut(mask, target.grown(MARGIN_PX))) for target in targets):
        return Judgement("changed_other", around, change)
    if all(_only_painted(before, after, mask, target) for target in targets):
        return Judgement("unverifiable", around, change)
    return Judgement("confirmed", around, change)


def _change(mask: Mask) -> Change:
    return Change(_regions(mask), float(mask.mean())) if _beyond_caret(mask) else Change((), 0.0)


def _only_painted(before: Frame, after: Frame, mask: Mask, target: Rect) -> bool:
    """Whether nothing outside the target changed, and inside it nothing but the colour."""
    near = target.grown(MARGIN_PX)
    if int(_cut(mask, near).sum()) != int(mask.sum()):
        return False
    return moved_edges(crop_around(before.image, target), crop_around(after.image, target)) <= STRAY_EDGES


def _differing(before: Frame, after: Frame) -> Mask:
    mask = differing(before.image, after.image)
    for rect in (*before.covered, *after.covered):
        _cut(mask, rect)[...] = False
    return mask


def _cut(mask: Mask, rect: Rect) -> Mask:
    """A view of the part inside a rectangle; empty when there is none."""
    top, bottom = max(0, math.floor(rect.top)), max(0, math.ceil(rect.bottom))
    left, right = max(0, math.floor(rect.left)), max(0, math.ceil(rect.right))
    return mask[top:bottom, left:right]


def _beyond_caret(mask: Mask) -> bool:
    columns = np.flatnonzero(mask.any(axis=0))
    return columns.size > 0 and int(columns[-1] - columns[0]) >= CARET_PX


def _regions(mask: Mask) -> tuple[Rect, ...]:
    """Boxes of what hangs together at ``CELL_PX``, cursors left out."""
    from scipy import ndimage

    height, width = mask.shape
    cells = np.zeros((math.ceil(height / CELL_PX), math.ceil(width / CELL_PX)), dtype=np.bool_)
    rows, columns = np.nonzero(mask)
    cells[rows // CELL_PX, columns // CELL_PX] = True
    labels, count = ndimage.label(cells, structure=np.ones((3, 3), dtype=np.int8))
    of_pixel = labels[rows // CELL_PX, columns // CELL_PX]
    boxes = []
    for index in range(1, count + 1):
        ys, xs = rows[of_pixel == index], columns[of_pixel == index]
        if int(xs.max() - xs.min()) >= CARET_PX:
            boxes.append(Rect(float(xs.min()), float(ys.min()), float(xs.max() + 1), float(ys.max() + 1)))
    whole = Rect(float(columns.min()), float(rows.min()), float(columns.max() + 1), float(rows.max() + 1))
    return tuple(sorted(boxes, key=lambda box: -box.area)[:MOST_REGIONS]) or (whole,)
