"""The list of recorded runs with its search."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QPixmap
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from reticle_app.library import THUMBNAIL, TraceEntry, matching
from reticle_app.theme import Theme
from reticle_app.translations import QT_TR_NOOP, tr
from reticle_app.widgets.basics import clearable, label, quiet_button, tint
from reticle_app.widgets.canvas import to_qimage

from .header import HINT_MARGINS

EMPTY_LIST = QT_TR_NOOP("No recorded runs yet. Runs started in the main window or with `reticle run` appear here.")
READING, NO_MATCH = QT_TR_NOOP("Reading the folder of runs…"), QT_TR_NOOP("No run has all of these words.")
TASK_SHOWN, PROBLEM_SHOWN = 44, 64
"""Characters of a task and of what is wrong with a run."""


class TraceList(QWidget):
    opened = Signal(Path)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._entries: list[TraceEntry] = []
        self.listed: list[TraceEntry] = []
        """The runs that the search lets through, in order."""
        self.search = QLineEdit()
        self.search.setPlaceholderText(tr("Search runs"))
        self.search.setToolTip(tr("Search task, words, status"))
        self.search.setAccessibleName(tr("Search runs"))
        clearable(self.search)
        hint = self.search.fontMetrics().horizontalAdvance(self.search.placeholderText())
        self.search.setMinimumWidth(hint + HINT_MARGINS)  # beside four buttons it would be cut
        self.folder = quiet_button(tr("Open a run elsewhere"), tr("Open a run in another folder (Ctrl+O)"))
        self.reload = quiet_button(tr("Read the folder again"), tr("Read the folder again (F5)"))
        self.undo, self.redo = quiet_button(tr("Undo"), tr("Undo")), quiet_button(tr("Redo"), tr("Redo"))
        tint(theme, self.undo, "undo")
        tint(theme, self.redo, "redo")
        tint(theme, self.folder, "folder")
        tint(theme, self.reload, "restart")
        self.list = QListWidget()
        self.list.setAccessibleName(tr("Runs"))
        self.list.setIconSize(QSize(*THUMBNAIL))
        self.list.setWordWrap(True)
        self.list.setSpacing(2)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setResizeMode(QListWidget.ResizeMode.Adjust)
        self.hint = label(tr(READING), "muted", wrap=True)
        top = QHBoxLayout()
        top.addWidget(self.search, 1)
        for button in (self.undo, self.redo, self.folder, self.reload):
            top.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 12, 12, 12)
        column.setSpacing(8)
        column.addLayout(top)
        column.addWidget(self.hint)
        column.addWidget(self.list, 1)
        self.search.textChanged.connect(self._fill)
        self.list.currentRowChanged.connect(self._pick)

    def show_entries(self, entries: Sequence[TraceEntry]) -> None:
        """The runs there are; keeps the chosen one where it still is."""
        self._entries = list(entries)
        self._fill()

    def _fill(self) -> None:
        current = self.list.currentRow()
        kept = self.listed[current].folder if 0 <= current < len(self.listed) else None
        self.listed = matching(self._entries, self.search.text())
        self.list.blockSignals(True)
        self.list.clear()
        for entry in self.listed:
            self.list.addItem(self._item(entry))
        rows = [i for i, entry in enumerate(self.listed) if entry.folder == kept]
        self.list.setCurrentRow(rows[0] if rows else -1)
        self.list.blockSignals(False)
        self.hint.setText(tr(NO_MATCH) if self._entries else tr(EMPTY_LIST))
        self.hint.setVisible(not self.listed)

    def _item(self, entry: TraceEntry) -> QListWidgetItem:
        steps = tr("%n step(s)", "", entry.steps)
        words = entry.problem or f"{tr(entry.status)}, {steps}\n{entry.when}"
        item = QListWidgetItem(f"{shortened(entry.task, TASK_SHOWN)}\n{shortened(words, PROBLEM_SHOWN)}")
        item.setToolTip(f"{entry.task}\n{entry.folder}")
        item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{entry.task}, {words}")
        picture = QPixmap(*THUMBNAIL)
        picture.fill(QColor(self._theme.tokens.canvas))
        if entry.thumbnail is not None:
            picture = QPixmap.fromImage(to_qimage(entry.thumbnail))
        icon = QIcon(picture)
        icon.addPixmap(picture, QIcon.Mode.Selected)
        item.setIcon(icon)
        return item

    def _pick(self, row: int) -> None:
        if 0 <= row < len(self.listed):
            self.opened.emit(self.listed[row].folder)


def shortened(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
