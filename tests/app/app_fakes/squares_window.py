"""A window of another process with coloured squares; prints ``click X Y`` (device pixels) for each click it gets.

A square that was clicked on gets a frame, so that the click has an effect to be seen.
"""

from __future__ import annotations

import sys

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QApplication, QWidget

SQUARES = {"#dc2828": (400, 140), "#285adc": (80, 300), "#28aa46": (520, 320)}


class Squares(QWidget):
    painted = False
    framed: frozenset[str] = frozenset()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(245, 245, 245))
        for colour, (x, y) in SQUARES.items():
            painter.fillRect(x, y, 84, 84, QColor(colour))
            if colour in self.framed:
                painter.setPen(QPen(QColor("black"), 6))
                painter.drawRect(x + 3, y + 3, 78, 78)
        if not self.painted:
            self.painted = True
            print("ready", flush=True)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        at = event.globalPosition()
        print(f"click {at.x():.0f} {at.y():.0f}", flush=True)
        inside = event.position()
        hit = {c for c, (x, y) in SQUARES.items() if x <= inside.x() < x + 84 and y <= inside.y() < y + 84}
        self.framed |= hit
        self.update()


app = QApplication(sys.argv[:1])
window = Squares(None, Qt.WindowType.FramelessWindowHint)
window.setWindowTitle("Squares")
window.setGeometry(0, 0, 1280, 800)
window.show()
app.exec()
