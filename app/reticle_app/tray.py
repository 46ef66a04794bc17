"""The icon in the system's tray: show or hide, stop, quit. Only where the desktop has a tray."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QMenu, QSystemTrayIcon, QWidget

from .commands import Commands
from .resources import app_icon
from .translations import tr


class Tray(QObject):
    """Lives on the window's thread, as long as the main window.

    Args:
        window: the main window.
        others: the other windows that are there now.
        stop: ends what is under way.
        can_stop: whether anything is.
        quit_: ends the application.
        here: whether the desktop has a tray; None asks the desktop.
    """

    def __init__(
        self,
        window: QWidget,
        others: Callable[[], list[QWidget]],
        stop: Callable[[], None],
        can_stop: Callable[[], bool],
        quit_: Callable[[], object],
        here: bool | None = None,
    ) -> None:
        super().__init__(window)
        self._window, self._others, self._can_stop = window, others, can_stop
        self._hidden: list[QWidget] = []
        self.icon: QSystemTrayIcon | None = None
        if not (QSystemTrayIcon.isSystemTrayAvailable() if here is None else here):
            return
        self.menu = QMenu()
        self.toggle = self.menu.addAction("", self.show_or_hide)
        self.stop = self.menu.addAction(tr("Stop"), stop)
        self.menu.addSeparator()
        self.quit = self.menu.addAction(tr("Quit"), quit_)
        self.menu.aboutToShow.connect(self.refresh)
        self.icon = QSystemTrayIcon(app_icon(), self)
        self.icon.setToolTip("Reticle")
        self.icon.setContextMenu(self.menu)
        self.icon.activated.connect(self._activated)
        self.refresh()
        self.icon.show()

    def offer(self, commands: Commands) -> None:
        """Adds hiding to the commands of all windows, where there is a tray to come back from."""
        if self.icon is not None:
            words = tr("Hide all windows (the tray icon shows them again)")
            commands.add("windows.hide", words, self.show_or_hide, group=tr("Windows"), keys="Ctrl+Shift+H")

    @property
    def hidden(self) -> bool:
        """Whether the windows wait in the tray."""
        return bool(self._hidden)

    def show_or_hide(self) -> None:
        """Hides all windows, or shows those again that were hidden."""
        shown = [w for w in (self._window, *self._others()) if w.isVisible()]
        if shown and not (len(shown) == 1 and shown[0].isMinimized()):
            self._hidden = shown
            for window in shown:
                window.hide()
        else:
            back, self._hidden = self._hidden or [self._window], []
            for window in back:
                window.showNormal() if window.isMinimized() else window.show()
            back[0].raise_()
            back[0].activateWindow()
        self.refresh()

    def refresh(self) -> None:
        """What the menu offers now."""
        visible = any(w.isVisible() for w in (self._window, *self._others()))
        self.toggle.setText(tr("Hide Reticle") if visible else tr("Show Reticle"))
        self.stop.setEnabled(self._can_stop())

    def close(self) -> None:
        if self.icon is not None:
            self.icon.hide()
            self.menu.deleteLater()

    def _activated(self, reason: QSystemTrayIcon.ActivationReason) -> None:
        if reason == QSystemTrayIcon.ActivationReason.Trigger:
            self.show_or_hide()
