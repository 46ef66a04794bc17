"""Runs the checks and the pointer page of the first steps on the real desktop of $DISPLAY. Prints JSON.

With ``check`` or ``calibrate`` it begins that and closes the application in the middle.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from app_fakes.parts import build_fake, spin
from PySide6.QtWidgets import QApplication

from reticle_app.config import Settings
from reticle_app.windows.welcoming import END_S


def children() -> list[str]:
    """Command lines of living processes that this one started."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            stat = (entry / "stat").read_text().rpartition(")")[2].split()
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except (OSError, ValueError):
            continue
        if entry.name.isdigit() and int(stat[1]) == os.getpid() and stat[0] != "Z":
            found.append(command)
    return found


def close_in_the_middle(parts: Any, window: Any, welcoming: Any) -> None:
    if sys.argv[1] == "check":
        window.checks.run.click()
        assert spin(120, lambda: "typing" in window.checks.findings), "the windows are to step aside next"
    else:
        window.pointer.run.click()
        assert spin(120, lambda: window.pointer.progress.maximum() > 0)
    began = time.monotonic()
    parts.window.close()
    spin(20, lambda: not parts.window.isVisible())
    took = time.monotonic() - began
    spin(2.0, lambda: not children())
    print(json.dumps({"left": children(), "stuck": took > END_S + 3, "took": took}))


def main() -> None:
    app = QApplication(sys.argv[:1])
    parts, _ = build_fake(app, settings=Settings(theme="light"))
    parts.window.show()
    assert spin(60, lambda: parts.window.footer.model.text().endswith("ready"))
    parts.window.footer.welcome.click()
    window, welcoming = parts.tools.welcome_window, parts.tools.welcoming
    spin(1.0)
    if len(sys.argv) > 1:
        close_in_the_middle(parts, window, welcoming)
        return
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
