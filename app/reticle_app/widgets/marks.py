"""Draws candidates, numbered elements and trails the same way on the canvas and on the live overlay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen, QPolygonF

from reticle_app.translations import tr
from reticle_grounding.geometry import Affine, Point, Rect
from reticle_grounding.placing import leader, place_labels, ticks, worth_drawing
from reticle_grounding.types import Candidate

SIGHT = 7.0
SMALL = 48.0
"""Inside a lower or narrower region a cross would hide a word or an icon; there ticks outside tell the point."""
TICK, CLEAR = 6.0, 2.5
"""How far the ticks reach, and how far around a small region its frame stands, so that it cuts no letter."""
BADGE_PAD, GAP = 6.0, 3.0
MARK, CHOSEN, INK = QColor("#1f4fcc"), QColor("#c2410c"), QColor("#ffffff")
ELEMENT, TRAIL = QColor("#0f766e"), QColor("#7c3aed")
LIGHT_EDGE = QColor(255, 255, 255, 210)
NUMBER_RINGS = 1
EDGE = CLEAR + TICK + 2
"""How far lines reach beyond what they frame."""


@dataclass(frozen=True, slots=True)
class Mark:
    """One candidate in the coordinates of the surface it is drawn on (logical pixels)."""

    number: int
    point: Point
    region: Rect
    p_true: float
    chosen: bool = False
    waits_s: float | None = None
    """Seconds until it is clicked without being asked about; None where nothing is counted down."""

    @property
    def words(self) -> str:
        """What its label says."""
        wait = "" if self.waits_s is None else "  " + tr("in {seconds} s").format(seconds=f"{self.waits_s:.0f}")
        return f"{self.number}  {self.p_true:.0%}{wait}"


@dataclass(frozen=True, slots=True)
class NumberedBox:
    """One parsed element (Set-of-Mark) in the coordinates of the surface."""

    number: int
    region: Rect
    label: Rect | None = None
    """Where its number goes; None where that is still to be found."""

    def moved(self, dx: float, dy: float) -> NumberedBox:
        """The same box elsewhere."""
        label = None if self.label is None else self.label.shifted(dx, dy)
        return NumberedBox(self.number, self.region.shifted(dx, dy), label)


@dataclass(frozen=True, slots=True)
class Drawing:
    """All that is drawn over a picture or the desktop."""

    marks: Sequence[Mark] = ()
    elements: Sequence[NumberedBox] = ()
    trail: Sequence[Point] = ()
    """Where past steps pointed, oldest first (Trace-of-Mark)."""
    numbers: bool = True
    """Whether the elements' numbers are drawn, too."""

    def __bool__(self) -> bool:
        return bool(self.marks or self.elements or self.trail)


def marks_of(
    candidates: Sequence[Candidate],
    to_surface: Affine,
    chosen: int | None = None,
    everything: bool = False,
    waits_s: float | None = None,
) -> list[Mark]:
    """Maps what is worth drawing from capture pixels, weakest first and the chosen one last.

    ``to_surface`` comes from the one transform.
    """
    return [
        Mark(
            c.rank,
            to_surface.point(c.point),
            to_surface.rect(c.region),
            c.p_true,
            i == chosen,
            waits_s if i == chosen else None,
        )
        for i in worth_drawing(candidates, chosen, everything)
        for c in (candidates[i],)
    ]


def draw(painter: QPainter, drawing: Drawing, surface: QRectF, part: QRectF | None = None) -> None:
    """Elements below, then the trail, then the candidates.

    Args:
        surface: what labels stay inside of.
        part: what is to be drawn now, where that is not all; elements elsewhere are passed over.
    """
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    draw_elements(painter, drawing.elements, surface, part, drawing.numbers)
    draw_trail(painter, drawing.trail)
    draw_marks(painter, drawing.marks, surface, part)


def draw_marks(painter: QPainter, marks: Sequence[Mark], surface: QRectF, part: QRectF | None = None) -> None:
    """Draws the marks in their order, the chosen one strongest; labels stay inside ``surface`` and cover no mark."""
    if not marks:
        return
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    area = None if part is None else _rect(part)
    for mark in marks:
        if area is None or mark.region.grown(EDGE).intersection(area) is not None:
            _draw_region(painter, mark, _rect(surface))
    served = list(reversed(marks))
    for mark, place in reversed(list(zip(served, label_places(served, _bold(painter), surface), strict=True))):
        if area is None or Rect.around([*place.corners, *mark.region.corners]).grown(EDGE).intersection(area):
            _draw_badge(painter, mark, place)


def label_places(marks: Sequence[Mark], font: QFont, surface: QRectF) -> list[Rect]:
    """Where the labels go, first served first; surface coordinates."""
    metrics = QFontMetricsF(font)
    height = metrics.height() + 4
    sizes = [(metrics.horizontalAdvance(mark.words) + 2 * BADGE_PAD, height) for mark in marks]
    return place_labels(
        [mark.region.grown(CLEAR + (TICK if mark.chosen else 1)) for mark in marks], sizes, _rect(surface), GAP
    )


def number_places(elements: Sequence[NumberedBox], font: QFont, surface: QRectF) -> list[NumberedBox]:
    """The elements with places for their numbers, earlier ones served first."""
    metrics = QFontMetricsF(_small(font))
    sizes = [(metrics.horizontalAdvance(str(e.number)) + 5, metrics.height()) for e in elements]
    places = place_labels([e.region for e in elements], sizes, _rect(surface), 0, (), NUMBER_RINGS)
    return [replace(one, label=place) for one, place in zip(elements, places, strict=True)]


