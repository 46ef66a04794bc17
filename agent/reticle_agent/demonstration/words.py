"""What a person might have said for an element: words proposed from what it is, what it is called and what is read."""

from __future__ import annotations

from collections.abc import Sequence

from reticle_grounding.geometry import Point
from reticle_grounding.ocr import TextBox

LONGEST = 60
"""Characters of a name; longer texts are contents, and their first words do."""
NEAR_PX = 120.0
"""A label stands no farther left of its field (capture pixels), and half as far above."""
NOUNS = {
    "push button": "button", "toggle button": "button", "push button menu": "button", "menu": "menu",
    "menu item": "menu item", "check menu item": "menu item", "radio menu item": "menu item",
    "check box": "check box", "radio button": "radio button", "page tab": "tab", "link": "link",
    "combo box": "drop-down", "slider": "slider", "spin button": "spin box", "text": "field", "entry": "field",
    "editbar": "field", "password text": "field", "icon": "icon", "image": "icon",
    "table column header": "column header", "tree item": "tree item", "list item": "list item",
    "table cell": "cell", "switch": "switch",
}  # fmt: skip
"""Role of the accessibility tree -> noun; other roles go by their name alone."""
FIELDS = frozenset({"field", "drop-down", "spin box", "slider"})
"""Asked for by the label rather than by a name, which for some toolkits is the content."""


def proposed(role: str, name: str, label: str, description: str) -> str | None:
    """Words for an element that the accessibility tree tells about; None when it has no name at all."""
    noun = NOUNS.get(role, "")
    called = short(label or name or description) if noun in FIELDS else short(name or label or description)
    if not called:
        return None
    if not noun:
        return called
    return f"the {called}" if called.lower().endswith(f" {noun}") else f"the {called} {noun}"


def read_at(point: Point, texts: Sequence[TextBox]) -> TextBox | None:
    """The text at a point: the smallest that contains it."""
    return min((t for t in texts if t.rect.grown(2).contains(point)), key=lambda t: t.rect.area, default=None)


def labelled_by(point: Point, texts: Sequence[TextBox]) -> TextBox | None:
    """The text that most likely labels what is at a point without text of its own: the nearest to the left in its row,
    else the nearest above."""
    left = [
        t for t in texts if t.rect.top - 4 <= point.y <= t.rect.bottom + 4 and 0 <= point.x - t.rect.right < NEAR_PX
    ]
    if left:
        return max(left, key=lambda t: t.rect.right)
    above = [t for t in texts if t.rect.left <= point.x + NEAR_PX and t.rect.right >= point.x - NEAR_PX / 2]
    above = [t for t in above if 0 <= point.y - t.rect.bottom < NEAR_PX / 2]
    return max(above, key=lambda t: t.rect.bottom, default=None)


def short(text: str) -> str:
    """One line of at most :data:`LONGEST` characters, cut between words, without mnemonic marks or a label's colon."""
    flat = " ".join(text.replace("_", " ").split()).strip(" :")
    if len(flat) <= LONGEST:
        return flat
    cut = flat[: LONGEST + 1].rpartition(" ")[0]
    return cut or flat[:LONGEST]
