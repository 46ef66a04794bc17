"""Small building blocks: labels and buttons with their style property and accessible name set."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import (
    QAbstractButton,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLayout,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QToolButton,
    QWidget,
)
from shiboken6 import isValid

from reticle_app.resources import symbol
from reticle_app.theme import Theme
from reticle_app.translations import tr

ICON = QSize(18, 18)
FLOATING = (
    Qt.WindowType.FramelessWindowHint
    | Qt.WindowType.WindowStaysOnTopHint
    | Qt.WindowType.Tool
    | Qt.WindowType.X11BypassWindowManagerHint
    | Qt.WindowType.WindowDoesNotAcceptFocus
)
"""A window over all others that takes the keyboard from nobody."""


class ElidedLabel(QLabel):
    """One line that is shortened with an ellipsis instead of cut; the tool tip has it whole."""

    def __init__(self) -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setMinimumWidth(60)
        self._whole = ""

    def tell(self, text: str) -> None:
        self._whole = text
        self.setToolTip(text)
        self._elide()

    @property
    def whole(self) -> str:
        return self._whole

    def _elide(self) -> None:
        self.setText(self.fontMetrics().elidedText(self._whole, Qt.TextElideMode.ElideRight, self.width()))

    def resizeEvent(self, event: object) -> None:
        self._elide()


def label(text: str = "", kind: str = "", wrap: bool = False) -> QLabel:
    """``kind`` is "", "muted", "title" or "heading"."""
    made = QLabel(text)
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.setProperty("kind", kind)
    made.setWordWrap(wrap)
    if wrap:
        made.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
    return made


def push_button(text: str, tip: str, kind: str = "") -> QPushButton:
    """A button that neither Enter in a field nor the dialog machinery presses by itself."""
    made = QPushButton(text)
    made.setProperty("kind", kind)
    made.setToolTip(tip)
    made.setAccessibleName(text)
    made.setAccessibleDescription(tip)
    made.setAutoDefault(False)
    made.setDefault(False)
    made.setIconSize(ICON)
    made.setSizePolicy(QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Fixed)
    return made


def quiet_button(name: str, tip: str, checkable: bool = False) -> QToolButton:
    """A borderless symbol button; ``name`` is what a screen reader says."""
    made = QToolButton()
    made.setProperty("kind", "quiet")
    made.setToolTip(tip)
    made.setAccessibleName(name)
    made.setCheckable(checkable)
    made.setIconSize(ICON)
    return made


def frame(kind: str) -> QFrame:
    made = QFrame()
    made.setProperty("kind", kind)
    return made


def set_kind(widget: QWidget, kind: str) -> None:
    """Changes the style property of a living widget; the same one again costs nothing."""
    if widget.property("kind") == kind:
        return
    widget.setProperty("kind", kind)
    widget.style().unpolish(widget)
    widget.style().polish(widget)


class _Flowing(QWidget):
    """What is scrolled is as high as its texts need at its width, not as at the smallest width."""

    def minimumSizeHint(self) -> QSize:
        return QSize(super().minimumSizeHint().width(), 0)


def scrolled(area: QScrollArea, column: QLayout, width: int) -> None:
    """Puts a column, at most ``width`` logical pixels wide, at the left of an area that scrolls up and down only."""
    inside, middle, outer = _Flowing(), QWidget(), QHBoxLayout()
    inside.setObjectName("plain")
    middle.setMaximumWidth(width)
    middle.setLayout(column)
    outer.setContentsMargins(0, 0, 0, 0)
    outer.addWidget(middle, 1)
    outer.addStretch()
    inside.setLayout(outer)
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setWidget(inside)


def clearable(line: QLineEdit) -> None:
    """Gives a line the button that empties it, with a name for those who cannot see it."""
    line.setClearButtonEnabled(True)
    for button in line.findChildren(QAbstractButton):
        button.setAccessibleName(tr("Empty the line"))


def tint(theme: Theme, button: QAbstractButton, name: str, colour: str = "text") -> Callable[[], None]:
    """Gives the button a symbol in a theme colour, now and whenever the theme changes; returns the refresher."""

    def refresh() -> None:
        if not isValid(button):  # its window is gone; the theme outlives it
            theme.changed.disconnect(refresh)
            return
        button.setIcon(symbol(name, theme.colour(colour), theme.colour("disabled")))

    theme.changed.connect(refresh)
    refresh()
    return refresh