def draw_elements(
    painter: QPainter,
    elements: Sequence[NumberedBox],
    surface: QRectF,
    part: QRectF | None = None,
    numbers: bool = True,
) -> None:
    """A thin frame and a small number for each element that is in sight; places are found for those without one.

    Without numbers it is drawn plainly, too: that is for frames that are gone in a moment.
    """
    area = _rect(part if part is not None else surface).grown(2)
    seen = [e for e in elements if any(r is not None and r.intersection(area) for r in (e.region, e.label))]
    if not seen:
        return
    painter.save()
    frames = [_qrect(one.region) for one in seen]
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, numbers)
    for pen in (QPen(LIGHT_EDGE, 2.5), QPen(ELEMENT, 1)) if numbers else (QPen(ELEMENT, 1),):
        painter.setPen(pen)
        painter.drawRects(frames)
    if numbers:
        missing = [e for e in seen if e.label is None]
        placed = [e for e in seen if e.label is not None] + number_places(missing, painter.font(), surface)
        labels = [(str(e.number), _qrect(e.label)) for e in placed if e.label is not None]
        painter.setPen(QPen(LIGHT_EDGE, 1))
        painter.setBrush(ELEMENT)
        painter.drawRects([box for _, box in labels])
        painter.setPen(INK)
        painter.setFont(_small(painter.font()))
        for words, box in labels:
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, words)
    painter.restore()


def draw_trail(painter: QPainter, trail: Sequence[Point]) -> None:
    """A line through past points and a numbered dot on each, the newest one full, older ones paler."""
    if not trail:
        return
    points = [QPointF(p.x, p.y) for p in trail]
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for pen in (QPen(LIGHT_EDGE, 4), QPen(TRAIL, 2, Qt.PenStyle.DashLine)):
        painter.setPen(pen)
        painter.drawPolyline(QPolygonF(points))
    font = _bold(painter)
    radius = QFontMetricsF(font).height() * 0.55
    painter.setFont(font)
    for number, at in enumerate(points, 1):
        painter.setPen(QPen(LIGHT_EDGE, 1.5))
        painter.setBrush(TRAIL)
        painter.drawEllipse(at, radius, radius)
        painter.setPen(INK)
        box = QRectF(at.x() - radius, at.y() - radius, 2 * radius, 2 * radius)
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, str(number))


def _draw_region(painter: QPainter, mark: Mark, surface: Rect) -> None:
    colour = CHOSEN if mark.chosen else MARK
    box = _qrect(_framed(mark, surface))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(LIGHT_EDGE, 5 if mark.chosen else 4))
    painter.drawRoundedRect(box, 3, 3)
    painter.setPen(QPen(colour, 3 if mark.chosen else 2))
    painter.drawRoundedRect(box, 3, 3)
    if mark.chosen:
        for pen in (QPen(LIGHT_EDGE, 4), QPen(colour, 2)):
            painter.setPen(pen)
            painter.drawLines(_sight(mark, surface))


def _is_small(mark: Mark) -> bool:
    return min(mark.region.width, mark.region.height) < SMALL


def _framed(mark: Mark, surface: Rect) -> Rect:
    """Where its frame stands: clear of a small region, as far as the surface reaches."""
    region = mark.region
    if not _is_small(mark):
        return region
    clear, inside = region.grown(CLEAR), surface.grown(-1)
    return Rect(
        min(region.left, max(clear.left, inside.left)),
        min(region.top, max(clear.top, inside.top)),
        max(region.right, min(clear.right, inside.right)),
        max(region.bottom, min(clear.bottom, inside.bottom)),
    )


def _sight(mark: Mark, surface: Rect) -> list[QLineF]:
    """Lines that tell the point: a cross on it, or ticks outside of a small region, at the point's height and width."""
    box, at = _framed(mark, surface), mark.point
    if not _is_small(mark) or not box.contains(at):  # a moved point may have left the region
        return [QLineF(at.x - SIGHT, at.y, at.x + SIGHT, at.y), QLineF(at.x, at.y - SIGHT, at.x, at.y + SIGHT)]
    return [QLineF(a.x, a.y, b.x, b.y) for a, b in ticks(box, at, TICK)]


def _draw_badge(painter: QPainter, mark: Mark, place: Rect) -> None:
    colour = CHOSEN if mark.chosen else MARK
    line = leader(mark.region, place, 3 * GAP)
    if line is not None:
        ends = [QPointF(end.x, end.y) for end in line]
        for pen in (QPen(LIGHT_EDGE, 3), QPen(colour, 1.5)):
            painter.setPen(pen)
            painter.drawLine(*ends)
    box = _qrect(place)
    painter.setFont(_bold(painter))
    painter.setPen(QPen(LIGHT_EDGE, 1.5))
    painter.setBrush(colour)
    painter.drawRoundedRect(box, box.height() / 2 - 2, box.height() / 2 - 2)
    painter.setPen(INK)
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, mark.words)


def _small(font: QFont) -> QFont:
    small = QFont(font)
    small.setBold(False)
    small.setPointSizeF(max(6.0, font.pointSizeF() * 0.75))
    return small


def _bold(painter: QPainter) -> QFont:
    font = QFont(painter.font())
    font.setBold(True)
    return font


def _qrect(rect: Rect) -> QRectF:
    return QRectF(rect.left, rect.top, rect.width, rect.height)


def _rect(rect: QRectF) -> Rect:
    return Rect(rect.left(), rect.top(), rect.right(), rect.bottom())
