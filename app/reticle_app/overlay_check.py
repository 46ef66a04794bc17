"""Shows an overlay for a moment and looks whether it is drawn, and whether it stays out of captures."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageChops, ImageQt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication

from reticle_agent.screen import ScreenCapture
from reticle_agent.seams import Frame
from reticle_grounding.errors import ReticleError
from reticle_grounding.geometry import Rect, Size, Transform
from reticle_grounding.types import Candidate, Grounding

from .background import MainThread
from .overlay import Desk, OverlayWindow

SHOWN_S = 0.4
LIMIT_S = 15.0
PATCH_PX = 28


def overlay_works() -> str:
    """Says what was seen. Raises ReticleError when the overlay is not drawn, or is part of a capture."""
    _application = QApplication.instance() or QApplication(["reticle"])
    desk, screen = Desk(MainThread()), ScreenCapture()
    hiding = ScreenCapture(hide_own=desk.hidden_for_capture)
    try:
        before = screen.capture()
        desk.show_candidates(before, _test_mark(before), 0)
        _pump(SHOWN_S)
        if not _differs(before.image, _seen(desk.overlays[0])):
            raise ReticleError("the overlay was not drawn on the screen")
        if _differs(before.image, _in_background(hiding.capture).image):
            raise ReticleError("the overlay, or something else that moved, was visible in a capture")
    finally:
        desk.close()
        screen.close()
        hiding.close()
        _pump(0.0)
    return "drawn on the screen, and taken away for captures"


def _test_mark(frame: Frame) -> Grounding:
    size = Size(*frame.image.size)
    area = Rect(size.width * 0.45, size.height * 0.45, size.width * 0.55, size.height * 0.55)
    return Grounding(
        instruction="test mark",
        image_size=size,
        candidates=(Candidate(1, area.center, area, 1.0, 1.0, 1.0, "element"),),
        found=True,
        threshold=0.0,
        attention=np.ones((1, 1), dtype=np.float32),
        transform=Transform.for_image(size, Size(PATCH_PX, PATCH_PX), PATCH_PX),
        timings_ms={},
        model="none",
    )


def _seen(overlay: OverlayWindow) -> Image.Image:
    """The screen as a person sees it, own windows included."""
    return ImageQt.fromqpixmap(overlay.screen().grabWindow(0)).convert("RGB")


def _differs(one: Image.Image, other: Image.Image) -> bool:
    """Whether the middle of the screen, where the test mark is, looks different."""
    if one.size != other.size:
        return True
    width, height = one.size
    box = (int(width * 0.4), int(height * 0.4), int(width * 0.6), int(height * 0.6))
    return ImageChops.difference(one.crop(box), other.crop(box)).getbbox() is not None


def _pump(seconds: float, done: Callable[[], bool] = lambda: False) -> None:
    """Lets Qt work for a while on this thread, or until it is done."""
    end = time.monotonic() + seconds
    QGuiApplication.processEvents()
    while time.monotonic() < end and not done():
        QGuiApplication.processEvents()
        time.sleep(0.005)


def _in_background(capture: Callable[[], Frame]) -> Frame:
    """Captures on another thread while this one answers its requests, as in a run."""
    frames: list[Frame] = []
    thread = threading.Thread(target=lambda: frames.append(capture()), daemon=True)
    thread.start()
    _pump(LIMIT_S, lambda: not thread.is_alive())
    if not frames:
        raise ReticleError("no capture was made while the overlay was shown")
    return frames[0]
