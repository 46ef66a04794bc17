"""Dialogs and small windows of made-up programs."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import (
    QDial,
    QDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QStyle,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from reticle_grounding.training import words

from . import parts
from .kit import LABEL, Kit
from .windows import button_grid, search_field, title


def _dialog(kit: Kit) -> tuple[QDialog, QVBoxLayout]:
    dialog = QDialog()
    dialog.setWindowTitle(title(kit) if kit.chance(0.3) else words.label(kit.rng, "buttons"))
    layout = QVBoxLayout(dialog)
    return dialog, layout


def form_dialog(kit: Kit) -> QWidget:
    dialog, layout = _dialog(kit)
    if kit.chance(0.4):
        layout.addWidget(parts.heading(kit))
    layout.addWidget(parts.form(kit, kit.rng.randint(3, 9)))
    if kit.chance(0.5):
        layout.addWidget(parts.checks(kit, kit.rng.randint(1, 4)))
    layout.addStretch(1)
    layout.addWidget(parts.button_row(kit))
    return dialog


def preferences(kit: Kit) -> QWidget:
    dialog, layout = _dialog(kit)
    dialog.setWindowTitle(kit.rng.choice(("Preferences", "Settings", "Options", "Properties", "Configure")))
    tabs = QTabWidget()
    place = QTabWidget.TabPosition
    tabs.setTabPosition(kit.rng.choice((place.North, place.North, place.North, place.South)))
    pictures = kit.chance(0.25)
    for name in dict.fromkeys(words.label(kit.rng, "tabs", 0.85) for _ in range(kit.rng.randint(3, 6))):
        tabs.addTab(parts.sections(kit, kit.rng.randint(1, 3)), kit.written(name))
        if pictures:
            tabs.setTabIcon(tabs.count() - 1, kit.shown_concept(16)[1])
    tabs.setCurrentIndex(kit.rng.randrange(tabs.count()))
    layout.addWidget(tabs)
    layout.addWidget(parts.button_row(kit))
    return dialog


def wizard(kit: Kit) -> QWidget:
    dialog, layout = _dialog(kit)
    dialog.setWindowTitle(f"{words.compound(kit.rng)} Wizard")
    layout.addWidget(parts.heading(kit))
    text = QLabel(words.sentence(kit.rng, 12))
    text.setWordWrap(True)
    layout.addWidget(text)
    layout.addWidget(parts.rule())
    layout.addWidget(parts.sections(kit, kit.rng.randint(1, 2)), 1)
    layout.addWidget(parts.button_row(kit, ("< Back", kit.rng.choice(("Next >", "Finish")), "Cancel")))
    return dialog


def message(kit: Kit) -> QWidget:
    dialog, layout = _dialog(kit)
    row = QHBoxLayout()
    pixmaps = QStyle.StandardPixmap
    kind = kit.rng.choice(
        (pixmaps.SP_MessageBoxWarning, pixmaps.SP_MessageBoxInformation, pixmaps.SP_MessageBoxQuestion,
         pixmaps.SP_MessageBoxCritical)
    )  # fmt: skip
    picture = QLabel()
    picture.setPixmap(dialog.style().standardIcon(kind).pixmap(QSize(48, 48)))
    row.addWidget(picture)
    text = QLabel(f"{words.compound(kit.rng)}?\n{words.sentence(kit.rng, kit.rng.randint(5, 12))}")
    row.addWidget(text, 1)
    layout.addLayout(row)
    if kit.chance(0.3):
        layout.addWidget(kit.check())
    layout.addWidget(parts.button_row(kit))
    return dialog


def login(kit: Kit) -> QWidget:
    dialog, layout = _dialog(kit)
    layout.addWidget(parts.heading(kit, kit.rng.choice(("Sign in", "Log in", "Welcome", "Unlock", "Connect"))))
    for name in (kit.rng.choice(("Username", "Email", "Account", "Server")), "Password"):
        label, field = kit.labelled(name)
        layout.addWidget(label)
        layout.addWidget(field)
    layout.addWidget(kit.check())
    button = kit.push(kit.rng.choice(("Sign in", "Log in", "Connect", "Continue")), icon=False)
    button.setDefault(True)
    layout.addWidget(button)
    layout.addStretch(1)
    return dialog


KEYPADS = (
    ("C±%÷", "789×", "456−", "123+", "0.=⌫"),
    ("(789/", ")456*", "^123-", "√0.=+"),
    ("123", "456", "789", "*0#"),
)
KEY_NAMES = {"÷": "Divide", "×": "Multiply", "−": "Subtract", "+": "Add", "=": "Equals", "⌫": "Backspace", "C": "Clear",
             "±": "Change sign", "√": "Square root", "*": "Times", "/": "Divide", "-": "Minus"}  # fmt: skip


def keypad(kit: Kit) -> QWidget:
    window = QWidget()
    window.setWindowTitle(kit.rng.choice(("Calculator", "Keypad", "Dialer", words.compound(kit.rng))))
    layout = QVBoxLayout(window)
    display = kit.line("display")
    display.setText(words.number(kit.rng).lstrip("#$€£"))
    display.setAlignment(Qt.AlignmentFlag.AlignRight)
    display.setProperty(LABEL, kit.rng.choice(("Display", "Result", "Number")))
    layout.addWidget(display)
    grid = QGridLayout()
    grid.setSpacing(kit.rng.choice((1, 4, 8)))
    for row, keys in enumerate(kit.rng.choice(KEYPADS)):
        for column, key in enumerate(keys):
            button = QPushButton(key)
            button.setToolTip(KEY_NAMES.get(key, ""))
            button.setMinimumWidth(24)
            button.setStyleSheet("padding: 2px;")
            button.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Expanding)
            grid.addWidget(button, row, column)
    layout.addLayout(grid, 1)
    return window


def mixer(kit: Kit) -> QWidget:
    """Sliders and dials with their names, switches for silence below."""
    window = QWidget()
    window.setWindowTitle(kit.rng.choice(("Mixer", "Equalizer", "Sound", words.compound(kit.rng))))
    grid = QGridLayout(window)
    for column in range(kit.rng.randint(3, 8)):
        name = words.label(kit.rng, "fields", 0.3)
        slider = _vertical(kit)
        slider.setProperty(LABEL, name)
        label = QLabel(name)
        grid.addWidget(label, 0, column, Qt.AlignmentFlag.AlignHCenter)
        grid.addWidget(slider, 1, column, Qt.AlignmentFlag.AlignHCenter)
        grid.addWidget(kit.icon_button(16), 2, column, Qt.AlignmentFlag.AlignHCenter)
    return window


def _vertical(kit: Kit) -> QWidget:
    if kit.chance(0.25):
        dial = QDial()
        dial.setValue(kit.rng.randint(0, 99))
        return dial
    slider = kit.slider()
    slider.setOrientation(Qt.Orientation.Vertical)
    slider.setMinimumHeight(90)
    return slider


def tool_box(kit: Kit) -> QWidget:
    window = QWidget()
    window.setWindowTitle(kit.rng.choice(("Tools", "Toolbox", "Symbols", "Brushes", "Actions")))
    layout = QVBoxLayout(window)
    layout.addWidget(button_grid(kit, kit.rng.randint(9, 30), kit.rng.randint(3, 6)))
    return window


def chooser(kit: Kit) -> QWidget:
    """A list to choose from, with a filter above and buttons beside."""
    dialog, layout = _dialog(kit)
    layout.addWidget(search_field(kit))
    row = QHBoxLayout()
    count = kit.rng.randint(5, 16)
    row.addWidget(parts.list_view(kit, count) if kit.chance(0.6) else parts.tree(kit, count, 2), 1)
    column = QVBoxLayout()
    for _ in range(kit.rng.randint(2, 6)):
        column.addWidget(kit.push())
    column.addStretch(1)
    row.addLayout(column)
    layout.addLayout(row)
    layout.addWidget(parts.button_row(kit))
    return dialog


def launcher(kit: Kit) -> QWidget:
    window = QWidget()
    window.setWindowTitle(kit.rng.choice(("Applications", "Launcher", "Control Center", "All Programs")))
    layout = QVBoxLayout(window)
    layout.addWidget(search_field(kit))
    layout.addWidget(parts.icon_view(kit, kit.rng.randint(10, 30)))
    return window
