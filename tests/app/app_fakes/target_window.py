"""A window of another process that fills the display and prints each click it gets as ``click X Y``, device pixels."""

from __future__ import annotations

import sys

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QApplication, QWidget


class Target(QWidget):
    painted = False

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(205, 215, 205))
        for x in range(0, self.width(), 40):
            painter.fillRect(x, 0, 1, self.height(), QColor(150, 160, 150))

        if not self.painted:
            self.painted = True
            print("ready", flush=True)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        at = event.globalPosition()
        print(f"click {at.x():.0f} {at.y():.0f}", flush=True)


app = QApplication(sys.argv[:1])
window = Target(None, Qt.WindowType.FramelessWindowHint)
window.setGeometry(app.primaryScreen().geometry())
window.show()
app.exec()
