"""First steps, the pointer: whether a click arrives where a mark is drawn, on every monitor."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFileDialog, QProgressBar, QVBoxLayout

from reticle_app.calibration import Calibration
from reticle_app.theme import Theme
from reticle_app.translations import QT_TR_NOOP, tr
from reticle_app.widgets.basics import frame, label, push_button, tint
from reticle_app.widgets.note import Note

from .page import Page

NOT_YET = QT_TR_NOOP("Not measured on this machine yet.")
OTHER_MONITORS = QT_TR_NOOP("Monitors have changed since; measure again.")


class PointerPage(Page):
    run_asked = Signal()
    stop_asked = Signal()
    save_chosen = Signal(Path)

    def __init__(self, theme: Theme) -> None:
        super().__init__(
            tr("Do clicks arrive where they should?"),
            tr(
                "Targets appear on every monitor, one after another. Reticle looks for each on a picture of the screen "
                "and clicks it with the same hand as in a run; the target says where the click arrived. Leave the "
                "mouse alone meanwhile: moving it, or the stop key, ends the measurement."
            ),
        )
        self.done: Calibration | None = None
        self.run = push_button(
            tr("Measure"), tr("Show the targets and click them; takes a few seconds per monitor"), "primary"
        )
        self.cancel = push_button(tr("Stop"), tr("End the measurement"))
        self.save = push_button(tr("Save report…"), tr("Write the measurement as a text file"))
        tint(theme, self.run, "target", "on_accent")
        tint(theme, self.save, "export")
        self.progress, self.status = QProgressBar(), Note(theme)
        self.progress.setTextVisible(False)
        self.progress.setAccessibleName(tr("Progress of the measurement"))
        self.card = frame("card")
        inside = QVBoxLayout(self.card)
        inside.setContentsMargins(16, 12, 16, 12)
        inside.setSpacing(8)
        self.when, self.monitors = label("", "muted", wrap=True), label("", wrap=True)
        self.remedy = Note(theme)
        self.table = label("", "mono")
        for widget in (self.when, self.monitors, self.remedy, self.table):
            inside.addWidget(widget)
        self.add_row(self.run, self.cancel, self.save)
        self.add(self.progress)
        self.add(self.status)
        self.add(self.card)
        self.end()
        self.run.clicked.connect(self.run_asked)
        self.cancel.clicked.connect(self.stop_asked)
        self.save.clicked.connect(self.ask_file)
        self.show_result(None)

    def begin(self) -> None:
        self.cancel.show()
        if self.run.hasFocus():
            self.cancel.setFocus()
        self.run.setEnabled(False)
        self.save.setEnabled(False)
        self.progress.setRange(0, 0)
        self.progress.show()
        self.status.tell("info", tr("Getting ready…"))

    def show_progress(self, done: int, total: int) -> None:
        self.progress.setRange(0, total)
        self.progress.setValue(done)
        self.status.tell("info", tr("Target {count} of {all}").format(count=min(done + 1, total), all=total))

    def show_result(self, done: Calibration | None, current: bool = True) -> None:
        """A finished or kept measurement; ``current`` tells whether the monitors are those of now."""
        self.done = done
        self._rest()
        self.save.setEnabled(done is not None)
        self.card.setVisible(done is not None)
        if done is None:
            self.status.tell("info", tr(NOT_YET))
            return
        self.when.setText(tr("Measured on {when}").format(when=f"{done.when.astimezone():%Y-%m-%d %H:%M}"))
        self.monitors.setText("\n".join(m.headline() for m in done.monitors))
        self.remedy.tell("warn", done.remedy)
        tables = [[m.id, *m.table()] if len(done.monitors) > 1 else m.table() for m in done.monitors]
        self.table.setText("\n\n".join("\n".join(lines) for lines in tables))
        if not current:
            self.status.tell("warn", tr(OTHER_MONITORS))
        elif done.good:
            self.status.tell("good", tr("Clicks arrive where they should."))
        else:
            words = tr("Clicks do not arrive where they should; do not run tasks before this is mended.")
            self.status.tell("bad", words)

    def fail(self, problem: str) -> None:
        """The measurement ended without a result; the former one stays."""
        former = self.done
        self.show_result(former)
        self.status.tell("warn", problem)

    def _rest(self) -> None:
        self.run.setEnabled(True)
        self.run.setText(tr("Measure") if self.done is None else tr("Measure again"))
        self.run.setAccessibleName(self.run.text())
        if self.cancel.hasFocus():
            self.run.setFocus()
        self.cancel.hide()
        self.progress.hide()

    def ask_file(self) -> None:
        name, _ = QFileDialog.getSaveFileName(self, tr("Save report"), "pointer-calibration.txt", tr("Text (*.txt)"))
        if name:
            self.save_chosen.emit(Path(name))
