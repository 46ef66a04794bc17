"""A page of the first steps: heading, a few words, and what the page puts below them, in one scrolled column."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from reticle_app.widgets.basics import label, scrolled

WIDTH = 640


class Page(QScrollArea):
    def __init__(self, title: str, words: str) -> None:
        super().__init__()
        self._column = QVBoxLayout()
        self._column.setContentsMargins(28, 22, 28, 22)
        self._column.setSpacing(10)
        self._column.addWidget(label(title, "heading", wrap=True))
        self._column.addWidget(label(words, "muted", wrap=True))
        self._column.addSpacing(4)
        self.setAccessibleName(title)
        scrolled(self, self._column, WIDTH + 56)

    def add(self, widget: QWidget) -> None:
        self._column.addWidget(widget)

    def add_row(self, *widgets: QWidget) -> None:
        """Widgets side by side, packed to the left."""
        row = QHBoxLayout()
        row.setSpacing(8)
        for widget in widgets:
            row.addWidget(widget)
        row.addStretch()
        self._column.addLayout(row)

    def add_title(self, words: str) -> None:
        self._column.addSpacing(8)
        self._column.addWidget(label(words, "title"))

    def end(self) -> None:
        self._column.addStretch()
