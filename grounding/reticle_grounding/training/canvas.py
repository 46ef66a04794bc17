"""A picture under construction, together with what can be read and pointed at in it."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from .fonts import Face
from .icons import IconSet, icon_numbers
from .palette import Colour, Theme

Box = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels; right and bottom exclusive."""
Kind = Literal["text", "icon", "field"]
LabelMap = npt.NDArray[np.uint8]
CHARACTERS = "".join(chr(code) for code in range(33, 127))
"""Class ``i + 1`` of the reading head is ``CHARACTERS[i]``; 0 is no character, the last class any other character."""
CHARACTER_CLASSES = len(CHARACTERS) + 2
ROLES = (
    "button",
    "menu",
    "menu item",
    "field",
    "check box",
    "radio button",
    "drop-down",
    "spin box",
    "slider",
    "tab",
    "link",
    "list item",
    "cell",
    "column header",
    "tree item",
    "label",
    "switch",
    "key",
    "heading",
    "title bar",
)


@dataclass(frozen=True, slots=True)
class Element:
    """Something a person may ask for."""

    role: str
    box: Box
    label: str
    """What it is called: its text, the label beside it, or the function of its icon."""
    kind: Kind
    icon: str = ""
    """Function of the icon it shows, if any."""
    area: int = 0
    """Which window or page it belongs to."""
    says: tuple[str, ...] = ()
    """Other texts that mean it, such as a tooltip."""


@dataclass(frozen=True, slots=True)
class TextRun:
    """Drawn text: ``edges`` are the x positions between characters, in picture pixels."""

    text: str
    box: Box
    edges: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class IconMark:
    """A drawn icon."""

    name: str
    box: Box


def inside(inner: Box, outer: Box) -> bool:
    return inner[0] >= outer[0] and inner[1] >= outer[1] and inner[2] <= outer[2] and inner[3] <= outer[3]


def overlaps(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


class Canvas:
    """Draws like ImageDraw and remembers elements, text and icons until something covers them."""

    def __init__(self, size: tuple[int, int], theme: Theme, icons: IconSet, rng: Random) -> None:
        self.image = Image.new("RGB", size, theme.window)
        self.draw = ImageDraw.Draw(self.image)
        self.theme, self.icons, self.rng = theme, icons, rng
        self.elements: list[Element] = []
        self.runs: list[TextRun] = []
        self.marks: list[IconMark] = []
        self.area = 0

    @property
    def bounds(self) -> Box:
        return 0, 0, self.image.width, self.image.height

    def cover(self, box: Box) -> None:
        """Forgets what the box hides, wholly or in part."""
        self.elements = [e for e in self.elements if not overlaps(e.box, box)]
        self.runs = [r for r in self.runs if not overlaps(r.box, box)]
        self.marks = [m for m in self.marks if not overlaps(m.box, box)]

    def rect(self, box: Box, fill: Colour | None, outline: Colour | None = None, radius: int = 0) -> None:
        edges = (box[0], box[1], max(box[0], box[2] - 1), max(box[1], box[3] - 1))
        if radius and min(edges[2] - edges[0], edges[3] - edges[1]) > 2 * radius:
            self.draw.rounded_rectangle(edges, radius, fill, outline)
        else:
            self.draw.rectangle(edges, fill, outline)

    def line(self, points: list[tuple[float, float]], ink: Colour, width: int = 1) -> None:
        self.draw.line(points, fill=ink, width=width)

    def text(self, x: float, y: float, text: str, face: Face | None = None, ink: Colour | None = None) -> Box:
        """Writes with the top-left corner of the line at (x, y); returns the box of the line."""
        face = face or self.theme.face
        if not text:
            return round(x), round(y), round(x), round(y) + face.height
        self.draw.text((x, y), text, font=face.font, fill=ink or self.theme.text)
        edges = tuple(x + e for e in face.advances(text))
        box = (round(x), round(y), round(edges[-1]) + 1, round(y) + face.height)
        self.runs.append(TextRun(text, box, edges))
        return box

    def fitted(self, text: str, width: int, face: Face | None = None) -> str:
        """The text, cut with an ellipsis where it is wider than ``width``."""
        face = face or self.theme.face
        if face.width(text) <= width:
            return text
        while text and face.width(text + "...") > width:
            text = text[:-1]
        return text + "..." if text else ""

    def icon(self, x: int, y: int, size: int, name: str, ink: Colour | None = None) -> bool:
        """Draws the icon of a function; False when no picture of it is known."""
        picture = self.icons.draw(self.rng, name, size, ink or self.theme.text, self.theme.family)
        if picture is None:
            return False
        self.image.paste(picture, (x, y), picture)
        self.marks.append(IconMark(name, (x, y, x + size, y + size)))
        return True

    def add(self, role: str, box: Box, label: str, kind: Kind, icon: str = "") -> None:
        """Registers an element if it lies wholly on the picture and is large enough to be asked for."""
        if inside(box, self.bounds) and box[2] - box[0] >= 6 and box[3] - box[1] >= 6:
            self.elements.append(Element(role, box, label, kind, icon, self.area))

    def clip(self, box: Box) -> None:
        """Forgets what is registered outside ``box`` and belongs to the present area."""
        self.elements = [e for e in self.elements if e.area != self.area or inside(e.box, box)]

    def label_map(self) -> LabelMap:
        """[H, W, 3] per pixel: character class, icon class, role class (0 is none)."""
        return label_map((self.image.width, self.image.height), self.elements, self.runs, self.marks)


def label_map(size: tuple[int, int], elements: list[Element], runs: list[TextRun], marks: list[IconMark]) -> LabelMap:
    """What :meth:`Canvas.label_map` returns, for any picture with known text, icons and elements."""
    out = np.zeros((size[1], size[0], 3), np.uint8)
    for element in sorted(elements, key=lambda e: -(e.box[2] - e.box[0]) * (e.box[3] - e.box[1])):
        _fill(out, element.box, 2, ROLES.index(element.role) + 1)
    for mark in marks:
        _fill(out, mark.box, 1, icon_numbers()[mark.name])
    for run in runs:
        for i, char in enumerate(run.text):
            left, right = round(run.edges[i]), round(run.edges[i + 1])
            _fill(out, (left, run.box[1], right, run.box[3]), 0, character_class(char))
    return out


def character_class(char: str) -> int:
    """0 for a space, 1.. for printable ASCII, the last class for anything else."""
    if char.isspace():
        return 0
    found = CHARACTERS.find(char)
    return found + 1 if found >= 0 else CHARACTER_CLASSES - 1


def _fill(out: LabelMap, box: Box, channel: int, value: int) -> None:
    left, top, right, bottom = (max(0, v) for v in box)
    out[top:bottom, left:right, channel] = value
