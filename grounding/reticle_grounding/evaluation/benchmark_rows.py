"""What one row of a published benchmark says: ScreenSpot, -v2, -Pro, OSWorld-G, UI-Vision and VenusBench-GD.

The keys are those of the published annotation files, read as their authors' own scripts read them; docs/
published-benchmarks.md names the sources. A row is only taken apart here, no picture is looked for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

from reticle_grounding.errors import BadInput
from reticle_grounding.geometry import Size
from reticle_grounding.model.prompts import check_instruction

from .conventions import Boxes

Shape: TypeAlias = Literal["box", "polygon", "absent"]
CORNERS = 3
"""Fewest corners of a polygon."""
PLATFORMS = ("desktop", "mobile", "web")
_PLATFORM_OF = {
    "windows": "desktop",
    "macos": "desktop",
    "ios": "mobile",
    "android": "mobile",
    "tool": "web",
    "shop": "web",
    "gitlab": "web",
    "forum": "web",
}
"""Source of a ScreenSpot picture -> platform."""
LAYOUT = "layout grounding asks for a box, not for a point"
FEW_CORNERS = "polygon of fewer than three corners"


@dataclass(frozen=True, slots=True)
class Item:
    """One row."""

    row: Row
    """Where it stands."""
    image: str
    """Path of the picture as the row gives it, below some folder of pictures."""
    instruction: str
    shape: Shape
    numbers: tuple[float, ...]
    """As written; none for an absent target."""
    size: Size | None
    """Of the picture, where the row says it."""
    kind: str
    groups: tuple[str, ...] = ()
    application: str = ""
    skip: str = ""
    """Why it is no question that a point answers; empty for most."""

    @property
    def where(self) -> str:
        return self.row.where


@dataclass(frozen=True, slots=True)
class Row:
    """A JSON object with its place, for errors that name both."""

    raw: Mapping[str, object]
    file: Path
    number: int
    """From 1 on."""
    groups_of: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """OSWorld-G only: id, or type of element -> the abilities it tests."""

    @property
    def where(self) -> str:
        return f"{self.file}, row {self.number}"

    def text(self, *keys: str) -> str:
        """The first of ``keys`` that is there. Raises BadInput when none is a text."""
        for key in keys:
            value = self.raw.get(key)
            if isinstance(value, str) and value.strip():
                return value.strip()
        raise BadInput(f"{self.where}: {' or '.join(keys)} must be a text")

    def said(self, *keys: str) -> str:
        """As ``text``; empty when none is there."""
        values = (self.raw.get(key) for key in keys)
        return next((v.strip() for v in values if isinstance(v, str) and v.strip()), "")

    def names(self, key: str) -> tuple[str, ...]:
        """A list of texts; what is no text is left out."""
        value = self.raw.get(key)
        return tuple(v for v in value if isinstance(v, str)) if isinstance(value, list) else ()

    def instruction(self, *keys: str) -> str:
        text = self.text(*keys)
        try:
            return check_instruction(text)
        except BadInput as error:
            raise BadInput(f"{self.where}: {error}") from error

    def numbers(self, key: str, count: int | None = None) -> tuple[float, ...]:
        """Finite numbers, ``count`` of them or an even number. Raises BadInput."""
        value = self.raw.get(key)
        listed = value if isinstance(value, list) else []
        found = tuple(float(v) for v in listed if isinstance(v, int | float) and not isinstance(v, bool))
        wrong = len(found) != count if count is not None else not found or len(found) % 2 == 1
        if not isinstance(value, list) or len(found) != len(listed) or wrong or not all(map(math.isfinite, found)):
            wanted = f"{count} numbers" if count is not None else "pairs of numbers"
            raise BadInput(f"{self.where}: {key} must be a list of {wanted}, not {value!r}")
        return found

    def size(self, key: str) -> Size | None:
        """Width and height; None where the row has none. Raises BadInput for anything else."""
        if self.raw.get(key) is None:
            return None
        width, height = self.numbers(key, 2)
        if width < 1 or height < 1:
            raise BadInput(f"{self.where}: {key} must be width and height in pixels, not {self.raw[key]!r}")
        return Size(round(width), round(height))


@dataclass(frozen=True, slots=True)
class Format:
    """One benchmark's annotation files."""

    name: str
    title: str
    read: Callable[[Row], Item]
    boxes: Boxes
    """As published."""
    swaps: bool = False
    """Its own scorer puts reversed corners in order."""


def _screenspot(row: Row) -> Item:
    platform, sort = _screenspot_platform(row), row.text("data_type", "ui_type")
    return Item(
        row,
        row.text("img_filename", "file_name"),
        row.instruction("instruction"),
        "box",
        row.numbers("bbox", 4),
        row.size("img_size"),
        f"{platform} {sort}",
        (platform, sort),
        row.said("data_source", "platform"),
    )


def _screenspot_platform(row: Row) -> str:
    """By the file as published, then by what the row says; pictures of shops are in all three files."""
    stem = row.file.stem.lower()
    said = row.said("group", "data_source", "platform").lower()
    named = next((p for p in PLATFORMS if p in stem), "")
    return named or _PLATFORM_OF.get(said, said or "other")


def _screenspot_pro(row: Row) -> Item:
    group, sort = row.text("group"), row.text("ui_type")
    return Item(
        row,
        row.text("img_filename"),
        row.instruction("instruction"),
        "box",
        row.numbers("bbox", 4),
        row.size("img_size"),
        f"{group} {sort}",
        (group, sort),
        row.text("application"),
    )


