"""The picture with the heat map and the candidates over it; zoom, pan, click to choose."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, QTimer, Signal
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
from .layers import Layers, smoothed
from .marks import Drawing, NumberedBox, draw, marks_of

ZOOM_MIN, ZOOM_MAX, ZOOM_STEP = 0.05, 16.0, 1.25
MARGIN = 16.0
SETTLE_MS = 120
"""After the last change of the zoom, the picture is drawn finely again."""
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
        self.background = QColor("#e6e9ee")
        self.heat_on, self.heat_opacity = True, 0.6
        self._pixmap: QPixmap | None = None
        self._grounding: Grounding | None = None
        self._heat: QImage | None = None
        self._chosen: int | None = None
        self._everything = False
        self._palette: Palette = "safe"
        self._layers = Layers()
        self._settling = QTimer(self)
        self._settling.setSingleShot(True)
        self._settling.setInterval(SETTLE_MS)
        self._settling.timeout.connect(self.update)
        self._elements: tuple[Rect, ...] = ()
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
        self.update()

    def choose(self, index: int | None) -> None:
        self._chosen = index
        self.update()

    def move_candidates(self, grounding: Grounding) -> None:
        """The same answer with a candidate moved; the map stays as it is."""
        self._grounding = grounding
        self.update()

    @property
    def grounding_palette(self) -> Palette:
        return self._palette

    def set_palette(self, palette: Palette) -> None:
        """Colours of the heat map."""
        self._palette = palette
        if self._grounding is not None:
            self._heat = smoothed(heat_image(self._grounding.attention, palette))
        self.update()

    def set_everything(self, on: bool) -> None:
        """Whether candidates of a few percent are drawn."""
        self._everything = on
        self.update()

    def set_elements(self, elements: Sequence[Rect]) -> None:
        """Numbers these boxes (capture pixels) from 1."""
        self._elements = tuple(elements)
        self.update()

    def set_trail(self, trail: Sequence[Point]) -> None:
        """Where past steps pointed (capture pixels), oldest first."""
        self._trail = tuple(trail)
        self.update()

    def set_heat(self, on: bool, opacity: float) -> None:
        """``opacity`` is 0..1."""
        self.heat_on, self.heat_opacity = on, opacity
        self.update()

    @property
    def has_picture(self) -> bool:
        return self._pixmap is not None

    @property
    def picture_size(self) -> Size:
        return Size(self._pixmap.width(), self._pixmap.height()) if self._pixmap else Size(0, 0)

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
        self._fits = True
        size = self.picture_size
        if size.area:
            room_w, room_h = self.width() - 2 * MARGIN, self.height() - 2 * MARGIN
            self._zoom = max(ZOOM_MIN, min(1.0, room_w / size.width, room_h / size.height))
            self._centre()
        self._tell()

    def set_zoom(self, zoom: float, anchor: QPointF | None = None) -> None:
        """Zooms so that the capture point under ``anchor`` (default: the middle) stays where it is."""
        anchor = anchor or QPointF(self.width() / 2, self.height() / 2)
        zoom = max(ZOOM_MIN, min(ZOOM_MAX, zoom))
        self._offset = anchor - (anchor - self._offset) * (zoom / self._zoom)
        self._zoom, self._fits = zoom, False
        self._settling.start()
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
        painter.fillRect(self.rect(), self.background)
        if self._pixmap is None:
            return
        picture = self._on_widget(Rect.of_size(self.picture_size))
        ratio, moving = self.devicePixelRatioF(), self._settling.isActive()
        heat = self._heat_look() if self._grounding is not None else None
        key = (self._pixmap.cacheKey(), self._zoom, ratio, moving, heat)
        sight = QRectF(self.rect())
        self._layers.paint(painter, sight, picture, ratio, key, lambda p: self._paint_base(p, moving), not moving)
        painter.setPen(QColor(0, 0, 0, 60))
        painter.drawRect(picture.adjusted(-0.5, -0.5, 0.5, 0.5))
        self.paint_under(painter)
        draw(painter, self.drawing, sight.adjusted(4, 4, -4, -4))

    def paint_under(self, painter: QPainter) -> None:
        """For what lies over the picture and under the candidates; here nothing."""

    @property
    def drawing(self) -> Drawing:
        """What is drawn over the picture, in this widget's logical pixels."""
        view = self.view
        found = self._grounding.candidates if self._grounding is not None else ()
        boxes = [NumberedBox(i, view.rect(r)) for i, r in enumerate(self._elements, 1)]
        trail = tuple(view.point(at) for at in self._trail)
        return Drawing(marks_of(found, view, self._chosen, self._everything), boxes, trail)

    def _heat_look(self) -> tuple[int, float] | None:
        """What the look of the heat map depends on; None while it is not shown."""
        if self._heat is None or not self.heat_on:
            return None
        return self._heat.cacheKey(), self.heat_opacity

    def _paint_base(self, painter: QPainter, moving: bool) -> None:
        """Picture and heat map with the picture's corner at 0, 0; coarser while the zoom changes."""
        assert self._pixmap is not None, "called with a picture"
        smooth = self._zoom * self.devicePixelRatioF() < 3 and not moving
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smooth)
        size = self.picture_size
        area = QRectF(0, 0, size.width * self._zoom, size.height * self._zoom)
        painter.drawPixmap(area, self._pixmap, QRectF(self._pixmap.rect()))
        if self._grounding is None or self._heat is None or not self.heat_on:
            return
        a = self._grounding.transform.affine(Space.PATCH, Space.CAPTURE).then(Affine.scaling(self._zoom, self._zoom))
        painter.setClipRect(area, Qt.ClipOperation.IntersectClip)
        painter.setOpacity(self.heat_opacity)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, not moving)
        painter.setTransform(QTransform(a.xx, a.yx, a.xy, a.yy, a.dx, a.dy), True)
        rows, columns = self._grounding.attention.shape
        painter.drawImage(QRectF(0, 0, columns, rows), self._heat)

    def _on_widget(self, rect: Rect) -> QRectF:
        box = self.view.rect(rect)
        return QRectF(box.left, box.top, box.width, box.height)

    def resizeEvent(self, event: QResizeEvent) -> None:
        if self._fits:
            self.fit()
        else:
            self._keep_in_sight()

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
