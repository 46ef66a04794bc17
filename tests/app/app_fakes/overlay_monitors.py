"""Shows a candidate on the right one of two monitors and a trail over both; tells its overlays, then stays."""

from __future__ import annotations

import json
import sys

import numpy as np
from PySide6.QtCore import QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication

from reticle_agent.screen import ScreenCapture
from reticle_app.background import MainThread
from reticle_app.overlay import Desk
from reticle_grounding.geometry import Point, Rect, Size, Transform
from reticle_grounding.types import Candidate, Grounding

app = QApplication(sys.argv[:1])
desk = Desk(MainThread())
screen = ScreenCapture()
right = max(screen.displays(), key=lambda d: d.physical.left)
frame = screen.capture(right.id)
size, region = Size(*frame.image.size), Rect(100, 50, 180, 90)
transform = Transform.for_image(size, Size(644, 588), 28)
found = (Candidate(1, region.center, region, 0.9, 0.1, 0.1, "text"),)
answer = Grounding("w", size, found, True, 0.3, np.ones((21, 23), np.float32), transform, {}, "m")
desk.show_candidates(frame, answer, 0, waits_s=2)
desk.show_trail([Point(100.5, 300.5), Point(740.5, 400.5)])


def tell() -> None:
    places = [[w.x(), w.y(), w.width(), w.height(), len(w.marks)] for w in desk.overlays]
    print(json.dumps({"screens": len(QGuiApplication.screens()), "overlays": sorted(places)}), flush=True)


QTimer.singleShot(600, tell)
app.exec()