def _osworld_g(row: Row) -> Item:
    sort = row.text("box_type")
    if sort not in ("bbox", "polygon", "refusal"):
        raise BadInput(f"{row.where}: box_type is {sort!r}; bbox, polygon and refusal are known")
    numbers: tuple[float, ...] = ()
    if sort != "refusal":
        numbers = row.numbers("box_coordinates", 4 if sort == "bbox" else None)
    elements = row.names("GUI_types")
    groups = row.groups_of.get(row.said("id"), ())
    if not groups:
        groups = tuple(g for element in elements for g in row.groups_of.get(element, ()))
    return Item(
        row,
        row.text("image_path"),
        row.instruction("instruction"),
        "absent" if sort == "refusal" else "box" if sort == "bbox" else "polygon",
        numbers,
        row.size("image_size"),
        "box" if sort == "bbox" else sort,
        groups or (() if row.groups_of else elements),
        skip=FEW_CORNERS if sort == "polygon" and len(numbers) < 2 * CORNERS else "",
    )


def _ui_vision(row: Row) -> Item:
    layout = "explanation" in row.raw and "prompt_to_evaluate" not in row.raw
    if layout:
        return Item(row, row.text("image_path"), row.text("name"), "box", (), None, "layout", skip=LAYOUT)
    split = row.said("group") or row.file.stem.removeprefix("element_grounding").strip("_")
    return Item(
        row,
        row.text("image_path"),
        row.instruction("prompt_to_evaluate"),
        "box",
        row.numbers("bbox", 4),
        row.size("image_size"),
        split or "element",
        tuple(filter(None, (row.said("element_type"), row.said("category")))),
        row.said("platform"),
    )


def _venusbench_gd(row: Row) -> Item:
    image, task = row.text("img_filename"), row.said("category") or row.file.stem
    numbers = row.numbers("bbox", 4) if row.raw.get("bbox") is not None else ()
    # Refusals are a task of their own; their box is null or four times -1.
    absent = task.lower().startswith("refus") or not numbers or all(n < 0 for n in numbers)
    folders = Path(image).parts[:-1]
    return Item(
        row,
        image,
        row.instruction("instruction"),
        "absent" if absent else "box",
        () if absent else numbers,
        row.size("img_size"),
        task.removesuffix("_grounding"),
        tuple(filter(None, (row.said("platform") or next(iter(folders), ""), row.said("ui_type")))),
        row.said("application") or next(iter(folders[1:2]), ""),
    )


_CORNER_AND_SIZE, _CORNERS = Boxes("xywh", "pixels"), Boxes("xyxy", "pixels")
SCREENSPOT = Format("screenspot", "ScreenSpot", _screenspot, _CORNER_AND_SIZE)
SCREENSPOT_V2 = Format("screenspot-v2", "ScreenSpot-v2", _screenspot, _CORNER_AND_SIZE)
SCREENSPOT_PRO = Format("screenspot-pro", "ScreenSpot-Pro", _screenspot_pro, _CORNERS)
OSWORLD_G = Format("osworld-g", "OSWorld-G", _osworld_g, _CORNER_AND_SIZE)
UI_VISION = Format("ui-vision", "UI-Vision", _ui_vision, _CORNERS, swaps=True)
VENUSBENCH_GD = Format("venusbench-gd", "VenusBench-GD", _venusbench_gd, _CORNERS)
FORMATS = {f.name: f for f in (SCREENSPOT, SCREENSPOT_V2, SCREENSPOT_PRO, OSWORLD_G, UI_VISION, VENUSBENCH_GD)}


def format_named(name: str) -> Format:
    """Raises BadInput for an unknown name, naming all."""
    if name not in FORMATS:
        raise BadInput(f"there is no benchmark format {name}; there are {', '.join(FORMATS)}")
    return FORMATS[name]


def recognise(raw: object, file: Path) -> Format | None:
    """The benchmark whose keys a row has; ScreenSpot and -v2 differ by their names only. None for any other row."""
    if not isinstance(raw, Mapping):
        return None
    keys = set(raw)
    if {"image_path", "box_type", "box_coordinates"} <= keys:
        return OSWORLD_G
    if {"image_path", "bbox"} <= keys and keys & {"prompt_to_evaluate", "explanation"}:
        return UI_VISION
    if {"img_filename", "instruction", "category"} <= keys:
        return VENUSBENCH_GD
    if {"img_filename", "bbox", "ui_type", "group", "application"} <= keys:
        return SCREENSPOT_PRO
    if {"bbox", "instruction"} <= keys and keys & {"img_filename", "file_name"} and keys & {"data_type", "ui_type"}:
        second = any("v2" in part.lower() for part in file.absolute().parts[-3:])
        return SCREENSPOT_V2 if second else SCREENSPOT
    return None


def published_boxes(chosen: Format, raw: Mapping[str, object]) -> Boxes:
    """The convention of the file at hand: two copies of ScreenSpot are themselves published with boxes of their own.

    The rows of GUI-Actor's verifier name a ``ui_type`` and have corners in pixels; those that name a ``file_name``
    have corners from 0 to 1.
    """
    if chosen not in (SCREENSPOT, SCREENSPOT_V2):
        return chosen.boxes
    if "file_name" in raw:
        return Boxes("xyxy", "1")
    return _CORNERS if "ui_type" in raw and "data_type" not in raw else chosen.boxes
