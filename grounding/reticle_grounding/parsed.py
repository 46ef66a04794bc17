"""Everything that was parsed on a screenshot as one numbered list (Set-of-Mark): texts and controls, no model asked."""

from __future__ import annotations

from collections.abc import Sequence

from .ocr import RgbArray, TextBox
from .proposals import find_elements, proposals_of
from .types import ScreenElement

LARGE_SHARE = 0.25
"""Areas that cover more of the screen than this are backgrounds and get no number."""


def parse_screen(image: RgbArray, texts: Sequence[TextBox]) -> tuple[ScreenElement, ...]:
    """All texts and controls of a [height, width, 3] picture in reading order: rows from the top, each from the left.

    A text that fills a control names it instead of standing for itself.
    """
    height, width = image.shape[:2]
    largest = LARGE_SHARE * width * height
    controls = [p for p in proposals_of(find_elements(image, texts)) if p.rect.area <= largest]
    named: set[int] = set()
    found: list[ScreenElement] = []
    for control in controls:
        inside = [i for i, text in enumerate(texts) if control.rect.contains(text.rect.center)]
        fills = len(inside) == 1 and control.rect.height <= 3 * texts[inside[0]].rect.height
        if fills:
            named.add(inside[0])
        read = " ".join(texts[i].text for i in inside) if len(inside) <= 3 else ""
        found.append(ScreenElement(control.rect, control.sort, read or None))
    found += [ScreenElement(t.rect, "text", t.text) for i, t in enumerate(texts) if i not in named]
    return tuple(_in_reading_order(found))


def _in_reading_order(elements: Sequence[ScreenElement]) -> list[ScreenElement]:
    """Elements whose middles are within half the height of a row's first one belong to that row."""
    rows: list[list[ScreenElement]] = []
    for element in sorted(elements, key=lambda e: e.rect.center.y):
        if rows and element.rect.center.y - rows[-1][0].rect.center.y <= max(8.0, rows[-1][0].rect.height / 2):
            rows[-1].append(element)
        else:
            rows.append([element])
    return [element for row in rows for element in sorted(row, key=lambda e: e.rect.left)]
