"""Runs "click the red square" from the real window on the real desktop of $DISPLAY; the person is xdotool.

Arguments: mode, folder for traces, what the person does (approve, refuse, stop, escape, nudge), and optionally a file
for a picture of the desktop while it asks. Prints JSON.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import mss
from app_fakes.parts import WORKER, spin
from PIL import Image
from PySide6.QtWidgets import QApplication, QWidget

from reticle_app.config import Settings
from reticle_app.desktop import desktop_body, desktop_screen
from reticle_app.gui import build
from reticle_app.remote import RemoteGrounder


def press(widget: QWidget) -> None:
    at = widget.mapToGlobal(widget.rect().center()) * widget.devicePixelRatioF()
    subprocess.run(["xdotool", "mousemove", str(at.x()), str(at.y()), "click", "1"], check=True)


def keep(path: Path) -> None:
    with mss.mss() as grabber:
        shot = grabber.grab(grabber.monitors[1])
        Image.frombytes("RGB", (shot.width, shot.height), shot.rgb).save(path)


def main() -> None:
    mode, traces, person = sys.argv[1:4]
    environment = {**os.environ, "QT_SCALE_FACTOR": "1"}
    script = str(Path(__file__).parent / "squares_window.py")
    target = subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True, env=environment)
    assert target.stdout.readline() == "ready\n"
    app = QApplication(sys.argv[:1])
    settings = Settings(theme="light", mode=mode, traces=Path(traces))
    grounder = RemoteGrounder(command=WORKER)
    parts = build(app, settings, grounder, desktop_body(lambda: settings, grounder), desktop_screen)
    window, approval = parts.window, parts.window.side.approval
    window.setGeometry(20, 40, 1200, 700)
    window.show()
    assert spin(60, lambda: window.header.run_button.isEnabled())
    window.header.field.setText("click the red square")
    press(window.header.run_button)
    asked = spin(60, lambda: approval.approve.isEnabled() or window.banner.isVisible()) and approval.isVisible()
    overlay = [w.isVisible() for w in parts.desk.overlays]
    if asked:
        spin(0.3)
        if len(sys.argv) > 4:
            keep(Path(sys.argv[4]))
        if person in ("escape", "nudge"):  # the keyboard belongs to the program that is worked on
            subprocess.run(["xdotool", "search", "--name", "^Squares$", "windowfocus", "--sync"], check=True)
            spin(20, lambda: parts.controller.chooser.keys.listening)
            spin(0.4)
        if person == "escape":
            subprocess.run(["xdotool", "key", "Return", "key", "space", "key", "Escape"], check=True)
        elif person == "nudge":
            moves = ["key", "2", "key", "1", "key", "Right", "key", "Right", "key", "Right", "key", "shift+Down"]
            subprocess.run(["xdotool", *moves, "key", "Return", "key", "space"], check=True)
            spin(20, lambda: parts.controller.chooser.answer().point is not None)
            spin(0.5)
            assert approval.isVisible(), "no key approves"
            window.raise_()  # the other window came up with the keyboard
            window.activateWindow()
            spin(5, window.isActiveWindow)
            spin(0.5)
            press(approval.approve)
        elif person == "stop":
            press(window.header.stop_button)
        else:
            press(approval.approve if person == "approve" else approval.refuse)
    ended = spin(60, lambda: not parts.runner.running and window.banner.isVisible())
    spin(0.5)
    report = {
        "asked": asked,
        "overlay": overlay,
        "ended": ended,
        "title": window.banner.title.text(),
        "text": window.banner.text.text(),
        "steps": [[step.text, step.status] for step in window.side.steps.steps],
        "window_back": window.isVisible(),
    }
    window.close()
    spin(5, lambda: not window.isVisible())
    target.terminate()
    report["clicks"] = [[int(v) for v in line.split()[1:]] for line in target.stdout.read().splitlines()]
    print(json.dumps(report))


main()
