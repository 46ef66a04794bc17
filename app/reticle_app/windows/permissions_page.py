"""First steps, permissions: what the system lets Reticle do, and what you let it do."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QLabel, QRadioButton, QVBoxLayout, QWidget

from reticle_agent.doctor import Check
from reticle_app.resources import symbol
from reticle_app.theme import Theme
from reticle_app.translations import QT_TR_NOOP, tr
from reticle_app.widgets.basics import frame, from_home, label

from .checks_page import ICONS, SAID, State
from .header import mode_words
from .page import Page

SYSTEM = (
    (QT_TR_NOOP("See the screen, to find what you name"), ("display", "capture", "overlay")),
    (QT_TR_NOOP("Move the pointer and press keys, to do what you approved"), ("click", "typing")),
    (QT_TR_NOOP("Hear the stop key, to end a run whatever has the keyboard"), ("stop key",)),
)
"""What is needed, what for, and the checks that show whether it is allowed."""
UNKNOWN = QT_TR_NOOP("not known yet: check this machine first")


class SystemRow(QWidget):
    """One thing that the system must allow."""

    def __init__(self, theme: Theme, title: str) -> None:
        super().__init__()
        self._theme, self.state, self._title = theme, "waiting", title
        self._icon, self.words = QLabel(), label("", "muted", wrap=True)
        self._icon.setFixedSize(22, 22)
        text, row = QVBoxLayout(), QHBoxLayout(self)
        text.setSpacing(1)
        text.addWidget(label(title, wrap=True))
        text.addWidget(self.words)
        row.setContentsMargins(14, 8, 14, 8)
        row.setSpacing(12)
        row.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(text, 1)
        theme.changed.connect(self._refresh)
        self.show_state("waiting", tr(UNKNOWN))

    def show_state(self, state: State, words: str) -> None:
        self.state = state
        self.words.setText(words[:1].upper() + words[1:])
        self.setAccessibleName(f"{self._title}: {words}")
        self._refresh()

    def _refresh(self) -> None:
        name, colour = ICONS[self.state]  # type: ignore[index]
        self._icon.setPixmap(symbol(name, self._theme.colour(colour)).pixmap(22, 22))


class PermissionsPage(Page):
    mode_chosen = Signal(str)

    def __init__(self, theme: Theme, traces: Path, models: Path) -> None:
        super().__init__(
            tr("What Reticle may do"),
            tr(
                "Reticle needs no account and no key, and sends nothing anywhere. What the system must allow is shown "
                "as the check found it; what you allow is yours to choose, here and later in the main window."
            ),
        )
        self.rows = [SystemRow(theme, tr(title)) for title, _ in SYSTEM]
        card = frame("card")
        inside = QVBoxLayout(card)
        inside.setContentsMargins(0, 4, 0, 4)
        inside.setSpacing(0)
        for row in self.rows:
            inside.addWidget(row)
        self.add_title(tr("The system allows"))
        self.add(card)
        self.add_title(tr("In a run"))
        self._group = QButtonGroup(self)
        self.modes: dict[str, QRadioButton] = {}
        for mode, words, tip in mode_words():
            button = QRadioButton(f"{words}: {tip}")
            button.setAccessibleName(button.text())
            button.toggled.connect(lambda on, m=mode: self.mode_chosen.emit(m) if on else None)
            self._group.addButton(button)
            self.modes[mode] = button
            self.add(button)
        self.add_title(tr("Applications"))
        self.add(
            label(
                tr(
                    "Terminals and password managers are left alone unless a rule of yours lets Reticle in; `reticle "
                    "rules` shows and changes the rules. Deleting, sending and paying are asked about in every mode."
                ),
                "muted",
                wrap=True,
            )
        )
        self.add_title(tr("What is kept, and where"))
        self.add(
            label(
                tr(
                    "Runs are recorded in {traces}, pictures of the screen among them; texts marked as secret are not "
                    "written. Models lie in {models}. Nothing is fetched from the network unless you ask for a model."
                ).format(traces=from_home(traces), models=from_home(models)),
                "muted",
                wrap=True,
            )
        )
        self.end()

    def select_mode(self, mode: str) -> None:
        """Shows a choice made elsewhere."""
        button = self.modes.get(mode)
        if button is not None and not button.isChecked():
            self._group.blockSignals(True)
            button.setChecked(True)
            self._group.blockSignals(False)

    def show_findings(self, findings: Mapping[str, Check]) -> None:
        """What the checks say about each; a missing one leaves it unknown."""
        for row, (_, names) in zip(self.rows, SYSTEM, strict=True):
            found = [findings[name] for name in names if name in findings]
            worst = next((c for s in ("fail", "warn") for c in found if c.status == s), None)
            if worst is not None:
                row.show_state(worst.status, f"{tr(SAID[worst.status])}: {worst.remedy or worst.detail}")
            elif len(found) == len(names):
                row.show_state("ok", tr("allowed"))
            else:
                row.show_state("waiting", tr(UNKNOWN))
