"""One message inside a page: good, bad or in between, in its colour; hidden while there is nothing to say."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel

from reticle_app.resources import symbol
from reticle_app.theme import Theme

from .banner import ICONS, Kind
from .basics import label, set_kind


class Note(QFrame):
    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._kind: Kind = "info"
        self._icon, self._words = QLabel(), label("", wrap=True)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 8, 12, 8)
        row.setSpacing(10)
        row.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(self._words, 1)
        theme.changed.connect(self._refresh)
        self.hide()

    @property
    def words(self) -> str:
        return self._words.text()

    @property
    def kind(self) -> Kind:
        return self._kind

    def tell(self, kind: Kind, words: str) -> None:
        """No words hide it."""
        self._kind = kind
        self._words.setText(words[:1].upper() + words[1:])
        self.setAccessibleName(self._words.text())
        set_kind(self, kind)
        self._refresh()
        self.setVisible(bool(words))

    def clear(self) -> None:
        self.tell("info", "")

    def _refresh(self) -> None:
        name, colour = ICONS[self._kind]
        self._icon.setPixmap(symbol(name, self._theme.colour(colour)).pixmap(18, 18))
