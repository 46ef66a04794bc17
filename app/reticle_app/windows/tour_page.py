"""First steps, a tour of a minute: ask for things on a bundled picture, see candidates, choose one, miss one."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QImage, QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from reticle_app.theme import Theme
from reticle_app.translations import QT_TR_NOOP, tr
from reticle_app.widgets.basics import label, push_button, set_kind, tint
from reticle_app.widgets.busy import BusyLine
from reticle_app.widgets.candidates import CandidateList
from reticle_app.widgets.canvas import Canvas
from reticle_app.widgets.note import Note
from reticle_grounding.types import Grounding

from .header import InstructionField

SIDE = 320


@dataclass(frozen=True, slots=True)
class TourStep:
    """What the person does next, and the words offered for it."""

    title: str
    words: str
    offers: tuple[str, ...] = ()


STEPS = (
    TourStep(
        QT_TR_NOOP("1  Say what you mean"),
        QT_TR_NOOP(
            "Plain words are enough: a name that stands there, or what something is for. Press one of these, or type "
            "your own."
        ),
        ("the Save button", "throw this away"),
    ),
    TourStep(
        QT_TR_NOOP("2  Look, then choose"),
        QT_TR_NOOP(
            "Marks show where it may be, with how likely each is. Choose another one: click its mark, or press 2."
        ),
    ),
    TourStep(
        QT_TR_NOOP("3  Ask for what is not there"),
        QT_TR_NOOP("Reticle says so instead of guessing. Nothing is clicked below a threshold."),
        ("the printer icon", "the volume slider"),
    ),
    TourStep(
        QT_TR_NOOP("That was all"),
        QT_TR_NOOP(
            "On your own screen: Capture, say what you mean, Find. Run carries it out; before each step it asks, as "
            "chosen under Permissions. Esc, the stop key or the pointer in a screen corner ends a run at any moment."
        ),
    ),
)
WAITING, OPENING = QT_TR_NOOP("Looking…"), QT_TR_NOOP("The model is still opening; the answer comes right after.")


class TourPage(QWidget):
    asked = Signal(str)
    finished = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.step = 0
        self.grounding: Grounding | None = None
        self.canvas, self.busy = Canvas(), BusyLine(theme)
        self.canvas.heat_opacity = 0.45
        self.title, self.words = label("", "heading", wrap=True), label("", "muted", wrap=True)
        self.offers = [push_button("", tr("Ask for this on the picture")) for _ in range(2)]
        self.field = InstructionField()
        self.field.setPlaceholderText(tr("your own words"))
        self.field.setAccessibleName(tr("Instruction for the picture"))
        self.field.setMaxLength(1000)
        self.find_button = push_button(tr("Find"), tr("Show where it is on the picture (Enter)"), "primary")
        self.status = Note(theme)
        self.candidates = CandidateList(theme)
        self.next = push_button(tr("Next"), tr("Go on with the tour"))
        self.again = push_button(tr("Once more"), tr("Begin the tour again"))
        self.done = push_button(tr("Close the tour"), tr("Close the first steps; Shift+F1 brings them back"), "primary")
        tint(theme, self.find_button, "find", "on_accent")
        tint(theme, self.again, "restart")
        tint(theme, self.done, "check", "on_accent")
        self._lay_out()
        self._connect()
        self._recolour()
        self.go(0)

    # --- what the controller sets ---

    def show_picture(self, picture: QImage) -> None:
        self.canvas.show_picture(picture)

    def wait(self, words: str, opening: bool) -> None:
        """An answer is being computed."""
        self.field.setText(words)
        self.busy.set_busy(True)
        self.status.tell("info", tr(OPENING if opening else WAITING))
        self.canvas.setFocus()  # not on to "Skip this step", which a second press would then press
        self._enable(False)

    def show_answer(self, grounding: Grounding) -> None:
        """The answer to what was asked, and the step it completes."""
        self.grounding = grounding
        self.busy.set_busy(False)
        self._enable(True)
        chosen = 0 if grounding.best else None
        self.canvas.show_grounding(grounding, chosen)
        self.candidates.show_grounding(grounding)
        self.candidates.choose(chosen)
        best = max((c.p_true for c in grounding.candidates), default=0.0)
        if grounding.found:
            self.status.tell("good", tr("Found, and {share} sure of it.").format(share=f"{best:.0%}"))
            if self.step == 0:
                self._complete()
        else:
            words = tr("Not found here: the likeliest place has {share}, {needed} is needed.")
            self.status.tell("warn", words.format(share=f"{best:.0%}", needed=f"{grounding.threshold:.0%}"))
            if self.step == 2:
                self._complete()
        self.canvas.setFocus()

    def fail(self, problem: str) -> None:
        self.busy.set_busy(False)
        self._enable(True)
        self.status.tell("bad", problem)

    # --- steps ---

    def go(self, step: int) -> None:
        """Shows a step from its beginning."""
        if step in (0, 2):  # what is asked next begins on a clean picture
            self.grounding = None
            self.canvas.show_grounding(None, None)
            self.candidates.show_grounding(None)
            self.field.clear()
        leads_on, begins_again = self.next.hasFocus(), self.again.hasFocus()
        self.step = step
        here, last = STEPS[step], step == len(STEPS) - 1
        self.title.setText(tr(here.title))
        self.words.setText(tr(here.words))
        for button, words in zip(self.offers, (*here.offers, "", ""), strict=False):
            button.setText(f"“{words}”")
            button.setAccessibleName(tr("Ask for {words}").format(words=words))
            button.setVisible(bool(words))
        for widget in (self.field, self.find_button):
            widget.setVisible(not last)
        self.candidates.setVisible(not last and bool(self.candidates.rows))
        self.next.setVisible(not last)
        self.next.setText(tr("Skip this step"))
        self.next.setAccessibleName(self.next.text())
        set_kind(self.next, "")
        self.again.setVisible(last)
        self.done.setVisible(last)
        if step != 1:
            self.status.clear()
        if leads_on and last:
            self.done.setFocus()
        elif begins_again:
            self.offers[0].setFocus()

    def choose(self, index: int) -> None:
        """The person points at another candidate."""
        found = self.grounding
        if found is None or not 0 <= index < len(found.candidates):
            return
        self.canvas.choose(index)
        self.candidates.choose(index)
        if self.step == 1 and index > 0:
            chosen = found.candidates[index]
            words = tr("Chosen: number {number}, {share} likely. In a run, that one would be used.")
            self.status.tell("good", words.format(number=index + 1, share=f"{chosen.p_true:.0%}"))
            self._complete()

    def _complete(self) -> None:
        self.next.setText(tr("Next"))
        self.next.setAccessibleName(tr("Next"))
        set_kind(self.next, "primary")

    def _enable(self, on: bool) -> None:
        widgets: list[QWidget] = [*self.offers, self.find_button, self.field]
        for widget in widgets:
            widget.setEnabled(on)

    # --- construction ---

    def _lay_out(self) -> None:
        side, column = QWidget(), QVBoxLayout()
        side.setFixedWidth(SIDE)
        column.setContentsMargins(20, 22, 20, 20)
        column.setSpacing(10)
        ask = QHBoxLayout()
        ask.setSpacing(8)
        ask.addWidget(self.field, 1)
        ask.addWidget(self.find_button)
        for widget in (self.title, self.words, *self.offers):
            column.addWidget(widget)
        column.addLayout(ask)
        column.addWidget(self.status)
        column.addWidget(self.candidates)
        column.addStretch()
        column.addWidget(self.next)
        column.addWidget(self.again)
        column.addWidget(self.done)
        side.setLayout(column)
        picture = QVBoxLayout()
        picture.setSpacing(0)
        picture.addWidget(self.busy)
        picture.addWidget(self.canvas, 1)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addLayout(picture, 1)
        row.addWidget(side)

    def _connect(self) -> None:
        for button in self.offers:
            button.clicked.connect(lambda _=False, b=button: self._ask(self._offered(b)))
        self.find_button.clicked.connect(lambda: self._ask(self.field.text()))
        self.field.entered.connect(lambda _: self._ask(self.field.text()))
        self.canvas.chosen.connect(self.choose)
        self.candidates.chosen.connect(self.choose)
        self.next.clicked.connect(lambda: self.go(self.step + 1))
        self.again.clicked.connect(lambda: self.go(0))
        self.done.clicked.connect(self.finished)
        self._theme.changed.connect(self._recolour)

    @staticmethod
    def _offered(button: QPushButton) -> str:
        return button.text().strip("“”")

    def _ask(self, words: str) -> None:
        if words.strip():
            self.asked.emit(words.strip())

    def _recolour(self) -> None:
        self.canvas.background = self._theme.colour("canvas")
        self.canvas.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Digits choose; the field comes first where it has the keyboard."""
        digit = event.key() - Qt.Key.Key_1.value
        if 0 <= digit < len(self.candidates.rows):
            self.choose(digit)
        else:
            super().keyPressEvent(event)
