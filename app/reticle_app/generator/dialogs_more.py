"""More dialogs, rich in fields: find and replace, open and save, print, colours, records, tool boxes."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QColor, QIcon, QPixmap
from PySide6.QtWidgets import (
    QDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMainWindow,
    QPlainTextEdit,
    QTabWidget,
    QToolBox,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from reticle_grounding.training import words

from . import parts
from .kit import LABEL, Kit
from .windows import plain_window


def _dialog(*titles: str, kit: Kit) -> tuple[QDialog, QVBoxLayout]:
    dialog = QDialog()
    dialog.setWindowTitle(kit.rng.choice(titles))
    return dialog, QVBoxLayout(dialog)


def _line(kit: Kit, name: str, text: str) -> QLineEdit:
    line = QLineEdit(text)
    line.setCursorPosition(0)
    line.setProperty(LABEL, name)
    return line


def find_replace(kit: Kit) -> QWidget:
    dialog, layout = _dialog("Find and Replace", "Find", "Replace", "Search", kit=kit)
    grid = QGridLayout()
    for row, name in enumerate(kit.rng.choice((("Find", "Replace with"), ("Search for", "Replace"), ("Find what",)))):
        grid.addWidget(QLabel(name + ":"), row, 0)
        grid.addWidget(_line(kit, name, words.value(kit.rng) if kit.chance(0.7) else ""), row, 1)
        grid.addWidget(kit.icon_button(16), row, 2)
    layout.addLayout(grid)
    layout.addWidget(parts.checks(kit, kit.rng.randint(2, 5)))
    if kit.chance(0.5):
        layout.addWidget(parts.group(kit, parts.checks(kit, 3, radio=True)))
    layout.addStretch(1)
    layout.addWidget(parts.button_row(kit, ("Find Next", "Replace", "Replace All", "Close")[: kit.rng.randint(2, 4)]))
    return dialog


def file_dialog(kit: Kit) -> QWidget:
    saves = kit.chance(0.5)
    dialog, layout = _dialog(*(("Save As", "Save File") if saves else ("Open File", "Open", "Choose a File")), kit=kit)
    head = QHBoxLayout()
    for name in ("Back", "Forward", "Up", "New Folder"):
        head.addWidget(kit.icon_button(16, kit.named(name, name.lower(), f"go-{name.lower()}")))
    head.addWidget(_line(kit, "Location", "/home/" + words.pick(kit.rng, "first_names").lower()), 1)
    layout.addLayout(head)
    row = QHBoxLayout()
    places = parts.list_view(kit, kit.rng.randint(4, 8), icons=True)
    places.setMaximumWidth(170)
    row.addWidget(places)
    row.addWidget(parts.tree(kit, kit.rng.randint(6, 14), kit.rng.randint(2, 4)), 1)
    layout.addLayout(row, 1)
    grid = QGridLayout()
    grid.addWidget(QLabel("File name:"), 0, 0)
    grid.addWidget(_line(kit, "File name", words.file_name(kit.rng)), 0, 1)
    kinds = kit.combo()
    kinds.setProperty(LABEL, "File type")
    grid.addWidget(QLabel("File type:"), 1, 0)
    grid.addWidget(kinds, 1, 1)
    layout.addLayout(grid)
    layout.addWidget(parts.button_row(kit, ("Cancel", "Save" if saves else "Open")))
    return dialog


def print_dialog(kit: Kit) -> QWidget:
    dialog, layout = _dialog("Print", "Print Document", "Page Setup", "Export", kit=kit)
    grid = QGridLayout()
    names = ["Printer", "Copies", "Pages", "Paper size", "Orientation", "Scale", "Quality", "Margins", "Paper source"]
    for row, name in enumerate(kit.rng.sample(names, kit.rng.randint(4, 8))):
        field = kit.spin() if name in ("Copies", "Scale", "Margins") else kit.combo()
        field.setProperty(LABEL, name)
        grid.addWidget(QLabel(name + ":"), row // 2, 2 * (row % 2))
        grid.addWidget(field, row // 2, 2 * (row % 2) + 1)
    layout.addWidget(parts.heading(kit, "General", 1.1))
    layout.addLayout(grid)
    layout.addWidget(parts.group(kit, parts.checks(kit, 3, radio=True)))
    layout.addWidget(parts.checks(kit, kit.rng.randint(1, 3)))
    layout.addStretch(1)
    layout.addWidget(parts.button_row(kit, ("Preview", "Cancel", "Print")))
    return dialog


def colour_dialog(kit: Kit) -> QWidget:
    """Swatches named by their colour, and sliders with numbers for the channels."""
    dialog, layout = _dialog("Select Color", "Choose a Colour", "Palette", kit=kit)
    grid = QGridLayout()
    grid.setSpacing(kit.rng.choice((0, 2, 5)))
    for i, name in enumerate(kit.rng.sample(SWATCHES, kit.rng.randint(8, len(SWATCHES)))):
        swatch = QToolButton()
        picture = QPixmap(22, 22)
        picture.fill(QColor(name))
        swatch.setIcon(QIcon(picture))
        swatch.setIconSize(QSize(22, 22))
        swatch.setAccessibleName(name.capitalize())
        swatch.setToolTip(f"the {name} one")
        grid.addWidget(swatch, i // 6, i % 6)
    layout.addLayout(grid)
    channels = QGridLayout()
    for row, name in enumerate(kit.rng.choice((("Red", "Green", "Blue"), ("Hue", "Saturation", "Value", "Opacity")))):
        slider, number = kit.slider(), kit.spin()
        slider.setProperty(LABEL, name)
        number.setProperty(LABEL, name)
        channels.addWidget(QLabel(name), row, 0)
        channels.addWidget(slider, row, 1)
        channels.addWidget(number, row, 2)
    layout.addLayout(channels)
    layout.addWidget(parts.button_row(kit, ("Cancel", "Select")))
    return dialog


SWATCHES = ("red", "green", "blue", "yellow", "orange", "purple", "pink", "brown", "gray", "cyan", "magenta", "navy",
            "teal", "olive", "maroon", "gold", "turquoise", "salmon", "violet", "khaki", "indigo", "beige")  # fmt: skip


def record(kit: Kit) -> QWidget:
    """A full-size entry form in groups, with notes and buttons."""
    window = plain_window(kit)
    parts.tool_bar(kit, window)
    page = QWidget()
    layout = QVBoxLayout(page)
    layout.addWidget(parts.heading(kit, words.person(kit.rng)))
    columns = QHBoxLayout()
    for _ in range(kit.rng.randint(1, 3)):
        column = QVBoxLayout()
        for _ in range(kit.rng.randint(1, 2)):
            column.addWidget(parts.group(kit, parts.form(kit, kit.rng.randint(3, 6))))
        column.addStretch(1)
        columns.addLayout(column)
    layout.addLayout(columns)
    name = kit.rng.choice(("Notes", "Comments", "Description", "Remarks"))
    notes = QPlainTextEdit(words.sentence(kit.rng, 6) if kit.chance(0.6) else "")
    notes.setProperty(LABEL, name)
    layout.addWidget(QLabel(name))
    layout.addWidget(notes, 1)
    layout.addWidget(parts.button_row(kit))
    window.setCentralWidget(page)
    return window


def composer(kit: Kit) -> QWidget:
    """A letter being written: addresses, subject, formatting buttons, text."""
    window = QMainWindow()
    window.setWindowTitle(kit.rng.choice(("New Message", "Compose", "Write", "Reply")))
    if kit.chance(0.5):
        parts.menu_bar(kit, window)
    page = QWidget()
    layout = QVBoxLayout(page)
    top = QHBoxLayout()
    for name in ("Send", "Attach File", "Save Draft", "Discard"):
        button = kit.push(name, icon=False)
        button.setIcon(kit.icon(kit.named(name, name.lower()), 16) if kit.chance(0.6) else QIcon())
        top.addWidget(button)
    top.addStretch(1)
    layout.addLayout(top)
    grid = QGridLayout()
    for row, name in enumerate(("To", "Cc", "Subject") if kit.chance(0.7) else ("From", "To", "Cc", "Bcc", "Subject")):
        text = words.compound(kit.rng) if name == "Subject" else words.person(kit.rng)
        grid.addWidget(QLabel(f"{name}:"), row, 0, Qt.AlignmentFlag.AlignRight)
        grid.addWidget(_line(kit, name, text if kit.chance(0.6) else ""), row, 1)
    layout.addLayout(grid)
    tools = QHBoxLayout()
    for name in ("Bold", "Italic", "Underline", "Bulleted List", "Numbered List", "Insert Link", "Insert Image"):
        tools.addWidget(kit.icon_button(16, kit.named(name, name.lower())))
    tools.addStretch(1)
    layout.addLayout(tools)
    body = parts.text_edit(kit, kit.rng.randint(0, 12))
    body.setProperty(LABEL, "Message")
    layout.addWidget(body, 1)
    window.setCentralWidget(page)
    return window


def panels(kit: Kit) -> QWidget:
    """Pages stacked under clickable titles, beside tabs."""
    window = plain_window(kit)
    page = QWidget()
    row = QHBoxLayout(page)
    box = QToolBox()
    for name in kit.choices(kit.rng.randint(3, 5)):
        box.addItem(parts.sections(kit, 1), kit.written(name))
    row.addWidget(box, 1)
    tabs = QTabWidget()
    tabs.setTabPosition(kit.rng.choice((QTabWidget.TabPosition.North, QTabWidget.TabPosition.South)))
    for name in kit.choices(kit.rng.randint(2, 4)):
        tabs.addTab(parts.form(kit, kit.rng.randint(4, 9)), kit.written(name))
    row.addWidget(tabs, 2)
    window.setCentralWidget(page)
    return window
