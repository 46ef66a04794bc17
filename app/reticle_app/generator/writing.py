"""Writes generated screens in the layout of captured ones: ``images/NNNNN.webp`` and ``screens.jsonl``."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image
from PySide6.QtCore import QMessageLogContext, Qt, QtMsgType, qInstallMessageHandler
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication

from reticle_app.drawn_screens import Row, element_row, write_rows
from reticle_grounding.errors import BadInput

from .icons import glyph_fonts
from .layers import Placed
from .screen import Screen, make_screen

FACTS = ("theme", "scale", "font", "app")
"""What statistics count of each screen."""


def offscreen_application() -> QApplication:
    """The application that draws without a display. Raises BadInput when one is running on a display."""
    running = QApplication.instance()
    if isinstance(running, QApplication):
        if running.platformName() != "offscreen":
            raise BadInput("screens can only be drawn offscreen; start again with QT_QPA_PLATFORM=offscreen")
        return running
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    os.environ.pop("QT_SCALE_FACTOR", None)
    return QApplication(["reticle-screens"])


def _pass_on(kind: QtMsgType, context: QMessageLogContext, text: str | None) -> None:
    """Qt's messages, without those about the missing window manager and about flaws of icon files."""
    if text and context.category != "qt.svg" and not text.startswith("This plugin does not support"):
        sys.stderr.write(f"Qt: {text}\n")


def write_screens(
    out: Path,
    seed: int,
    count: int,
    scale: float | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, object]:
    """Draws ``count`` screens from ``seed`` on into ``out`` and returns statistics of them.

    Raises BadInput when ``out`` cannot be written, or when fonts or icon fonts are missing.
    """
    glyph_fonts()
    application = offscreen_application()
    qInstallMessageHandler(_pass_on)
    application.setEffectEnabled(Qt.UIEffect.UI_General, False)
    application.setCursorFlashTime(0)
    drawn = (make_screen(seed + i, scale) for i in range(count))
    try:
        return write_rows(out, ((as_picture(s.image), row(s)) for s in drawn), count, FACTS, progress)
    except OSError as error:
        raise BadInput(f"cannot write screens to {out}: {error}") from error


def as_picture(image: QImage) -> Image.Image:
    """A Qt picture in physical pixels as RGB."""
    pixels = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), -1, 4)
    return Image.fromarray(np.ascontiguousarray(pixels[:, : image.width(), 2::-1]))


def row(screen: Screen) -> Row:
    """The screen as a row of ``screens.jsonl``, less what its file tells."""
    look = screen.look
    return {
        "app": look.app,
        "toolkit": "qt-generated",
        "theme": look.theme_name,
        "dark": look.colors.dark,
        "icon_theme": look.icons[0],
        "font": look.font,
        "font_pt": look.points,
        "scale": look.scale,
        "elements": [element(p) for p in sorted(screen.placed, key=lambda p: (p.box[1], p.box[0], p.box[2], p.box[3]))],
    }


def element(placed: Placed) -> Row:
    """An element as in captured screens."""
    seen = placed.seen
    return element_row(
        seen.role, seen.name, placed.box, seen.states, seen.text_visible, seen.description, seen.label, seen.value
    )
