"""Controls found by their looks alone: flat bordered areas (entries, buttons, check marks) and small drawings (icons).

Nothing here is learnt. A control's inside is a connected area of nearly one colour with a border around it; an icon is
a connected blob of edges that no text was read in. All rectangles are capture pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from .geometry import Rect
from .ocr import RgbArray, TextBox

FLAT_STEP = 6
"""Neighbouring pixels that differ by at most this (of 255, any channel) belong to one area."""
MARK_SIDES = (7.0, 34.0)
"""Inside width and height of check boxes and radio buttons."""
ICON_SIDES = (9.0, 72.0)


@dataclass(frozen=True, slots=True)
class Elements:
    """What the picture's structure offers."""

    boxes: tuple[Rect, ...]
    """Flat areas with a border, smallest first."""
    icons: tuple[Rect, ...]
    """Small drawings without text."""
    tracks: tuple[Rect, ...] = ()
    """Long flat drawings without text, such as a slider's groove with its handle."""

    def around(self, rect: Rect) -> Rect | None:
        """The smallest box that holds ``rect``'s centre and is at least as high as most of it, or None."""
        low, wide = 0.8 * rect.height, rect.width
        return next((b for b in self.boxes if b.contains(rect.center) and b.height >= low and b.width >= wide), None)


NOTHING = Elements((), ())


def find_elements(image: RgbArray, texts: Sequence[TextBox]) -> Elements:
    """Boxes and icons of a [height, width, 3] picture; about 50 ms for 1280x800."""
    flat = _flat(image)
    drawings = _drawings(~flat, texts)
    low, high = ICON_SIDES
    icons = tuple(r for r in drawings if low <= r.width <= high and low <= r.height <= high)
    return Elements(_boxes(flat), icons, tuple(r for r in drawings if _is_track(r)))


def _is_track(rect: Rect) -> bool:
    return 60 <= rect.width <= 800 and 3 <= rect.height <= 40 and rect.width >= 4 * rect.height


def marks_left_of(label: Rect, elements: Elements) -> list[Rect]:
    """Check boxes or radio buttons (flat or drawn squares) directly left of a label, nearest first."""
    found = []
    for box in (*elements.boxes, *elements.icons):
        gap = label.left - box.right
        square = 0.7 <= box.width / box.height <= 1.43
        sized = all(MARK_SIDES[0] <= side <= min(MARK_SIDES[1], 1.8 * label.height) for side in (box.width, box.height))
        level = abs(box.center.y - label.center.y) <= 0.4 * label.height
        if square and sized and level and -4 <= gap <= 2.0 * label.height:
            found.append((gap, box))
    return [box for _, box in sorted(found, key=lambda pair: pair[0])]


@dataclass(frozen=True, slots=True)
class Entry:
    """A control that a label may name."""

    rect: Rect
    gap: float
    """Distance from the label in heights of the label."""
    below: bool
    track: bool


def entries_of(label: Rect, elements: Elements, texts: Sequence[TextBox]) -> list[Entry]:
    """Entry-like boxes and slider tracks right of or below a label, nearest first; none behind another text."""
    found = []
    for box, track in [(b, False) for b in elements.boxes] + [(t, True) for t in elements.tracks]:
        if not track and not _entry_like(box, label):
            continue
        gap, below = _distance(label, box)
        if gap is not None and not _text_between(label, box, below, texts):
            found.append(Entry(box, max(gap, 0.0) / label.height, below, track))
    found.sort(key=lambda e: e.gap + 0.5 * e.below + 0.5 * e.track)
    return [e for i, e in enumerate(found) if not any(_behind(e, nearer) for nearer in found[:i])]


def _behind(entry: Entry, nearer: Entry) -> bool:
    """The label's row (or column) meets the nearer control first."""
    if entry.below or nearer.below:
        return entry.below and nearer.below and entry.rect.top >= nearer.rect.bottom
    return entry.rect.left >= nearer.rect.right


def _distance(label: Rect, box: Rect) -> tuple[float | None, bool]:
    """Pixels from the label to a box right of it (False) or below it (True); None when it stands elsewhere."""
    right = box.left - label.right
    if -6 <= right <= 30 * label.height and abs(box.center.y - label.center.y) <= 0.6 * label.height:
        return right, False
    below = box.top - label.bottom
    if -6 <= below <= 1.6 * label.height and -12 <= label.left - box.left <= 0.5 * box.width:
        return below, True
    return None, False


def _text_between(label: Rect, box: Rect, below: bool, texts: Sequence[TextBox]) -> bool:
    if below:
        gap = Rect(label.left, label.bottom, label.right, box.top)
    else:
        gap = Rect(label.right, label.center.y - 2, box.left, label.center.y + 2)
    return any(gap.contains(t.rect.center) or (not below and _crosses(t.rect, gap)) for t in texts)


def _crosses(text: Rect, gap: Rect) -> bool:
    """The text stands in the row of the gap and begins inside it."""
    return text.top <= gap.top and text.bottom >= gap.bottom and gap.left + 4 <= text.left < gap.right - 4


def _entry_like(box: Rect, label: Rect) -> bool:
    """Wider than high, about one line high, and not the box the label itself stands in."""
    lined = 0.75 * label.height <= box.height <= 3.2 * label.height
    return lined and box.width >= 1.6 * box.height and not box.contains(label.center)


def _flat(image: RgbArray) -> npt.NDArray[np.bool_]:
    """True where a pixel is nearly equal to its right and lower neighbours."""
    wide = image.astype(np.int16)
    flat = np.ones(image.shape[:2], dtype=np.bool_)
    flat[:, :-1] &= (np.abs(wide[:, 1:] - wide[:, :-1]) <= FLAT_STEP).all(axis=2)
    flat[:-1, :] &= (np.abs(wide[1:, :] - wide[:-1, :]) <= FLAT_STEP).all(axis=2)
    return flat


def _labelled(
    mask: npt.NDArray[np.bool_], neighbours: npt.NDArray[np.bool_]
) -> tuple[list[Rect], npt.NDArray[np.int_]]:
    """Bounding rectangles of the connected areas and their pixel counts."""
    labels, count = ndimage.label(mask, structure=neighbours)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    rects = [
        Rect(float(where[1].start), float(where[0].start), float(where[1].stop), float(where[0].stop))
        for where in ndimage.find_objects(labels)
    ]
    return rects, sizes


def _boxes(flat: npt.NDArray[np.bool_]) -> tuple[Rect, ...]:
    height, width = flat.shape
    rects, sizes = _labelled(flat, ndimage.generate_binary_structure(2, 1))
    kept = []
    for rect, size in zip(rects, sizes, strict=True):
        filled = float(size) / rect.area
        if min(rect.width, rect.height) >= MARK_SIDES[0] and filled >= 0.4 and rect.area <= 0.3 * width * height:
            kept.append(rect)
    return tuple(sorted(kept, key=lambda r: r.area))


def _drawings(edges: npt.NDArray[np.bool_], texts: Sequence[TextBox]) -> tuple[Rect, ...]:
    """Connected blobs of edges outside the texts."""
    joined = ndimage.binary_closing(edges, structure=np.ones((3, 3), dtype=np.bool_))
    for text in texts:
        left, top, right, bottom = (max(0, int(v)) for v in text.rect.as_tuple())
        if len(text.text) > 2:
            joined[top:bottom, left:right] = False
    rects, sizes = _labelled(joined, ndimage.generate_binary_structure(2, 2))
    return tuple(rect for rect, size in zip(rects, sizes, strict=True) if size >= 0.08 * rect.area)
