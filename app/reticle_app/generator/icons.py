"""Pictures of concepts: glyphs of icon fonts (qtawesome) and files of installed icon themes."""

from __future__ import annotations

import configparser
import importlib
import os
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from random import Random
from types import ModuleType

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QSize
from PySide6.QtGui import QColor, QIcon, QImage, QPainter, QPixmap

from reticle_grounding.errors import BadInput

from .concepts import Concept
from .palettes import contrast

ICON_ROOT = Path("/usr/share/icons")
GLYPHS = {
    "fa5": ("fa5s.{}", "fa5.{}"),
    "fa5-regular": ("fa5.{}", "fa5s.{}"),
    "fa6": ("fa6s.{}", "fa6.{}"),
    "ei": ("ei.{}",),
    "mdi6": ("mdi6.{}", "mdi6.{}-outline"),
    "mdi6-outline": ("mdi6.{}-outline", "mdi6.{}"),
    "ph": ("ph.{}",),
    "ph-light": ("ph.{}-light",),
    "ph-bold": ("ph.{}-bold",),
    "ph-fill": ("ph.{}-fill",),
    "ri-line": ("ri.{}-line", "ri.{}"),
    "ri-fill": ("ri.{}-fill", "ri.{}"),
    "msc": ("msc.{}",),
}
THEMES = (
    "Adwaita", "Tango", "breeze", "breeze-dark", "Papirus", "Papirus-Dark",
    "Numix", "gnome", "mate", "oxygen", "nuoveXT2", "Paper", "bloom", "bloom-classic", "suru", "Nuovo",
)  # fmt: skip
SIZES = range(16, 65)
SUFFIXES = ("-line", "-fill", "-outline", "-symbolic")


def glyph_fonts() -> ModuleType:
    """qtawesome. Raises BadInput when it is not installed."""
    try:
        return importlib.import_module("qtawesome")
    except ImportError as error:
        raise BadInput("qtawesome is missing: install it with `pip install 'reticle[train]'`") from error


def families() -> list[str]:
    """Icon families of this computer: the glyph fonts and the installed themes."""
    return [*GLYPHS, *(theme for theme in THEMES if (ICON_ROOT / theme / "index.theme").is_file())]


@lru_cache(maxsize=1)
def _charmaps() -> Mapping[str, Mapping[str, str]]:
    charmaps: Mapping[str, Mapping[str, str]] = glyph_fonts()._instance().charmap
    return charmaps


@lru_cache(maxsize=65536)
def _glyph(family: str, names: tuple[str, ...]) -> str:
    """Full glyph name of the first picture name that the family has, or an empty string."""
    for name in names:
        for suffix in SUFFIXES:
            name = name.removesuffix(suffix)
        for pattern in GLYPHS[family]:
            prefix, _, glyph = pattern.format(name).partition(".")
            if glyph in _charmaps().get(prefix, {}):
                return f"{prefix}.{glyph}"
    return ""


def _glyph_icon(glyph: str, ink: str) -> QIcon:
    icon: QIcon = glyph_fonts().icon(glyph, color=ink)
    return icon


@lru_cache(maxsize=65536)
def _is_drawn(glyph: str) -> bool:
    """Whether the font really has the glyph; some that are in its list are empty."""
    return bool(_mean(_drawn_pixels(_glyph_icon(glyph, "#000000").pixmap(QSize(32, 32)))))


@lru_cache(maxsize=64)
def _theme_files(theme: str) -> dict[str, list[tuple[int, str]]]:
    """Files of a theme by stem, with their nominal size."""
    index = configparser.ConfigParser(interpolation=None, strict=False)
    index.read(ICON_ROOT / theme / "index.theme", encoding="utf-8")
    folders = index.get("Icon Theme", "Directories", fallback="").split(",")
    files: dict[str, list[tuple[int, str]]] = {}
    for folder in folders:
        if not index.has_section(folder) or index.get(folder, "Context", fallback="") in ("Emblems", "Animations"):
            continue
        size, path = index.getint(folder, "Size", fallback=0), ICON_ROOT / theme / folder
        if size not in SIZES or index.get(folder, "Scale", fallback="1") != "1" or not path.is_dir():
            continue
        for name in os.listdir(path):  # half a million files: strings, not Path objects
            stem, dot, kind = name.rpartition(".")
            if dot and kind in ("svg", "png"):
                files.setdefault(stem, []).append((size, f"{path}/{name}"))
    return files


@lru_cache(maxsize=65536)
def _theme_file(theme: str, names: tuple[str, ...], size: int) -> str:
    files = _theme_files(theme)
    for name in names:
        for stem in (name, f"{name}-symbolic"):
            if stem in files:
                return min(files[stem], key=lambda found: (found[0] < size, abs(found[0] - size), found[1]))[1]
    return ""


def concept_icon(concept: Concept, family: str, ink: str, ground: str, size: int) -> QIcon | None:
    """The concept's picture in a family, readable on ``ground``; None when the family has none."""
    if not concept.icons:
        return None
    if family in GLYPHS:
        glyph = _glyph(family, concept.icons)
        return _glyph_icon(glyph, ink) if glyph and _is_drawn(glyph) else None
    file = _theme_file(family, concept.icons, size)
    return _file_icon(file, ink, ground, size) if file else None


def pictured(concept: Concept, chosen: tuple[str, ...], rng: Random, ink: str, ground: str, size: int) -> QIcon | None:
    """As :func:`concept_icon` in the first of the chosen families that has it, else in any."""
    others = families()
    for family in (*chosen, *rng.sample(others, len(others))):
        icon = concept_icon(concept, family, ink, ground, size)
        if icon is not None:
            return icon
    return None


@lru_cache(maxsize=512)
def _file_icon(file: str, ink: str, ground: str, size: int) -> QIcon | None:
    pixmap = QIcon(file).pixmap(QSize(size, size), 2.0)
    if pixmap.isNull():
        return None
    drawn = _drawn_pixels(pixmap)
    mean = _mean(drawn)
    if not mean:
        return None
    if "-symbolic." in file or contrast(mean, ground) < 1.9:
        whole = len(drawn) > SOLID * pixmap.width() * pixmap.height()
        if whole or drawn.std(axis=0).max() > ONE_INK:
            return None  # in one colour it would be a mere patch
        pixmap = recolored(pixmap, ink)
    return QIcon(pixmap)


SOLID, ONE_INK = 0.75, 40.0
"""Share of drawn pixels, and spread of a colour channel, above which a picture cannot be recoloured."""


def _drawn_pixels(pixmap: QPixmap) -> npt.NDArray[np.uint8]:
    """RGB of the pixels that are not transparent, one row each."""
    image = pixmap.toImage().convertToFormat(QImage.Format.Format_RGBA8888)
    pixels = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), -1, 4)
    return pixels[pixels[..., 3] > 96][:, :3]


def _mean(drawn: npt.NDArray[np.uint8]) -> str:
    """Mean colour as ``#rrggbb``; empty when next to nothing is drawn."""
    if len(drawn) < 12:
        return ""
    red, green, blue = (round(float(v)) for v in drawn.mean(axis=0))
    return f"#{red:02x}{green:02x}{blue:02x}"


def recolored(pixmap: QPixmap, ink: str) -> QPixmap:
    """The pixmap's shape in one colour."""
    result = QPixmap(pixmap)
    painter = QPainter(result)
    painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_SourceIn)
    painter.fillRect(result.rect(), QColor(ink))
    painter.end()
    result.setDevicePixelRatio(pixmap.devicePixelRatio())
    return result
