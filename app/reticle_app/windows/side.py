"""The panel at the right: the pending question, the candidates, the steps."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from reticle_app.theme import Theme
from reticle_app.translations import QT_TR_NOOP, tr
from reticle_app.widgets.approval import ApprovalPanel
from reticle_app.widgets.basics import label
from reticle_app.widgets.candidates import CandidateList
from reticle_app.widgets.steps import StepList
from reticle_grounding.types import Grounding

NO_CANDIDATES = QT_TR_NOOP("Places that may be meant appear here, with the probability that each is right.")
LOOKING = QT_TR_NOOP("Looking… A new picture is read first, which takes some seconds.")
NO_STEPS = QT_TR_NOOP("The steps of a run appear here.")


class SidePanel(QWidget):
    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setObjectName("side")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedWidth(330)
        self.approval = ApprovalPanel(theme)
        self.candidates, self.steps = CandidateList(theme), StepList(theme)
        self.hint = label("", "muted", wrap=True)
        self.no_candidates = label(tr(NO_CANDIDATES), "muted", wrap=True)
        self.no_steps = label(tr(NO_STEPS), "muted", wrap=True)
        column = QVBoxLayout()
        column.setContentsMargins(16, 14, 16, 16)
        column.setSpacing(8)
        for widget in (label(tr("Candidates"), "title"), self.no_candidates, self.candidates, self.hint):
            column.addWidget(widget)
        column.addSpacing(14)
        for below in (label(tr("Steps"), "title"), self.no_steps, self.steps):
            column.addWidget(below)
        column.addStretch()
        inside = QWidget()
        inside.setObjectName("plain")
        inside.setLayout(column)
        self.area = QScrollArea()
        self.area.setWidgetResizable(True)
        self.area.setFrameShape(QFrame.Shape.NoFrame)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.area.setWidget(inside)
        pinned = QVBoxLayout()
        pinned.setContentsMargins(12, 12, 12, 0)
        pinned.setSpacing(0)
        pinned.addWidget(self.approval)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        outer.addLayout(pinned)
        outer.addWidget(self.area, 1)
        self.show_grounding(None)

    def wait(self) -> None:
        """Candidates are being looked for; the next answer, or :meth:`rest`, ends that."""
        self.show_grounding(None)
        self.no_candidates.setText(tr(LOOKING))

    def rest(self) -> None:
        """Nothing is looked for any more."""
        self.no_candidates.setText(tr(NO_CANDIDATES))

    def show_grounding(self, grounding: Grounding | None) -> None:
        any_there = bool(grounding and grounding.candidates)
        self.candidates.show_grounding(grounding)
        self.hint.setVisible(any_there)
        if grounding is not None and any_there:
            words = tr("1 to {last} choose, arrows move the point (Shift: by a patch)")
            self.hint.setText(words.format(last=len(grounding.candidates)))
        self.no_candidates.setVisible(not any_there)

    def steps_changed(self) -> None:
        """Keeps the newest step in sight, unless a question makes the candidates matter more."""
        self.no_steps.setVisible(not self.steps.steps)
        bar = self.area.verticalScrollBar()
        bar.setValue(bar.minimum() if self.approval.isVisible() else bar.maximum())
