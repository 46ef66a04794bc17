"""Models: those on this machine and those that could be, one chosen on the left, everything about it on the right."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QIcon
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

from reticle_app.commands import Commands
from reticle_app.models.entries import ModelEntry
from reticle_app.models.store import gigabytes
from reticle_app.resources import app_icon, symbol
from reticle_app.theme import Theme
from reticle_app.translations import QT_TR_NOOP, tr
from reticle_app.widgets.banner import Banner
from reticle_app.widgets.basics import clearable, from_home, label, open_at_hint, push_button, quiet_button, tint
from reticle_app.widgets.busy import BusyLine

from .model_page import ModelPage
from .model_words import model_title, parameters_words
from .palettes import offer_palette

READING, PICK_ONE = QT_TR_NOOP("Reading the folder of models…"), QT_TR_NOOP("Choose a model on the left.")
KEY = Qt.ItemDataRole.UserRole
HERE, OTHERS = QT_TR_NOOP("On this machine"), QT_TR_NOOP("Published models")


class ModelsWindow(QMainWindow):
    chosen = Signal(str)
    """Key of the entry the person looks at."""
    wanted = Signal(str)
    """A repository, owner/name, to look up."""
    import_chosen = Signal(Path)
    refresh_asked = Signal()

    def __init__(self, theme: Theme, shared: Commands) -> None:
        super().__init__()
        self.theme, self.commands = theme, Commands(self)
        self.setWindowTitle(tr("Models"))
        self.setWindowIcon(app_icon())
        self.setMinimumSize(880, 520)
        self.entries: list[ModelEntry] = []
        self._notes: dict[str, str] = {}
        self._symbols: dict[tuple[str, str], QIcon] = {}
        self.banner, self.busy, self.page = Banner(theme), BusyLine(theme), ModelPage(theme)
        self.list = QListWidget()
        self.list.setAccessibleName(tr("Models"))
        self.list.setSpacing(1)
        self.list.setWordWrap(True)
        self.list.setIconSize(QSize(20, 20))
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.hint = label(tr(READING), "muted", wrap=True)
        self.repository = QLineEdit()
        self.repository.setPlaceholderText(tr("owner/name on the hub"))
        self.repository.setAccessibleName(tr("Repository to look up"))
        clearable(self.repository)
        self.repository.setMaxLength(200)
        self.look_up = push_button(tr("Look up"), tr("Ask the hub about this repository (Enter)"))
        self.import_button = push_button(
            tr("Import a folder…"), tr("Take a model from a folder of this machine (Ctrl+O)")
        )
        self.reload = quiet_button(tr("Read the folder again"), tr("Read the folder again (F5)"))
        self.place = label("", "muted", wrap=True)
        for button, icon in ((self.look_up, "find"), (self.import_button, "folder"), (self.reload, "restart")):
            tint(theme, button, icon)
        self._lay_out()
        self._connect()
        self._offer_commands(shared)
        self.list.setFocus()
        open_at_hint(self)

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
                self._add_title(tr(title))
            for entry in rows:
                self.list.addItem(self._item(entry))
        self.list.blockSignals(False)
        self.hint.hide()
        network = tr("HF_HUB_OFFLINE is set, so nothing is asked over the network.") if offline else ""
        place = tr("Kept in {folder}").format(folder=from_home(folder))
        self.place.setText(f"{place}\n{network}".strip())
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
        top.addWidget(label(tr("Models"), "heading"), 1)
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
        empty = label(tr(PICK_ONE), "muted")
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

    def _offer_commands(self, shared: Commands) -> None:
        """All that can be done here; what the page asks twice about is asked twice from here, too."""
        group, add, add_button, page = tr("Models"), self.commands.add, self.commands.add_button, self.page
        add("models.repository", tr("Go to the repository"), self.repository.setFocus, group=group, keys="Ctrl+L")
        add_button("models.import", self.import_button, group=group, keys="Ctrl+O")
        add_button("models.reload", self.reload, group=group, keys="F5")
        add_button("models.use", page.use, group=group)
        add_button("models.reopen", page.numbers.reopen, group=group, words=tr("Open the model again"))
        add_button("models.get", page.get, group=group, words=tr("Download this model…"))
        add_button("models.pause", page.pause, group=group, words=tr("Pause the download"))
        add_button("models.verify", page.verify, group=group)
        add_button("models.remove", page.remove, group=group, words=tr("Remove this model…"))
        add_button("models.measure", page.measure, group=group, words=tr("Measure the speed on this machine"))
        add("models.close", tr("Close this window"), self.close, group=tr("Windows"), keys="Ctrl+W")
        self.command_palette = offer_palette(self, self.theme, self.commands, shared)

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
        title = model_title(entry)
        if item.text() == f"{title}\n{words}":
            return
        item.setText(f"{title}\n{words}")
        item.setToolTip(f"{entry.repository or title}\n{words}")
        item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{title}, {words}")

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
        name = QFileDialog.getExistingDirectory(self, tr("Folder of a model with safetensors"))
        if name:
            self.import_chosen.emit(Path(name))


def _summary(entry: ModelEntry) -> str:
    """What a row says about a model of which nothing is being done."""
    if entry.problem:
        return tr("Damaged") if entry.kind == "kept" else tr("Cannot be used")
    if entry.kind == "unfinished":
        return tr("Download cut short, {size} are here").format(size=gigabytes(entry.size or 0))
    size = gigabytes(entry.size) if entry.size else parameters_words(entry)
    asks = {"yes": "", "no": tr("not for commercial use"), "unknown": tr("licence unclear")}[entry.commercial]
    return ", ".join(part for part in (tr(entry.method), size, asks) if part)
