"""First steps, the check of this machine: what each check means, what was found, and what to do about it."""

from __future__ import annotations

from typing import Literal, TypeAlias

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from reticle_agent.doctor import Check
from reticle_app.resources import symbol
from reticle_app.theme import Theme
from reticle_app.translations import QT_TR_NOOP, tr
from reticle_app.widgets.basics import frame, label, push_button, tint
from reticle_app.widgets.note import Note

from .page import Page

State: TypeAlias = Literal["waiting", "running", "ok", "warn", "fail"]
MEANINGS: dict[str, tuple[str, str]] = {
    "display": (QT_TR_NOOP("Screen"), QT_TR_NOOP("There is a desktop that Reticle can see and use.")),
    "capture": (QT_TR_NOOP("Seeing"), QT_TR_NOOP("A picture of the screen is taken, as before every step of a run.")),
    "click": (
        QT_TR_NOOP("Clicking"),
        QT_TR_NOOP("A small test window of our own is clicked, and the pixel compared."),
    ),
    "typing": (
        QT_TR_NOOP("Typing"),
        QT_TR_NOOP("Letters are typed there, and others pasted; your clipboard comes back afterwards."),
    ),
    "overlay": (
        QT_TR_NOOP("Marks"),
        QT_TR_NOOP("A mark is drawn on the desktop and must not be part of a picture of the screen."),
    ),
    "stop key": (
        QT_TR_NOOP("Stop key"),
        QT_TR_NOOP("The key that ends a run at any moment is pressed, and the time taken."),
    ),
    "model": (QT_TR_NOOP("Model"), QT_TR_NOOP("The model in use is asked for the only button of a test picture.")),
}
ICONS: dict[State, tuple[str, str]] = {
    "waiting": ("dash", "muted"),
    "running": ("clock", "accent"),
    "ok": ("check", "good"),
    "warn": ("question", "warn"),
    "fail": ("alert", "bad"),
}
SAID: dict[State, str] = {
    "waiting": QT_TR_NOOP("not checked yet"), "running": QT_TR_NOOP("being checked"), "ok": QT_TR_NOOP("works"),
    "warn": QT_TR_NOOP("works in part"), "fail": QT_TR_NOOP("does not work"),
}  # fmt: skip


class CheckRow(QWidget):
    """One check."""

    def __init__(self, theme: Theme, name: str) -> None:
        super().__init__()
        self._theme, self.state = theme, "waiting"
        self._icon = QLabel()
        self._icon.setFixedSize(22, 22)
        title, meaning = (tr(words) for words in MEANINGS[name])
        self._title = title
        self.meaning, self.detail = label(meaning, "muted", wrap=True), label("", wrap=True)
        self.remedy = Note(theme)
        words, row = QVBoxLayout(), QHBoxLayout(self)
        words.setSpacing(2)
        for widget in (label(title, "title"), self.meaning, self.detail, self.remedy):
            words.addWidget(widget)
        row.setContentsMargins(14, 9, 14, 9)
        row.setSpacing(12)
        row.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(words, 1)
        theme.changed.connect(self._refresh)
        self.show_state("waiting")

    def show_state(self, state: State, detail: str = "", remedy: str = "") -> None:
        self.state = state
        self.detail.setText(detail[:1].upper() + detail[1:])
        self.detail.setVisible(bool(detail))
        self.remedy.tell(
            "bad" if state == "fail" else "warn", tr("What to do: {remedy}").format(remedy=remedy) if remedy else ""
        )
        self.setAccessibleName(f"{self._title}: {tr(SAID[state])}. {detail} {remedy}".strip())
        self._refresh()

    def _refresh(self) -> None:
        name, colour = ICONS[self.state]  # type: ignore[index]
        self._icon.setPixmap(symbol(name, self._theme.colour(colour)).pixmap(22, 22))


class ChecksPage(Page):
    run_asked = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__(
            tr("Does everything work here?"),
            tr(
                "Each part of a run is tried once, in a small window of our own; nothing of yours is touched. For a "
                "moment Reticle's windows step aside. It takes some ten seconds; leave mouse and keyboard alone "
                "meanwhile."
            ),
        )
        self.run = push_button(tr("Check this machine"), tr("Try everything once"), "primary")
        tint(theme, self.run, "play", "on_accent")
        self.summary = Note(theme)
        self.rows = {name: CheckRow(theme, name) for name in MEANINGS}
        self.findings: dict[str, Check] = {}
        card = frame("card")
        column = QVBoxLayout(card)
        column.setContentsMargins(0, 4, 0, 4)
        column.setSpacing(0)
        for row in self.rows.values():
            column.addWidget(row)
        self.add_row(self.run)
        self.add(self.summary)
        self.add(card)
        self.end()
        self.run.clicked.connect(self.run_asked)

    def begin(self) -> None:
        """All checks are still to come."""
        self.findings = {}
        self.summary.clear()
        if self.run.hasFocus():  # else the keyboard would go to Close, which a second press would then press
            self.setFocus()
        self.run.setEnabled(False)
        for row in self.rows.values():
            row.show_state("waiting")
        next(iter(self.rows.values())).show_state("running")

    def show_finding(self, check: Check) -> None:
        """One more is known, and the next one is on."""
        self.findings[check.name] = check
        self.rows[check.name].show_state(check.status, check.detail, check.remedy if check.status != "ok" else "")
        coming = [name for name in self.rows if name not in self.findings]
        if coming:
            self.rows[coming[0]].show_state("running")

    def finish(self, problem: str = "") -> None:
        """The last check is done, or the whole ended too early."""
        for name in self.rows.keys() - self.findings.keys():
            self.rows[name].show_state("waiting")
        failed = [tr(MEANINGS[name][0]) for name, check in self.findings.items() if check.status == "fail"]
        if problem:
            self.summary.tell("bad", problem)
        elif failed:
            words = tr("Not working: {names}. What to do stands below; then check again.")
            self.summary.tell("bad", words.format(names=", ".join(failed)))
        elif any(check.status == "warn" for check in self.findings.values()):
            self.summary.tell("warn", tr("Reticle can work here, with the limits named below."))
        else:
            self.summary.tell("good", tr("Everything works on this machine."))
        self.run.setText(tr("Check again"))
        self.run.setAccessibleName(tr("Check again"))
        self.run.setEnabled(True)
        if self.hasFocus():
            self.run.setFocus()
