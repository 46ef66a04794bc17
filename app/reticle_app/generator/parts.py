"""Parts of windows: menu bars, tool bars, lists, trees, tables, forms and texts."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFormLayout,
    QFrame,
    QGridLayout,
    QGroupBox,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QMainWindow,
    QMenu,
    QPlainTextEdit,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QToolBar,
    QToolButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from reticle_grounding.training import words

from .kit import Kit
from .popups import ShownMenu, ShownMenuBar
from .seen import plain_text

KEYS = "NOSPXCVZYFHGWQRTDBIUKLMJ"


def menu(kit: Kit, parent: QWidget, title: str, depth: int = 0) -> ShownMenu:
    """A menu with known or composed entries, some with icons, shortcuts, check marks and submenus."""
    rng, known = kit.rng, words.vocabulary().menus
    made = ShownMenu(kit.written(title), parent)
    entries = list(known.get(title, ())) or [rng.choice(c.labels) for c in (kit.concept() for _ in range(12))]
    chosen = [e for e in entries if rng.random() < 0.75] or entries
    if kit.chance(0.35):
        chosen += [words.compound(rng) for _ in range(rng.randint(1, 4))]
    pictures = kit.chance(0.5)
    for entry in dict.fromkeys(chosen[: rng.randint(4, 14)]):
        action = kit.action(pictures and kit.chance(0.8), 16)
        if kit.chance(0.6):
            action.setIcon(kit.icon(kit.named(entry), 16) if pictures and _is_concept(kit, entry) else action.icon())
            action.setText(kit.written(entry))
        _shortcut(kit, action)
        if depth < 1 and kit.chance(0.1):
            made.addMenu(menu(kit, made, plain_text(action.text()), depth + 1))
        else:
            action.setParent(made)
            made.addAction(action)
        if kit.chance(0.2):
            made.addSeparator()
    return made


def _is_concept(kit: Kit, entry: str) -> bool:
    return entry in kit.named(entry).labels


def _shortcut(kit: Kit, action: QAction) -> None:
    if kit.chance(0.35):
        held = kit.rng.choice(("Ctrl+", "Ctrl+", "Ctrl+Shift+", "Alt+"))
        action.setShortcut(QKeySequence(held + kit.rng.choice(KEYS)))


def menu_bar(kit: Kit, window: QMainWindow) -> None:
    """A menu bar with File first and Help last."""
    titles = [t for t in words.vocabulary().menus if t not in ("File", "Help")]
    middle = kit.rng.sample(titles, kit.rng.randint(2, 7))
    bar = ShownMenuBar(window)
    for title in ["File", *sorted(middle, key=titles.index), "Help"]:
        bar.addMenu(menu(kit, bar, title))
    window.setMenuBar(bar)


def tool_bar(kit: Kit, window: QMainWindow, count: int | None = None, vertical: bool = False) -> QToolBar:
    """A tool bar: icons only, or with texts beside or under them."""
    rng = kit.rng
    bar = QToolBar(words.pick(rng, "titles"))
    size = kit.look.icon_size
    bar.setIconSize(QSize(size, size))
    style = Qt.ToolButtonStyle
    shown = style.ToolButtonIconOnly if vertical else rng.choice(
        (style.ToolButtonIconOnly, style.ToolButtonIconOnly, style.ToolButtonIconOnly, style.ToolButtonTextBesideIcon,
         style.ToolButtonTextUnderIcon, style.ToolButtonTextOnly)
    )  # fmt: skip
    bar.setToolButtonStyle(shown)
    most = 18 if shown == style.ToolButtonIconOnly else 9
    for _ in range(count or rng.randint(4, most)):
        action = kit.action(shown != style.ToolButtonTextOnly)
        action.setParent(bar)
        bar.addAction(action)
        if kit.chance(0.18):
            bar.addSeparator()
        elif kit.chance(0.06) and not vertical:
            bar.addWidget(kit.combo())
    _popup_button(kit, bar)
    bar.setMovable(kit.chance(0.5))
    window.addToolBar(Qt.ToolBarArea.LeftToolBarArea if vertical else Qt.ToolBarArea.TopToolBarArea, bar)
    return bar


def _popup_button(kit: Kit, bar: QToolBar) -> None:
    """Gives one of the buttons a menu."""
    buttons = [w for a in bar.actions() if isinstance(w := bar.widgetForAction(a), QToolButton)]
    if buttons and kit.chance(0.4):
        button = kit.rng.choice(buttons)
        button.setMenu(menu(kit, button, "More"))
        mode = QToolButton.ToolButtonPopupMode
        button.setPopupMode(kit.rng.choice((mode.InstantPopup, mode.MenuButtonPopup)))


def list_view(kit: Kit, count: int, icons: bool | None = None) -> QListWidget:
    """A list, with pictures in half of the cases."""
    view = QListWidget()
    size = kit.rng.choice((16, 16, 22, 32))
    pictures = kit.chance(0.5) if icons is None else icons
    view.setIconSize(QSize(size, size))
    for _ in range(count):
        concept, icon = kit.shown_concept(size)
        text = kit.rng.choice(concept.labels) if kit.chance(0.5) else words.value(kit.rng)
        view.addItem(QListWidgetItem(icon, text) if pictures else QListWidgetItem(text))
    view.setAlternatingRowColors(kit.chance(0.4))
    _choose(kit, view, count)
    return view


def icon_view(kit: Kit, count: int) -> QListWidget:
    """Pictures with their names below, in rows."""
    view = list_view(kit, count, icons=True)
    size = kit.rng.choice((32, 48, 64))
    view.setViewMode(QListWidget.ViewMode.IconMode)
    view.setIconSize(QSize(size, size))
    view.setGridSize(QSize(size + kit.rng.randint(50, 90), size + kit.rng.randint(34, 50)))
    view.setMovement(QListWidget.Movement.Static)
    view.setResizeMode(QListWidget.ResizeMode.Adjust)
    return view


def _choose(kit: Kit, view: QAbstractItemView, rows: int) -> None:
    if rows and kit.chance(0.6):
        view.setCurrentIndex(view.model().index(kit.rng.randrange(rows), 0))


def tree(kit: Kit, count: int, columns: int = 1) -> QTreeWidget:
    """A tree with open and closed branches."""
    view = QTreeWidget()
    view.setColumnCount(columns)
    view.setHeaderLabels(kit_columns(kit, columns))
    view.setHeaderHidden(columns == 1 and kit.chance(0.6))
    for _ in range(count):
        item = QTreeWidgetItem([_cell(kit) for _ in range(columns)])
        if kit.chance(0.6):
            item.setIcon(0, kit.shown_concept(16)[1])
        view.addTopLevelItem(item)
        for _ in range(kit.rng.choice((0, 0, 0, 2, 3, 5))):
            item.addChild(QTreeWidgetItem([_cell(kit) for _ in range(columns)]))
        item.setExpanded(kit.chance(0.6))
    for column in range(columns):
        view.resizeColumnToContents(column)
    view.setAlternatingRowColors(kit.chance(0.4))
    _choose(kit, view, count)
    return view


def kit_columns(kit: Kit, count: int) -> list[str]:
    """Different column titles."""
    names = dict.fromkeys(words.label(kit.rng, "columns", 0.8) for _ in range(4 * count))
    return list(names)[:count] + [f"Column {i}" for i in range(len(names), count)]


def _cell(kit: Kit) -> str:
    return words.file_name(kit.rng) if kit.chance(0.35) else words.value(kit.rng)


def table(kit: Kit, rows: int, columns: int) -> QTableWidget:
    """A table with headers; some have check boxes or pictures in the first column."""
    view = QTableWidget(rows, columns)
    view.setHorizontalHeaderLabels(kit_columns(kit, columns))
    pictures = kit.chance(0.3)
    makers = [kit.rng.choice((words.number, words.person, words.file_name, words.value)) for _ in range(columns)]
    for row in range(rows):
        for column, maker in enumerate(makers):
            item = QTableWidgetItem(maker(kit.rng))
            if column == 0 and pictures:
                item.setIcon(kit.shown_concept(16)[1])
            view.setItem(row, column, item)
    view.verticalHeader().setVisible(kit.chance(0.4))
    view.setShowGrid(kit.chance(0.6))
    view.setAlternatingRowColors(kit.chance(0.5))
    if kit.chance(0.8):
        view.resizeColumnsToContents()
    view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    _choose(kit, view, rows)
    return view


def text_edit(kit: Kit, lines: int) -> QPlainTextEdit:
    edit = QPlainTextEdit()
    edit.setPlainText("\n".join(words.sentence(kit.rng, kit.rng.randint(2, 14)) for _ in range(lines)))
    edit.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
    return edit


def form(kit: Kit, fields: int) -> QWidget:
    """Labels left of or above their fields."""
    page = QWidget()
    if kit.chance(0.7):
        layout = QFormLayout(page)
        if kit.chance(0.5):
            layout.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        if kit.chance(0.4):
            layout.setLabelAlignment(Qt.AlignmentFlag.AlignRight)
        for _ in range(fields):
            layout.addRow(*kit.labelled())
        return page
    grid, columns = QGridLayout(page), kit.rng.choice((1, 2, 2, 3))
    for i in range(fields):
        label, field = kit.labelled()
        grid.addWidget(label, 2 * (i // columns), i % columns)
        grid.addWidget(field, 2 * (i // columns) + 1, i % columns)
    return page


def checks(kit: Kit, count: int, radio: bool = False) -> QWidget:
    page = QWidget()
    layout = QVBoxLayout(page)
    layout.setContentsMargins(0, 0, 0, 0)
    boxes = [kit.radio() if radio else kit.check() for _ in range(count)]
    for box in boxes:
        layout.addWidget(box)
    if radio and boxes:
        boxes[kit.rng.randrange(count)].setChecked(True)
    return page


def group(kit: Kit, content: QWidget) -> QGroupBox:
    box = QGroupBox(kit.written(words.label(kit.rng, "sections")))
    box.setCheckable(kit.chance(0.15))
    QVBoxLayout(box).addWidget(content)
    return box


def sections(kit: Kit, count: int) -> QWidget:
    """A page of groups, rows of boxes and forms, top down."""
    page = QWidget()
    layout = QVBoxLayout(page)
    for _ in range(count):
        draw = kit.rng.random()
        if draw < 0.45:
            content = form(kit, kit.rng.randint(2, 5))
        else:
            content = checks(kit, kit.rng.randint(2, 5), radio=draw > 0.75)
        layout.addWidget(group(kit, content) if kit.chance(0.6) else content)
    if kit.chance(0.5):
        row = QHBoxLayout()
        for _ in range(kit.rng.randint(1, 3)):
            row.addWidget(kit.push())
        row.addStretch(1)
        layout.addLayout(row)
    layout.addStretch(1)
    return page


def button_row(kit: Kit, labels: tuple[str, ...] | None = None) -> QWidget:
    """The buttons that end a dialog, one of them the default."""
    row = QWidget()
    layout = QHBoxLayout(row)
    layout.setContentsMargins(0, 0, 0, 0)
    sets = (("OK", "Cancel"), ("Cancel", "OK"), ("OK", "Cancel", "Apply"), ("Close",), ("Save", "Discard", "Cancel"),
            ("Yes", "No"), ("Help", "Cancel", "Apply"), ("Cancel", "Open"), ("Reset", "Cancel", "Save"))  # fmt: skip
    texts = labels or (kit.rng.choice(sets) if kit.chance(0.7) else tuple(kit.choices(2)))
    if kit.chance(0.8):
        layout.addStretch(1)
    pictures = kit.chance(0.3)
    buttons: list[QPushButton] = []
    for text in texts:
        buttons.append(kit.push(text, icon=False))
        if pictures and _is_concept(kit, text):
            buttons[-1].setIcon(kit.icon(kit.named(text), 16))
        layout.addWidget(buttons[-1])
    if kit.chance(0.6):
        buttons[kit.rng.randrange(len(buttons))].setDefault(True)
    return row


def heading(kit: Kit, text: str | None = None, factor: float = 1.4) -> QLabel:
    label = QLabel(text or words.label(kit.rng, "sections"))
    font = label.font()
    font.setPointSizeF(kit.look.points * factor)
    font.setBold(kit.chance(0.5))
    label.setFont(font)
    return label


def rule() -> QFrame:
    line = QFrame()
    line.setFrameShape(QFrame.Shape.HLine)
    line.setFrameShadow(QFrame.Shadow.Sunken)
    return line


def context_menu(kit: Kit, parent: QWidget) -> QMenu:
    return menu(kit, parent, kit.rng.choice(("Edit", "View", "Tools", "Insert", "Context")))
