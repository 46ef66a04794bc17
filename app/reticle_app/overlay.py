"""What Reticle draws on the desktop itself, and how its own windows get out of the way of captures and clicks.

The overlay windows take no input and no focus. Their shape is cut to the drawn pixels, so nothing else of the desktop
is covered even where no compositor blends windows.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from PySide6.QtCore import QPoint, QRectF, Qt, QTimer
from PySide6.QtGui import QBitmap, QGuiApplication, QImage, QPainter, QPaintEvent, QRegion, QScreen
from PySide6.QtWidgets import QWidget

from reticle_agent.seams import Display, Frame
from reticle_grounding.geometry import Affine, Point, Rect, Size, Space
from reticle_grounding.types import Grounding

from .background import MainThread
from .translations import tr
from .widgets.basics import FLOATING
from .widgets.marks import Drawing, Mark, NumberedBox, draw, marks_of

RAISE_MS = 150
OVERLAY_GONE_S, WINDOW_GONE_S = 0.1, 0.5
"""How long the desktop gets to repaint what a hidden window covered (a window manager may animate it away)."""


def physical_rect(screen: QScreen) -> Rect:
    """Where a Qt screen lies in device pixels. Qt keeps a screen's origin in device pixels and scales its size."""
    area, ratio = screen.geometry(), screen.devicePixelRatio()
    return Rect(area.x(), area.y(), area.x() + area.width() * ratio, area.y() + area.height() * ratio)


def screen_of(display: Display) -> QScreen:
    """The Qt screen that shows a display: the one with the largest common area."""

    def common(screen: QScreen) -> float:
        cut = display.physical.intersection(physical_rect(screen))
        return cut.area if cut else 0.0

    return max(QGuiApplication.screens(), key=common)


class OverlayWindow(QWidget):
    """Covers one screen, shows candidates, lets everything through."""

    def __init__(self, screen: QScreen) -> None:
        untouched = Qt.WindowType.WindowTransparentForInput | Qt.WindowType.NoDropShadowWindowHint
        super().__init__(None, FLOATING | untouched)
        self.setWindowTitle("Reticle overlay")
        self.setAccessibleName(tr("Candidates on the desktop"))
        for attribute in (
            Qt.WidgetAttribute.WA_TranslucentBackground,
            Qt.WidgetAttribute.WA_TransparentForMouseEvents,
            Qt.WidgetAttribute.WA_ShowWithoutActivating,
        ):
            self.setAttribute(attribute)
        self.setScreen(screen)
        self.setGeometry(screen.geometry())
        self.screen_name = screen.name()
        """The screen it was made for; Qt may report another one while the window is hidden."""
        self._drawing, self._drawn = Drawing(), QRegion()

    @property
    def marks(self) -> Sequence[Mark]:
        """The candidates that are drawn, in this window's coordinates."""
        return self._drawing.marks

    @property
    def drawing(self) -> Drawing:
        return self._drawing

    def set_drawing(self, drawing: Drawing) -> None:
        """What to draw; the window is shown by :meth:`appear`, and hidden when there is nothing."""
        if drawing == self._drawing:
            return
        self._drawing = drawing
        self._drawn = self._shape() if drawing else QRegion()
        if drawing:
            self.update()
        else:
            self.hide()

    def appear(self, own: QRegion) -> None:
        """Shows the marks, if any, on top but not over ``own`` windows (desktop coordinates), which have their own."""
        seen = self._drawn - own.translated(-self.geometry().topLeft())
        if seen.isEmpty():
            self.hide()
            return
        self.setMask(seen)
        self.show()
        self.raise_()

    def _shape(self) -> QRegion:
        picture = QImage(self.size(), QImage.Format.Format_ARGB32_Premultiplied)
        picture.fill(0)
        painter = QPainter(picture)
        painter.setFont(self.font())
        draw(painter, self._drawing, QRectF(self.rect()))
        painter.end()
        return QRegion(QBitmap.fromImage(picture.createAlphaMask()))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        draw(painter, self._drawing, QRectF(self.rect()))


def capture_to_overlay(frame: Frame, overlay: Size) -> Affine:
    """Capture pixels to the logical pixels of the overlay window that covers the frame's display."""
    window = Affine.mapping(frame.display.physical, Rect.of_size(overlay))
    return frame.transform.affine(Space.CAPTURE, Space.PHYSICAL).then(window)


@dataclass(frozen=True, slots=True)
class _Shown:
    """The candidates on the desktop."""

    frame: Frame
    grounding: Grounding
    chosen: int | None
    waits_s: float | None


