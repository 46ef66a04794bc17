"""The picture with the heat map and the candidates over it; zoom, pan, click to choose."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import replace

from PIL import Image
from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QColor,
    QImage,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPixmap,
    QResizeEvent,
    QTransform,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from reticle_grounding.geometry import Affine, Point, Rect, Size, Space
from reticle_grounding.types import Grounding

from .heat import Palette, heat_image
from .layers import Layer, ahead, in_sight, smoothed, whole_pixels
from .marks import Drawing, NumberedBox, draw, marks_of, number_places

ZOOM_MIN, ZOOM_MAX, ZOOM_STEP = 0.05, 16.0, 1.25
MARGIN = 16.0
SETTLE_MS = 120
"""After the last change of the zoom the picture is drawn finely again, after the last move the labels are placed
anew."""
BAND_PX = 1 << 16
"""So many logical pixels of the picture are drawn finely in one turn once the zoom rests: so few that Qt draws them on
this thread alone instead of waiting for others of its own."""
FRAME_MS = 16
"""An answer is drawn this much later than the widgets beside the picture, so that both are never in one turn."""
NEAR_PX = 14.0
"""A click this close to a candidate's point (logical pixels) chooses it even outside its region."""


def to_qimage(image: Image.Image) -> QImage:
    """A Qt copy of an RGB picture; takes tens of milliseconds for a large one, so call it off the window's thread."""
    data = image.convert("RGB").tobytes()
    return QImage(data, image.width, image.height, image.width * 3, QImage.Format.Format_RGB888).copy()


