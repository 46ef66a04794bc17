"""A desktop as a pile of drawn rectangles; what is covered by later ones is not visible."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtWidgets import QWidget

from .seen import Found, Seen

Box = tuple[int, int, int, int]
EMPTY = {"text", "password text", "spin button", "combo box", "scroll bar", "slider", "dial", "progress bar", "switch"}
"""Roles whose boxes may have nothing in their middle."""
LEAST_CONTRAST = 45
"""Smallest difference of a colour channel that still shows a sign."""
MARGIN = 2
"""Pixels of a box that may be covered, such as by a shadow's edge."""


@dataclass(frozen=True, slots=True)
class Placed:
    """An element with its box in pixels of the screen: left, top, right, bottom, the last two exclusive."""

    seen: Seen
    box: Box


@dataclass
class Pile:
    """A screen under construction; coordinates of layers are logical, those of boxes physical pixels."""

    size: tuple[int, int]
    scale: float
    image: QImage = field(init=False)
    placed: list[Placed] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.image = QImage(*self.size, QImage.Format.Format_RGB32)
        self.image.setDevicePixelRatio(self.scale)
        self.image.fill(Qt.GlobalColor.black)

    @property
    def logical(self) -> QSize:
        """The screen's size in logical pixels, rounded down."""
        return QSize(int(self.size[0] / self.scale), int(self.size[1] / self.scale))

    def physical(self, rect: QRect) -> Box:
        """A logical rectangle in pixels, cut off at the screen."""
        edges = (rect.left(), rect.top(), rect.left() + rect.width(), rect.top() + rect.height())
        left, top, right, bottom = (round(edge * self.scale) for edge in edges)
        return max(0, left), max(0, top), min(self.size[0], right), min(self.size[1], bottom)

    def cover(self, rect: QRect) -> None:
        """Says that an opaque rectangle hides what lies below it."""
        upper = self.physical(rect)
        self.placed = [p for p in self.placed if not _overlap(p.box, upper)]

    def add(self, found: Found, left: int, top: int) -> None:
        """Puts elements on the screen that were found in something drawn at the logical point (left, top)."""
        for seen in found:
            moved = seen.rect.translated(left, top)
            box = self.physical(moved)
            whole = moved.width() * moved.height() * self.scale**2
            if max(0, box[2] - box[0]) * max(0, box[3] - box[1]) >= 0.95 * whole > 0 and (
                seen.role in EMPTY or self._drawn(box)
            ):
                self.placed.append(Placed(seen, box))

    def _drawn(self, box: Box) -> bool:
        """Whether anything can be told apart in the middle of a box."""
        wide, high = box[2] - box[0], box[3] - box[1]
        edge = min(wide, high) // 6
        part = self.image.copy(box[0] + edge, box[1] + edge, wide - 2 * edge, high - 2 * edge)
        pixels = np.frombuffer(part.constBits(), np.uint8).reshape(part.height(), -1, 4)[..., :3]
        darkest, lightest = pixels.min(axis=(0, 1)).astype(int), pixels.max(axis=(0, 1)).astype(int)
        return int((lightest - darkest).max()) >= LEAST_CONTRAST

    def draw(self, widget: QWidget, left: int, top: int) -> None:
        """Renders a widget at a logical point."""
        picture = QImage(widget.size() * self.scale, QImage.Format.Format_ARGB32_Premultiplied)
        picture.setDevicePixelRatio(self.scale)
        picture.fill(Qt.GlobalColor.transparent)
        widget.render(picture)
        with QPainter(self.image) as painter:
            painter.drawImage(left, top, picture)

    def shade(self, rect: QRect, depth: int = 6) -> None:
        """A soft shadow around a rectangle that is drawn afterwards."""
        with QPainter(self.image) as painter:
            for i in range(depth, 0, -2):
                painter.fillRect(rect.adjusted(-i, -i + 2, i, i + 2), QColor(0, 0, 0, 22))


def _overlap(box: Box, upper: Box) -> bool:
    wide = min(box[2], upper[2]) - max(box[0], upper[0])
    high = min(box[3], upper[3]) - max(box[1], upper[1])
    return wide > MARGIN and high > MARGIN
