"""Open menus. While one is open, pressing anything but it or the bar it hangs from only closes it again."""

from __future__ import annotations

import numpy as np

from reticle_grounding.geometry import Rect

from .kinds import KINDS, TEXT, Shares, Sorts, Table

LEAST = 0.5
"""Least share of an item of a menu, or of a menu in it."""
ROWS = 3
"""Items that make a list of them an open menu; so many but one are items and no menus."""
ALIGNED = 0.8
"""Left edges of the items of a menu differ by less (in heights of an item's words)."""
APART = 2.0
"""Farthest that the next item begins below one (in such heights); a line may part groups of them."""
MARGIN = Rect(-2.5, -0.6, 1.0, 0.6)
"""What of a menu lies around its words: check marks and icons before them (in such heights)."""
_ITEM, _MENU = KINDS.index("menu item"), KINDS.index("menu")


def open_menus(rects: Table, sorts: Sorts, shares: Shares) -> tuple[Rect, ...]:
    """Where a screen shows at least :data:`ROWS` items of a menu under each other (capture pixels).

    Args:
        rects: [places, 4] capture pixels.
        sorts: [places] texts, drawings and frames.
        shares: [places, kinds] what each place may be.
    """
    item, either = shares[:, _ITEM], shares[:, _ITEM] + shares[:, _MENU]
    rows = np.flatnonzero((sorts == TEXT) & (either >= LEAST))
    left = sorted(((Rect(*map(float, rects[n])), item[n] >= LEAST) for n in rows), key=lambda row: row[0].top)
    found = []
    while left:
        menu = [left.pop(0)]
        for row in left:
            if _continues([rect for rect, _ in menu], row[0]):
                menu.append(row)
        left = [row for row in left if row not in menu]
        if len(menu) >= ROWS and sum(sure for _, sure in menu) >= ROWS - 1:
            found.append(_around([rect for rect, _ in menu]))
    return tuple(found)


def _continues(menu: list[Rect], rect: Rect) -> bool:
    """Whether a text is the next row of a menu: under the last one, aligned with the first."""
    last, high = menu[-1], menu[-1].height
    below = last.top + high / 2 < rect.top <= last.bottom + APART * high
    return below and abs(rect.left - menu[0].left) < ALIGNED * high


def _around(menu: list[Rect]) -> Rect:
    """The words of a menu's rows and what belongs to it around them."""
    high = float(np.median([rect.height for rect in menu]))
    return Rect(
        min(r.left for r in menu) + MARGIN.left * high,
        menu[0].top + MARGIN.top * high,
        max(r.right for r in menu) + MARGIN.right * high,
        menu[-1].bottom + MARGIN.bottom * high,
    )
