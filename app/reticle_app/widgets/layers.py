"""The picture with the heat map over it, kept as drawn for the part in sight, so that moving it is a mere copy."""

from __future__ import annotations

from collections.abc import Callable, Hashable

import numpy as np
from PIL import Image
from PySide6.QtCore import QPointF, QRect, QRectF, QSizeF, Qt
from PySide6.QtGui import QImage, QPainter, QPixmap

ROOM = 0.25
"""What is drawn beyond each edge of the part in sight, as a share of its size."""
SMOOTHED = 8
"""Pixels per patch of a heat map that was smoothed beforehand."""


class Layers:
    """Keeps one drawing of a part of the picture; use on the window's thread."""

    def __init__(self) -> None:
        self._key: Hashable = None
        self._area = QRect()
        self._drawn = QPixmap()

    def forget(self) -> None:
        self._key = None

    def paint(
        self,
        painter: QPainter,
        sight: QRectF,
        whole: QRectF,
        ratio: float,
        key: Hashable,
        draw: Callable[[QPainter], None],
        room: bool,
    ) -> None:
        """Copies the part in sight, drawn anew where it is not kept.

        Args:
            sight: what is visible of the widget, logical pixels.
            whole: where the whole picture lies on the widget, logical pixels.
            ratio: device pixels per logical pixel.
            key: what the drawing depends on besides the place.
            draw: draws the whole picture with its left top corner at 0, 0, in logical pixels.
            room: also draw a margin around the part in sight, for moving it next.
        """
        origin = QPointF(round(whole.x() * ratio) / ratio, round(whole.y() * ratio) / ratio)
        size = QRectF(QPointF(), whole.size())
        wanted = sight.translated(-origin).intersected(size)
        if wanted.isEmpty():
            return
        if key != self._key or not QRectF(self._area).contains(wanted):
            dx, dy = (wanted.width() * ROOM, wanted.height() * ROOM) if room else (0.0, 0.0)
            self._area = wanted.adjusted(-dx, -dy, dx, dy).intersected(size).toAlignedRect()
            self._key = key
            self._draw(ratio, draw)
        painter.drawPixmap(origin + QPointF(self._area.topLeft()), self._drawn)

    def _draw(self, ratio: float, draw: Callable[[QPainter], None]) -> None:
        extent = QSizeF(self._area.size()) * ratio
        self._drawn = QPixmap(round(extent.width()), round(extent.height()))
        self._drawn.setDevicePixelRatio(ratio)
        self._drawn.fill(Qt.GlobalColor.black)  # opaque, so that showing it is a plain copy
        painter = QPainter(self._drawn)
        painter.translate(-QPointF(self._area.topLeft()))
        painter.setClipRect(QRectF(self._area))
        draw(painter)
        painter.end()


def smoothed(heat: QImage) -> QImage:
    """A heat map of one pixel per patch, enlarged smoothly, so that it can be drawn without smoothing."""
    width, height = heat.width(), heat.height()
    rgba = np.frombuffer(bytes(heat.constBits()), dtype=np.uint8).reshape(height, heat.bytesPerLine())[:, : width * 4]
    small = Image.frombytes("RGBA", (width, height), rgba.tobytes())
    size = (width * SMOOTHED, height * SMOOTHED)
    large = small.convert("RGBa").resize(size, Image.Resampling.BILINEAR).tobytes()
    return QImage(large, *size, size[0] * 4, QImage.Format.Format_RGBA8888_Premultiplied).copy()
