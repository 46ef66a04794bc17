"""Captured screens of real programs (``screens.jsonl`` with boxes from accessibility trees or the DOM) as scenes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TypedDict, cast

import numpy as np
from PIL import Image

from reticle_grounding.errors import BadInput

from .canvas import Box, Element, IconMark, Kind, label_map
from .icons import icon_functions
from .instructions import plain
from .scenes import UNKNOWN, Scene, SceneFile

FIELD_ROLES = {
    "text": "field",
    "textbox": "field",
    "searchbox": "field",
    "password text": "field",
    "combo box": "drop-down",
    "combobox": "drop-down",
    "spin button": "spin box",
    "spinbutton": "spin box",
    "slider": "slider",
    "check box": "check box",
    "checkbox": "check box",
    "radio button": "radio button",
    "radio": "radio button",
    "switch": "switch",
}
OTHER_ROLES = {
    "push button": "button",
    "toggle button": "button",
    "button": "button",
    "clickable": "button",
    "icon": "button",
    "img": "button",
    "image": "button",
    "menu": "menu",
    "menu item": "menu item",
    "menuitem": "menu item",
    "check menu item": "menu item",
    "radio menu item": "menu item",
    "menuitemradio": "menu item",
    "page tab": "tab",
    "tab": "tab",
    "link": "link",
    "list item": "list item",
    "listitem": "list item",
    "option": "list item",
    "table cell": "cell",
    "cell": "cell",
    "gridcell": "cell",
    "rowheader": "cell",
    "table row header": "cell",
    "table column header": "column header",
    "columnheader": "column header",
    "tree item": "tree item",
    "treeitem": "tree item",
    "label": "label",
    "heading": "heading",
}
MAX_NAME = 60
VALIDATION_SHARE = 10
"""One application in so many is kept for validation."""
FITTING_SHARE = 7
"""One training application in so many is kept from the matcher."""


class RowElement(TypedDict, total=False):
    role: str
    name: str
    description: str
    label: str
    bbox: list[int]
    text_visible: bool | None


class Row(TypedDict, total=False):
    image: str
    width: int
    height: int
    app: str
    lang: str
    elements: list[RowElement]


@dataclass(frozen=True, slots=True)
class Harvest:
    """Screens split by application, so that validation shows programs never trained on."""

    training: list[SceneFile]
    validation: list[SceneFile]


def harvested_rows(directory: Path) -> tuple[list[Row], list[Row]]:
    """Rows for training and for validation, English ones only.

    Raises BadInput when the list is missing or malformed.
    """
    path = directory / "screens.jsonl"
    try:
        rows = [cast("Row", json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines() if line]
    except (OSError, ValueError) as error:
        raise BadInput(f"cannot read screens from {path}: {error}") from error
    rows = [row for row in rows if row.get("lang", "en") == "en"]
    held_out = set(sorted({row["app"] for row in rows})[5::VALIDATION_SHARE])
    return [r for r in rows if r["app"] not in held_out], [r for r in rows if r["app"] in held_out]


def harvested_scenes(directory: Path) -> Harvest:
    """The screens below ``directory``, split by application. Raises BadInput as :func:`harvested_rows` does."""
    parts = harvested_rows(directory)
    training, validation = ([SceneFile(f"{r['app']}:{r['image']}", _Opener(directory, r)) for r in p] for p in parts)
    return Harvest(training, validation)


def fitting_apps(rows: list[Row]) -> frozenset[str]:
    """Applications among the training rows on which the matcher is not trained, so that calibration can be fitted on
    looks that are as new to it as a user's."""
    return frozenset(sorted({row["app"] for row in rows})[2::FITTING_SHARE])


@dataclass(frozen=True, slots=True)
class _Opener:
    directory: Path
    row: Row

    def __call__(self) -> Scene:
        image = Image.open(self.directory / self.row["image"]).convert("RGB")
        elements = [e for e in map(as_element, self.row["elements"]) if e is not None]
        marks = [IconMark(e.icon, _square(e.box)) for e in elements if e.icon and e.kind == "icon"]
        labels = label_map(image.size, elements, [], marks)
        labels[..., 0] = UNKNOWN
        labels[..., 1:][labels[..., 1:] == 0] = UNKNOWN
        return Scene(np.asarray(image), labels, elements, complete=False)


def _square(box: Box) -> Box:
    """The middle of the box, where its icon is."""
    side = min(box[2] - box[0], box[3] - box[1])
    left, top = (box[0] + box[2] - side) // 2, (box[1] + box[3] - side) // 2
    return left, top, left + side, top + side


def as_element(row: RowElement) -> Element | None:
    """The element with a name people could use, or None for one that cannot be asked for."""
    role = row.get("role", "")
    box = cast("Box", tuple(row["bbox"]))
    name = " ".join((row.get("name") or row.get("label") or "").split())
    if role in FIELD_ROLES:
        name = " ".join((row.get("label") or row.get("name") or row.get("description") or "").split())
    if not 0 < len(name) <= MAX_NAME or min(box[2] - box[0], box[3] - box[1]) < 6:
        return None
    known = FIELD_ROLES.get(role) or OTHER_ROLES.get(role)
    if known is None:
        return None
    kind: Kind = "field" if role in FIELD_ROLES else "text" if row.get("text_visible") else "icon"
    if kind == "icon" and row.get("text_visible") is None:
        return None
    description = " ".join((row.get("description") or "").split())
    says = (description,) if 3 < len(description) <= MAX_NAME and plain(description) != plain(name) else ()
    return Element(known, box, name, kind, _functions().get(plain(name), "") if kind == "icon" else "", 0, says)


@lru_cache(maxsize=1)
def _functions() -> dict[str, str]:
    """Plain name or phrase -> icon function."""
    return {plain(text): f.name for f in reversed(icon_functions()) for text in (*f.phrases, f.name)}
