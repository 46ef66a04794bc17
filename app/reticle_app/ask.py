"""A small window that asks one question and ends: ``python -m reticle_app.ask``, one JSON line in, one out.

Approving takes a real click after the guard time. Closing the window, a closed channel or anything unclear refuses.
"""

from __future__ import annotations

import json
import sys

from PySide6.QtCore import QSocketNotifier, Qt
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QApplication, QVBoxLayout, QWidget

from reticle_agent.actions import Wait
from reticle_agent.seams import ApprovalRequest

from .theme import Theme
from .widgets.approval import ApprovalPanel

WIDTH = 440
MARGIN = 24
"""Pixels between the window and the lower right corner of the screen."""


class AskWindow(QWidget):
    """Stays on top, takes no keyboard focus from the application at work, and answers once."""

    def __init__(self, theme: Theme, description: str, reason: str) -> None:
        super().__init__(
            None,
            Qt.WindowType.Window
            | Qt.WindowType.FramelessWindowHint
            | Qt.WindowType.X11BypassWindowManagerHint  # managers put full-screen windows above those on top
            | Qt.WindowType.WindowStaysOnTopHint
            | Qt.WindowType.WindowDoesNotAcceptFocus,
        )
        self.setWindowTitle("Reticle asks")
        self.setAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating)
        self.decision = "deny"
        self.panel = ApprovalPanel(theme)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(12, 12, 12, 4)
        outer.addWidget(self.panel)
        self.panel.approved.connect(lambda: self._end("allow"))
        self.panel.refused.connect(lambda: self._end("deny"))
        self.setFixedWidth(WIDTH)
        self.panel.ask(ApprovalRequest(Wait(0.0), description, None, None, None, reason))

    def place(self) -> None:
        """Into the lower right corner, where it covers least."""
        area = self.screen().availableGeometry()
        self.adjustSize()
        self.move(area.right() - self.width() - MARGIN, area.bottom() - self.height() - MARGIN)

    def closeEvent(self, event: QCloseEvent) -> None:
        super().closeEvent(event)
        QApplication.quit()

    def _end(self, decision: str) -> None:
        self.decision = decision
        self.close()


def main() -> int:
    question = json.loads(sys.stdin.readline())
    app = QApplication([])
    app.setApplicationName("reticle")
    window = AskWindow(Theme(app), str(question["description"]), str(question["reason"]))
    gone = QSocketNotifier(sys.stdin.fileno(), QSocketNotifier.Type.Read)
    gone.activated.connect(window.close)  # nothing more is ever sent, so this is the end of whoever asked
    window.place()
    window.show()
    app.exec()
    sys.stdout.write(json.dumps({"decision": window.decision}) + "\n")
    sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
