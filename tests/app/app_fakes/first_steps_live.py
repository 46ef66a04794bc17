"""Runs the checks and the pointer page of the first steps on the real desktop of $DISPLAY. Prints JSON."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from app_fakes.parts import build_fake
from PySide6.QtCore import QEventLoop, QTimer
from PySide6.QtWidgets import QApplication

from reticle_app.config import Settings


def spin(seconds: float, until: Callable[[], bool] = lambda: False) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end and not until():
        loop = QEventLoop()
        QTimer.singleShot(20, loop.quit)
        loop.exec()
    return until()


def main() -> None:
    app = QApplication(sys.argv[:1])
    parts, _ = build_fake(app, settings=Settings(theme="light"))
    parts.window.show()
    assert spin(60, lambda: parts.window.footer.model.text().endswith("ready"))
    parts.window.footer.welcome.click()
    window, welcoming = parts.tools.welcome_window, parts.tools.welcoming
    spin(1.0)
    window.checks.run.click()
    assert spin(120, lambda: not welcoming.busy)
    spin(1.0)
    window.go(2)
    window.pointer.run.click()
    assert spin(120, lambda: not welcoming.busy)
    said = window.pointer.status.words
    window.pointer.run.click()
    assert spin(60, lambda: window.pointer.progress.maximum() > 0), "the first target was shown"
    window.pointer.cancel.click()
    assert spin(60, lambda: not welcoming.busy)
    report = {
        "checks": {name: check.status for name, check in window.checks.findings.items()},
        "details": {name: check.detail for name, check in window.checks.findings.items()},
        "summary": window.checks.summary.words,
        "permissions": [row.state for row in window.permissions.rows],
        "pointer": said,
        "stopped": window.pointer.status.words,
        "window_back": window.isVisible() and parts.window.isVisible(),
    }
    parts.window.close()
    spin(5, lambda: not parts.window.isVisible())
    print(json.dumps(report))


main()
