"""Wallpapers, desktop icons and panels."""

from __future__ import annotations

from random import Random

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QColor, QLinearGradient, QPainter, QRadialGradient
from PySide6.QtWidgets import QHBoxLayout, QLabel, QListWidget, QToolButton, QVBoxLayout, QWidget

from reticle_grounding.training import words

from .kit import Kit
from .layers import Pile
from .palettes import hsl, readable_on


def wallpaper(pile: Pile, rng: Random) -> str:
    """Paints a background: plain, a gradient, or hills; returns a colour that stands for it."""
    hue, dark = rng.random(), rng.random() < 0.5
    first, second = (
        hsl(hue + rng.uniform(0, 0.15), rng.uniform(0.1, 0.7), lightness) for lightness in _pair(rng, dark)
    )
    area = QRect(0, 0, pile.logical.width() + 1, pile.logical.height() + 1)
    kind = rng.choice(("plain", "linear", "linear", "radial", "hills"))
    with QPainter(pile.image) as painter:
        painter.fillRect(area, QColor(first))
        if kind == "plain":
            return first
        gradient = QLinearGradient(0, 0, area.width() * rng.random(), area.height())
        if kind == "radial":
            radial = QRadialGradient(area.width() * rng.random(), area.height() * rng.random(), area.width() * 0.8)
            _stops(radial, first, second)
            painter.fillRect(area, radial)
            return first
        _stops(gradient, first, second)
        painter.fillRect(area, gradient)
        if kind == "hills":
            _hills(painter, area, rng, second)
    return first


def _pair(rng: Random, dark: bool) -> tuple[float, float]:
    return (rng.uniform(0.05, 0.25), rng.uniform(0.2, 0.4)) if dark else (rng.uniform(0.5, 0.7), rng.uniform(0.7, 0.95))


def _stops(gradient: QLinearGradient | QRadialGradient, first: str, second: str) -> None:
    gradient.setColorAt(0, QColor(first))
    gradient.setColorAt(1, QColor(second))


def _hills(painter: QPainter, area: QRect, rng: Random, color: str) -> None:
    painter.setPen(Qt.PenStyle.NoPen)
    for i in range(rng.randint(2, 5)):
        painter.setBrush(QColor(color).darker(110 + 12 * i))
        wide = rng.randint(area.width() // 2, area.width())
        left, top = rng.randint(-wide // 2, area.width()), area.height() - rng.randint(60, area.height() // 2)
        painter.drawEllipse(left, top, wide, area.height())


def desktop_icons(kit: Kit, ground: str, height: int) -> QWidget:
    """A column or two of icons with their names below, on nothing."""
    view = QListWidget()
    size = kit.rng.choice((32, 48, 64))
    cell = QSize(size + 56, size + 42)
    view.setViewMode(QListWidget.ViewMode.IconMode)
    view.setFlow(QListWidget.Flow.TopToBottom)
    view.setIconSize(QSize(size, size))
    view.setGridSize(cell)
    view.setFrameShape(QListWidget.Shape.NoFrame)
    ink = readable_on(ground)
    view.setStyleSheet(f"QListWidget {{ background: transparent; border: none; color: {ink}; }}")
    view.viewport().setAutoFillBackground(False)
    for _ in range(kit.rng.randint(2, max(2, height // cell.height()))):
        concept = kit.concept()
        icon = kit.icon(concept, size, ink, ground)
        if not icon.isNull():
            view.addItem(_entry(kit, kit.rng.choice(concept.labels)))
            view.item(view.count() - 1).setIcon(icon)
    view.setFixedSize(cell.width() * 2 + 8, height)
    return view


def _entry(kit: Kit, label: str) -> str:
    return label if kit.chance(0.6) else words.pick(kit.rng, "nouns").capitalize()


def panel(kit: Kit, length: int, vertical: bool) -> QWidget:
    """A task bar: a start button, icons, open windows, a tray and a clock."""
    bar = QWidget()
    bar.setAutoFillBackground(True)
    layout = QVBoxLayout(bar) if vertical else QHBoxLayout(bar)
    layout.setContentsMargins(4, 2, 4, 2)
    layout.setSpacing(kit.rng.choice((2, 4, 8)))
    size = kit.rng.choice((22, 24, 32, 40))
    layout.addWidget(kit.icon_button(size, kit.named("Applications", "applications", "Menu", "menu", "Home")))
    for _ in range(kit.rng.randint(2, 8)):
        layout.addWidget(kit.icon_button(size))
    if not vertical:
        for _ in range(kit.rng.randint(0, 4)):
            layout.addWidget(_task(kit))
    layout.addStretch(1)
    for _ in range(kit.rng.randint(1, 5)):
        layout.addWidget(kit.icon_button(min(size, 22)))
    layout.addWidget(QLabel(f"{kit.rng.randrange(24):02d}:{kit.rng.randrange(60):02d}"))
    thick = size + 14
    bar.setFixedSize(thick + 20, length) if vertical else bar.setFixedSize(length, thick)
    return bar


def _task(kit: Kit) -> QToolButton:
    icon = kit.shown_concept(16)[1]
    task = QToolButton()
    task.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
    task.setIcon(icon)
    task.setIconSize(QSize(16, 16))
    task.setText(words.label(kit.rng, "titles").replace("&", "&&"))
    task.setCheckable(True)
    task.setChecked(kit.chance(0.3))
    return task
