"""Small building blocks: labels and buttons with their style property and accessible name set."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QKeyEvent
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
HELD = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.MetaModifier
"""Enter with one of these means something else."""
FRAME = QSize(12, 44)
"""What a window manager draws around a window, generously."""
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


class PushButton(QPushButton):
    """Enter presses it like Space does, but only while it has the keyboard itself."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if not _entered(self, event):
            super().keyPressEvent(event)


class QuietButton(QToolButton):
    """Enter presses it like Space does."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if not _entered(self, event):
            super().keyPressEvent(event)


def _entered(button: QAbstractButton, event: QKeyEvent) -> bool:
    """Presses the button for Enter: desktops differ in whether Qt does that, and people do not. A held key is one."""
    if event.key() not in (Qt.Key.Key_Return, Qt.Key.Key_Enter) or event.modifiers() & HELD:
        return False
    if not event.isAutoRepeat():
        button.click()
    event.accept()
    return True


def push_button(text: str, tip: str, kind: str = "") -> QPushButton:
    """A button that neither Enter in a field nor the dialog machinery presses by itself."""
    made = PushButton(text)
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
    made = QuietButton()
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
    # Tab stops at it only where its arrow keys do something; a stop that shows nothing and does nothing is a puzzle
    bar = area.verticalScrollBar()
    bar.rangeChanged.connect(
        lambda low, high: area.setFocusPolicy(Qt.FocusPolicy.StrongFocus if high > low else Qt.FocusPolicy.NoFocus)
    )
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.setProperty("kind", "page")


def open_at_hint(window: QWidget) -> None:
    """As large as it asks for, but with its frame on the screen; Qt alone takes two thirds of a screen at most."""
    room = window.screen().availableSize() - FRAME
    window.resize(window.sizeHint().boundedTo(room).expandedTo(window.minimumSize()))


def centred(widget: QWidget) -> QHBoxLayout:
    """The widget in the middle of a row.

    Centred by alignment, its height would be that which its texts need at the width of the whole row.
    """
    row = QHBoxLayout()
    row.addStretch()
    row.addWidget(widget)
    row.addStretch()
    return row


def from_home(path: Path) -> str:
    """A path as people write it: with ~ for their own folder."""
    with suppress(ValueError, RuntimeError):  # it lies elsewhere, or nobody knows where home is
        return str(Path("~") / path.relative_to(Path.home()))
    return str(path)


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
