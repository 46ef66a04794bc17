"""Recorded runs: a list to search, a time line to scrub, each step before and after, and what a person says of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QImage, QKeyEvent
from PySide6.QtWidgets import (
    QComboBox,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QMainWindow,
    QPushButton,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from reticle_agent.trace.export import FORMATS
from reticle_agent.trace.review import StepReview
from reticle_app.commands import Commands
from reticle_app.library import RunStep, TraceEntry
from reticle_app.relayed import deed_words
from reticle_app.resources import app_icon
from reticle_app.theme import Theme
from reticle_app.translations import QT_TR_NOOP, tr
from reticle_app.widgets.banner import Banner
from reticle_app.widgets.basics import from_home, label, open_at_hint, push_button, quiet_button, tint
from reticle_app.widgets.busy import BusyLine
from reticle_app.widgets.inspect_canvas import InspectCanvas
from reticle_app.widgets.timeline import TimeLine
from reticle_grounding.geometry import Rect
from reticle_grounding.types import Grounding

from .header import InstructionField
from .palettes import offer_palette
from .trace_list import TraceList, shortened

PICK_ONE = QT_TR_NOOP("Choose a run on the left.")
NONE_YET = QT_TR_NOOP("What is run in the main window can be looked through here, step by step.")
DELETED_SHOWN = 90
"""Characters of a task that was deleted."""


class TracesWindow(QMainWindow):
    opened = Signal(Path)
    step_wanted = Signal(int)
    """Index of the step on the time line."""
    judged = Signal(object)
    """"right", "wrong" or None."""
    corrected = Signal(object)
    """Rect in capture pixels, or None to take a correction back."""
    asked = Signal(str)
    """Other words for the shown step."""
    inspect_asked = Signal()
    delete_asked = Signal(Path)
    undo_asked = Signal()
    redo_asked = Signal()
    export_chosen = Signal(Path, str, Path)
    refresh_asked = Signal()

    def __init__(self, theme: Theme, shared: Commands) -> None:
        super().__init__()
        self.theme, self.commands = theme, Commands(self)
        self.setWindowTitle(tr("Recorded runs"))
        self.setWindowIcon(app_icon())
        self.setMinimumSize(900, 580)
        self._steps: Sequence[RunStep] = ()
        self._shown: TraceEntry | None = None
        self.banner, self.busy = Banner(theme, "undo"), BusyLine(theme)
        self.runs = TraceList(theme)
        self.undo, self.redo = self.runs.undo, self.runs.redo
        self.list, self.search, self.list_hint = self.runs.list, self.runs.search, self.runs.hint
        self.title, self.subtitle = label("", "title", wrap=True), label("", "muted", wrap=True)
        self.export_format = QComboBox()
        self.export_format.setAccessibleName(tr("Format"))
        self.export_format.addItems(list(FORMATS))
        self.export_button = push_button(tr("Export…"), tr("Write the run in the chosen format (Ctrl+S)"))
        self.delete_button = push_button(tr("Delete"), tr("Delete this run; it can be brought back until Reticle ends"))
        self.before, self.after = InspectCanvas(tr("Before the step")), InspectCanvas(tr("After the step"))
        self.after_title = label(tr("After"), "title")
        self.back = quiet_button(tr("Show what happened"), tr("Show the screen after the step again"))
        self.line = TimeLine(theme)
        self.earlier, self.later = (
            quiet_button(tr("Earlier step"), tr("Earlier step")),
            quiet_button(tr("Later step"), tr("Later step")),
        )
        self.step_title, self.step_words = label("", "title", wrap=True), label("", "muted", wrap=True)
        self.right, self.wrong = (
            self._verdict(tr("Right", "verdict"), tr("It went where it should (Y)")),
            self._verdict(tr("Wrong", "verdict"), tr("It did not (N)")),
        )
        self.correct = push_button(
            tr("Correct region"), tr("Drag a box around what was meant (R); once more takes it back")
        )
        self.correct.setCheckable(True)
        self.words = InstructionField()
        self.words.set_hints(tr("What if it had been called…"), tr("Other words"))
        self.words.setAccessibleName(tr("Other words"))
        self.words.setMaxLength(10_000)
        self.ask_button = push_button(
            tr("Ask again"), tr("Ground these words on this step's picture (Enter)"), "primary"
        )
        self.inspect = push_button(tr("Inspect"), tr("Open this step in the inspector (I)"))
        for button, icon, colour in (
            (self.export_button, "export", "text"),
            (self.delete_button, "trash", "bad"), (self.back, "restart", "text"), (self.earlier, "left", "text"),
            (self.later, "right", "text"), (self.right, "check", "good"), (self.wrong, "cross", "bad"),
            (self.correct, "edit", "text"), (self.ask_button, "find", "on_accent"), (self.inspect, "inspect", "text"),
        ):  # fmt: skip
            tint(theme, button, icon, colour)
        self._lay_out()
        self._connect()
        self._offer_commands(shared)
        self.show_run(None, ())
        open_at_hint(self)

    def sizeHint(self) -> QSize:
        return QSize(1280, 800)

    # --- what the controller sets ---

    def show_entries(self, entries: Sequence[TraceEntry]) -> None:
        """The runs there are; keeps the chosen one where it still is."""
        self.runs.show_entries(entries)
        self.empty.setText(tr(PICK_ONE if entries else NONE_YET))

    @property
    def listed(self) -> list[TraceEntry]:
        """The runs that the search lets through."""
        return self.runs.listed

    def show_run(self, entry: TraceEntry | None, steps: Sequence[RunStep]) -> None:
        """A run with its time line; None shows the page that asks to choose one."""
        self._steps, self._shown = steps, entry
        self.stack.setCurrentIndex(0 if entry is None else 1)
        if entry is not None:
            self.title.setText(entry.task)
            facts = [tr(entry.status), entry.when, tr("%n step(s)", "", len(steps)), from_home(entry.folder)]
            self.subtitle.setText("   ".join(fact.replace(" ", "\N{NO-BREAK SPACE}") for fact in facts))
        self.line.show_statuses([step.status for step in steps])
        for button in (self.export_button, self.delete_button, self.export_format):
            button.setEnabled(entry is not None)
        self._tell_step()

    def show_pictures(
        self, before: QImage | None, after: QImage | None, grounding: Grounding | None, chosen: int | None
    ) -> None:
        """The shown step's pictures with the recorded answer on the first."""
        self.before.show_picture(before)
        self.before.show_grounding(grounding, chosen)
        self.after.show_picture(after)
        self._name_after("")
        for widget in (self.correct, self.words, self.ask_button, self.inspect):
            widget.setEnabled(before is not None)

    def show_what_if(self, picture: QImage, grounding: Grounding) -> None:
        """Another answer on the same picture, in place of the screen after the step."""
        self.after.show_picture(picture)
        self.after.show_grounding(grounding, 0 if grounding.best else None)
        found = tr("not found") if grounding.best is None else f"{grounding.best.p_true:.0%}"
        self._name_after(tr("With other words: {found}").format(found=found))

    def show_review(self, review: StepReview, region: Rect | None) -> None:
        """Verdict and corrected region (capture pixels) of the shown step."""
        for button, verdict in ((self.right, "right"), (self.wrong, "wrong")):
            button.blockSignals(True)
            button.setChecked(review.verdict == verdict)
            button.blockSignals(False)
        self.before.set_box(region)
        self.correct.setText(tr("Take correction back") if region is not None else tr("Correct region"))
        self.correct.setAccessibleName(self.correct.text())

    @property
    def step(self) -> int:
        """Index of the shown step."""
        return self.line.value()

    # --- construction ---

    def _verdict(self, words: str, tip: str) -> QPushButton:
        made = push_button(words, tip)
        made.setCheckable(True)
        return made

    def _lay_out(self) -> None:
        self.stack = QStackedWidget()
        self.empty = empty = label(tr(PICK_ONE), "muted")
        empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.stack.addWidget(empty)
        self.stack.addWidget(self._run_page())
        right, rows = QWidget(), QVBoxLayout()
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(0)
        for widget, stretch in ((self.busy, 0), (self.banner, 0), (self.stack, 1)):
            rows.addWidget(widget, stretch)
        right.setLayout(rows)
        split = QSplitter(Qt.Orientation.Horizontal)
        split.addWidget(self.runs)
        split.addWidget(right)
        split.setStretchFactor(1, 1)
        split.setSizes([350, 930])
        split.setChildrenCollapsible(False)
        self.setCentralWidget(split)

    def _run_page(self) -> QWidget:
        head = QHBoxLayout()
        names = QVBoxLayout()
        names.setSpacing(2)
        names.addWidget(self.title)
        names.addWidget(self.subtitle)
        head.addLayout(names, 1)
        for control in (self.export_format, self.export_button, self.delete_button):
            head.addWidget(control)
        pictures = QGridLayout()
        pictures.setSpacing(6)
        over = QHBoxLayout()
        over.addWidget(self.after_title)
        over.addWidget(self.back)
        over.addStretch()
        pictures.addWidget(label(tr("Before"), "title"), 0, 0)
        pictures.addLayout(over, 0, 1)
        pictures.addWidget(self.before, 1, 0)
        pictures.addWidget(self.after, 1, 1)
        pictures.setRowStretch(1, 1)
        for i in (0, 1):
            pictures.setColumnStretch(i, 1)
        time = QHBoxLayout()
        time_line: list[QWidget] = [self.earlier, self.line, self.later]
        for widget in time_line:
            time.addWidget(widget)
        judge, ask = QHBoxLayout(), QHBoxLayout()
        for row in (judge, ask):
            row.setSpacing(8)
        for button in (self.right, self.wrong, self.correct):
            judge.addWidget(button)
        judge.addStretch()
        judge.addWidget(self.inspect)
        ask.addWidget(self.words, 1)
        ask.addWidget(self.ask_button)
        page, column = QWidget(), QVBoxLayout()
        column.setContentsMargins(16, 12, 16, 14)
        column.setSpacing(10)
        column.addLayout(head)
        column.addLayout(pictures, 1)
        column.addLayout(time)
        column.addWidget(self.step_title)
        column.addWidget(self.step_words)
        column.addLayout(judge)
        column.addLayout(ask)
        page.setLayout(column)
        return page

    def _connect(self) -> None:
        self.runs.opened.connect(self._pick)
        self.runs.reload.clicked.connect(self.refresh_asked)
        self.runs.folder.clicked.connect(self.ask_folder)
        self.line.valueChanged.connect(self._scrub)
        self.earlier.clicked.connect(lambda: self.line.setValue(self.line.value() - 1))
        self.later.clicked.connect(lambda: self.line.setValue(self.line.value() + 1))
        self.right.toggled.connect(lambda on: self._judge("right", on))
        self.wrong.toggled.connect(lambda on: self._judge("wrong", on))
        self.correct.toggled.connect(self._correct)
        self.before.drawn.connect(self._drawn)
        self.words.entered.connect(lambda _: self._ask())
        self.ask_button.clicked.connect(self._ask)
        self.back.clicked.connect(lambda: self.step_wanted.emit(self.step))
        self.inspect.clicked.connect(self.inspect_asked)
        self.export_button.clicked.connect(self.ask_export)
        self.delete_button.clicked.connect(self._delete)
        self.banner.action.connect(self.undo_asked)
        self.undo.clicked.connect(self.undo_asked)
        self.redo.clicked.connect(self.redo_asked)
        self.theme.changed.connect(self._recolour)
        self._recolour()

    def _offer_commands(self, shared: Commands) -> None:
        """All that can be done here; single letters are heard by :meth:`keyPressEvent`."""
        group, add, add_button = tr("Runs"), self.commands.add, self.commands.add_button
        add("traces.search", tr("Search runs"), self.search.setFocus, group=group, keys="Ctrl+F")
        add_button("traces.folder", self.runs.folder, group=group, keys="Ctrl+O")
        add_button("traces.reload", self.runs.reload, group=group, keys="F5")
        add_button("traces.export", self.export_button, group=group, keys="Ctrl+S", words=tr("Export this run…"))
        add_button("traces.delete", self.delete_button, group=group, keys="Ctrl+Del", words=tr("Delete this run"))
        add_button("traces.undo", self.undo, group=group, keys="Ctrl+Z")
        add_button("traces.redo", self.redo, group=group, keys=("Ctrl+Shift+Z", "Ctrl+Y"))
        group = tr("Step")
        add_button("traces.earlier", self.earlier, group=group, keys="Alt+Left")
        add_button("traces.later", self.later, group=group, keys="Alt+Right")
        for key, button, name, words in (
            ("Y", self.right, "right", tr("Mark the step right")),
            ("N", self.wrong, "wrong", tr("Mark the step wrong")),
            ("R", self.correct, "correct", tr("Correct the region, or take that back")),
            ("I", self.inspect, "inspect", tr("Open this step in the inspector")),
        ):  # fmt: skip
            add_button(f"traces.{name}", button, group=group, keys=key, words=words, listen=False)
        add("traces.words", tr("Go to other words"), self.words.setFocus, group=group, keys="Ctrl+L")
        words = tr("Ask again with these words")
        add_button(
            "traces.ask", self.ask_button, group=group, keys="Return", words=words, listen=False, said_keys=tr("Enter")
        )
        add_button("traces.back", self.back, group=group)
        add("traces.close", tr("Close this window"), self.close, group=tr("Windows"), keys="Ctrl+W")
        self.command_palette = offer_palette(self, self.theme, self.commands, shared)

    # --- actions ---

    def _pick(self, folder: Path) -> None:
        self.banner.hide()
        self.opened.emit(folder)

    def _scrub(self, index: int) -> None:
        self._tell_step()
        self.step_wanted.emit(index)

    def _tell_step(self) -> None:
        there = bool(self._steps)
        step = self._steps[self.step] if there else None
        if step is None:
            self.step_title.setText(tr("No steps"))
            self.step_words.setText("")
        else:
            title = deed_words(step.title) if step.done else step.title
            words = tr("{number} of {count}: {title}")
            self.step_title.setText(words.format(number=self.step + 1, count=len(self._steps), title=title))
            words = tr("{status}, {span} from {start} s")
            start = f"{step.at_ms / 1000:.1f}"
            self.step_words.setText(words.format(status=tr(step.status), span=step.span, start=start))
        self.words.setText(step.instruction if step else "")
        self.earlier.setEnabled(self.step > 0)
        self.later.setEnabled(there and self.step < len(self._steps) - 1)
        for button in (self.right, self.wrong):
            button.setEnabled(there)
        self.correct.setChecked(False)

    def _judge(self, verdict: str, on: bool) -> None:
        self.judged.emit(verdict if on else None)

    def _correct(self, on: bool) -> None:
        if on and self.before.box is not None:
            self.correct.setChecked(False)
            self.corrected.emit(None)
            return
        self.before.draw_boxes(on)

    def _drawn(self, rect: Rect) -> None:
        self.correct.setChecked(False)
        self.corrected.emit(rect)

    def _ask(self) -> None:
        words = self.words.text().strip()
        if words and self.ask_button.isEnabled():
            self.asked.emit(words)

    def _name_after(self, words: str) -> None:
        """``words`` name another answer in its place; none, the screen after the step."""
        self.after_title.setText(words or tr("After"))
        self.back.setVisible(bool(words))

    def ask_folder(self) -> None:
        name = QFileDialog.getExistingDirectory(self, tr("Folder of a recorded run"))
        if name:
            self.list.setCurrentRow(-1)
            self.opened.emit(Path(name))

    def ask_export(self) -> None:
        row, entry = FORMATS[self.export_format.currentText()], self._shown
        if entry is None:
            return
        if row.folder:
            name = QFileDialog.getExistingDirectory(self, tr("New or empty folder for the export"))
        else:
            ends = {"gif": ".gif", "mp4": ".mp4", "script": ".py"}
            name, _ = QFileDialog.getSaveFileName(self, tr("Export run"), f"run{ends.get(row.name, '.txt')}")
        if name:
            self.export_chosen.emit(entry.folder, row.name, Path(name))

    def show_deleted(self, task: str, folder: Path) -> None:
        """Says what is gone, and offers to bring it back."""
        title = tr("“{task}” was deleted").format(task=shortened(task, DELETED_SHOWN))
        text = tr("{folder} can be brought back until Reticle ends.").format(folder=folder)
        self.banner.tell("info", title, text, tr("Undo"))
        self.banner.dismiss.show()

    def show_history(self, undo: str, redo: str) -> None:
        """What would be undone and redone next; empty where nothing would."""
        for button, name, words, keys in (
            (self.undo, tr("Undo"), undo, "Ctrl+Z"),
            (self.redo, tr("Redo"), redo, "Ctrl+Shift+Z"),
        ):
            button.setEnabled(bool(words))
            button.setToolTip(f"{name}: {words} ({keys})" if words else f"{name} ({keys})")
            button.setAccessibleDescription(words)

    def _delete(self) -> None:
        if self._shown is not None:
            self.delete_asked.emit(self._shown.folder)

    def _recolour(self) -> None:
        for canvas in (self.before, self.after):
            canvas.background = self.theme.colour("canvas")
            canvas.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Letters judge and correct; fields that want the keys come first."""
        buttons = {
            Qt.Key.Key_Y: self.right, Qt.Key.Key_N: self.wrong, Qt.Key.Key_R: self.correct, Qt.Key.Key_I: self.inspect,
        }  # fmt: skip
        button = buttons.get(Qt.Key(event.key()))
        if event.key() == Qt.Key.Key_Escape and self.correct.isChecked():
            self.correct.setChecked(False)
        elif button is not None and button.isEnabled():
            button.click()
        else:
            super().keyPressEvent(event)
