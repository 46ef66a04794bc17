"""The command palette: everything a window can do, found by typing. Part of its window, so nothing else is blocked."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import QEvent, QModelIndex, QObject, QPersistentModelIndex, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from reticle_app.commands import Command, Commands
from reticle_app.fuzzy import fit
from reticle_app.theme import Theme
from reticle_app.translations import tr

from .basics import frame, label

Sort = Literal["commands", "shortcuts"]
WIDTH, TOP, SIDE_ROOM, FOOT_ROOM = 600, 56, 40, 40
ROW_PAD, INDENT, KEY_PAD, KEY_GAP = 7, 12, 6, 12
COMMAND, ENABLED = Qt.ItemDataRole.UserRole, Qt.ItemDataRole.UserRole + 1
MOVES = {
    Qt.Key.Key_Down: 1,
    Qt.Key.Key_Up: -1,
    Qt.Key.Key_PageDown: 8,
    Qt.Key.Key_PageUp: -8,
}
RECENT = 5
"""So many commands that were run last stand first while nothing is typed."""
Index = QModelIndex | QPersistentModelIndex


class CommandRow(QStyledItemDelegate):
    """Words at the left, heading and keys at the right; a heading alone where a row holds no command."""

    def __init__(self, theme: Theme, parent: QObject) -> None:
        super().__init__(parent)
        self._theme = theme
        self.groups = True
        """Whether each row names its heading."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(0, option.fontMetrics.height() + 2 * ROW_PAD)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        t, box = self._theme.tokens, QRectF(option.rect)
        command: Command | None = index.data(COMMAND)
        middle = Qt.AlignmentFlag.AlignVCenter
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if command is None:
            painter.setPen(QColor(t.muted))
            bold = painter.font()
            bold.setBold(True)
            painter.setFont(bold)
            words = box.adjusted(INDENT, 0, -INDENT, 0)
            painter.drawText(words, middle | Qt.AlignmentFlag.AlignLeft, str(index.data()))
            painter.restore()
            return
        if index.data(ENABLED) and option.state & option.state.State_Selected:
            painter.setPen(QColor(t.accent))
            painter.setBrush(QColor(t.accent_soft))
            painter.drawRoundedRect(box.adjusted(1.5, 1.5, -1.5, -1.5), 6, 6)
        ink = QColor(t.text if index.data(ENABLED) else t.disabled)
        right = self._paint_keys(painter, box, command.shown_keys, ink)
        metrics = painter.fontMetrics()
        if self.groups:
            wide = metrics.horizontalAdvance(command.group)
            painter.setPen(QColor(t.muted if index.data(ENABLED) else t.disabled))
            place = QRectF(right - wide, box.top(), wide + 1, box.height())
            painter.drawText(place, middle | Qt.AlignmentFlag.AlignLeft, command.group)
            right -= wide + KEY_GAP
        painter.setPen(ink)
        room = QRectF(box.left() + INDENT, box.top(), right - box.left() - INDENT, box.height())
        shown = metrics.elidedText(command.words, Qt.TextElideMode.ElideRight, int(room.width()))
        painter.drawText(room, middle | Qt.AlignmentFlag.AlignLeft, shown)
        painter.restore()

    def _paint_keys(self, painter: QPainter, box: QRectF, keys: str, ink: QColor) -> float:
        """Draws the keys as a key cap; returns where the room to their left ends."""
        right = box.right() - INDENT
        if not keys:
            return right
        metrics = painter.fontMetrics()
        wide, high = metrics.horizontalAdvance(keys) + 2 * KEY_PAD, metrics.height() + 2
        cap = QRectF(right - wide, box.center().y() - high / 2, wide, high)
        painter.setPen(self._theme.colour("border"))
        painter.setBrush(self._theme.colour("raised"))
        painter.drawRoundedRect(cap, 4, 4)
        painter.setPen(ink)
        painter.drawText(cap, Qt.AlignmentFlag.AlignCenter, keys)
        return cap.left() - KEY_GAP


