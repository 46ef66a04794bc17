"""Messages above the picture, and the page shown when there is no picture yet."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from reticle_app.resources import app_pixmap, symbol
from reticle_app.theme import Theme
from reticle_app.translations import tr

from .basics import centred, frame, label, push_button, quiet_button, set_kind, tint

LOGO = 72
Kind = Literal["info", "good", "warn", "bad"]
ICONS: dict[Kind, tuple[str, str]] = {
    "info": ("find", "accent"),
    "good": ("check", "good"),
    "warn": ("question", "warn"),
    "bad": ("alert", "bad"),
}


class Banner(QWidget):
    """One message with an optional action; replaced by the next one."""

    action = Signal()

    def __init__(self, theme: Theme, action_icon: str = "restart") -> None:
        super().__init__()
        self._theme = theme
        self._kind: Kind = "info"
        self._icon, self.title, self.text = QLabel(), label(kind="title", wrap=True), label(wrap=True)
        self.button = push_button(tr("Restart the model"), tr("Start the model process again"))
        tint(theme, self.button, action_icon)
        self.dismiss = quiet_button(tr("Dismiss message"), tr("Dismiss"))
        tint(theme, self.dismiss, "cross", "muted")
        words = QVBoxLayout()
        words.setSpacing(1)
        words.addWidget(self.title)
        words.addWidget(self.text)
        self._card = frame("info")
        outer = QVBoxLayout(self)
        outer.setContentsMargins(12, 12, 12, 0)
        outer.addWidget(self._card)
        row = QHBoxLayout(self._card)
        row.setContentsMargins(14, 10, 8, 10)
        row.setSpacing(12)
        row.addWidget(self._icon)
        row.addLayout(words, 1)
        row.addWidget(self.button)
        row.addWidget(self.dismiss)
        self.button.clicked.connect(self.action)
        self.dismiss.clicked.connect(self.hide)
        theme.changed.connect(self._refresh)
        self.hide()

    def tell(self, kind: Kind, title: str, text: str = "", button: str = "") -> None:
        """Shows the message; with ``button`` it stays until that is pressed."""
        self._kind = kind
        self.title.setText(title)
        self.text.setText(text)
        self.text.setVisible(bool(text))
        self.button.setText(button)
        self.button.setAccessibleName(button)
        self.button.setVisible(bool(button))
        self.dismiss.setVisible(not button)
        self.setAccessibleName(f"{title} {text}".strip())
        set_kind(self._card, kind)
        self._refresh()
        self.show()

    def _refresh(self) -> None:
        name, colour = ICONS[self._kind]
        self._icon.setPixmap(symbol(name, self._theme.colour(colour)).pixmap(22, 22))


class EmptyPage(QWidget):
    """Says what to do first."""

    capture = Signal()
    open_file = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._logo = QLabel()
        self._logo.setFixedSize(LOGO, LOGO)
        title = label(tr("Point at anything on the screen"), "heading")
        lines = tr(
            "Capture the screen or open a picture, say in plain words what you look for, and press Find. "
            "Reticle shows where it is and how sure it is before anything is clicked."
        )
        text = label(lines, "muted", wrap=True)
        hint = label(
            tr(
                "You can also drop a picture here or paste one with Ctrl+V. F1 lists the keys, Ctrl+Shift+P finds "
                "every action."
            ),
            "muted",
            wrap=True,
        )
        for words in (title, text, hint):
            words.setAlignment(Qt.AlignmentFlag.AlignCenter)
        capture = push_button(
            tr("Capture screen"), tr("Take a picture of the screen with this window hidden"), "primary"
        )
        open_file = push_button(tr("Open picture…"), tr("Use a picture file instead of the screen"))
        tint(theme, capture, "screen", "on_accent")
        tint(theme, open_file, "image")
        capture.clicked.connect(self.capture)
        open_file.clicked.connect(self.open_file)
        buttons = QHBoxLayout()
        buttons.setSpacing(10)
        buttons.addStretch()
        buttons.addWidget(capture)
        buttons.addWidget(open_file)
        buttons.addStretch()
        column = QVBoxLayout()
        column.setSpacing(12)
        column.addWidget(self._logo, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addSpacing(6)
        column.addWidget(title)
        column.addWidget(text)
        column.addSpacing(8)
        column.addLayout(buttons)
        column.addWidget(hint)
        middle = QWidget()
        middle.setFixedWidth(520)
        middle.setLayout(column)
        outer = QVBoxLayout(self)
        outer.addStretch(2)
        outer.addLayout(centred(middle))
        outer.addStretch(3)

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._logo.pixmap().isNull():
            self._logo.setPixmap(app_pixmap(LOGO, self.devicePixelRatioF()))
        super().paintEvent(event)
