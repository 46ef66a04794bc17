"""The picture as the inspector shows it: patch under the pointer, regions of a threshold, and boxes drawn by hand."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen

from reticle_grounding.geometry import Point, Rect

from .canvas import SETTLE_MS, Canvas

REGION, PATCH, DRAWN, FOCUS = QColor("#dd8800"), QColor("#ffffff"), QColor("#c2410c"), QColor("#0f766e")
REACH = 4.0
"""No frame is drawn further beyond its box than this (logical pixels)."""
LEAST_DRAWN = 3.0
"""A drag shorter than this (logical pixels) draws no box."""


class InspectCanvas(Canvas):
    hovered = Signal(object)
    """Point in capture pixels, or None when the pointer or the keyboard's cursor left the picture."""
    drawn = Signal(Rect)
    """A box the person drew, capture pixels, inside the picture."""
    viewed = Signal(float, QPointF)
    """Zoom and offset after a change by the person."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self._regions: tuple[Rect, ...] = ()
        self._patch: Rect | None = None
        self._focus: Rect | None = None
        self._box: Rect | None = None
        self._drawing_on = False
        self._start: QPointF | None = None
        self._cursor: Point | None = None
        self._seen: tuple[float, float, float] | None = None

    # --- what is drawn ---

    def set_regions(self, regions: Sequence[Rect]) -> None:
        """Regions of the map at the present threshold, capture pixels."""
        self._regions = tuple(regions)
        self.changed()

    def set_patch(self, area: Rect | None) -> None:
        """Outlines one patch (capture pixels)."""
        if area != self._patch:
            self._patch = area
            self.update()

    def set_focus_box(self, rect: Rect | None) -> None:
        """Outlines one element (capture pixels)."""
        self._focus = rect
        self.changed()

    def set_box(self, rect: Rect | None) -> None:
        """The box drawn by hand (capture pixels)."""
        self._box = rect
        self.update()

    @property
    def focus_box(self) -> Rect | None:
        return self._focus

    @property
    def box(self) -> Rect | None:
        return self._box

    def draw_boxes(self, on: bool) -> None:
        """Whether a drag draws a box instead of moving the picture."""
        self._drawing_on = on
        self._start = None
        self.setCursor(Qt.CursorShape.CrossCursor if on else Qt.CursorShape.ArrowCursor)

    @property
    def draws_boxes(self) -> bool:
        return self._drawing_on

    def follow(self, zoom: float, offset: QPointF) -> None:
        """Shows the same part as another canvas, without telling of it."""
        self._coarse = self._coarse or zoom != self._zoom
        self._zoom, self._offset, self._fits, self._former = zoom, QPointF(offset), False, None
        self._settling.start(SETTLE_MS)
        self._seen = (zoom, offset.x(), offset.y())
        self.update()

    # --- events ---

    def paint_under(self, painter: QPainter) -> None:
        self._outline(painter, self._regions, REGION, 1.5, Qt.PenStyle.DashLine)
        if self._focus is not None:
            self._outline(painter, (self._focus,), FOCUS, 3.0)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self.has_picture:
            return
        painter = QPainter(self)
        if self._box is not None:
            self._outline(painter, (self._box,), DRAWN, 2.5)
        if self._patch is not None:
            self._outline(painter, (self._patch,), PATCH, 1.0)
        painter.end()
        now = (self._zoom, self._offset.x(), self._offset.y())
        if now != self._seen:
            self._seen = now
            self.viewed.emit(self._zoom, QPointF(self._offset))

    def _outline(
        self,
        painter: QPainter,
        rects: Sequence[Rect],
        colour: QColor,
        width: float,
        style: Qt.PenStyle = Qt.PenStyle.SolidLine,
    ) -> None:
        """Frames with an edge of the other lightness, so that they show on any picture; hundreds in one go."""
        zoom, x, y = self._zoom, self._offset.x(), self._offset.y()
        boxes = [QRectF(r.left * zoom + x, r.top * zoom + y, r.width * zoom, r.height * zoom) for r in rects]
        if painter.hasClipping():
            part = painter.clipBoundingRect().adjusted(-REACH, -REACH, REACH, REACH)
            boxes = [box for box in boxes if part.intersects(box)]
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(0, 0, 0, 160) if colour is PATCH else QColor(255, 255, 255, 190), width + 2))
        painter.drawRects(boxes)
        painter.setPen(QPen(colour, width, style))
        painter.drawRects(boxes)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if self._drawing_on and self.has_picture and event.button() == Qt.MouseButton.LeftButton:
            self._start = event.position()
            return
        super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._start is not None:
            self._box = self._between(self._start, event.position())
            self.update()
            return
        super().mouseMoveEvent(event)
        if self._drawing_on:
            self.setCursor(Qt.CursorShape.CrossCursor)
        self._tell_hover(event.position())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._start is None:
            super().mouseReleaseEvent(event)
            return
        start, self._start = self._start, None
        box = self._between(start, event.position())
        self.set_box(box)
        if box is not None:
            self.drawn.emit(box)

    def leaveEvent(self, event: QEvent) -> None:
        self.hovered.emit(None)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Control with arrows moves a cursor over the patches, so that hover values need no mouse."""
        steps = {Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Up: (0, -1), Qt.Key.Key_Down: (0, 1)}
        step = steps.get(Qt.Key(event.key()))
        if step is None or not event.modifiers() & Qt.KeyboardModifier.ControlModifier or not self.has_picture:
            super().keyPressEvent(event)
            return
        size = self.picture_size
        side = self._patch.width if self._patch is not None else 28.0
        at = self._cursor or Point(size.width / 2, size.height / 2)
        x = min(max(at.x + step[0] * side, 0.0), size.width - 1.0)
        y = min(max(at.y + step[1] * side, 0.0), size.height - 1.0)
        self._cursor = Point(x, y)
        self.hovered.emit(self._cursor)

    def _tell_hover(self, position: QPointF) -> None:
        if not self.has_picture:
            return
        at = self.view.inverse().point(Point(position.x(), position.y()))
        inside = Rect.of_size(self.picture_size).contains(at)
        self._cursor = at if inside else None
        self.hovered.emit(at if inside else None)

    def _between(self, one: QPointF, other: QPointF) -> Rect | None:
        """The box of a drag in whole capture pixels, cut to the picture; None for a mere click."""
        if (other - one).manhattanLength() < LEAST_DRAWN:
            return None
        back = self.view.inverse()
        ends = [back.point(Point(at.x(), at.y())) for at in (one, other)]
        rect = Rect.around(ends)
        whole = Rect(
            float(round(rect.left)), float(round(rect.top)), float(round(rect.right)), float(round(rect.bottom))
        )
        return whole.intersection(Rect.of_size(self.picture_size))
