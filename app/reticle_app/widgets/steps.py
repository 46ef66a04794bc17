"""The steps of the run, each with its status."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QVBoxLayout, QWidget

from reticle_app.resources import symbol
from reticle_app.theme import Theme
from reticle_app.translations import QT_TR_NOOP, tr

from .basics import label

Status = Literal["running", "asking", "done", "refused", "not_found", "failed", "stopped"]

LOOKS: dict[Status, tuple[str, str, str]] = {
    "running": ("play", "accent", QT_TR_NOOP("running")),
    "asking": ("question", "warn", QT_TR_NOOP("waits for you")),
    "done": ("check", "good", QT_TR_NOOP("done")),
    "refused": ("dash", "muted", QT_TR_NOOP("refused")),
    "not_found": ("alert", "warn", QT_TR_NOOP("not found")),
    "failed": ("cross", "bad", QT_TR_NOOP("failed")),
    "stopped": ("stop", "bad", QT_TR_NOOP("stopped")),
}
"""Symbol, colour token and words per status."""


@dataclass(frozen=True, slots=True)
class StepView:
    """What the list shows of one step."""

    number: int
    text: str
    status: Status
    message: str = ""

    def with_status(self, status: Status, message: str = "") -> StepView:
        return replace(self, status=status, message=message)


class StepRow(QWidget):
    def __init__(self, theme: Theme, step: StepView) -> None:
        super().__init__()
        self._theme = theme
        self._icon, self._text, self._state = QLabel(), label(wrap=True), label(kind="muted", wrap=True)
        grid = QGridLayout(self)
        grid.setContentsMargins(2, 4, 2, 4)
        grid.setHorizontalSpacing(9)
        grid.setVerticalSpacing(0)
        grid.addWidget(self._icon, 0, 0, Qt.AlignmentFlag.AlignTop)
        grid.addWidget(self._text, 0, 1)
        grid.addWidget(self._state, 1, 1)
        grid.setColumnStretch(1, 1)
        self.show_step(step)

    def show_step(self, step: StepView) -> None:
        self.step = step
        name, colour, state = LOOKS[step.status]
        words = tr(state)
        self._icon.setPixmap(symbol(name, self._theme.colour(colour)).pixmap(16, 16))
        self._text.setText(f"{step.number}. {step.text}")
        self._state.setText(f"{words}: {step.message}" if step.message else words)
        self.setAccessibleName(
            tr("Step {number}: {text}, {state}").format(number=step.number, text=step.text, state=words)
        )


class StepList(QWidget):
    """Steps in order of their numbers; showing a known number updates it."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setAccessibleName(tr("Steps of the run"))
        self._theme, self._rows = theme, dict[int, StepRow]()
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(2)
        theme.changed.connect(self._repaint_rows)

    def clear(self) -> None:
        for row in self._rows.values():
            self._layout.removeWidget(row)
            row.hide()
            row.deleteLater()
        self._rows = {}

    def show_step(self, step: StepView) -> None:
        row = self._rows.get(step.number)
        if row is not None:
            row.show_step(step)
            return
        self._rows[step.number] = StepRow(self._theme, step)
        self._layout.addWidget(self._rows[step.number])

    @property
    def steps(self) -> list[StepView]:
        return [row.step for _, row in sorted(self._rows.items())]

    def _repaint_rows(self) -> None:
        for row in self._rows.values():
            row.show_step(row.step)
