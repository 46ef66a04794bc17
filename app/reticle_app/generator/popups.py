"""Menus and menu bars that can be drawn open without a window system."""

from __future__ import annotations

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QMenuBar, QStyle, QStyleOptionMenuItem, QWidget


class ShownMenu(QMenu):
    """A menu with one entry drawn as pointed at, without opening its submenu."""

    def __init__(self, title: str, parent: QWidget) -> None:
        super().__init__(title, parent)
        self.pointed: QAction | None = None

    def initStyleOption(self, option: QStyleOptionMenuItem, action: QAction) -> None:
        super().initStyleOption(option, action)
        _point(option, action is self.pointed)


class ShownMenuBar(QMenuBar):
    """A menu bar with one title drawn as open."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.pointed: QAction | None = None

    def initStyleOption(self, option: QStyleOptionMenuItem, action: QAction) -> None:
        super().initStyleOption(option, action)
        _point(option, action is self.pointed)


def _point(option: QStyleOptionMenuItem, pointed: bool) -> None:
    if pointed:
        flag = QStyle.StateFlag
        option.state = option.state | flag.State_Selected | flag.State_Sunken
