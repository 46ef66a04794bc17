"""A switch, which Qt has no widget for."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton


class Switch(QAbstractButton):
    """A switch with a knob that slides."""

    def __init__(self, on: str, off: str, side: int) -> None:
        super().__init__()
        self._colors = (off, on)
        self.setCheckable(True)
        self.setFixedSize(round(side * 1.9), side)

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(self._colors[self.isChecked()]))
            painter.drawRoundedRect(QRectF(self.rect()), self.height() / 2, self.height() / 2)
            painter.setBrush(QColor("#ffffff" if self.isEnabled() else "#c0c0c0"))
            knob = self.height() - 6
            painter.drawEllipse(self.width() - knob - 3 if self.isChecked() else 3, 3, knob, knob)
