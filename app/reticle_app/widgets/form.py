"""Rows of a form: a name, a control, what it is for, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QPlainTextEdit,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from reticle_app.theme import Theme
from reticle_app.translations import tr

from .basics import label, quiet_button, tint

NAME_WIDTH, NUMBER_WIDTH, CHECKS = 170, 110, 3
INSET = 9
"""Between the edge of a number's box and its text, which the style sheet does not reach (logical pixels)."""


class Field(QWidget):
    """One setting: ``value`` is what pydantic gets, ``changed`` tells of every edit."""

    changed = Signal()

    def __init__(self, control: QWidget, read: Callable[[], object], write: Callable[[object], None]) -> None:
        super().__init__()
        self.control, self._read, self._write = control, read, write
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        row.addWidget(control)
        self.setFocusProxy(control)

    @property
    def value(self) -> object:
        return self._read()

    def show_value(self, value: object) -> None:
        """Sets it without telling."""
        blocked = self.blockSignals(True)
        self._write(value)
        self.blockSignals(blocked)


class Form(QWidget):
    """Sections of named fields."""

    changed = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setObjectName("plain")
        self._theme = theme
        self.fields: dict[str, Field] = {}
        self._problems: dict[str, QWidget] = {}
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(24, 16, 24, 24)
        self._grid.setHorizontalSpacing(18)
        self._grid.setVerticalSpacing(4)
        self._grid.setColumnMinimumWidth(0, NAME_WIDTH)
        self._grid.setColumnStretch(1, 1)
        self._row = 0

    def section(self, title: str, text: str = "") -> None:
        if self._row:
            self._space(18)
        self._grid.addWidget(label(title, "heading"), self._row, 0, 1, 2)
        self._row += 1
        if text:
            self._grid.addWidget(label(text, "muted", wrap=True), self._row, 0, 1, 2)
            self._row += 1
        self._space(6)

    def add(self, key: str, name: str, field: Field, text: str = "") -> None:
        """``key`` is the setting's; ``text`` says what it is for."""
        title = label(name, wrap=True)
        title.setBuddy(field.control)
        field.control.setAccessibleName(name)
        field.control.setAccessibleDescription(text)
        beside = QVBoxLayout()
        beside.setSpacing(3)
        beside.addWidget(field)
        if text:
            beside.addWidget(label(text, "muted", wrap=True))
        problem = label("", "bad", wrap=True)
        problem.hide()
        beside.addWidget(problem)
        self._grid.addWidget(title, self._row, 0, Qt.AlignmentFlag.AlignTop)
        title.setContentsMargins(0, 7, 0, 0)
        self._grid.addLayout(beside, self._row, 1)
        self._row += 1
        self._space(8)
        self.fields[key] = field
        self._problems[key] = problem
        field.changed.connect(self.changed)

    def end(self) -> None:
        self._grid.setRowStretch(self._row, 1)

    def show_problems(self, problems: dict[str, str]) -> None:
        """A sentence per setting; the keyboard goes to the first one."""
        for key, shown in self._problems.items():
            shown.setText(problems.get(key, ""))  # type: ignore[attr-defined]
            shown.setVisible(key in problems)
        first = next((key for key in self.fields if key in problems), None)
        if first is not None:
            self.fields[first].control.setFocus()

    def problem(self, key: str) -> str:
        """What is said of a setting; empty while nothing is wrong."""
        return self._problems[key].text() if not self._problems[key].isHidden() else ""  # type: ignore[attr-defined]

    def _space(self, height: int) -> None:
        self._grid.setRowMinimumHeight(self._row, height)
        self._row += 1


class _Still:
    """Mixed into a control: turning the wheel over a form scrolls the form and changes nothing by accident."""

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()


class StillCombo(_Still, QComboBox):
    pass


class StillSpin(_Still, QSpinBox):
    def __init__(self) -> None:
        super().__init__()
        self.lineEdit().setTextMargins(INSET, 0, 0, 0)


class StillDouble(_Still, QDoubleSpinBox):
    def __init__(self) -> None:
        super().__init__()
        self.lineEdit().setTextMargins(INSET, 0, 0, 0)


def choice(options: Sequence[tuple[object, str]]) -> Field:
    """One of several values, each with its words."""
    box = StillCombo()
    for value, words in options:
        box.addItem(words, value)
    field = Field(box, box.currentData, lambda value: box.setCurrentIndex(box.findData(value)))
    box.currentIndexChanged.connect(field.changed)
    field.layout().addStretch()  # type: ignore[union-attr]
    return field


