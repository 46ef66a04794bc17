"""Controls found by their looks alone: flat bordered areas (entries, buttons, check marks) and small drawings (icons).

Nothing here is learnt. A control's inside is a connected area of nearly one colour with a border around it; an icon is
a connected blob of edges that no text was read in. All rectangles are capture pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np

from . import drawings
from .drawings import Areas, Mask, Table
from .geometry import Rect
from .labels import without_symbol
from .ocr import RgbArray, TextBox

MARK_SIDES = (7.0, 34.0)
"""Inside width and height of check boxes and radio buttons."""
ICON_SIDES = (9.0, 72.0)
LEAST_ICON = 7.0
"""Longer side of the smallest drawing that counts, such as the arrow of a drop-down."""
LONGEST_DOTS, DOTS = 40.0, (2.2, 7.0)
"""Longest three dots in a line (pixels), and how much longer than wide they are."""
LARGEST = 420.0
"""Longer side of pictures and outlined controls."""
MAX_PROPOSALS = 400
CROWD_CELL = 64
"""Side of the cells in which drawings are counted; photographs hold the most."""

LOWEST = 0.55
"""Least inside height of an entry in heights of its label as it was read, a third more than its letters take."""
WIDTH, NARROWEST = 1.6, 1.25
"""Least inside width of an entry in its heights; and where there is no such, of a spin box, whose buttons part it."""
MANY_TEXTS, MANY_ICONS = 3, 5
"""So many of them side by side do not stand in an entry."""
KEY_LINES, SAME_PX = 3.2, 3.0
"""Highest key in heights of its label, and how far the sides and places of keys in line differ (pixels)."""

Sort = Literal["icon", "mark", "bar", "box", "area", "track"]
"""Drawing; check box or radio button; entry or wide button; compact button; panel or picture; slider."""


@dataclass(frozen=True, slots=True)
class Elements:
    """What the picture's structure offers."""

    boxes: tuple[Rect, ...]
    """Flat areas with a border, smallest first."""
    icons: tuple[Rect, ...]
    """Small drawings without text."""
    tracks: tuple[Rect, ...] = ()
    """Long flat drawings without text, such as a slider's groove with its handle."""
    controls: tuple[Rect, ...] = ()
    """Outlined controls and pictures that are larger than icons."""
    dots: tuple[Rect, ...] = ()
    """Those of the icons that are three dots in a line."""

    def around(self, rect: Rect) -> Rect | None:
        """The smallest box that holds ``rect``'s centre and is at least as high as most of it, or None."""
        low, wide = 0.8 * rect.height, rect.width
        return next((b for b in self.boxes if b.contains(rect.center) and b.height >= low and b.width >= wide), None)


NOTHING = Elements((), ())


def find_elements(image: RgbArray, texts: Sequence[TextBox]) -> Elements:
    """Boxes and icons of a [height, width, 3] picture; about 50 ms for 1280x800."""
    edges = drawings.edges_of(image)
    written = [(without_symbol(t) or t).rect for t in texts if not drawings.symbolic(t)]
    bare = drawings.without(edges, written)
    drawn = drawings.areas_of(drawings.joined(bare, (3, 3)), 8)
    controls = drawings.as_rects(_controls(drawn))
    drawn = drawn.only(drawn.filled >= 0.08)
    tracks = drawings.as_rects(_tracks(drawn))
    icons = _icons(bare, edges, drawn, texts)
    dots = tuple(r for r in icons if _longish(r) and drawings.dotted(image, r))
    return Elements(_boxes(edges), icons, tracks, controls, dots)


def _longish(rect: Rect) -> bool:
    """Whether a drawing has the sides of three dots in a line."""
    short, long = sorted((rect.width, rect.height))
    return long <= LONGEST_DOTS and DOTS[0] * short <= long <= DOTS[1] * short


def _controls(drawn: Areas) -> Table:
    """Outlines about as high as a line or two, and pictures."""
    wide, high = drawn.sides
    outlined = (high >= 12) & (high <= 90) & (wide > ICON_SIDES[1]) & (wide <= 2 * LARGEST)
    longer, shorter = np.maximum(wide, high), np.minimum(wide, high)
    pictured = (longer > ICON_SIDES[1]) & (longer <= LARGEST) & (shorter >= 0.3 * longer) & (drawn.filled >= 0.2)
    return drawn.rects[outlined | pictured]


