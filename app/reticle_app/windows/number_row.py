"""Which numbers a model computes in: a choice for forms, and a row that also opens the model in use once more."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QStandardItemModel
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from reticle_app.models.choice import HELD, can_open_in
from reticle_app.theme import Theme
from reticle_app.translations import QT_TR_NOOP, tr
from reticle_app.widgets.basics import label, push_button, tint
from reticle_app.widgets.form import Field, choice
from reticle_grounding.number_types import NUMBER_TYPES, NumberType

NEEDS_TORCHAO = QT_TR_NOOP("int8 needs the library torchao, which is not installed: pip install 'reticle[quant]'")


def number_type_field() -> Field:
    """One of the number types, None for what fits the machine; one that cannot be had here says why and is grey."""
    options: list[tuple[object, str]] = [(None, tr("Fits the machine"))]
    options += [(one, numbers_words(one)) for one in NUMBER_TYPES]
    field = choice(options)
    box = field.control
    assert isinstance(box, QComboBox), "what `choice` makes"
    rows = box.model()
    assert isinstance(rows, QStandardItemModel), "the model of a combo box that was filled by hand"
    for row, (value, _) in enumerate(options):
        if value == "int8" and not can_open_in("int8"):
            rows.item(row).setEnabled(False)
            box.setItemData(row, tr(NEEDS_TORCHAO), Qt.ItemDataRole.ToolTipRole)
            box.setItemData(row, tr(NEEDS_TORCHAO), Qt.ItemDataRole.AccessibleDescriptionRole)
    return field


def numbers_words(numbers: NumberType | None) -> str:
    """The long name, with the short one that the command line takes."""
    if numbers is None:
        return tr("Fits the machine")
    held = HELD[numbers]
    return held if held == numbers else f"{held} ({numbers})"


class NumberRow(QWidget):
    """The number type of all models, and a button where the model in use runs in another one."""

    chosen = Signal(object)
    """A number type, or None for what fits the machine."""
    reopen_asked = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.field = number_type_field()
        name, about = tr("Number type"), tr("What models compute in, from their next opening on.")
        self.field.control.setAccessibleName(name)
        self.field.control.setAccessibleDescription(about)
        self.reopen = push_button(tr("Open again"), tr("Open the model in use once more, in these numbers"))
        tint(theme, self.reopen, "restart")
        self.words = label("", "muted", wrap=True)
        title, row, column = label(name), QHBoxLayout(), QVBoxLayout(self)
        self.field.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Preferred)
        title.setBuddy(self.field.control)
        row.setSpacing(8)
        for widget in (title, self.field, self.reopen):
            row.addWidget(widget)
        row.addStretch()
        column.setContentsMargins(0, 6, 0, 0)
        column.setSpacing(4)
        column.addLayout(row)
        column.addWidget(self.words)
        self.field.changed.connect(lambda: self.chosen.emit(self.field.value))
        self.reopen.clicked.connect(self.reopen_asked)

    def show_numbers(
        self, numbers: NumberType | None, opened_in: NumberType | None, in_use: bool, may_open: bool
    ) -> None:
        """``numbers`` of the next opening, and of the model in use; ``in_use`` is the one the row stands below."""
        self.field.show_value(numbers)
        differs = in_use and numbers != opened_in
        self.reopen.setVisible(differs)
        self.reopen.setEnabled(may_open and (numbers is None or can_open_in(numbers)))
        said = tr("For every model, from its next opening on.")
        if differs:
            said = tr("The model in use was opened with “{numbers}”.").format(numbers=numbers_words(opened_in))
        if numbers is not None and not can_open_in(numbers):
            said = tr(NEEDS_TORCHAO)
        self.words.setText(said)