def switch(words: str) -> Field:
    """Yes or no."""
    box = QCheckBox(words)
    field = Field(box, box.isChecked, lambda value: box.setChecked(bool(value)))
    box.toggled.connect(field.changed)
    field.layout().addStretch()  # type: ignore[union-attr]
    return field


def whole(low: int, high: int, unit: str = "", none: str = "") -> Field:
    """A whole number; with ``none`` its lowest value means None and is shown as these words."""
    box = StillSpin()
    box.setRange(low, high)
    box.setSuffix(unit)
    box.setSpecialValueText(none)
    box.setMinimumWidth(NUMBER_WIDTH)

    def read() -> object:
        return None if none and box.value() == low else box.value()

    field = Field(box, read, lambda value: box.setValue(low if value is None else int(str(value))))
    box.valueChanged.connect(field.changed)
    field.layout().addStretch()  # type: ignore[union-attr]
    return field


def number(low: float, high: float, step: float, digits: int, unit: str = "") -> Field:
    box = StillDouble()
    box.setRange(low, high)
    box.setSingleStep(step)
    box.setDecimals(digits)
    box.setSuffix(unit)
    box.setMinimumWidth(NUMBER_WIDTH)
    field = Field(box, box.value, lambda value: box.setValue(float(str(value))))
    box.valueChanged.connect(field.changed)
    field.layout().addStretch()  # type: ignore[union-attr]
    return field


def share() -> Field:
    """A share from 0 to 1, shown in percent."""
    box = StillSpin()
    box.setRange(0, 100)
    box.setSuffix(" %")
    box.setMinimumWidth(NUMBER_WIDTH)
    field = Field(box, lambda: box.value() / 100, lambda value: box.setValue(round(float(str(value)) * 100)))
    box.valueChanged.connect(field.changed)
    field.layout().addStretch()  # type: ignore[union-attr]
    return field


def words_list(placeholder: str) -> Field:
    """One entry per line; empty lines do not count."""
    box = QPlainTextEdit()
    box.setPlaceholderText(placeholder)
    box.setTabChangesFocus(True)
    box.setFixedHeight(box.fontMetrics().height() * 4 + 18)

    def read() -> object:
        return tuple(line.strip() for line in box.toPlainText().splitlines() if line.strip())

    def write(value: object) -> None:
        box.setPlainText("\n".join(str(one) for one in value) if isinstance(value, tuple | list) else "")

    field = Field(box, read, write)
    box.textChanged.connect(field.changed)
    return field


class ChecksField(Field):
    """Any of several values."""

    def __init__(self, options: Sequence[tuple[str, str]]) -> None:
        self.boxes = {value: QCheckBox(words) for value, words in options}
        group, grid = QWidget(), QGridLayout()
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(18)
        for i, box in enumerate(self.boxes.values()):
            box.setAccessibleName(box.text())
            grid.addWidget(box, i // CHECKS, i % CHECKS)
        grid.setColumnStretch(CHECKS, 1)
        group.setLayout(grid)
        super().__init__(group, self._chosen, self._choose)
        group.setFocusProxy(next(iter(self.boxes.values())))
        for box in self.boxes.values():
            box.toggled.connect(self.changed)

    def _chosen(self) -> object:
        return tuple(value for value, box in self.boxes.items() if box.isChecked())

    def _choose(self, value: object) -> None:
        for one, box in self.boxes.items():
            box.setChecked(isinstance(value, tuple | list) and one in value)


class PathField(Field):
    """A folder or a file, typed or chosen; nothing is None, and ``empty`` says what that means where it is allowed."""

    def __init__(self, theme: Theme, name: str, empty: str | None = None, folder: bool = True) -> None:
        self.line = QLineEdit()
        self._folder, self._title = folder, name
        if empty is not None:
            self.line.setPlaceholderText(empty)
        super().__init__(self.line, self._path, lambda value: self.line.setText("" if value is None else str(value)))
        self.browse = quiet_button(tr("Choose: {name}").format(name=name), tr("Choose…"))
        tint(theme, self.browse, "folder")
        self.layout().addWidget(self.browse)  # type: ignore[union-attr]
        self.line.textChanged.connect(self.changed)
        self.browse.clicked.connect(self._ask)

    def _path(self) -> object:
        text = self.line.text().strip()
        return Path(text).expanduser() if text else None

    def _ask(self) -> None:
        start = self.line.text()
        if self._folder:
            name = QFileDialog.getExistingDirectory(self, self._title, start)
        else:
            name, _ = QFileDialog.getOpenFileName(self, self._title, start, "JSON (*.json)")
        if name:
            self.line.setText(name)
