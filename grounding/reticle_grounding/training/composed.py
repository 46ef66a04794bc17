"""Instructions that need two things of a screen: a control by its row ("pin Sofia Khan"), or beside another one.

Made from the elements that a screen lists. What is not listed may stand there too, so what is asked for must be told
apart from everything of its name, and neighbours must nearly touch.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from random import Random

from reticle_grounding.geometry import Rect
from reticle_grounding.rows import LEVEL, gap_beside, sides_of

from .canvas import Element
from .instructions import Target, plain, sayable

ROW_ROLES = frozenset({"cell", "list item", "tree item", "label", "link", "heading", "check box", "radio button"})
"""What the name of a row is written in."""
BUTTON_ROLES = frozenset({"button", "menu item", "tab", "link"})
LONGEST_NAME = 32
COLUMN = 12
"""Left sides of a column of controls differ by at most so much (pixels)."""
FARTHEST = 900.0
"""Distance of a control from the name of its row (pixels)."""
TOUCHING = 48.0
"""Gap between neighbours, between which nothing unlisted can stand (pixels)."""

_IN_ROW = (
    "{lower} {row}",
    "{lower} {row}",
    "{label} {row}",
    "{lower} for {row}",
    "the {lower} button of {row}",
    "the {lower} icon in the row of {row}",
    "{row}: {lower}",
    "{lower} next to {row}",
)
_BESIDE = {
    "right of": ("the {what} right of {anchor}", "the {what} to the right of {anchor}", "the {what} after {anchor}"),
    "left of": ("the {what} left of {anchor}", "the {what} to the left of {anchor}", "the {what} before {anchor}"),
}


def composed_targets(rng: Random, elements: Sequence[Element], count: int) -> list[Target]:
    """At most ``count`` such instructions, half of either sort where there are enough."""
    usable = [e for e in elements if sayable(e.label) and len(e.label) <= LONGEST_NAME]
    names = Counter(plain(e.label) for e in usable)
    rows, sided = _in_rows(rng, usable, names), _beside(rng, usable, names)
    half = max(count // 2, count - len(sided))
    chosen = rng.sample(rows, min(len(rows), half))
    return chosen + rng.sample(sided, min(len(sided), count - len(chosen)))


def _in_rows(rng: Random, elements: Sequence[Element], names: Counter[str]) -> list[Target]:
    """Controls that other rows have, too, by the name of their row."""
    named = [e for e in elements if e.role in ROW_ROLES and names[plain(e.label)] == 1 and len(plain(e.label)) > 2]
    made = []
    for element in elements:
        if element.kind == "field" or element.role not in BUTTON_ROLES or not 1 < names[plain(element.label)] <= 60:
            continue
        others = [e for e in elements if e is not element and plain(e.label) == plain(element.label)]
        rows = [n for n in named if _of_one_row(element, n) and not any(_of_one_row(other, n) for other in others)]
        if rows and any(_in_column(element, other) for other in others):
            row = rng.choice(rows)
            words = {"label": element.label, "lower": element.label.lower(), "row": row.label}
            made.append(Target(rng.choice(_IN_ROW).format(**words), element.box, element.kind, element.label, True))
    return made


def _in_column(element: Element, other: Element) -> bool:
    """Whether two controls stand under one another, as those of the rows of a list do."""
    return abs(element.box[0] - other.box[0]) <= COLUMN and element.box[1] != other.box[1]


def _of_one_row(element: Element, name: Element) -> bool:
    """Whether they stand side by side; not where they are far apart, or one within the other."""
    a, b = _rect(element), _rect(name)
    if abs(a.center.y - b.center.y) > LEVEL * min(a.height, b.height) or a.intersection(b) is not None:
        return False
    return 0 <= max(a.left - b.right, b.left - a.right) <= FARTHEST


def _beside(rng: Random, elements: Sequence[Element], names: Counter[str]) -> list[Target]:
    """Neighbours of controls whose name no other has; icons and fields, which have no words of their own to be read."""
    made = []
    anchors = [e for e in elements if names[plain(e.label)] == 1 and len(plain(e.label)) > 1]
    for anchor in anchors:
        for relation, forms in _BESIDE.items():
            gaps = [
                (gap, e)
                for e in elements
                if e is not anchor and (gap := gap_beside(_rect(e), _rect(anchor), sides_of(relation))) is not None
            ]
            if not gaps:
                continue
            gap, element = min(gaps, key=lambda pair: pair[0])
            if gap > TOUCHING or _rect(element).intersection(_rect(anchor)) is not None or element.role == "cell":
                continue
            what = "icon" if element.kind == "icon" and rng.random() < 0.5 else element.role
            if plain(element.label) != plain(anchor.label) and names[plain(element.label)] > 1:
                what = element.label.lower()
            said = rng.choice(forms).format(what=what, anchor=anchor.label)
            made.append(Target(said, element.box, element.kind, element.label, True))
    return made


def _rect(element: Element) -> Rect:
    return Rect(*map(float, element.box))
