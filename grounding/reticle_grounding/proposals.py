"""Controls found by their looks alone: flat bordered areas (entries, buttons, check marks) and small drawings (icons).

Nothing here is learnt. A control's inside is a connected area of nearly one colour with a border around it; an icon is
a connected blob of edges that no text was read in. All rectangles are capture pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from . import drawings
from .drawings import Areas, Mask, Table
from .geometry import Rect
from .ocr import RgbArray, TextBox

MARK_SIDES = (7.0, 34.0)
"""Inside width and height of check boxes and radio buttons."""
ICON_SIDES = (9.0, 72.0)
LEAST_ICON = 7.0
"""Longer side of the smallest drawing that counts, such as the arrow of a drop-down."""


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
    edges = drawings.edges_of(image)
    bare = drawings.without(edges, [t.rect for t in texts if not drawings.symbolic(t)])
    drawn = drawings.areas_of(drawings.joined(bare, (3, 3)), 8)
    drawn = drawn.only(drawn.filled >= 0.08)
    return Elements(_boxes(edges), _icons(bare, edges, drawn, texts), drawings.as_rects(_tracks(drawn)))


def _tracks(drawn: Areas) -> Table:
    wide, high = drawn.sides
    return drawn.rects[(wide >= 60) & (wide <= 800) & (high >= 3) & (high <= 40) & (wide >= 4 * high)]


def _icons(bare: Mask, edges: Mask, drawn: Areas, texts: Sequence[TextBox]) -> tuple[Rect, ...]:
    """Drawings of an icon's size at several widths of gaps, single ones first."""
    free = drawings.without_frames(bare)
    misread = [drawings.ink(edges, t.rect) for t in texts if drawings.symbolic(t)]
    found = [_icon_sized(drawn), np.array([r.as_tuple() for r in misread if r is not None]).reshape(-1, 4)]
    for gaps in drawings.JOINS:
        found.append(_icon_sized(drawings.areas_of(drawings.joined(free, gaps), 8)))
    return drawings.as_rects(drawings.distinct(found))


def _icon_sized(drawn: Areas) -> Table:
    wide, high = drawn.sides
    longer, shorter = np.maximum(wide, high), np.minimum(wide, high)
    return drawn.rects[(longer >= LEAST_ICON) & (longer <= ICON_SIDES[1]) & (shorter >= 2)]


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


def _boxes(edges: Mask) -> tuple[Rect, ...]:
    height, width = edges.shape
    flat = drawings.areas_of(1 - edges, 4)
    wide, high = flat.sides
    kept = (np.minimum(wide, high) >= MARK_SIDES[0]) & (flat.filled >= 0.4) & (wide * high <= 0.3 * width * height)
    rects = flat.rects[kept]
    order = np.argsort((wide * high)[kept], kind="stable")
    return drawings.as_rects(rects[order])
