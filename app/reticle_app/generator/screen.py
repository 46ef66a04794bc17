"""One generated screen: a desktop with windows, one of which may have a menu or list open."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import cast

from PySide6.QtCore import QEvent, QPoint, QRect, QSize, Qt
from PySide6.QtGui import QImage, QPainter, QPixmapCache
from PySide6.QtWidgets import QApplication, QComboBox, QMainWindow, QMenu, QScrollArea, QToolButton, QWidget

from . import dialogs, parts, windows
from . import dialogs_more as fields
from . import windows_more as more
from .desktop import desktop_icons, panel, wallpaper
from .frames import Frame, draw_frame, outer, random_frame
from .harvest import harvest
from .kit import Kit
from .layers import Pile, Placed
from .look import Look, random_look, varied
from .popups import ShownMenu, ShownMenuBar

SIZES = (
    (1024, 768), (1280, 720), (1280, 800), (1280, 1024), (1366, 768), (1440, 900), (1600, 900), (1680, 1050),
    (1920, 1080), (1920, 1080),
)  # fmt: skip
LARGE = (
    windows.editor, windows.file_manager, windows.mail, windows.paint, windows.studio, windows.player,
    windows.spreadsheet, windows.planner, windows.control_centre, windows.transfers, windows.browser, windows.editor,
    windows.paint, windows.studio, windows.control_centre, more.settings_page, more.settings_page, more.rail, more.rail,
    more.ribbon, more.ribbon, more.gallery, more.console,
    fields.record, fields.record, fields.composer, fields.panels,
)  # fmt: skip
SMALL = (
    dialogs.form_dialog, dialogs.form_dialog, dialogs.preferences, dialogs.preferences, dialogs.wizard, dialogs.message,
    dialogs.login, dialogs.keypad, dialogs.mixer, dialogs.tool_box, dialogs.chooser, dialogs.launcher,
    dialogs.tool_box, more.notification, fields.find_replace, fields.file_dialog,
    fields.print_dialog, fields.colour_dialog, dialogs.form_dialog,
)  # fmt: skip
LEAST = QSize(560, 420)
"""Smallest desktop, in logical pixels, that scaling may leave."""


@dataclass(frozen=True, slots=True)
class Screen:
    """A drawn screen with everything visible on it."""

    image: QImage
    placed: list[Placed]
    look: Look


def make_screen(seed: int, scale: float | None = None) -> Screen:
    """The screen of a seed; needs a running QApplication. Raises BadInput when fonts or icons are missing."""
    rng = Random(f"qt screen {seed}")
    look = random_look(rng, scale)
    fitting = [s for s in SIZES if s[0] / look.scale >= LEAST.width() and s[1] / look.scale >= LEAST.height()]
    QApplication.setStyle(look.style)
    QPixmapCache.clear()
    pile = Pile(rng.choice(fitting), look.scale)
    Painter(rng, look, pile).paint()
    return Screen(pile.image, pile.placed, look)


class Painter:
    """Draws one desktop from the background up."""

    def __init__(self, rng: Random, look: Look, pile: Pile) -> None:
        self.rng, self.look, self.pile = rng, look, pile
        self.frame = random_frame(rng, look)
        self.area = QRect(QPoint(0, 0), pile.logical)

    def paint(self) -> None:
        """Wallpaper, icons, panel, then windows, the last of them active."""
        ground = wallpaper(self.pile, self.rng)
        self.look.apply()
        if self.rng.random() < 0.3:
            self._show(desktop_icons(Kit(self.rng, self.look), ground, self.area.height() - 60), 4, 30)
        if self.rng.random() < 0.5:
            self._panel()
        count = self.rng.choice((1, 2, 2, 3, 3, 4))
        for i in range(count):
            self._window(active=i == count - 1, large=self.rng.random() < (0.75 if i == 0 else 0.35))

    def _show(self, widget: QWidget, left: int, top: int) -> None:
        """Renders a widget without frame and harvests it."""
        settle(widget, widget.size() if widget.testAttribute(Qt.WidgetAttribute.WA_Resized) else None)
        found = harvest(widget)
        self.pile.cover(QRect(left, top, widget.width(), widget.height()))
        self.pile.draw(widget, left, top)
        self.pile.add(found, left, top)
        if widget.parent() is None:
            dispose(widget)

    def _panel(self) -> None:
        look = varied(self.look, self.rng) if self.rng.random() < 0.5 else self.look
        side = self.rng.choice(("top", "bottom", "bottom", "bottom", "left"))
        length = self.area.height() if side == "left" else self.area.width()
        look.apply()
        bar = panel(Kit(self.rng, look), length, side == "left")
        look.dress(bar)
        thick = QSize(bar.size())
        top = self.area.height() - thick.height() if side == "bottom" else 0
        self._show(bar, 0, top)
        self.area.adjust(
            thick.width() if side == "left" else 0,
            thick.height() if side == "top" else 0,
            0,
            -thick.height() if side == "bottom" else 0,
        )

    def _window(self, active: bool, large: bool) -> None:
        rng = self.rng
        look = varied(self.look, rng) if rng.random() < 0.3 else self.look
        look.apply()
        kit = Kit(rng, look)
        window = rng.choice(LARGE if large else SMALL)(kit)
        look.dress(window)
        framed = rng.random() < 0.93
        frame = self.frame if framed else None
        settle(window, self._content_size(window, large, frame))
        left, top = self._place(window.size(), frame)
        self._put(window, look, frame, left, top, active)
        if active:
            self._open_something(kit, window, look, left, top)
        dispose(window)

    def _content_size(self, window: QWidget, large: bool, frame: Frame | None) -> QSize:
        border = outer(frame, QSize(0, 0)) if frame else QSize(0, 0)
        room = self.area.size() - border
        least = window.minimumSizeHint().expandedTo(window.minimumSize())
        if large:
            full = self.rng.random() < 0.35
            wide = room.width() if full else self.rng.randint(room.width() // 2, room.width())
            high = room.height() if full else self.rng.randint(room.height() // 2, room.height())
        else:
            hint = window.sizeHint()
            wide = round(hint.width() * self.rng.uniform(1.0, 1.4))
            high = round(hint.height() * self.rng.uniform(1.0, 1.25))
        return QSize(wide, high).expandedTo(least).boundedTo(room.expandedTo(QSize(200, 150)))

    def _place(self, size: QSize, frame: Frame | None) -> tuple[int, int]:
        """Where the content's corner goes."""
        full = outer(frame, size) if frame else size
        spare = self.area.size() - full
        left = self.area.left() + self.rng.randint(0, max(0, spare.width()))
        top = self.area.top() + self.rng.randint(0, max(0, spare.height()))
        return (left + frame.edge, top + frame.bar) if frame else (left, top)

    def _put(self, window: QWidget, look: Look, frame: Frame | None, left: int, top: int, active: bool) -> None:
        content = QRect(left, top, window.width(), window.height())
        if frame:
            full = QRect(QPoint(left - frame.edge, top - frame.bar), outer(frame, window.size()))
            self.pile.shade(full)
            self.pile.cover(full)
            with QPainter(self.pile.image) as painter:
                painter.translate(full.topLeft())
                found = draw_frame(painter, frame, full.size(), window.windowTitle(), look, active)
            self.pile.add(found, full.left(), full.top())
        self.pile.cover(content)
        self.pile.draw(window, left, top)
        self.pile.add(harvest(window), left, top)

    def _open_something(self, kit: Kit, window: QWidget, look: Look, left: int, top: int) -> None:
        """Opens a menu, a list or a context menu of the active window, in about half of the screens."""
        draw = self.rng.random()
        origin = QPoint(left, top)
        if isinstance(window, QMainWindow) and isinstance(bar := window.menuWidget(), ShownMenuBar) and draw < 0.45:
            self._open_menu(bar, window, look, origin)
        elif draw < 0.6:
            self._open_combo(window, look, origin)
        elif draw < 0.68:
            self._open_button(window, look, origin)
        elif draw < 0.76:
            at = QPoint(self.rng.randint(20, 60), self.rng.randint(60, 100))
            popup = parts.context_menu(kit, window)
            self._popup(popup, look, origin + at * 2)

    def _open_menu(self, bar: ShownMenuBar, window: QWidget, look: Look, origin: QPoint) -> None:
        shown = [a for a in bar.actions() if bar.rect().contains(bar.actionGeometry(a))]
        if not shown:
            return
        action = self.rng.choice(shown)
        bar.pointed = action
        self.pile.draw(bar, *(origin + bar.mapTo(window, QPoint(0, 0))).toTuple())
        corner = bar.mapTo(window, bar.actionGeometry(action).bottomLeft() + QPoint(0, 1))
        self._popup(cast("QMenu", action.menu()), look, origin + corner)

    def _open_combo(self, window: QWidget, look: Look, origin: QPoint) -> None:
        combos = [c for c in window.findChildren(QComboBox) if _whole(c, window)]
        if not combos:
            return
        combo = self.rng.choice(combos)
        popup = combo.view().window()
        look.dress(popup)
        popup.setAttribute(Qt.WidgetAttribute.WA_DontShowOnScreen)
        combo.showPopup()
        spot = origin + combo.mapTo(window, QPoint(0, combo.height()))
        spot = self._inside(spot, popup.size())
        self._show(popup, spot.x(), spot.y())

    def _open_button(self, window: QWidget, look: Look, origin: QPoint) -> None:
        buttons = [b for b in window.findChildren(QToolButton) if b.menu() and _whole(b, window)]
        if buttons:
            button = self.rng.choice(buttons)
            self._popup(button.menu(), look, origin + button.mapTo(window, QPoint(0, button.height())))

    def _popup(self, menu: QMenu, look: Look, corner: QPoint, depth: int = 0) -> None:
        """Draws a menu open, one of its entries pointed at; then that entry's submenu, if it has one."""
        look.dress(menu)
        choices = [a for a in menu.actions() if not a.isSeparator() and a.isEnabled()]
        deeper = [a for a in choices if a.menu()]
        if isinstance(menu, ShownMenu) and choices and self.rng.random() < 0.7:
            menu.pointed = self.rng.choice(deeper or choices)
        settle(menu, menu.sizeHint())
        spot = self._inside(corner, menu.size())
        self.pile.shade(QRect(spot, menu.size()), 4)
        self.pile.cover(QRect(spot, menu.size()))
        self.pile.draw(menu, spot.x(), spot.y())
        self.pile.add(harvest(menu), spot.x(), spot.y())
        if isinstance(menu, ShownMenu) and menu.pointed and menu.pointed.menu() and depth < 2:
            entry = menu.actionGeometry(menu.pointed)
            self._popup(
                cast("QMenu", menu.pointed.menu()), look, spot + QPoint(menu.width() - 2, entry.top()), depth + 1
            )

    def _inside(self, corner: QPoint, size: QSize) -> QPoint:
        """Moves a popup so that it lies on the screen, as far as it fits."""
        room = self.pile.logical - size
        return QPoint(max(0, min(corner.x(), room.width())), max(0, min(corner.y(), room.height())))


def _whole(widget: QWidget, window: QWidget) -> bool:
    """Whether a widget is shown and not scrolled away."""
    return widget.isVisibleTo(window) and not widget.visibleRegion().isEmpty()


def settle(widget: QWidget, size: QSize | None) -> None:
    """Lays a top-level widget out in its final size, without showing it anywhere."""
    widget.setAttribute(Qt.WidgetAttribute.WA_DontShowOnScreen)
    widget.ensurePolished()
    if size is not None:
        widget.resize(size)
    widget.show()
    for _ in range(3):
        QApplication.sendPostedEvents()
    for area in widget.findChildren(QScrollArea):
        area.verticalScrollBar().setValue(int(area.property("reticle_scroll") or 0))


def dispose(widget: QWidget) -> None:
    """Deletes a widget now, so that later looks need not be given to it."""
    widget.deleteLater()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