class CommandPalette(QWidget):
    """Lies over its window while it is open. Keyboard alone: typing, arrows, Enter, Escape."""

    escaped = Signal()
    """It was closed by Escape."""

    def __init__(self, window: QWidget, theme: Theme, commands: Commands) -> None:
        super().__init__(window)
        self._commands, self._sort = commands, "commands"
        self._recent: list[str] = []
        self._before: QWidget | None = None
        self.setAccessibleName(tr("Commands"))
        self.field = QLineEdit()
        self.field.setAccessibleName(tr("Search commands"))
        self.field.setAccessibleDescription(tr("Arrows choose, Enter does it, Escape closes"))
        self.list = QListWidget()
        self.list.setAccessibleName(tr("Commands"))
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.list.setUniformItemSizes(True)
        self._row = CommandRow(theme, self.list)
        self.list.setItemDelegate(self._row)
        self.none = label(tr("No command fits. Try other words."), "muted", wrap=True)
        self.none.setContentsMargins(INDENT, ROW_PAD, INDENT, ROW_PAD)
        card = frame("sheet")
        inner = QVBoxLayout(card)
        inner.setContentsMargins(10, 10, 10, 10)
        inner.setSpacing(8)
        for widget in (self.field, self.none, self.list):
            inner.addWidget(widget)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(card)
        self.field.textChanged.connect(self._fill)
        self.field.installEventFilter(self)
        self.list.itemClicked.connect(self._run)
        window.installEventFilter(self)
        theme.changed.connect(self.list.viewport().update)
        app = QApplication.instance()
        if isinstance(app, QApplication):
            app.focusChanged.connect(self._focus_moved)
        self.hide()

    def open(self, sort: Sort = "commands") -> None:
        """Opens over the window; ``shortcuts`` lists under their headings what has keys. Opening it twice closes it."""
        if self.isVisible() and sort == self._sort:
            self.close_it()
            return
        if not self.isVisible():
            self._before = self.window().focusWidget()
        self._sort = sort
        shortcuts = sort == "shortcuts"
        self.field.setPlaceholderText(tr("Search shortcuts") if shortcuts else tr("What do you want to do?"))
        self._row.groups = not shortcuts
        self.field.clear()
        self._fill()
        self.show()
        self._place()
        self.raise_()
        self.field.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def close_it(self) -> None:
        """Closes and gives the keyboard back."""
        if self.isHidden():
            return
        self.hide()
        before, self._before = self._before, None
        if before is not None and before.isVisible():
            before.setFocus(Qt.FocusReason.OtherFocusReason)

    @property
    def shown(self) -> list[Command]:
        """The listed commands, best first."""
        rows = [self.list.item(i).data(COMMAND) for i in range(self.list.count())]
        return [row for row in rows if row is not None]

    @property
    def current(self) -> Command | None:
        item = self.list.currentItem()
        command: Command | None = item.data(COMMAND) if item is not None else None
        return command

    # --- the list ---

    def _fill(self) -> None:
        wanted = self.field.text()
        self.list.clear()
        heading = ""
        for command in self._fitting(wanted):
            if self._sort == "shortcuts" and command.group != heading:
                heading = command.group
                title = QListWidgetItem(heading)
                title.setFlags(Qt.ItemFlag.NoItemFlags)
                self.list.addItem(title)
            self.list.addItem(self._item(command))
        rows = range(self.list.count())
        first = next((i for i in rows if self.list.item(i).data(ENABLED)), -1)
        self.list.setCurrentRow(first)
        self.list.scrollToTop()
        self.list.setVisible(bool(self.list.count()))
        self.none.setVisible(not self.list.count())
        self._place()

    def _fitting(self, wanted: str) -> list[Command]:
        every = [c for c in self._commands if c.shown_keys or self._sort == "commands"]
        worths = {c.id: fit(wanted, c.searched) for c in every}
        found = [c for c in every if worths[c.id] is not None]
        if self._sort == "shortcuts":
            groups = list(dict.fromkeys(c.group for c in found))
            return sorted(found, key=lambda c: groups.index(c.group))

        def rank(command: Command) -> tuple[bool, int, float]:
            recent = self._recent.index(command.id) if command.id in self._recent and not wanted else RECENT
            return not command.enabled(), recent, -(worths[command.id] or 0.0)

        return sorted(found, key=rank)

    def _item(self, command: Command) -> QListWidgetItem:
        item = QListWidgetItem(command.words)
        enabled = command.enabled()
        item.setData(COMMAND, command)
        item.setData(ENABLED, enabled)
        parts = [command.words, command.group, command.shown_keys, "" if enabled else tr("not possible now")]
        item.setData(Qt.ItemDataRole.AccessibleTextRole, ", ".join(part for part in parts if part))
        if not enabled:
            item.setFlags(Qt.ItemFlag.NoItemFlags)
        return item

    def _move(self, by: int) -> None:
        """To another command that can be done; a step beyond an end comes out at the other one."""
        rows = [i for i in range(self.list.count()) if self.list.item(i).data(ENABLED)]
        if not rows:
            return
        at = rows.index(self.list.currentRow()) if self.list.currentRow() in rows else 0
        to = (at + by) % len(rows) if abs(by) == 1 else min(max(at + by, 0), len(rows) - 1)
        self.list.setCurrentRow(rows[to])

    def _run(self, item: QListWidgetItem | None) -> None:
        command: Command | None = item.data(COMMAND) if item is not None else None
        if command is None or not command.enabled():
            return
        self.close_it()
        self._recent = [command.id, *(one for one in self._recent if one != command.id)][:RECENT]
        command.act()

    # --- Qt ---

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Keys of the field; Escape, arrows and Enter are the palette's also where the window has them as shortcuts."""
        if watched is self.parent():
            if isinstance(event, QResizeEvent):
                self._place()
            return False
        if not isinstance(event, QKeyEvent) or watched is not self.field:
            return False
        key = Qt.Key(event.key())
        mine = key in MOVES or key in (Qt.Key.Key_Escape, Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Tab)
        if event.type() == QEvent.Type.ShortcutOverride and mine:
            event.accept()
            return True
        if event.type() != QEvent.Type.KeyPress or not mine:
            return False
        if key in MOVES:
            self._move(MOVES[key])
        elif key == Qt.Key.Key_Escape:
            self.close_it()
            self.escaped.emit()
        elif key != Qt.Key.Key_Tab:
            self._run(self.list.currentItem())
        return True

    def _focus_moved(self, _: QWidget | None, now: QWidget | None) -> None:
        """Whoever clicks elsewhere in the window wants it gone."""
        if self.isVisible() and now is not None and now is not self.field and now.window() is self.window():
            self._before = None
            self.close_it()

    def _place(self) -> None:
        """At the top in the middle, as high as its rows need and the window allows."""
        window = self.parentWidget()
        if window is None:
            return
        wide = max(240, min(WIDTH, window.width() - SIDE_ROOM))
        rows = sum(self.list.sizeHintForRow(i) for i in range(self.list.count())) + 2 * self.list.frameWidth() + 2
        self.list.setMinimumHeight(0)
        most = window.height() - TOP - FOOT_ROOM - self.field.sizeHint().height() - 30
        self.list.setFixedHeight(max(40, min(rows, most)))
        self.adjustSize()
        self.setGeometry((window.width() - wide) // 2, TOP, wide, self.sizeHint().height())
