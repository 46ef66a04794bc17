"""Writes generated screens in the layout of captured ones: ``images/NNNNN.webp`` and ``screens.jsonl``."""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image
from PySide6.QtCore import QMessageLogContext, Qt, QtMsgType, qInstallMessageHandler
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication

from reticle_grounding.errors import BadInput

from .icons import glyph_fonts
from .layers import Placed
from .screen import Screen, make_screen


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
    try:
        (out / "images").mkdir(parents=True, exist_ok=True)
        return _write(out, seed, count, scale, progress)
    except OSError as error:
        raise BadInput(f"cannot write screens to {out}: {error}") from error


def _write(
    out: Path, seed: int, count: int, scale: float | None, progress: Callable[[int, int], None] | None
) -> dict[str, object]:
    statistics = Statistics()
    with (out / "screens.jsonl").open("w", encoding="utf-8") as rows:
        for i in range(count):
            screen = make_screen(seed + i, scale)
            name = f"images/{i:05d}.webp"
            as_picture(screen.image).save(out / name, lossless=True, quality=20, method=1)
            rows.write(json.dumps(row(screen, name), ensure_ascii=False) + "\n")
            statistics.add(screen)
            if progress:
                progress(i + 1, count)
    return statistics.summary()


def as_picture(image: QImage) -> Image.Image:
    """A Qt picture in physical pixels as RGB."""
    pixels = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), -1, 4)
    return Image.fromarray(np.ascontiguousarray(pixels[:, : image.width(), 2::-1]))


def row(screen: Screen, image: str) -> dict[str, object]:
    """The screen as a row of ``screens.jsonl``."""
    look = screen.look
    return {
        "image": image,
        "width": screen.image.width(),
        "height": screen.image.height(),
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


def element(placed: Placed) -> dict[str, object]:
    """An element as in captured screens; ``label`` and ``value`` only where there are any."""
    seen = placed.seen
    made: dict[str, object] = {
        "role": seen.role,
        "name": seen.name,
        "description": seen.description,
        "bbox": list(placed.box),
        "states": list(seen.states),
        "text_visible": seen.text_visible,
    }
    if seen.label:
        made["label"] = seen.label
    if seen.value:
        made["value"] = seen.value
    return made


class Statistics:
    """Counts over the screens written."""

    def __init__(self) -> None:
        self.counts: dict[str, Counter[str]] = {}
        self.screens = self.dark = self.elements = 0

    def add(self, screen: Screen) -> None:
        self.screens += 1
        self.dark += screen.look.colors.dark
        self.elements += len(screen.placed)
        look = screen.look
        size = f"{screen.image.width()}x{screen.image.height()}"
        facts = {"theme": look.theme_name, "scale": f"{look.scale:g}", "font": look.font, "app": look.app, "size": size}
        for name, value in facts.items():
            self.counts.setdefault(name, Counter())[value] += 1
        roles = self.counts.setdefault("role", Counter())
        text = self.counts.setdefault("text_visible", Counter())
        for placed in screen.placed:
            roles[placed.seen.role] += 1
            text[str(placed.seen.text_visible).lower()] += 1

    def summary(self) -> dict[str, object]:
        """Totals, the share of dark screens and the counts, commonest first."""
        counted = {name: dict(counter.most_common()) for name, counter in self.counts.items()}
        dark = round(self.dark / self.screens, 3) if self.screens else 0.0
        return {"screens": self.screens, "elements": self.elements, "dark": dark, **counted}
