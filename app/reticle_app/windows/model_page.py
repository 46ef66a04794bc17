"""One model of the models window: what it is, what it may be used for, what it needs, what is being done with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QFrame,
    QHBoxLayout,
    QLayout,
    QProgressBar,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from reticle_app.benchmarking import Stage, Timed
from reticle_app.models.choice import HELD
from reticle_app.models.entries import ModelEntry
from reticle_app.models.memory import SCREEN_TOKENS
from reticle_app.models.store import gigabytes
from reticle_app.theme import Theme
from reticle_app.translations import QT_TR_NOOP, tr
from reticle_app.widgets.basics import frame, label, push_button, scrolled, set_kind, tint
from reticle_app.widgets.memory_bars import MemoryBars
from reticle_app.widgets.note import Note
from reticle_grounding.number_types import NumberType

from .model_words import about_words, licence_words, model_title
from .number_row import NumberRow

Phase: TypeAlias = Literal["rest", "looking", "asking", "fetching", "paused", "checking", "switching"]
WIDTH = 640
MEASURE_HINT = QT_TR_NOOP(
    "Not measured yet. The model in use answers a few instructions on a bundled screenshot; that takes a few seconds "
    "for the model that ships and minutes for large ones. It can be cancelled at any time."
)
MEASURE_OTHER = QT_TR_NOOP("Only the model in use can be measured.")
UNKNOWN_MEMORY = QT_TR_NOOP(
    "Told from the files themselves once they are looked at; nothing large is fetched for that."
)


@dataclass(frozen=True, slots=True)
class PageState:
    """All that the page shows."""

    entry: ModelEntry
    in_use: bool = False
    phase: Phase = "rest"
    words: str = ""
    """What is being done, in one line."""
    plan: dict[str, Any] | None = None
    """As ``models.plan.plan_document`` makes it."""
    done: int = 0
    total: int = 0
    timed: Timed | None = None
    stage: Stage | None = None
    """Set while this model is measured."""
    numbers: NumberType | None = None
    """The number type of the next opening; None leaves it to the machine."""
    opened_in: NumberType | None = None
    """The number type the model in use runs in."""
    may_switch: bool = True
    """Whether another model may be opened, and this one measured, now."""
    machine: int | None = None
    """Bytes of memory."""
    offline: bool = False


class ModelPage(QScrollArea):
    get_asked = Signal()
    agreed = Signal()
    declined = Signal()
    pause_asked = Signal()
    resume_asked = Signal()
    use_asked = Signal()
    verify_asked = Signal()
    cancel_asked = Signal()
    remove_confirmed = Signal()
    measure_asked = Signal()
    measure_cancelled = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setAccessibleName(tr("About the model"))
        self._theme = theme
        self._removing = False
        self._state: PageState | None = None
        self.title, self.pill = label("", "heading", wrap=True), label(tr("In use"), "pill")
        self.subtitle, self.problem = label("", "muted", wrap=True), Note(theme)
        self.use = push_button(tr("Use this model"), tr("Open it in place of the model in use"), "primary")
        self.get = push_button(
            tr("Download…"), tr("Ask the hub for size, licence and memory; nothing large is fetched yet")
        )
        self.verify = push_button(tr("Check files"), tr("Read every byte again and compare it with what was recorded"))
        self.remove = push_button(tr("Remove…"), tr("Delete it from this machine (asks once more)"))
        for button, icon, colour in (
            (self.use, "play", "on_accent"), (self.get, "download", "text"), (self.verify, "check", "text"),
            (self.remove, "trash", "bad"),
        ):  # fmt: skip
            tint(theme, button, icon, colour)
        self._make_work()
        self._make_consent()
        self._make_removal()
        self.licence, self.memory = label("", wrap=True), MemoryBars(theme)
        self.memory_hint, self.numbers = label("", "muted", wrap=True), NumberRow(theme)
        self._make_speed()
        self.facts = label("", "muted", wrap=True)
        self.facts.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._lay_out()
        self._connect()

    @property
    def state(self) -> PageState | None:
        return self._state

    def show_state(self, state: PageState) -> None:
        """Everything about one model; a question about another one is forgotten."""
        before = self._state
        if state == before:
            return
        if before is None or before.entry.key != state.entry.key or state.phase != before.phase:
            self._removing = False
            self.accept.setChecked(False)
        if before is not None and before.entry.key != state.entry.key:
            self.verticalScrollBar().setValue(0)
        self._state = state
        self._show_facts(state)
        self._show_actions(state)
        self._show_work(state)
        self._show_consent(state)
        self._show_memory(state)
        free = state.phase == "rest" and state.may_switch
        self.numbers.show_numbers(state.numbers, state.opened_in, state.in_use, free)
        self._show_speed(state)

    # --- parts ---

    def _make_work(self) -> None:
        self.work, self.work_words = frame("card"), label("", wrap=True)
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.setAccessibleName(tr("Progress"))
        self.pause = push_button(tr("Pause"), tr("Stop fetching; what came is kept"))
        self.resume = push_button(tr("Go on"), tr("Go on where it stopped"), "primary")
        self.cancel = push_button(tr("Cancel"), tr("Stop this"))
        for button, icon, colour in ((self.pause, "pause", "text"), (self.resume, "play", "on_accent")):
            tint(self._theme, button, icon, colour)
        buttons = _row(self.pause, self.resume, self.cancel)
        _column(self.work, self.work_words, self.progress, buttons)

    def _make_consent(self) -> None:
        self.consent, self.consent_title = frame("info"), label("", "title", wrap=True)
        self.consent_words = label("", wrap=True)
        self.accept = QCheckBox(tr("I have read these licences and keep to them"))
        self.accept.setAccessibleName(self.accept.text())
        self.agree = push_button(
            tr("Download"), tr("Fetch the files, compare every checksum, and keep the model"), "primary"
        )
        self.decline = push_button(tr("Not now"), tr("Fetch nothing"))
        tint(self._theme, self.agree, "download", "on_accent")
        _column(self.consent, self.consent_title, self.consent_words, self.accept, _row(self.agree, self.decline))

    def _make_removal(self) -> None:
        self.removal, self.removal_words = frame("warn"), label("", wrap=True)
        self.delete = push_button(tr("Delete for good"), tr("Delete the files of this model"), "stop")
        self.keep = push_button(tr("Keep it"), tr("Delete nothing"))
        _column(self.removal, self.removal_words, _row(self.delete, self.keep))

    def _make_speed(self) -> None:
        self.speed, self.speed_words = label("", "title"), label("", "muted", wrap=True)
        self.measure = push_button(tr("Measure"), tr("Ask the model in use on a bundled screenshot and take the time"))
        self.stop_measuring = push_button(tr("Cancel"), tr("Stop measuring; nothing is kept"))
        self.measured = QProgressBar()
        self.measured.setTextVisible(False)
        self.measured.setAccessibleName(tr("Progress of the measurement"))
        tint(self._theme, self.measure, "clock")

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(10)
        head.addWidget(self.title, 1)
        head.addWidget(self.pill, 0, Qt.AlignmentFlag.AlignTop)
        column = QVBoxLayout()
        column.setContentsMargins(24, 20, 24, 24)
        column.setSpacing(8)
        column.addLayout(head)
        column.addWidget(self.subtitle)
        column.addWidget(self.problem)
        column.addSpacing(6)
        column.addLayout(_row(self.use, self.get, self.verify, self.remove))
        for card in (self.work, self.consent, self.removal):
            column.addWidget(card)
        self._section(column, tr("Licence"), self.licence)
        self._section(column, tr("Memory"), self.memory, self.memory_hint, self.numbers)
        self._section(column, tr("Speed on this machine"), self.speed, self.speed_words, self.measured)
        column.addLayout(_row(self.measure, self.stop_measuring))
        self._section(column, tr("Details"), self.facts)
        column.addStretch()
        scrolled(self, column, WIDTH + 48)

    @staticmethod
    def _section(column: QVBoxLayout, title: str, *widgets: QWidget) -> None:
        column.addSpacing(12)
        column.addWidget(label(title, "title"))
        for widget in widgets:
            column.addWidget(widget)

    def _connect(self) -> None:
        self.use.clicked.connect(self.use_asked)
        self.get.clicked.connect(self.get_asked)
        self.verify.clicked.connect(self.verify_asked)
        self.remove.clicked.connect(lambda: self._ask_removal(True))
        self.keep.clicked.connect(lambda: self._ask_removal(False))
        self.delete.clicked.connect(self._confirm_removal)
        self.accept.toggled.connect(self._refresh_agree)
        self.agree.clicked.connect(self.agreed)
        self.decline.clicked.connect(self.declined)
        self.pause.clicked.connect(self.pause_asked)
        self.resume.clicked.connect(self.resume_asked)
        self.cancel.clicked.connect(self.cancel_asked)
        self.measure.clicked.connect(self.measure_asked)
        self.stop_measuring.clicked.connect(self.measure_cancelled)

    # --- showing ---

    def _show_facts(self, state: PageState) -> None:
        entry, plan = state.entry, state.plan
        self.title.setText(model_title(entry))
        self.pill.setVisible(state.in_use)
        self.subtitle.setText("  ·  ".join(about_words(entry)) or tr("Not looked at yet"))
        self.problem.tell("bad", entry.problem)
        terms = plan["terms"] if plan is not None else None
        licence = terms["licence"] if terms else entry.licence
        bases = [(b["repository"], b["licence"]) for b in terms["bases"]] if terms else entry.bases
        own = entry.kind == "own"
        words = [tr("Apache-2.0, like the program itself")] if own else licence_words(licence, bases)
        self.licence.setText("\n".join(words))
        facts = [
            tr("Repository: {name}").format(name=entry.repository) if entry.repository else "",
            tr("Commit: {name}").format(name=plan["revision"]) if plan is not None and plan["revision"] else "",
            tr("Folder: {name}").format(name=entry.model) if entry.model else "",
            tr("On the disk: {size}").format(size=gigabytes(entry.size)) if entry.size else "",
            tr("Added: {when} UTC").format(when=entry.added[:16].replace("T", " ")) if entry.added else "",
        ]
        self.facts.setText("\n".join(part for part in facts if part) or tr("Nothing of it is on this machine."))

    def _show_actions(self, state: PageState) -> None:
        entry, rests = state.entry, state.phase == "rest"
        self.use.setVisible(entry.usable and not state.in_use)
        self.use.setEnabled(rests and state.may_switch)
        self.get.setVisible(entry.kind in ("known", "unfinished") and state.phase in ("rest", "looking", "asking"))
        self.get.setText(tr("Go on…") if entry.kind == "unfinished" else tr("Download…"))
        self.get.setAccessibleName(self.get.text())
        self.get.setEnabled(rests and entry.repository is not None)
        self.verify.setVisible(entry.kind == "kept")
        self.verify.setEnabled(rests)
        self.remove.setVisible(entry.kind in ("kept", "unfinished", "unrecorded"))
        self.remove.setEnabled((rests or state.phase == "paused") and not state.in_use)
        self.remove.setToolTip(
            tr("The model in use cannot be removed; use another one first")
            if state.in_use
            else tr("Delete it from this machine (asks once more)")
        )
        size = f", {gigabytes(entry.size)}" if entry.size else ""
        what = tr("what was fetched of it") if entry.kind == "unfinished" else tr("all of its files")
        words = tr("Delete {name} from this machine for good: {what}?")
        self.removal_words.setText(words.format(name=model_title(entry), what=f"{what}{size}"))
        self.removal.setVisible(self._removing and self.remove.isEnabled())

    def _show_work(self, state: PageState) -> None:
        phase = state.phase
        self.work.setVisible(phase in ("looking", "fetching", "paused", "checking", "switching"))
        self.work_words.setText(state.words)
        self.progress.setRange(0, 1000 if state.total else 0)
        self.progress.setValue(round(1000 * state.done / state.total) if state.total else 0)
        self.progress.setVisible(phase != "paused" or state.total > 0)
        self.pause.setVisible(phase == "fetching")
        self.resume.setVisible(phase == "paused")
        self.cancel.setVisible(phase in ("looking", "checking"))

    def _show_consent(self, state: PageState) -> None:
        plan = state.plan
        asking = state.phase == "asking" and plan is not None
        self.consent.setVisible(asking)
        if not asking or plan is None:
            return
        commercial = plan["terms"]["commercial_use"]
        set_kind(self.consent, "info" if commercial == "yes" else "warn")
        imported = plan["revision"] is None
        self.agree.setText(tr("Copy it") if imported else tr("Download"))
        self.agree.setAccessibleName(self.agree.text())
        coming = gigabytes(plan["missing"])
        if plan["missing"] < plan["size"]:
            coming = tr("{done} of {all}").format(done=coming, all=gigabytes(plan["size"]))
        asked = tr("Copy {size}?") if imported else tr("Download {size}?")
        self.consent_title.setText(asked.format(size=coming))
        words = {
            "yes": tr("Its licences allow commercial use. Every file is compared with its published checksum."),
            "no": tr("NOT for commercial use: the licences below forbid it, whatever the model's own card says."),
            "unknown": tr(
                "Whether commercial use is allowed is not known. Read the licences on the model's page first."
            ),
        }
        self.consent_words.setText(words[commercial])
        self.accept.setVisible(commercial != "yes")
        self._refresh_agree()

    def _show_memory(self, state: PageState) -> None:
        plan, machine = state.plan, state.machine
        memory = {k: row["total"] for k, row in plan["memory"].items()} if plan is not None else state.entry.memory
        self.memory.setVisible(memory is not None)
        if memory is None:
            self.memory_hint.setText(tr(UNKNOWN_MEMORY))
            return
        opening = {k: row["opening"] for k, row in plan["memory"].items()} if plan is not None else None
        self.memory.show_memory(memory, machine, opening, HELD[state.numbers] if state.numbers else None)
        has = tr("This machine has {size}.").format(size=gigabytes(machine)) if machine is not None else ""
        hint = tr(
            "Weights and the cache of a full screenshot ({count} tokens). What fits the machine is float32 on a "
            "processor and bfloat16 on a GPU; int4 is told for comparison."
        ).format(count=SCREEN_TOKENS)
        self.memory_hint.setText(f"{has} {hint}".strip())

    def _show_speed(self, state: PageState) -> None:
        timed, stage = state.timed, state.stage
        self.speed.setText(timed.headline if timed is not None else "")
        self.speed.setVisible(timed is not None and stage is None)
        usable = state.entry.usable
        if stage is not None:
            self.speed_words.setText(f"{stage.words}…")
            self.measured.setRange(0, stage.of)
            self.measured.setValue(stage.done)
        elif timed is not None:
            when = tr("Measured on {when}").format(when=f"{timed.when.astimezone():%Y-%m-%d %H:%M}")
            self.speed_words.setText(f"{timed.details} {when}.")
        else:
            self.speed_words.setText(tr(MEASURE_HINT if state.in_use else MEASURE_OTHER))
        self.measured.setVisible(stage is not None)
        self.measure.setText(tr("Measure again") if timed is not None else tr("Measure"))
        self.measure.setAccessibleName(self.measure.text())
        self.measure.setVisible(usable and state.in_use and stage is None)
        self.measure.setEnabled(state.may_switch and state.phase == "rest")
        self.stop_measuring.setVisible(stage is not None)

    # --- questions ---

    def _ask_removal(self, on: bool) -> None:
        self._removing = on
        self.removal.setVisible(on)
        (self.keep if on else self.remove).setFocus()

    def _confirm_removal(self) -> None:
        self._ask_removal(False)
        self.remove_confirmed.emit()

    def _refresh_agree(self) -> None:
        self.agree.setEnabled(self.accept.isHidden() or self.accept.isChecked())


def _row(*widgets: QWidget) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(8)
    for widget in widgets:
        row.addWidget(widget)
    row.addStretch()
    return row


def _column(card: QFrame, *parts: QWidget | QLayout) -> None:
    column = QVBoxLayout(card)
    column.setContentsMargins(16, 14, 16, 14)
    column.setSpacing(10)
    for part in parts:
        if isinstance(part, QLayout):
            column.addLayout(part)
        else:
            column.addWidget(part)
