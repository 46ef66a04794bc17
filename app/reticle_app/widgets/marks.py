"""Draws candidates the same way on the canvas and on the live overlay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen

from reticle_grounding.geometry import Affine, Point, Rect
from reticle_grounding.types import Candidate

SIGHT = 7.0
BADGE_PAD = 6.0
MARK, CHOSEN, INK = QColor("#1f4fcc"), QColor("#c2410c"), QColor("#ffffff")


@dataclass(frozen=True, slots=True)
class Mark:
    """One candidate in the coordinates of the surface it is drawn on (logical pixels)."""

    number: int
    point: Point
    region: Rect
    p_true: float


def marks_of(candidates: Sequence[Candidate], to_surface: Affine) -> list[Mark]:
    """Maps candidates from capture pixels; ``to_surface`` comes from the one transform."""
    return [Mark(c.rank, to_surface.point(c.point), to_surface.rect(c.region), c.p_true) for c in candidates]


def draw_marks(painter: QPainter, marks: Sequence[Mark], chosen: int | None, surface: QRectF) -> None:
    """Draws the marks, the chosen one (an index) last and strongest; badges stay inside ``surface``."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    order = sorted(range(len(marks)), key=lambda i: (i == chosen, -i))
    for index in order:
        _draw_region(painter, marks[index], index == chosen)
    placed: list[QRectF] = []
    for index in reversed(order):
        placed.append(_draw_badge(painter, marks[index], index == chosen, surface, placed))


def _draw_region(painter: QPainter, mark: Mark, chosen: bool) -> None:
    colour = CHOSEN if chosen else MARK
    box = QRectF(mark.region.left, mark.region.top, mark.region.width, mark.region.height)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(QColor(255, 255, 255, 210), 5 if chosen else 4))
    painter.drawRoundedRect(box, 3, 3)
    painter.setPen(QPen(colour, 3 if chosen else 2))
    painter.drawRoundedRect(box, 3, 3)
    if chosen:
        centre = QPointF(mark.point.x, mark.point.y)
        arm = min(SIGHT, min(box.width(), box.height()) / 4)
        for pen in (QPen(QColor(255, 255, 255, 230), 4), QPen(colour, 2)):
            painter.setPen(pen)
            painter.drawLine(centre - QPointF(arm, 0), centre + QPointF(arm, 0))
            painter.drawLine(centre - QPointF(0, arm), centre + QPointF(0, arm))


def _draw_badge(painter: QPainter, mark: Mark, chosen: bool, surface: QRectF, placed: Sequence[QRectF]) -> QRectF:
    font = painter.font()
    font.setBold(True)
    painter.setFont(font)
    metrics = QFontMetricsF(font)
    label = f"{mark.number}  {mark.p_true:.0%}"
    width, height = metrics.horizontalAdvance(label) + 2 * BADGE_PAD, metrics.height() + 4
    box = _badge_place(mark.region, width, height, surface, placed)
    painter.setPen(QPen(QColor(255, 255, 255, 210), 1.5))
    painter.setBrush(CHOSEN if chosen else MARK)
    painter.drawRoundedRect(box, height / 2 - 2, height / 2 - 2)
    painter.setPen(INK)
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, label)
    return box


def _badge_place(region: Rect, width: float, height: float, surface: QRectF, placed: Sequence[QRectF]) -> QRectF:
    """Above the region, else below, right or left of it: the first place inside the surface that is free."""
    middle = (region.top + region.bottom - height) / 2
    corners = [
        (region.left, region.top - height - 3),
        (region.left, region.bottom + 3),
        (region.right + 4, middle),
        (region.left - width - 4, middle),
    ]
    boxes = [_inside(QRectF(x, y, width, height), surface) for x, y in corners]
    own = QRectF(region.left, region.top, region.width, region.height)
    free = [b for b in boxes if not b.intersects(own) and not any(b.intersects(p) for p in placed)]
    return (free or boxes)[0]


def _inside(box: QRectF, surface: QRectF) -> QRectF:
    x = max(surface.left(), min(box.left(), surface.right() - box.width()))
    y = max(surface.top(), min(box.top(), surface.bottom() - box.height()))
    return QRectF(x, y, box.width(), box.height())
