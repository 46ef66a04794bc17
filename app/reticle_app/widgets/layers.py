"""Drawings that are kept, so that moving a picture draws only the strips that come into sight."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import cast

import numpy as np
from PIL import Image
from PySide6.QtCore import QPoint, QPointF, QRect, QRectF, QSize, QSizeF
from PySide6.QtGui import QImage, QPainter, QPixmap, QRegion

ROOM = 0.25
"""How far beyond each edge of the part in sight there is room to keep, as a share of its size."""
GRID = 64
"""Logical pixels between the lines up to which a strip is drawn: whole device pixels at every quarter of a scale."""
SMOOTHED = 8
"""Pixels per patch of a heat map that was smoothed beforehand."""

Draw = Callable[[QPainter, QRect], None]
"""Draws the part of the whole that lies in the rectangle; the painter is clipped to it and has the whole's corner at
0, 0, in logical pixels."""


class Layer:
    """Keeps the drawing of a part of something large, in its own coordinates (logical pixels, its corner at 0, 0).

    Only what is wanted and not there yet is drawn. Use on the window's thread.
    """

    def __init__(self) -> None:
        self._key: Hashable = None
        self._area = QRect()
        self._valid = QRegion()
        self._kept = QPixmap()
        self.drawn_px = 0
        """Logical pixels drawn so far, all calls together."""

    def ensure(self, wanted: QRect, ratio: float, key: Hashable, draw: Draw, most_px: int | None = None) -> bool:
        """Draws what of ``wanted`` is missing; returns whether all of it is there now.

        Args:
            ratio: device pixels per logical pixel.
            key: what the drawing depends on; another one makes all that is kept worthless.
            most_px: logical pixels drawn at most (whole rows, one at least), the rest by further calls; None draws all.
        """
        if (key, ratio) != self._key:
            self._key, self._valid = (key, ratio), QRegion()
        if not self._area.contains(wanted):
            self._make_room(wanted, ratio)
        missing = QRegion(wanted) - self._valid
        if most_px is not None and not missing.isEmpty():
            missing = QRegion(_first_rows(rects_of(missing)[0], most_px))
        for part in rects_of(missing):
            painter = QPainter(self._kept)
            try:
                painter.translate(-QPointF(self._area.topLeft()))
                painter.setClipRect(part)
                draw(painter, part)
            finally:
                painter.end()
            self.drawn_px += part.width() * part.height()
        self._valid += missing
        return (QRegion(wanted) - self._valid).isEmpty()

    def show(self, painter: QPainter, part: QRect, at: QPointF) -> None:
        """Copies a part that :meth:`ensure` was called for; ``at`` is where the whole's corner lies for the painter."""
        ratio = self._kept.devicePixelRatio()
        source = QRectF(part.translated(-self._area.topLeft()))
        painter.drawPixmap(
            at + QPointF(part.topLeft()), self._kept, QRectF(source.topLeft() * ratio, source.size() * ratio)
        )

    def stretch(self, painter: QPainter, scale: float) -> None:
        """Draws all that is kept, so many times as large, roughly; the painter has the whole's corner at 0, 0."""
        ratio = self._kept.devicePixelRatio()
        for part in rects_of(self._valid):
            source = QRectF(part.translated(-self._area.topLeft()))
            target = QRectF(QPointF(part.topLeft()) * scale, QSizeF(part.size()) * scale)
            painter.drawPixmap(target, self._kept, QRectF(source.topLeft() * ratio, source.size() * ratio))

    def _make_room(self, wanted: QRect, ratio: float) -> None:
        dx, dy = round(wanted.width() * ROOM), round(wanted.height() * ROOM)
        area = ahead(wanted.adjusted(-dx, -dy, dx, dy))
        extent = QSizeF(area.size()) * ratio
        fresh = QPixmap(round(extent.width()), round(extent.height()))
        fresh.setDevicePixelRatio(ratio)
        still = self._valid.intersected(area)
        if not still.isEmpty():
            painter = QPainter(fresh)
            for part in rects_of(still):
                self.show(painter, part, -QPointF(area.topLeft()))
            painter.end()
        self._area, self._valid, self._kept = area, still, fresh


def _first_rows(part: QRect, most_px: int) -> QRect:
    return QRect(part.topLeft(), QSize(part.width(), min(part.height(), max(1, most_px // part.width()))))


def rects_of(region: QRegion) -> list[QRect]:
    """The rectangles that make up a region."""
    return list(cast("Iterable[QRect]", region))  # iterable, though the stubs of PySide6 do not say so


def whole_pixels(rect: QRectF, ratio: float) -> QPointF:
    """The corner of a rectangle, moved to the next device pixel, so that what is copied there stays sharp."""
    return QPointF(round(rect.x() * ratio) / ratio, round(rect.y() * ratio) / ratio)


def in_sight(sight: QRect, origin: QPointF) -> QRect:
    """What of the whole is seen: ``sight`` seen from its corner, in whole logical pixels, none of it left out."""
    low = QPoint(int((sight.x() - origin.x()) // 1), int((sight.y() - origin.y()) // 1))
    return QRect(low, sight.size()).adjusted(0, 0, 1, 1)


def ahead(part: QRect) -> QRect:
    """A part grown to the lines of a fixed grid, so that a slow move draws one broad strip now and then."""
    left, top = part.left() // GRID * GRID, part.top() // GRID * GRID
    right, bottom = -(-(part.right() + 1) // GRID) * GRID, -(-(part.bottom() + 1) // GRID) * GRID
    return QRect(left, top, right - left, bottom - top)


def smoothed(heat: QImage) -> QImage:
    """A heat map of one pixel per patch, enlarged smoothly, so that it can be drawn without smoothing."""
    width, height = heat.width(), heat.height()
    rgba = np.frombuffer(bytes(heat.constBits()), dtype=np.uint8).reshape(height, heat.bytesPerLine())[:, : width * 4]
    small = Image.frombytes("RGBA", (width, height), rgba.tobytes())
    size = (width * SMOOTHED, height * SMOOTHED)
    large = small.convert("RGBa").resize(size, Image.Resampling.BILINEAR).tobytes()
    return QImage(large, *size, size[0] * 4, QImage.Format.Format_RGBA8888_Premultiplied).copy()