def _tracks(drawn: Areas) -> Table:
    wide, high = drawn.sides
    return drawn.rects[(wide >= 60) & (wide <= 800) & (high >= 3) & (high <= 48) & (wide >= 4 * high)]


def _icons(bare: Mask, edges: Mask, drawn: Areas, texts: Sequence[TextBox]) -> tuple[Rect, ...]:
    """Drawings of an icon's size at several widths of gaps, single ones first."""
    free = drawings.without_frames(bare)
    misread = [drawings.ink(edges, t.rect) for t in texts if drawings.symbolic(t)]
    found = [_icon_sized(drawn), np.array([r.as_tuple() for r in misread if r is not None]).reshape(-1, 4)]
    for gaps in drawings.JOINS:
        found.append(_icon_sized(drawings.areas_of(drawings.joined(free, gaps), 8)))
    return drawings.as_rects(drawings.distinct([_least_crowded(np.concatenate(found), 4 * MAX_PROPOSALS)]))


def _least_crowded(rects: Table, count: int) -> Table:
    """At most ``count`` of the rectangles, in their order; those go first that stand among the most others."""
    if len(rects) <= count:
        return rects
    cells = ((rects[:, :2] + rects[:, 2:]) / (2 * CROWD_CELL)).astype(np.int64)
    _, which, held = np.unique(cells, axis=0, return_inverse=True, return_counts=True)
    order = np.argsort(held[which.ravel()], kind="stable")
    return rects[np.sort(order[:count])]


def _icon_sized(drawn: Areas) -> Table:
    wide, high = drawn.sides
    longer, shorter = np.maximum(wide, high), np.minimum(wide, high)
    return drawn.rects[(longer >= LEAST_ICON) & (longer <= ICON_SIDES[1]) & (shorter >= 2)]


@dataclass(frozen=True, slots=True)
class Proposal:
    """A place that may be a control."""

    rect: Rect
    sort: Sort


@lru_cache(maxsize=8)
def proposals_of(
    elements: Elements, limit: int = MAX_PROPOSALS, fits: Callable[[Rect], bool] | None = None
) -> tuple[Proposal, ...]:
    """Every control-like element once, with its guessed sort; at most ``limit``, fewer where pictures crowd.

    Kept for the last screens, since every instruction asks for them. Rectangles are capture pixels; raises nothing.

    Args:
        fits: the others do not count, so that the cells of a table do not displace the icons above it.
    """
    boxes = [(r, _sort_of_box(r)) for r in (*elements.boxes, *elements.controls)]
    sorted_out = [*boxes, *((r, "track") for r in elements.tracks), *((r, "icon") for r in elements.icons)]
    sorts = {r: s for r, s in reversed(sorted_out) if fits is None or fits(r)}
    table = _least_crowded(np.array([r.as_tuple() for r in sorts]).reshape(-1, 4)[::-1], 4 * limit)
    return tuple(Proposal(r, sorts[r]) for r in drawings.as_rects(_tidiest(drawings.distinct([table]), limit)))


def _tidiest(rects: Table, count: int) -> Table:
    """At most ``count`` of the rectangles; those that cross others (blobs of photographs) or are tiny go first."""
    if len(rects) <= count:
        return rects
    shared = drawings.shared_areas(rects)
    own = np.diag(shared)
    crossed = ((shared > 0) & (shared < 0.9 * np.minimum.outer(own, own))).sum(axis=1)
    shorter = np.minimum(rects[:, 2] - rects[:, 0], rects[:, 3] - rects[:, 1])
    order = np.argsort(crossed + 1.5 * (shorter < MARK_SIDES[0]), kind="stable")
    return rects[np.sort(order[:count])]


def _sort_of_box(rect: Rect) -> Sort:
    square = 0.7 <= rect.width / rect.height <= 1.43
    if square and MARK_SIDES[0] <= min(rect.width, rect.height) and max(rect.width, rect.height) <= MARK_SIDES[1]:
        return "mark"
    if rect.height <= 90 and rect.width >= 1.6 * rect.height:
        return "bar"
    return "box" if max(rect.width, rect.height) <= 2 * ICON_SIDES[1] else "area"


