"""A window of another process with coloured squares; prints ``click X Y`` (device pixels) for each click it gets."""

from __future__ import annotations

import sys

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QApplication, QWidget

SQUARES = {"#dc2828": (400, 140), "#285adc": (80, 300), "#28aa46": (520, 320)}


class Squares(QWidget):
    painted = False

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(245, 245, 245))
        for colour, (x, y) in SQUARES.items():
            painter.fillRect(x, y, 84, 84, QColor(colour))

        if not self.painted:
            self.painted = True
            print("ready", flush=True)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        at = event.globalPosition()
        print(f"click {at.x():.0f} {at.y():.0f}", flush=True)


app = QApplication(sys.argv[:1])
window = Squares(None, Qt.WindowType.FramelessWindowHint)
window.setWindowTitle("Squares")
window.setGeometry(0, 0, 1280, 800)
window.show()
app.exec()
