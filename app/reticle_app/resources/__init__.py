"""Pictures that ship with the application: the app icon and one-colour symbols tinted to the theme."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from pathlib import Path

from PIL import Image
from PySide6.QtCore import QByteArray, QRectF, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

SIZES = (16, 20, 24, 32, 48, 64, 96, 128)
SYMBOL_SIZES, RATIOS = (16, 18, 22), (1, 1.25, 1.5, 2, 3)
"""Symbols are shown so large (logical pixels), on screens of such scales; each is drawn for its own pixels.

Qt rounds half a pixel up.
"""


@lru_cache(maxsize=64)
def _svg(name: str) -> str:
    return files(__name__).joinpath(name).read_text(encoding="utf-8")


def resource_path(name: str) -> str:
    """File path of a resource, with forward slashes, for style sheets."""
    return Path(str(files(__name__).joinpath(name))).as_posix()


def _render(svg: str, size: int) -> QPixmap:
    pixmap = QPixmap(size, size)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    QSvgRenderer(QByteArray(svg.encode())).render(painter, QRectF(0, 0, size, size))
    painter.end()
    return pixmap


def app_icon() -> QIcon:
    """The icon of windows and task bar."""
    icon = QIcon()
    for size in SIZES:
        icon.addPixmap(_render(_svg("reticle.svg"), size))
    return icon


def app_pixmap(size: int, ratio: float) -> QPixmap:
    """The app icon, ``size`` logical pixels wide on a screen of this device pixel ratio."""
    pixmap = _render(_svg("reticle.svg"), round(size * ratio))
    pixmap.setDevicePixelRatio(ratio)
    return pixmap


def symbol(name: str, colour: QColor, disabled: QColor | None = None) -> QIcon:
    """A symbol of ``icons/`` in the given colour."""
    icon = QIcon()
    svg = _svg(f"icons/{name}.svg")
    for size in sorted({int(size * ratio + 0.5) for size in SYMBOL_SIZES for ratio in RATIOS}):
        icon.addPixmap(_drawn(svg, colour.name(), size))
        if disabled is not None:
            icon.addPixmap(_drawn(svg, disabled.name(), size), QIcon.Mode.Disabled)
    return icon


@lru_cache(maxsize=2048)
def _drawn(svg: str, colour: str, size: int) -> QPixmap:
    return _render(svg.replace("#000", colour), size)


def sample_picture() -> Image.Image:
    """The bundled screenshot as RGB (drawn by ``packaging/draw_sample.py``); takes a moment to read."""
    with Image.open(resource_path("sample.png")) as picture:
        return picture.convert("RGB")
