"""Single controls with believable contents: what the windows of generated screens are put together from."""

from __future__ import annotations

from random import Random

from PySide6.QtCore import QDate, QSize, Qt, QTime
from PySide6.QtGui import QAction, QIcon
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDateEdit,
    QDoubleSpinBox,
    QLabel,
    QLineEdit,
    QPushButton,
    QRadioButton,
    QSlider,
    QSpinBox,
    QTimeEdit,
    QToolButton,
    QWidget,
)

from reticle_grounding.training import words

from .concepts import Concept, concepts
from .icons import pictured
from .look import Look

LABEL = "reticle_label"
"""Property of a field: the text of the label beside it."""


class Kit:
    """Makes controls for one window; concepts are not repeated before all have been used."""

    def __init__(self, rng: Random, look: Look) -> None:
        self.rng = rng
        self.look = look
        self.accelerators = rng.random() < 0.3
        self._left: list[Concept] = []

    def concept(self) -> Concept:
        """The next concept that has a picture name."""
        if not self._left:
            self._left = [c for c in concepts() if c.icons]
            self.rng.shuffle(self._left)
        return self._left.pop()

    def named(self, *keys: str) -> Concept:
        """The first concept with one of the given keys or labels, else any."""
        for key in keys:
            for concept in concepts():
                if key in (concept.key, concept.key.lower(), *concept.labels):
                    return concept
        return self.concept()

    def chance(self, probability: float) -> bool:
        return self.rng.random() < probability

    def icon(self, concept: Concept, size: int | None = None, ink: str | None = None, ground: str = "") -> QIcon:
        """The concept's picture, in one of the look's families where it has it; empty when nobody draws it."""
        colors = self.look.colors
        icon = pictured(
            concept,
            self.look.icons,
            self.rng,
            ink or (colors.accent if self.chance(0.06) and colors.name != "high contrast" else colors.text),
            ground or colors.window,
            size or self.look.icon_size,
        )
        return icon or QIcon()

    def shown_concept(self, size: int | None = None) -> tuple[Concept, QIcon]:
        """A concept and its picture; concepts that nobody draws are passed over."""
        for _ in range(200):
            concept = self.concept()
            icon = self.icon(concept, size)
            if not icon.isNull():
                return concept, icon
        return concept, icon

    def hint(self, concept: Concept) -> str:
        """A tooltip-like description."""
        return self.rng.choice(concept.phrases) if concept.phrases and self.chance(0.85) else ""

    def written(self, text: str) -> str:
        """A label as Qt wants it: ampersands doubled, an accelerator marked in some programs."""
        text = text.replace("&", "&&")
        return f"&{text}" if self.accelerators and text[:1].isalpha() else text

    def action(self, with_icon: bool = True, size: int | None = None) -> QAction:
        """An action of a menu or tool bar, with its label, picture and tooltip."""
        concept, icon = self.shown_concept(size)
        action = QAction(icon if with_icon else QIcon(), self.written(self.rng.choice(concept.labels)))
        action.setToolTip(self.hint(concept))
        action.setEnabled(self.chance(0.93))
        if self.chance(0.12):
            action.setCheckable(True)
            action.setChecked(self.chance(0.5))
        return action

    def icon_button(self, size: int | None = None, concept: Concept | None = None) -> QToolButton:
        """A button with a picture only."""
        side = size or self.look.icon_size
        icon = self.icon(concept, side) if concept else QIcon()
        if concept is None or icon.isNull():
            concept, icon = self.shown_concept(side)
        button = QToolButton()
        button.setIcon(icon)
        button.setIconSize(QSize(side, side))
        button.setAccessibleName(self.rng.choice(concept.labels))
        button.setToolTip(self.hint(concept))
        button.setAutoRaise(self.chance(0.7))
        return button

    def push(self, text: str | None = None, icon: bool | None = None) -> QPushButton:
        """A button with a label, sometimes with a picture beside it."""
        if icon or (icon is None and self.chance(0.3)):
            concept, picture = self.shown_concept(16)
            button = QPushButton(picture, self.written(text or self.rng.choice(concept.labels)))
            button.setToolTip("" if text else self.hint(concept))
        else:
            button = QPushButton(self.written(text or words.label(self.rng, "buttons")))
        button.setAutoDefault(False)
        button.setEnabled(self.chance(0.92))
        return button

    def check(self) -> QCheckBox:
        box = QCheckBox(self.written(words.label(self.rng, "checks")))
        box.setChecked(self.chance(0.5))
        box.setEnabled(self.chance(0.92))
        return box

    def radio(self) -> QRadioButton:
        return QRadioButton(self.written(words.label(self.rng, "checks", 0.4)))

    def choices(self, count: int) -> list[str]:
        """Different entries of a list."""
        makers = ("sections", "cities", "tabs", "adjectives", "columns")
        name = self.rng.choice(makers)
        return list(dict.fromkeys(words.label(self.rng, name, 0.75) for _ in range(count)))

    def combo(self) -> QComboBox:
        combo = QComboBox()
        combo.addItems(self.choices(self.rng.randint(3, 9)))
        combo.setCurrentIndex(self.rng.randrange(combo.count()))
        combo.setEditable(self.chance(0.12))
        return combo

    def line(self, name: str) -> QLineEdit:
        """A text field; hidden text when the name speaks of a password."""
        line = QLineEdit()
        draw = self.rng.random()
        if "assword" in name:
            line.setEchoMode(QLineEdit.EchoMode.Password)
            line.setText("x" * self.rng.randint(0, 12))
        elif draw < 0.45:
            line.setText(words.value(self.rng))
        elif draw < 0.6:
            line.setPlaceholderText(words.label(self.rng, "fields"))
        line.setCursorPosition(0)
        line.setEnabled(self.chance(0.93))
        return line

    def spin(self) -> QSpinBox | QDoubleSpinBox:
        if self.chance(0.3):
            fine = QDoubleSpinBox()
            fine.setRange(0, 1000)
            fine.setValue(self.rng.randrange(10000) / 10)
            return fine
        spin = QSpinBox()
        spin.setRange(0, 10 ** self.rng.randint(1, 5))
        spin.setValue(self.rng.randint(0, spin.maximum()))
        spin.setSuffix(self.rng.choice(("", "", "", " px", " %", " ms", " pt")))
        return spin

    def slider(self) -> QSlider:
        slider = QSlider(Qt.Orientation.Horizontal)
        slider.setRange(0, 100)
        slider.setValue(self.rng.randint(0, 100))
        return slider

    def date_value(self) -> QDate:
        return QDate(self.rng.randint(1998, 2030), self.rng.randint(1, 12), self.rng.randint(1, 28))

    def date(self) -> QDateEdit | QTimeEdit:
        if self.chance(0.3):
            return QTimeEdit(QTime(self.rng.randrange(24), self.rng.randrange(60)))
        edit = QDateEdit(self.date_value())
        edit.setDisplayFormat(self.rng.choice(("dd/MM/yyyy", "yyyy-MM-dd", "d MMM yyyy", "MM/dd/yy")))
        edit.setCalendarPopup(self.chance(0.5))
        return edit

    def field(self, name: str) -> QWidget:
        """Some control for the value called ``name``."""
        if "assword" in name or "mail" in name or "ame" in name.split(" ")[-1]:
            return self.line(name)
        draw = self.rng.random()
        if draw < 0.42:
            return self.line(name)
        if draw < 0.68:
            return self.combo()
        if draw < 0.84:
            return self.spin()
        return self.date() if draw < 0.91 else self.slider()

    def labelled(self, name: str | None = None) -> tuple[QLabel, QWidget]:
        """A label and the field it belongs to."""
        name = name or words.label(self.rng, "fields")
        field = self.field(name)
        field.setProperty(LABEL, name)
        label = QLabel(self.written(name) + (":" if self.chance(0.6) else ""))
        label.setBuddy(field)
        return label, field
