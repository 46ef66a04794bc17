"""Models: those on this machine and those that could be, one chosen on the left, everything about it on the right."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QIcon, QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QMainWindow,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from reticle_app.models.entries import ModelEntry
from reticle_app.models.store import gigabytes
from reticle_app.resources import app_icon, symbol
from reticle_app.theme import Theme
from reticle_app.widgets.banner import Banner
from reticle_app.widgets.basics import label, push_button, quiet_button, tint
from reticle_app.widgets.busy import BusyLine

from .model_page import ModelPage

READING, PICK_ONE = "Reading the folder of models…", "Choose a model on the left."
KEY = Qt.ItemDataRole.UserRole
HERE, OTHERS = "On this machine", "Published models"


class ModelsWindow(QMainWindow):
    chosen = Signal(str)
    """Key of the entry the person looks at."""
    wanted = Signal(str)
    """A repository, owner/name, to look up."""
    import_chosen = Signal(Path)
    refresh_asked = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.theme = theme
        self.setWindowTitle("Models")
        self.setWindowIcon(app_icon())
        self.setMinimumSize(820, 520)
        self.entries: list[ModelEntry] = []
        self._notes: dict[str, str] = {}
        self._symbols: dict[tuple[str, str], QIcon] = {}
        self.banner, self.busy, self.page = Banner(theme), BusyLine(theme), ModelPage(theme)
        self.list = QListWidget()
        self.list.setAccessibleName("Models")
        self.list.setSpacing(1)
        self.list.setWordWrap(True)
        self.list.setIconSize(QSize(20, 20))
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.hint = label(READING, "muted", wrap=True)
        self.repository = QLineEdit()
        self.repository.setPlaceholderText("owner/name on the hub")
        self.repository.setAccessibleName("Repository to look up")
        self.repository.setClearButtonEnabled(True)
        self.repository.setMaxLength(200)
        self.look_up = push_button("Look up", "Ask the hub about this repository (Enter)")
        self.import_button = push_button("Import a folder…", "Take a model from a folder of this machine (Ctrl+O)")
        self.reload = quiet_button("Read the folder again", "Read the folder again (F5)")
        self.place = label("", "muted", wrap=True)
        for button, icon in ((self.look_up, "find"), (self.import_button, "folder"), (self.reload, "restart")):
            tint(theme, button, icon)
        self._lay_out()
        self._connect()
        self.list.setFocus()

    def sizeHint(self) -> QSize:
        return QSize(1080, 760)

    # --- what the controller sets ---

    def show_entries(self, entries: Sequence[ModelEntry], notes: dict[str, str], folder: Path, offline: bool) -> None:
        """All models; ``notes`` says by key what is being done or was measured. Keeps the chosen one where it is."""
        kept = self.key
        self.entries, self._notes = list(entries), dict(notes)
        self.list.blockSignals(True)
        self.list.clear()
        here = [entry for entry in entries if entry.kind != "known"]
        for title, rows in ((HERE, here), (OTHERS, [entry for entry in entries if entry.kind == "known"])):
            if rows:
                self._add_title(title)
            for entry in rows:
                self.list.addItem(self._item(entry))
        self.list.blockSignals(False)
        self.hint.hide()
        network = "HF_HUB_OFFLINE is set, so nothing is asked over the network." if offline else ""
        self.place.setText(f"Kept in {folder}\n{network}".strip())
        self.place.setToolTip(str(folder))
        self.select(kept or (entries[0].key if entries else ""))

    def show_note(self, key: str, note: str) -> None:
        """Changes what one row says about its model, without building the list again."""
        entry, before = self.entry(key), self._notes.get(key, "")
        self._notes[key] = note
        if entry is None or note == before:
            return
        for i in range(self.list.count()):
            if self.list.item(i).data(KEY) == key:
                self._word(self.list.item(i), entry)

    def select(self, key: str) -> None:
        """Chooses the row of this key; one that has gone leaves the page that asks to choose."""
        for i in range(self.list.count()):
            if self.list.item(i).data(KEY) == key:
                if i == self.list.currentRow():
                    self._pick(i)
                self.list.setCurrentRow(i)
                return
        self.stack.setCurrentIndex(0)

    def entry(self, key: str) -> ModelEntry | None:
        return next((entry for entry in self.entries if entry.key == key), None)

    @property
    def key(self) -> str:
        """Of the chosen row; empty when none is."""
        item = self.list.currentItem()
        return str(item.data(KEY) or "") if item is not None else ""

    # --- construction ---

    def _lay_out(self) -> None:
        top, add = QHBoxLayout(), QHBoxLayout()
        top.addWidget(label("Models", "heading"), 1)
        top.addWidget(self.reload)
        add.setSpacing(8)
        add.addWidget(self.repository, 1)
        add.addWidget(self.look_up)
        left, column = QWidget(), QVBoxLayout()
        column.setContentsMargins(14, 14, 14, 12)
        column.setSpacing(10)
        column.addLayout(top)
        column.addWidget(self.hint)
        column.addWidget(self.list, 1)
        column.addLayout(add)
        column.addWidget(self.import_button)
        column.addWidget(self.place)
        left.setLayout(column)
        self.stack = QStackedWidget()
        empty = label(PICK_ONE, "muted")
        empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.stack.addWidget(empty)
        self.stack.addWidget(self.page)
        right, rows = QWidget(), QVBoxLayout()
        right.setObjectName("side")
        right.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(0)
        for widget, stretch in ((self.busy, 0), (self.banner, 0), (self.stack, 1)):
            rows.addWidget(widget, stretch)
        right.setLayout(rows)
        split = QSplitter(Qt.Orientation.Horizontal)
        split.addWidget(left)
        split.addWidget(right)
        split.setStretchFactor(1, 1)
        split.setSizes([390, 690])
        split.setChildrenCollapsible(False)
        self.setCentralWidget(split)

    def _connect(self) -> None:
        self.list.currentRowChanged.connect(self._pick)
        self.look_up.clicked.connect(self._want)
        self.repository.returnPressed.connect(self._want)
        self.import_button.clicked.connect(self.ask_folder)
        self.reload.clicked.connect(self.refresh_asked)
        self.theme.changed.connect(self._reword)
        for keys, act in (
            ("Ctrl+O", self.ask_folder), ("F5", self.refresh_asked.emit), ("Ctrl+W", self.close),
            ("Ctrl+L", self.repository.setFocus),
        ):  # fmt: skip
            QShortcut(QKeySequence(keys), self).activated.connect(act)

    def _add_title(self, words: str) -> None:
        item = QListWidgetItem(words)
        item.setFlags(Qt.ItemFlag.NoItemFlags)
        font = item.font()
        font.setBold(True)
        item.setFont(font)
        self.list.addItem(item)

    def _item(self, entry: ModelEntry) -> QListWidgetItem:
        item = QListWidgetItem()
        item.setData(KEY, entry.key)
        self._word(item, entry)
        return item

    def _word(self, item: QListWidgetItem, entry: ModelEntry) -> None:
        words = self._notes.get(entry.key) or _summary(entry)
        name, colour = ("alert", "bad") if entry.problem else ("models", "text") if entry.kind != "known" else (
            "download", "muted"
        )  # fmt: skip
        item.setIcon(self._symbol(name, colour))
        if item.text() == f"{entry.title}\n{words}":
            return
        item.setText(f"{entry.title}\n{words}")
        item.setToolTip(f"{entry.repository or entry.title}\n{words}")
        item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{entry.title}, {words}")

    def _symbol(self, name: str, colour: str) -> QIcon:
        key = (name, self.theme.colour(colour).name())
        if key not in self._symbols:
            self._symbols[key] = symbol(name, self.theme.colour(colour))
        return self._symbols[key]

    def _reword(self) -> None:
        for i in range(self.list.count()):
            entry = self.entry(str(self.list.item(i).data(KEY)))
            if entry is not None:
                self._word(self.list.item(i), entry)

    # --- actions ---

    def _pick(self, row: int) -> None:
        item = self.list.item(row)
        if item is not None and item.data(KEY):
            self.stack.setCurrentIndex(1)
            self.chosen.emit(str(item.data(KEY)))

    def _want(self) -> None:
        words = self.repository.text().strip()
        if words:
            self.wanted.emit(words)

    def ask_folder(self) -> None:
        name = QFileDialog.getExistingDirectory(self, "Folder of a model with safetensors")
        if name:
            self.import_chosen.emit(Path(name))


def _summary(entry: ModelEntry) -> str:
    """What a row says about a model of which nothing is being done."""
    if entry.problem:
        return "Damaged" if entry.kind == "kept" else "Cannot be used"
    if entry.kind == "unfinished":
        return f"Download cut short, {gigabytes(entry.size or 0)} are here"
    size = gigabytes(entry.size) if entry.size else entry.parameters
    asks = {"yes": "", "no": "not for commercial use", "unknown": "licence unclear"}[entry.commercial]
    return ", ".join(part for part in (entry.method, size, asks) if part)
