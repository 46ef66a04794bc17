"""The question before an input is sent. Only a real click on the button approves; silence never does."""

from __future__ import annotations

import time

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QPushButton, QVBoxLayout, QWidget

from reticle_agent.seams import ApprovalRequest
from reticle_app.relayed import description_of, relayed
from reticle_app.theme import Theme
from reticle_app.translations import tr

from .basics import frame, label, push_button, tint

GUARD_MS = 300
"""The buttons answer this long after the question became visible, so that a click meant for something else is lost."""


def because(reason: str) -> str:
    """Why a person is asked."""
    return tr("Asked because: {reason}").format(reason=relayed(reason))


class ClickOnlyButton(QPushButton):
    """A button that ignores the keyboard, shortcuts and programmatic animation; only the mouse or touch presses it."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        event.ignore()

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        event.ignore()


class ApprovalPanel(QWidget):
    """Shows one request at a time; ``approved`` and ``refused`` answer it, ``answered`` is for questions in words."""

    approved = Signal()
    refused = Signal()
    answered = Signal(str)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setAccessibleName(tr("Approval"))
        self._shown_at: float | None = None
        self._asks_words = False
        card = frame("warn")
        inner = QVBoxLayout(card)
        inner.setContentsMargins(14, 12, 14, 14)
        inner.setSpacing(6)
        self.title = label(tr("Do this?"), "title")
        self.what, self.why = label(wrap=True), label(kind="muted", wrap=True)
        self.words = QLineEdit()
        self.words.setPlaceholderText(tr("Your answer"))
        self.words.setAccessibleName(tr("Your answer"))
        self.words.returnPressed.connect(self._send_words)
        self.approve = ClickOnlyButton(tr("Approve"))
        self.approve.setProperty("kind", "primary")
        self.approve.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.approve.setAccessibleName(tr("Approve"))
        self.approve.setToolTip(tr("Send this input (click only; no key approves)"))
        self.approve.setAutoDefault(False)
        self.refuse = push_button(tr("Refuse"), tr("Do not send it"))
        tint(theme, self.approve, "check", "on_accent")
        tint(theme, self.refuse, "cross")
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        for button in (self.refuse, self.approve):
            buttons.addWidget(button, 1)
        for widget in (self.title, self.what, self.why, self.words):
            inner.addWidget(widget)
        inner.addSpacing(4)
        inner.addLayout(buttons)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 8)
        outer.addWidget(card)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(GUARD_MS)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._arm)
        self.approve.clicked.connect(self._approve)
        self.refuse.clicked.connect(self._refuse)
        self.approve.installEventFilter(self)
        self.clear()

    def ask(self, request: ApprovalRequest) -> None:
        """Shows a request; the buttons work after ``GUARD_MS`` of being visible."""
        self._open(tr("Do this?"), description_of(request), because(request.reason), words=False)

    def ask_words(self, question: str) -> None:
        """Shows a question that is answered in words."""
        self._open(tr("A question"), question, tr("The run waits for your answer."), words=True)

    def clear(self) -> None:
        self._timer.stop()
        self._shown_at = None
        self._enable(False)
        self.hide()

    def _open(self, title: str, what: str, why: str, words: bool) -> None:
        self.clear()
        self._asks_words = words
        self.title.setText(title)
        self.what.setText(what)
        self.why.setText(why)
        self.words.clear()
        self.words.setVisible(words)
        self.approve.setText(tr("Answer") if words else tr("Approve"))
        self.approve.setAccessibleName(self.approve.text())
        self.show()
        if self.isVisible():
            self._begin_guard()

    def _begin_guard(self) -> None:
        self._shown_at = time.monotonic()
        self._enable(False)
        self._timer.start()

    def showEvent(self, event: QEvent) -> None:
        """Becoming visible again (the window was hidden for a capture) starts the guard anew."""
        self._begin_guard()

    def hideEvent(self, event: QEvent) -> None:
        self._timer.stop()
        self._shown_at = None
        self._enable(False)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Drops mouse events made by programs inside this process rather than by the window system."""
        if isinstance(event, QMouseEvent) and event.type() == QEvent.Type.MouseButtonRelease:
            return not event.spontaneous()
        return False

    def _arm(self) -> None:
        if self._shown_at is not None and self.isVisible():
            self._enable(True)

    def _enable(self, on: bool) -> None:
        self.approve.setEnabled(on)
        self.refuse.setEnabled(on)

    def _old_enough(self) -> bool:
        return self._shown_at is not None and (time.monotonic() - self._shown_at) * 1000 >= GUARD_MS

    def _approve(self) -> None:
        if not self._old_enough():
            return
        if self._asks_words:
            self._send_words()
            return
        self.clear()
        self.approved.emit()

    def _refuse(self) -> None:
        self.clear()
        self.refused.emit()

    def _send_words(self) -> None:
        words = self.words.text().strip()
        if self._asks_words and words and self._old_enough():
            self.clear()
            self.answered.emit(words)
