"""Visible elements as rows of ``screens.jsonl``."""

from __future__ import annotations

from collections.abc import Sequence

from .elements import Found
from .ink import Box, Ink, Rgb, letter_size, measure, shows_name
from .roles import FIELDS, state_names
from .store import ElementRow

ROW_PX = 12
"""Elements whose middles differ by less stand in one row, at scale 1."""
BESIDE = 160
"""A label left of its field ends at most so far from it, at scale 1."""
ABOVE = 14
"""A label above its field ends at most so far from it, at scale 1."""
MAX_LABEL = 60

Detail = tuple[str, str | float | None]
"""(label, value)."""


def to_rows(found: Sequence[Found], details: Sequence[Detail], picture: Rgb, area: Box) -> list[ElementRow]:
    """Rows in reading order; boxes relative to the picture, which shows ``area`` (root pixels)."""
    boxes = [_moved(item.box, area) for item in found]
    inks = [
        measure(picture[b[1] : b[3], b[0] : b[2]], edge=round(2 * f.scale)) for f, b in zip(found, boxes, strict=True)
    ]
    ems: dict[tuple[str, float], float] = {}
    for item in found:
        if (key := (item.program.name, item.scale)) not in ems:
            of_program = [
                (f.node.role, f.node.name, ink) for f, ink in zip(found, inks, strict=True) if f.program == item.program
            ]
            ems[key] = letter_size(of_program, item.scale)
    rows = []
    for item, box, ink, (label, value) in zip(found, boxes, inks, details, strict=True):
        node = item.node
        row = ElementRow(
            role="text" if node.role == "entry" else node.role,
            name=node.name,
            description=node.description,
            bbox=list(box),
            states=state_names(node.states),
            text_visible=_text_visible(item, value, ink, ems[item.program.name, item.scale]),
        )
        if value is not None:
            row["value"] = value
        if label := label or (_label_near(item, found) if node.role in FIELDS and not node.name else ""):
            row["label"] = label
        rows.append((round((box[1] + box[3]) / 2 / (ROW_PX * item.scale)), box[0], row))
    return [row for _, _, row in sorted(rows, key=lambda entry: entry[:2])]


def _text_visible(item: Found, value: str | float | None, ink: Ink, em: float) -> bool | None:
    """Whether the name is written in the box. In a field is written what it holds, which only may be its name."""
    role, name = item.node.role, item.node.name
    if role in FIELDS and role != "combo box":
        return True if value is not None and value == name else None
    return shows_name(role, name, ink, em)


def _moved(box: Box, area: Box) -> Box:
    return box[0] - area[0], box[1] - area[1], box[2] - area[0], box[3] - area[1]


def _label_near(field: Found, found: Sequence[Found]) -> str:
    """The text label directly left of a field, else directly above it; "" when there is none."""
    labels = [f for f in found if f.node.role == "label" and f.window == field.window and len(f.node.name) <= MAX_LABEL]
    left, top, right, bottom = field.box
    beside = [
        (left - f.box[2], f.node.name)
        for f in labels
        if -2 <= left - f.box[2] <= BESIDE * field.scale and top <= (f.box[1] + f.box[3]) / 2 <= bottom
    ]
    above = [
        (top - f.box[3], f.node.name)
        for f in labels
        if -2 <= top - f.box[3] <= ABOVE * field.scale and f.box[0] < right and left < f.box[2]
    ]
    return min(beside or above or [(0, "")])[1].strip()
