"""A slider over the steps of a run, each with a dot that tells what became of it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QSlider

from reticle_agent.trace.words import tone
from reticle_app.theme import Theme
from reticle_app.translations import tr

DOT, HANDLE, FOOT = 7.0, 14, 22
COLOURS = {"good": "good", "calm": "muted", "bad": "bad"}
"""Colour token per tone of a status."""


class TimeLine(QSlider):
    def __init__(self, theme: Theme) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self._theme = theme
        self._tones: list[str] = []
        self.setPageStep(1)
        self.setAccessibleName(tr("Time line"))
        theme.changed.connect(self.update)

    def show_statuses(self, statuses: Sequence[str]) -> None:
        """One status in words per step; the first is shown."""
        self._tones = [tone(status) for status in statuses]
        self.blockSignals(True)
        self.setRange(0, max(0, len(statuses) - 1))
        self.setValue(0)
        self.blockSignals(False)
        self.setEnabled(len(statuses) > 1)
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(200, super().sizeHint().height() + FOOT)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        room = self.width() - HANDLE
        for i, word in enumerate(self._tones):
            share = i / (len(self._tones) - 1) if len(self._tones) > 1 else 0.5
            x = HANDLE / 2 + room * share
            painter.setBrush(QColor(getattr(self._theme.tokens, COLOURS[word])))
            dot = QRectF(x - DOT / 2, self.height() - DOT - 2, DOT, DOT)
            if word == "bad":  # told by its form, too
                painter.drawRect(dot)
            else:
                painter.drawEllipse(dot)
