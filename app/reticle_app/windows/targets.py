"""Screens with one target on them, for the calibration: drawn as the overlay draws, told where a press arrives."""

from __future__ import annotations

import queue
import time

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QGuiApplication, QMouseEvent, QPainter, QPaintEvent, QPen, QScreen
from PySide6.QtWidgets import QWidget

from reticle_agent.seams import Display
from reticle_app.background import MainThread
from reticle_app.calibration import COLOUR, XY
from reticle_app.overlay import physical_rect, screen_of
from reticle_app.translations import tr
from reticle_app.widgets.basics import FLOATING
from reticle_grounding.geometry import Affine, Point, Rect

RADIUS = 10
RINGS = (26, 44)
WORDS_PX = 46
SHOWN_S = 0.25
"""How long a target gets to appear on the screen."""
GROUND, TEXT, RING = "#12151b", "#e7eaee", "#5a6474"


class TargetScreen(QWidget):
    """Covers one screen, so that the click can hit nothing else."""

    def __init__(self, screen: QScreen, felt: queue.SimpleQueue[Point]) -> None:
        super().__init__(None, FLOATING)
        self.setWindowTitle(tr("Reticle calibration"))
        self.setAccessibleName(tr("Target of the calibration"))
        self.setAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating)
        self.setScreen(screen)
        self.setGeometry(screen.geometry())
        self._area, self._felt = screen, felt
        self._at, self._words = QPointF(), ""

    def aim_at(self, place: XY, words: str) -> Point:
        """Draws the target at a share of the screen; returns its middle in pixels of the desktop."""
        size = self._area.geometry().size()
        self._at, self._words = QPointF(round(size.width() * place[0]), round(size.height() * place[1])), words
        self.show()
        self.raise_()
        self.update()
        return self._physical(self._at + QPointF(self._area.geometry().topLeft()))

    def _physical(self, at: QPointF) -> Point:
        """Logical to physical, by the link that the overlay draws through."""
        area = self._area.geometry()
        logical = Rect(area.x(), area.y(), area.x() + area.width(), area.y() + area.height())
        return Affine.mapping(logical, physical_rect(self._area)).point(Point(at.x(), at.y()))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._felt.put(self._physical(event.globalPosition()))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(GROUND))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for radius in RINGS:
            painter.setPen(QPen(QColor(RING), 2))
            painter.drawEllipse(self._at, radius, radius)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)  # every pixel of the disc has its colour
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(*COLOUR))
        painter.drawEllipse(QRectF(self._at.x() - RADIUS, self._at.y() - RADIUS, 2 * RADIUS, 2 * RADIUS))
        painter.setPen(QColor(TEXT))
        below = self._at.y() < self.height() / 2
        top = self._at.y() + RINGS[-1] + 16 if below else self._at.y() - RINGS[-1] - 16 - WORDS_PX
        room = QRectF(20, top, self.width() - 40, WORDS_PX)
        painter.drawText(room, Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignVCenter, self._words)


class ScreenTargets:
    """``calibration.Targets`` over Qt screens; every method is for the thread that measures, not for the window's."""

    def __init__(self, main: MainThread) -> None:
        self._main = main
        self._felt: queue.SimpleQueue[Point] = queue.SimpleQueue()
        self._shown: TargetScreen | None = None

    def show(self, display: Display, place: XY, words: str) -> tuple[Point, float]:
        """Returns once the target has had time to appear."""
        while not self._felt.empty():
            self._felt.get()

        def show() -> tuple[Point, float]:
            screen = screen_of(display)
            if self._shown is None or self._shown.screen() is not screen:
                self._take_away()
                self._shown = TargetScreen(screen, self._felt)
            meant = self._shown.aim_at(place, words)
            QGuiApplication.sync()
            return meant, screen.devicePixelRatio()

        shown = self._main.call(show)
        time.sleep(SHOWN_S)
        return shown

    def arrival(self, timeout_s: float) -> Point | None:
        try:
            return self._felt.get(timeout=timeout_s)
        except queue.Empty:
            return None

    def clear(self) -> None:
        self._main.call(self._take_away)

    def _take_away(self) -> None:
        shown, self._shown = self._shown, None
        if shown is not None:
            shown.close()
            shown.deleteLater()