class Desk:
    """All of Reticle's own windows. Made and changed on the window's thread; the context manager is for any thread."""

    def __init__(self, main: MainThread) -> None:
        self._main = main
        self._overlays: dict[str, OverlayWindow] = {}
        self._windows: list[QWidget] = []
        self._small: list[QWidget] = []
        self._lock = threading.RLock()
        self._shown: _Shown | None = None
        self._everything = False
        self._elements: tuple[Rect, ...] = ()
        self._trail: tuple[Point, ...] = ()
        self._captures = 0
        """Captures under way; meanwhile no overlay appears. Changed on the window's thread."""

    def add_window(self, window: QWidget) -> None:
        """A window that hides for captures and inputs and must never be a target."""
        self._windows.append(window)

    def add_small_window(self, window: QWidget) -> None:
        """Like :meth:`add_window`, for one that covers so little that the desktop repaints at once."""
        self._windows.append(window)
        self._small.append(window)

    def show_candidates(
        self, frame: Frame, grounding: Grounding, chosen: int | None, waits_s: float | None = None
    ) -> None:
        """Draws candidates over the display the frame was taken from.

        ``waits_s``: seconds until the chosen one is clicked, shown on its label.
        """
        self._shown = _Shown(frame, grounding, chosen, waits_s)
        self._draw()

    def show_everything(self, on: bool) -> None:
        """Whether candidates of a few percent are drawn, too."""
        self._everything = on
        self._draw()

    def show_elements(self, elements: Sequence[Rect]) -> None:
        """Numbers all parsed elements of the shown frame (capture pixels), from 1; none takes the numbers away."""
        self._elements = tuple(elements)
        self._draw()

    def show_trail(self, trail: Sequence[Point]) -> None:
        """Draws where past steps pointed, in device pixels of the desktop, on every monitor; none takes it away."""
        self._trail = tuple(trail)
        self._draw()

    def clear(self) -> None:
        """Takes everything off the desktop; what is wanted on demand is drawn again with the next candidates."""
        self._shown, self._elements = None, ()
        for window in self._overlays.values():
            window.set_drawing(Drawing())

    def _draw(self) -> None:
        shown = self._shown
        if shown is None:
            return
        screen = screen_of(shown.frame.display)
        for one in QGuiApplication.screens() if self._trail else [screen]:
            self._overlay(one)
        for window in self._overlays.values():
            here = window.screen_name == screen.name()
            trail = _on_screen(self._trail, window.screen()) if self._trail else ()
            if not here:
                window.set_drawing(Drawing(trail=trail))
                continue
            link = capture_to_overlay(shown.frame, Size(window.width(), window.height()))
            marks = marks_of(shown.grounding.candidates, link, shown.chosen, self._everything, shown.waits_s)
            boxes = [NumberedBox(i, link.rect(r)) for i, r in enumerate(self._elements, 1)]
            window.set_drawing(Drawing(tuple(marks), tuple(boxes), trail))
        self.refresh()

    def _overlay(self, screen: QScreen) -> OverlayWindow:
        window = self._overlays.get(screen.name())
        if window is None:
            window = self._overlays[screen.name()] = OverlayWindow(screen)
        window.setGeometry(screen.geometry())
        return window

    def close(self) -> None:
        self._windows.clear()
        self._small.clear()
        for window in self._overlays.values():
            window.close()
            window.deleteLater()
        self._overlays.clear()

    @property
    def overlays(self) -> list[OverlayWindow]:
        return list(self._overlays.values())

    def own_windows(self) -> list[int]:
        """Window-system ids of all own windows that take input; safe from any thread."""
        return self._main.call(lambda: [int(w.winId()) for w in self._windows if w.isVisible()])

    def own_rects(self) -> list[Rect]:
        """Where visible own windows lie, in device pixels; safe from any thread."""
        return self._main.call(lambda: [_physical_frame(w) for w in self._windows if w.isVisible()])

    @contextmanager
    def hidden_for_capture(self) -> Iterator[None]:
        """Hides overlay and windows, waits until they are gone, and brings them back as they were.

        From any thread but the window's it blocks until the window's thread has done its part.
        Raises Cancelled when the window is closed.
        """
        with self._lock:
            hidden, wait_s = self._main.call(self._hide)
            try:
                if wait_s:
                    time.sleep(wait_s)
                yield
            finally:
                self._main.post(lambda: self._restore(hidden))

    def _hide(self) -> tuple[list[QWidget], float]:
        self._captures += 1
        overlays = [w for w in self._overlays.values() if w.isVisible()]
        windows = [w for w in self._windows if w.isVisible() and not w.isMinimized()]
        for widget in (*overlays, *windows):
            widget.hide()
        QGuiApplication.sync()
        hidden = [*overlays, *windows]
        large = any(window not in self._small for window in windows)
        return hidden, WINDOW_GONE_S if large else OVERLAY_GONE_S if hidden else 0.0

    def _restore(self, hidden: list[QWidget]) -> None:
        self._captures -= 1
        for widget in hidden:
            if widget in self._windows:
                place = widget.pos()
                widget.setAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating, True)
                widget.show()
                widget.move(place)
        self.refresh()
        QTimer.singleShot(RAISE_MS, self.refresh)

    def refresh(self) -> None:
        """Cuts the overlays to what own windows leave free; called again whenever one of those moves or appears."""
        if self._captures:
            return
        own = QRegion()
        for window in self._windows:
            if window.isVisible() and not window.isMinimized():
                own = own.united(window.frameGeometry())
        for overlay in self._overlays.values():
            overlay.appear(own)


def _on_screen(trail: Sequence[Point], screen: QScreen) -> tuple[Point, ...]:
    """Points of the desktop in the coordinates of the window that covers a screen; those elsewhere lie outside it."""
    area = screen.geometry()
    link = Affine.mapping(physical_rect(screen), Rect(0, 0, area.width(), area.height()))
    return tuple(link.point(at) for at in trail)


def _physical_frame(window: QWidget) -> Rect:
    area = window.frameGeometry()
    screen = window.screen()
    link = Affine.mapping(_logical_rect(screen), physical_rect(screen))
    corner: QPoint = area.topLeft()
    return link.rect(Rect(corner.x(), corner.y(), corner.x() + area.width(), corner.y() + area.height()))


def _logical_rect(screen: QScreen) -> Rect:
    area = screen.geometry()
    return Rect(area.x(), area.y(), area.x() + area.width(), area.y() + area.height())
