"""A thin line that moves while something is computed."""

from __future__ import annotations

from PySide6.QtCore import QElapsedTimer, QRectF, QTimer
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from reticle_app.theme import Theme
from reticle_app.translations import tr

HEIGHT, PERIOD_MS, FRAME_MS, SHARE = 3, 1400, 33, 0.3


class BusyLine(QWidget):
    """Takes its room also while it rests, so that nothing jumps."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setFixedHeight(HEIGHT)
        self.setAccessibleName(tr("Working"))
        self._theme = theme
        self._clock = QElapsedTimer()
        self._timer = QTimer(self)
        self._timer.setInterval(FRAME_MS)
        self._timer.timeout.connect(self.update)
        theme.changed.connect(self.update)

    @property
    def busy(self) -> bool:
        return self._timer.isActive()

    def set_busy(self, busy: bool) -> None:
        if busy and not self.busy:
            self._clock.start()
            self._timer.start()
        elif not busy:
            self._timer.stop()
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), self._theme.colour("canvas"))
        if self.busy:
            phase = (self._clock.elapsed() % PERIOD_MS) / PERIOD_MS
            start = (phase * (1 + SHARE) - SHARE) * self.width()
            painter.fillRect(QRectF(start, 0, SHARE * self.width(), HEIGHT), self._theme.colour("accent"))
