"""Prints the device pixel ratio and, per zoom, which candidates were chosen by clicks on their drawn points."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from test_canvas import SPOTS, five, squares

from reticle_app.widgets.canvas import Canvas, to_qimage
from reticle_grounding.geometry import Point

app = QApplication([])
canvas = Canvas()
canvas.resize(800, 600)
canvas.show()
canvas.show_picture(to_qimage(squares()))
canvas.show_grounding(five(), 0)
print(f"{canvas.devicePixelRatioF():g}")
for zoom in (0.5, 1.0, 2.0):
    chosen: list[int] = []
    canvas.chosen.connect(chosen.append)
    for x, y, _ in SPOTS:
        canvas.set_zoom(zoom)
        at = canvas.view.point(Point(x, y))
        canvas._offset += QPointF(400 - at.x, 300 - at.y)
        at = canvas.view.point(Point(x, y))
        QTest.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=QPoint(round(at.x), round(at.y)))
    canvas.chosen.disconnect()
    print("".join(map(str, chosen)))
