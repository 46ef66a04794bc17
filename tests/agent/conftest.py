"""A private X server for tests that need a real desktop."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@contextmanager
def virtual_screen(size: str = "1280x800") -> Iterator[str]:
    """Xvfb on a free display with openbox; yields the display's name, which is also ``$DISPLAY`` meanwhile."""
    read, write = os.pipe()
    command = ["Xvfb", "-displayfd", str(write), "-screen", "0", f"{size}x24", "-nolisten", "tcp", "-noreset"]
    server = subprocess.Popen(command, pass_fds=[write], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.close(write)
    with os.fdopen(read) as answer:
        name = f":{answer.readline().strip()}"
    before = os.environ.get("DISPLAY")
    os.environ["DISPLAY"] = name
    manager = subprocess.Popen(["openbox"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for_manager()
        yield name
    finally:
        for process in (manager, server):
            process.terminate()
            process.wait(10)
        if before is None:
            os.environ.pop("DISPLAY", None)
        else:
            os.environ["DISPLAY"] = before


def _wait_for_manager() -> None:
    from reticle_agent.x11 import X11

    connection = X11()
    deadline = time.monotonic() + 20
    while not connection.cardinal(connection.root.id, "_NET_SUPPORTING_WM_CHECK"):
        assert time.monotonic() < deadline, "openbox did not start"
        time.sleep(0.02)
    connection.close()


@pytest.fixture(scope="module")
def x_display() -> Iterator[str]:
    """One server for a test module."""
    with virtual_screen() as name:
        yield name


@pytest.fixture
def launch(x_display: str) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts a Python program (source text) on the display; it is ended with the test."""
    started: list[subprocess.Popen[str]] = []

    def start(source: str, *arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", source, *arguments]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


PAD_SOURCE = """
import json, sys
from PySide6.QtCore import QEvent, QObject, QSocketNotifier
from PySide6.QtWidgets import QApplication, QPlainTextEdit

NAMES = {QEvent.Type.MouseButtonPress: "press", QEvent.Type.MouseButtonRelease: "release",
         QEvent.Type.MouseButtonDblClick: "double", QEvent.Type.MouseMove: "move", QEvent.Type.Wheel: "wheel"}

class Spy(QObject):
    def eventFilter(self, watched, event):
        kind = NAMES.get(event.type())
        if kind == "wheel" and watched.objectName() == "view":
            seen.append([kind, event.angleDelta().x(), event.angleDelta().y()])
        elif kind and watched.objectName() == "view":
            at = event.globalPosition()
            seen.append([kind, event.button().name, round(at.x()), round(at.y())])
        elif event.type() == QEvent.Type.KeyPress and watched.objectName() != "view":
            seen.append(["key", event.key(), event.modifiers().value])
        return False

def answer():
    request = json.loads(sys.stdin.readline())
    reply = {"events": list(seen), "text": pad.toPlainText()}
    seen.clear()
    if request.get("clear"):
        pad.setPlainText("")
    if "clipboard" in request:
        app.clipboard().setText(request["clipboard"])
    reply["clipboard"] = app.clipboard().text() if request.get("paste") else None
    print(json.dumps(reply), flush=True)

seen = []
app = QApplication(sys.argv[:1])
pad = QPlainTextEdit()
pad.setWindowTitle("pad")
pad.setGeometry(200, 150, 600, 400)
pad.viewport().setObjectName("view")
spy = Spy()
pad.viewport().installEventFilter(spy)
pad.viewport().setMouseTracking(True)
pad.installEventFilter(spy)
notifier = QSocketNotifier(0, QSocketNotifier.Type.Read)
notifier.activated.connect(answer)
pad.show()
print(json.dumps({"ready": True}), flush=True)
app.exec()
"""


class Pad:
    """A text window of another process that tells what reached it."""

    CENTER = (500, 350)

    def __init__(self) -> None:
        environment = os.environ | {"QT_QPA_PLATFORM": "xcb", "QT_SCALE_FACTOR": "1"}
        self.process = subprocess.Popen(
            [sys.executable, "-c", PAD_SOURCE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        assert self.process.stdout is not None
        assert json.loads(self.process.stdout.readline())["ready"]

    def ask(self, **request: object) -> dict[str, Any]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        reply: dict[str, Any] = json.loads(self.process.stdout.readline())
        return reply

    def text(self, expected: str, timeout_s: float = 10) -> str:
        """The text once it is as expected, or whatever it is at the end of the wait."""
        deadline = time.monotonic() + timeout_s
        while (text := self.ask()["text"]) != expected and time.monotonic() < deadline:
            time.sleep(0.02)
        return str(text)

    def events(self, count: int, *kinds: str, timeout_s: float = 5) -> list[list[Any]]:
        """The next events of the named kinds, once there are ``count`` or the time is over."""
        found: list[list[Any]] = []
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            found += [e for e in self.ask()["events"] if e[0] in kinds]
            if len(found) >= count:
                break
            time.sleep(0.02)
        return found

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture(scope="module")
def pad(x_display: str) -> Iterator[Pad]:
    """Open, focused and empty."""
    from reticle_agent.x11 import X11

    window = Pad()
    connection = X11()
    deadline = time.monotonic() + 20
    while True:
        active = connection.active_window()
        if active is not None and connection.owner_pid(active) == window.process.pid:
            break
        assert time.monotonic() < deadline, "the pad did not get the focus"
        time.sleep(0.02)
    connection.close()
    yield window
    window.close()
