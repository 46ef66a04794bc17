"""Frames per second of a 4K screenshot with heat map and candidates, moved and zoomed by the mouse."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from PySide6.QtCore import QEvent, QObject, QPoint, QPointF, Qt
from PySide6.QtGui import QGuiApplication, QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QApplication

from reticle_app.theme import Theme
from reticle_app.widgets.canvas import Canvas, to_qimage
from reticle_app.windows.main import MainWindow

from .beat import Figures, spin
from .scene import PICTURE, WINDOW, answer, boxes, screenshot

HOW = (
    "The main window, 1920x1080, shows a 4K picture, heat map and nine candidates. Wheel and mouse events are sent to "
    "the picture, or another size to the window, one per frame; a frame ends when the window system has taken it. "
    "by_the_clock: what was seen on this machine with all that ran beside; by_processor: per second of processor time "
    "of the window's process, Qt's own threads included: what an idle machine would show at least, where the window "
    "system costs nothing."
)
PAN_PX, TURN = 14, 45
TARGET_MS = 20.0


class _Paints(QObject):
    """Counts how often a widget was painted."""

    def __init__(self, watched: QObject) -> None:
        super().__init__(watched)
        self.count = 0
        watched.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        self.count += event.type() == QEvent.Type.Paint
        return False


def measure(frames: int) -> dict[str, object]:
    """Cases of movement -> figures. Makes the application object of this process."""
    app = QApplication.instance() or QApplication(["reticle"])
    assert isinstance(app, QApplication)
    window = MainWindow(Theme(app, "light"))
    window.resize(WINDOW.width, WINDOW.height)
    window.move(0, 0)
    window.show()
    window.show_picture(to_qimage(screenshot()))
    window.show_grounding(answer(), 0)
    spin(0.5)
    canvas, paints = window.canvas, _Paints(window.canvas)
    cases: dict[str, object] = {}

    def run(name: str, zoom: float, change: Callable[[int], None]) -> None:
        canvas.set_zoom(zoom)
        spin(0.6)
        change(0)
        cases[name] = _timed(frames, paints, change)
        _release(canvas)
        spin(0.3)

    for zoom in (0.6, 1.0, 2.0):
        run(f"move at {zoom:.0%}", zoom, lambda frame: _pan(canvas, frame))
    run("zoom", 0.5, lambda frame: _wheel(canvas, 24 if (frame // 20) % 2 == 0 else -24))
    run("another size of the window", 0.5, lambda frame: _resize(window, frame))
    window.resize(WINDOW.width, WINDOW.height)
    spin(0.5)
    canvas.set_elements(boxes())
    run(f"move at 60%, {len(boxes())} elements numbered", 0.6, lambda frame: _pan(canvas, frame))
    run(f"zoom, {len(boxes())} elements numbered", 0.5, lambda f: _wheel(canvas, 24 if (f // 20) % 2 == 0 else -24))
    size = window.size()
    window.close()
    picture, shown = f"{PICTURE.width}x{PICTURE.height}", f"{size.width()}x{size.height()}"
    return {"how": HOW, "picture": picture, "window": shown, "platform": app.platformName(), "cases": cases}


def _timed(frames: int, paints: _Paints, change: Callable[[int], None]) -> Figures:
    spent, busy = [], []
    for frame in range(1, frames + 1):
        before, start, used = paints.count, time.perf_counter(), time.process_time()
        change(frame)
        while paints.count == before:
            QApplication.processEvents()
        QGuiApplication.sync()
        spent.append((time.perf_counter() - start) * 1000)
        busy.append((time.process_time() - used) * 1000)
    return {
        "by_the_clock": round(1000 * frames / sum(spent), 1),
        "by_processor": round(1000 * frames / sum(busy), 1),
        "frame_p50_ms": round(float(np.percentile(spent, 50)), 1),
        "frame_p99_ms": round(float(np.percentile(spent, 99)), 1),
        "busy_p50_ms": round(float(np.percentile(busy, 50)), 1),
        "busy_p99_ms": round(float(np.percentile(busy, 99)), 1),
        "busy_over_20ms": int((np.array(busy) > TARGET_MS).sum()),
        "frames": frames,
    }


def _mouse(canvas: Canvas, kind: QEvent.Type, at: QPointF, held: bool) -> None:
    button = Qt.MouseButton.LeftButton
    event = QMouseEvent(
        kind,
        at,
        canvas.mapToGlobal(at),
        Qt.MouseButton.NoButton if kind == QEvent.Type.MouseMove else button,
        button if held else Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
    )
    QApplication.sendEvent(canvas, event)


def _release(canvas: Canvas) -> None:
    _mouse(canvas, QEvent.Type.MouseButtonRelease, QPointF(canvas.rect().center()), False)


def _pan(canvas: Canvas, frame: int) -> None:
    """Drags to and fro over a part wider than what is in sight; the mouse is let go and taken again at each turn."""
    middle = QPointF(canvas.rect().center())
    step = frame % TURN
    way = 1 if (frame // TURN) % 2 == 0 else -1
    start = middle - QPointF(way * PAN_PX * TURN / 2, way * PAN_PX * TURN / 4)
    if step == 0:
        _release(canvas)
        _mouse(canvas, QEvent.Type.MouseButtonPress, start, True)
        step = 1
    at = start + QPointF(way * PAN_PX * step, way * PAN_PX * step / 2)
    _mouse(canvas, QEvent.Type.MouseMove, at, True)


def _resize(window: MainWindow, frame: int) -> None:
    """The picture fits into a window that is pulled smaller and larger by its corner."""
    if frame == 0:
        window.canvas.fit()
    step = TURN - abs(frame % (2 * TURN) - TURN)  # never the same twice, or nothing would be painted
    window.resize(WINDOW.width - 2 * step - 8, WINDOW.height - 2 * step - 8)


def _wheel(canvas: Canvas, angle: int) -> None:
    at = QPointF(canvas.rect().center())
    event = QWheelEvent(
        at,
        canvas.mapToGlobal(at),
        QPoint(),
        QPoint(0, angle),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(canvas, event)