def marks_left_of(label: Rect, elements: Elements) -> list[Rect]:
    """Check boxes or radio buttons (flat or drawn squares) directly left of a label, nearest first."""
    found, farthest = [], 2.0 * label.height
    for box in (*elements.boxes, *elements.icons):
        gap = label.left - box.right
        if not -4 <= gap <= farthest:  # nearly all of a screen's boxes, for each of its labels
            continue
        square = 0.7 <= box.width / box.height <= 1.43
        sized = all(MARK_SIDES[0] <= side <= min(MARK_SIDES[1], 1.8 * label.height) for side in (box.width, box.height))
        if square and sized and abs(box.center.y - label.center.y) <= 0.4 * label.height:
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
    found = _near(label, [b for b in elements.boxes if _entry_like(b, label)], texts, track=False)
    found += _near(label, elements.tracks, texts, track=True)
    if not found:
        found = _near(label, [b for b in elements.boxes if _entry_like(b, label, NARROWEST)], texts, track=False)
    found.sort(key=lambda e: e.gap + 0.5 * e.below + 0.5 * e.track)
    kept: list[Entry] = []
    for entry in found:
        if not any(_behind(entry, nearer) or _twins(entry.rect, nearer.rect) for nearer in kept):
            kept.append(entry)
    keys = _keys_around(label, elements) if kept else []
    kept = [entry for entry in kept if not any(_twins(entry.rect, key) for key in keys)]
    return [entry for entry in kept if not _holds_many(entry.rect, elements, texts)]


def _keys_around(label: Rect, elements: Elements) -> list[Rect]:
    """The keys in line with the one whose face a label is, as calculators have them: they are no entries of it."""
    own = elements.around(label)
    if own is None or own.height > KEY_LINES * label.height:
        return []
    alike = [b for b in elements.boxes if max(abs(b.width - own.width), abs(b.height - own.height)) <= SAME_PX]
    row = [b for b in alike if abs(b.center.y - own.center.y) <= SAME_PX]
    below = [b for b in alike if abs(b.center.x - own.center.x) <= SAME_PX]
    return [*row, *below] if len(row) >= MANY_TEXTS else []


def _near(label: Rect, boxes: Sequence[Rect], texts: Sequence[TextBox], track: bool) -> list[Entry]:
    """Those that stand right of or below the label with no text between."""
    found = []
    for box in boxes:
        gap, below = _distance(label, box)
        if gap is not None and not _text_between(label, box, below, texts):
            found.append(Entry(box, max(gap, 0.0) / label.height, below, track))
    return found


def _holds_many(box: Rect, elements: Elements, texts: Sequence[TextBox]) -> bool:
    """A bar of tools, tabs or menus below a label is no entry."""
    if sum(box.contains(t.rect.center) for t in texts) >= MANY_TEXTS:
        return True
    read = [t.rect for t in texts if box.intersection(t.rect) is not None]
    inside = sorted((i for i in elements.icons if box.contains(i.center)), key=lambda i: i.left)
    count, end = 0, box.left
    for icon in inside:
        if icon.left >= end and not any(r.contains(icon.center) for r in read):
            count, end = count + 1, icon.right
    return count >= MANY_ICONS


def _twins(a: Rect, b: Rect) -> bool:
    """An outline and the inside of the same control."""
    common = a.intersection(b)
    return common is not None and common.area >= 0.7 * max(a.area, b.area)


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


def _entry_like(box: Rect, label: Rect, least: float = WIDTH) -> bool:
    """Wider than high, about one line high, and not the box the label itself stands in."""
    lined = LOWEST * label.height <= box.height <= 3.2 * label.height
    return lined and box.width >= least * box.height and not box.contains(label.center)


def _boxes(edges: Mask) -> tuple[Rect, ...]:
    height, width = edges.shape
    flat = drawings.areas_of(1 - edges, 4)
    wide, high = flat.sides
    kept = (np.minimum(wide, high) >= MARK_SIDES[0]) & (flat.filled >= 0.4) & (wide * high <= 0.3 * width * height)
    rects = flat.rects[kept]
    order = np.argsort((wide * high)[kept], kind="stable")
    return drawings.as_rects(rects[order])