class Canvas(QWidget):
    """Shows one picture (capture pixels) through one affine view; all mapping goes through ``view``."""

    chosen = Signal(int)
    """Index of the candidate the person clicked."""
    zoomed = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Screenshot with candidates")
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.background = QColor("#e6e9ee")
        self.heat_on, self.heat_opacity = True, 0.6
        self._pixmap: QPixmap | None = None
        self._grounding: Grounding | None = None
        self._heat: QImage | None = None
        self._chosen: int | None = None
        self._everything = False
        self._palette: Palette = "safe"
        self._picture_layer, self._shown_layer = Layer(), Layer()
        self._former: tuple[Layer, float] | None = None
        """The fine picture at another zoom, shown stretched while the window gets another size."""
        self._changes = 0
        """Counts changes of what is drawn over the picture."""
        self._placed_for = QRect()
        """The part of the picture that was in sight when the labels got their places."""
        self._coarse = False
        self._settling = QTimer(self)
        self._settling.setSingleShot(True)
        self._settling.setInterval(SETTLE_MS)
        self._settling.timeout.connect(self._settle)
        self._late = QTimer(self)
        self._late.setSingleShot(True)
        self._late.setInterval(FRAME_MS)
        self._late.timeout.connect(self.update)
        self._elements: tuple[Rect, ...] = ()
        self._numbered: tuple[Hashable, list[NumberedBox]] = (None, [])
        """The elements with the places of their numbers, picture's corner at 0, 0, and what they were placed for."""
        self._trail: tuple[Point, ...] = ()
        self._zoom, self._offset, self._fits = 1.0, QPointF(), True
        self._drag_from: QPointF | None = None
        self._pressed_at = QPointF()

    # --- contents ---

    def show_picture(self, image: QImage | None) -> None:
        """Shows a picture fitted to the canvas, without candidates; None clears."""
        self._pixmap = None if image is None else QPixmap.fromImage(image)
        self._elements, self._trail = (), ()
        self.show_grounding(None)
        self.fit()

    def show_grounding(self, grounding: Grounding | None, chosen: int | None = None) -> None:
        """Draws the map and candidates of a grounding of the shown picture."""
        self._grounding = grounding
        self._heat = None if grounding is None else smoothed(heat_image(grounding.attention, self._palette))
        self._chosen = chosen
        self._changes += 1
        self._late.start()  # with the list of candidates in the same turn it would take twice as long

    def choose(self, index: int | None) -> None:
        self._chosen = index
        self.changed()

    def move_candidates(self, grounding: Grounding) -> None:
        """The same answer with a candidate moved; the map stays as it is."""
        self._grounding = grounding
        self.changed()

    @property
    def grounding_palette(self) -> Palette:
        return self._palette

    def set_palette(self, palette: Palette) -> None:
        """Colours of the heat map."""
        self._palette = palette
        if self._grounding is not None:
            self._heat = smoothed(heat_image(self._grounding.attention, palette))
        self.changed()

    def set_everything(self, on: bool) -> None:
        """Whether candidates of a few percent are drawn."""
        self._everything = on
        self.changed()

    def set_elements(self, elements: Sequence[Rect]) -> None:
        """Numbers these boxes (capture pixels) from 1."""
        self._elements = tuple(elements)
        self.changed()

    def set_trail(self, trail: Sequence[Point]) -> None:
        """Where past steps pointed (capture pixels), oldest first."""
        self._trail = tuple(trail)
        self.changed()

    def set_heat(self, on: bool, opacity: float) -> None:
        """``opacity`` is 0..1."""
        self.heat_on, self.heat_opacity = on, opacity
        self.changed()

    def changed(self) -> None:
        """What is drawn over the picture is another than before."""
        self._changes += 1
        self.update()

    @property
    def has_picture(self) -> bool:
        return self._pixmap is not None

    @property
    def picture_size(self) -> Size:
        return Size(self._pixmap.width(), self._pixmap.height()) if self._pixmap else Size(0, 0)

    @property
    def rests(self) -> bool:
        """Whether neither zoom nor place has changed just now, so that all is drawn finely."""
        return not self._settling.isActive()

    # --- view ---

    @property
    def zoom(self) -> float:
        """Logical pixels per capture pixel."""
        return self._zoom

    @property
    def view(self) -> Affine:
        """Capture pixels to this widget's logical pixels."""
        return Affine.scaling(self._zoom, self._zoom).then(Affine.translation(self._offset.x(), self._offset.y()))

    def fit(self) -> None:
        """The whole picture, centred, never enlarged beyond 1:1."""
        self._fit()
        self._rest()
        self._tell()

    def _fit(self) -> None:
        self._fits = True
        size = self.picture_size
        if size.area:
            room_w, room_h = self.width() - 2 * MARGIN, self.height() - 2 * MARGIN
            self._zoom = max(ZOOM_MIN, min(1.0, room_w / size.width, room_h / size.height))
            self._centre()

    def set_zoom(self, zoom: float, anchor: QPointF | None = None) -> None:
        """Zooms so that the capture point under ``anchor`` (default: the middle) stays where it is."""
        anchor = anchor or QPointF(self.width() / 2, self.height() / 2)
        zoom = max(ZOOM_MIN, min(ZOOM_MAX, zoom))
        self._offset = anchor - (anchor - self._offset) * (zoom / self._zoom)
        self._coarse = self._coarse or zoom != self._zoom
        self._zoom, self._fits, self._former = zoom, False, None
        self._settling.start(SETTLE_MS)
        self._keep_in_sight()
        self._tell()

    def zoom_by(self, steps: float) -> None:
        self.set_zoom(self._zoom * ZOOM_STEP**steps)

    def candidate_at(self, position: QPointF) -> int | None:
        """Index of the candidate under a position of this widget: inside its region, else near its point."""
        if self._grounding is None:
            return None
        at = self.view.inverse().point(Point(position.x(), position.y()))
        found = self._grounding.candidates
        inside = [i for i, c in enumerate(found) if c.region.contains(at)]
        if inside:
            return min(inside, key=lambda i: found[i].region.area)
        gaps = [
            (((c.point.x - at.x) ** 2 + (c.point.y - at.y) ** 2) ** 0.5 * self._zoom, i) for i, c in enumerate(found)
        ]
        near = [(gap, i) for gap, i in gaps if gap <= NEAR_PX]
        return min(near)[1] if near else None

    def _centre(self) -> None:
        size = self.picture_size
        self._offset = QPointF(
            (self.width() - size.width * self._zoom) / 2, (self.height() - size.height * self._zoom) / 2
        )

    def _keep_in_sight(self) -> None:
        """At least a strip of the picture stays visible whatever the pan."""
        size, strip = self.picture_size, 60.0
        low_x, low_y = strip - size.width * self._zoom, strip - size.height * self._zoom
        self._offset = QPointF(
            max(low_x, min(self.width() - strip, self._offset.x())),
            max(low_y, min(self.height() - strip, self._offset.y())),
        )

    def _tell(self) -> None:
        self.zoomed.emit(self._zoom)
        self.update()

    # --- events ---

    def sizeHint(self) -> QSize:
        return QSize(720, 480)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        if self._pixmap is None:
            painter.fillRect(self.rect(), self.background)
            return
        if self._coarse:
            self._paint_at_once(painter)
            return
        ratio = self.devicePixelRatioF()
        origin, sight = self._sight()
        if not self._settling.isActive():
            self._placed_for = QRect(sight)
        reach = ahead(sight)
        self._draw_finely()
        key = (self._fine, self._heat_look(), self._changes, self._placed_for.getRect(), self.background.rgb())
        self._shown_layer.ensure(reach, ratio, key, self._paint_shown)
        self._shown_layer.show(painter, reach, origin)

    @property
    def _fine(self) -> tuple[int, float]:
        """What the fine drawing of the picture depends on."""
        return (0 if self._pixmap is None else self._pixmap.cacheKey()), self._zoom

    def _sight(self) -> tuple[QPointF, QRect]:
        """Where the picture's corner is, on a device pixel, and what of the picture is in sight."""
        origin = whole_pixels(self._on_widget(Rect.of_size(self.picture_size)), self.devicePixelRatioF())
        return origin, in_sight(self.rect(), origin)

    def _draw_finely(self, most_px: int | None = None) -> bool:
        """Draws the part of the picture in sight, or the next rows of it; returns whether it is there now."""
        part = ahead(self._sight()[1]).intersected(self._extent().toAlignedRect())
        return self._picture_layer.ensure(part, self.devicePixelRatioF(), self._fine, self._paint_picture, most_px)

    def _paint_at_once(self, painter: QPainter) -> None:
        """While the zoom changes nothing is worth keeping: all is drawn coarsely."""
        painter.fillRect(self.rect(), self.background)
        origin = self._on_widget(Rect.of_size(self.picture_size)).topLeft()
        painter.save()
        painter.translate(origin)
        if self._former is not None:
            self._former[0].stretch(painter, self._zoom / self._former[1])
        else:
            self._draw_picture(painter, False)
        self._draw_heat(painter)
        self._frame(painter)
        painter.restore()
        self.paint_under(painter)
        sight = QRectF(self.rect())
        draw(painter, replace(self.drawing, numbers=False), sight.adjusted(4, 4, -4, -4), sight)

    def _paint_picture(self, painter: QPainter, part: QRect) -> None:
        painter.fillRect(part, self.background)  # the last row and column may be covered by less than a pixel
        self._draw_picture(painter, self._zoom * self.devicePixelRatioF() < 3)

    def _paint_shown(self, painter: QPainter, part: QRect) -> None:
        """Everything, picture's corner at 0, 0; labels stand where they belong for ``_placed_for``."""
        inside = part.intersected(self._extent().toAlignedRect())
        if inside != part:
            painter.fillRect(part, self.background)
        if not inside.isEmpty():
            self._picture_layer.show(painter, inside, QPointF())
        self._draw_heat(painter)
        self._frame(painter)
        # From here on in the widget's coordinates. The offset is taken as it is, so that strips that come later fit.
        painter.translate(-self._offset)
        self.paint_under(painter)
        surface = QRectF(self._placed_for).translated(self._offset).adjusted(4, 4, -4, -4)
        draw(painter, self.drawing, surface, QRectF(part).translated(self._offset))

    def _frame(self, painter: QPainter) -> None:
        painter.setPen(QColor(0, 0, 0, 60))
        painter.drawRect(self._extent().adjusted(-0.5, -0.5, 0.5, 0.5))

    def _settle(self) -> None:
        """The view rests: fine again, turn by turn, and then labels where they belong now."""
        if self._coarse and self._pixmap is not None and not self._draw_finely(BAND_PX):
            self._settling.start(0)
            return
        self._rest()

    def _rest(self) -> None:
        self._settling.stop()
        self._coarse, self._former = False, None
        self.update()

    def paint_under(self, painter: QPainter) -> None:
        """For what lies over the picture and under the candidates: here nothing. :meth:`changed` says it is another."""

    @property
    def drawing(self) -> Drawing:
        """What is drawn over the picture, in this widget's logical pixels."""
        view = self.view
        found = self._grounding.candidates if self._grounding is not None else ()
        boxes = [box.moved(self._offset.x(), self._offset.y()) for box in self._numbered_boxes()]
        trail = tuple(view.point(at) for at in self._trail)
        return Drawing(marks_of(found, view, self._chosen, self._everything), boxes, trail)

    def _numbered_boxes(self) -> list[NumberedBox]:
        """Placing hundreds of numbers takes tens of milliseconds, so they are placed once per zoom, not per move."""
        key = (self._elements, self._zoom, self.font().key())
        if key == self._numbered[0]:
            return self._numbered[1]
        scale = Affine.scaling(self._zoom, self._zoom)
        boxes = [NumberedBox(i, scale.rect(rect)) for i, rect in enumerate(self._elements, 1)]
        if not self._coarse:
            boxes = number_places(boxes, self.font(), self._extent())
            self._numbered = key, boxes
        return boxes

    def _heat_look(self) -> tuple[int, float] | None:
        """What the look of the heat map depends on; None while it is not shown."""
        if self._heat is None or not self.heat_on:
            return None
        return self._heat.cacheKey(), self.heat_opacity

    def _extent(self) -> QRectF:
        """The whole picture with its corner at 0, 0, logical pixels."""
        size = self.picture_size
        return QRectF(0, 0, size.width * self._zoom, size.height * self._zoom)

    def _draw_picture(self, painter: QPainter, smooth: bool) -> None:
        assert self._pixmap is not None, "called with a picture"
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smooth)
        painter.drawPixmap(self._extent(), self._pixmap, QRectF(self._pixmap.rect()))

    def _draw_heat(self, painter: QPainter) -> None:
        """The heat map is smooth already and needs no smoothing here."""
        if self._grounding is None or self._heat is None or not self.heat_on:
            return
        a = self._grounding.transform.affine(Space.PATCH, Space.CAPTURE).then(Affine.scaling(self._zoom, self._zoom))
        painter.save()
        painter.setClipRect(self._extent(), Qt.ClipOperation.IntersectClip)
        painter.setOpacity(self.heat_opacity)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
        painter.setTransform(QTransform(a.xx, a.yx, a.xy, a.yy, a.dx, a.dy), True)
        rows, columns = self._grounding.attention.shape
        painter.drawImage(QRectF(0, 0, columns, rows), self._heat)
        painter.restore()

    def _on_widget(self, rect: Rect) -> QRectF:
        box = self.view.rect(rect)
        return QRectF(box.left, box.top, box.width, box.height)

    def resizeEvent(self, event: QResizeEvent) -> None:
        if not self._fits:
            self._keep_in_sight()
            return
        before = self._zoom
        self._fit()
        if self._zoom != before and not self._coarse and self._picture_layer.drawn_px:
            # a window that is being pulled larger, or a message above: fine once that rests
            self._former, self._picture_layer = (self._picture_layer, before), Layer()
            self._coarse = True
        if self._coarse:
            self._settling.start(SETTLE_MS)
        else:
            self._rest()
        self._tell()

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self.has_picture:
            self.set_zoom(self._zoom * ZOOM_STEP ** (event.angleDelta().y() / 120), event.position())
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._pressed_at = event.position()
        if event.button() in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton) and self.has_picture:
            self._drag_from = event.position()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._drag_from is None:
            over = self.candidate_at(event.position()) is not None
            self.setCursor(Qt.CursorShape.PointingHandCursor if over else Qt.CursorShape.ArrowCursor)
            return
        if (event.position() - self._pressed_at).manhattanLength() > 4:
            self._fits = False
            self._settling.start(SETTLE_MS)
            self._offset += event.position() - self._drag_from
            self._drag_from = event.position()
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
            self._keep_in_sight()
            self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._drag_from = None
        self.setCursor(Qt.CursorShape.ArrowCursor)
        moved = (event.position() - self._pressed_at).manhattanLength() > 4
        index = None if moved else self.candidate_at(event.position())
        if index is not None and event.button() == Qt.MouseButton.LeftButton:
            self.chosen.emit(index)
