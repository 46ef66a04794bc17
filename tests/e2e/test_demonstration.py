"""A person shows something on real programs; xdotool is the person."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from reticle_agent.trace import TraceReader, verify
from reticle_agent.trace.export import export_trace
from reticle_agent.trace.export.record import read_run

if TYPE_CHECKING:
    from conftest import Row, Stage

pytestmark = pytest.mark.slow
SECRET = "canary-7291-x"
SIGN_IN = """
import sys
from PySide6.QtWidgets import QApplication, QFormLayout, QLineEdit, QPushButton, QWidget
app = QApplication(["signin"])
app.setApplicationName("signin")
window = QWidget()
window.setWindowTitle("Sign in")
form = QFormLayout(window)
name, code = QLineEdit(), QLineEdit()
code.setEchoMode(QLineEdit.EchoMode.Password)
form.addRow("&Nickname:", name)
form.addRow("&Code:", code)
button = QPushButton("Enter the hall")
button.clicked.connect(lambda: window.setWindowTitle("Welcome " + name.text()))
form.addRow(button)
window.resize(420, 200)
window.show()
app.exec()
"""


def until(condition: Callable[[], Any], seconds: float = 60.0) -> Any:
    deadline = time.monotonic() + seconds
    while not (value := condition()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return value


class Person:
    """xdotool, at a person's pace."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def does(self, *arguments: str, rest_s: float = 1.2) -> None:
        subprocess.run(["xdotool", *arguments], env=self._stage.env, check=True, timeout=30)
        time.sleep(rest_s)

    def clicks(self, box: tuple[int, int, int, int]) -> None:
        left, top, width, height = box
        self.does("mousemove", str(left + width // 2), str(top + height // 2), rest_s=0.8)
        self.does("click", "1")

    def types(self, text: str) -> None:
        self.does("type", "--delay", "60", text, rest_s=2.2)

    def presses(self, keys: str) -> None:
        self.does("key", keys)


def box(tree: list[Row], name: str) -> tuple[int, int, int, int]:
    row = next(row for row in tree if row["name"] == name and "showing" in row["states"])
    left, top, width, height = row["box"]
    return left, top, width, height


def begin(stage: Stage, *arguments: str) -> subprocess.Popen[str]:
    """Starts recording and waits until it has begun."""
    process = stage.start("trace", "record", *arguments, "--trace", str(stage.trace), "--json")
    started = until(lambda: process.poll() is not None or stage.events())
    assert started, "recording did not begin"
    assert process.poll() is None, process.communicate()[1]
    time.sleep(2.0)
    return process


def finish(process: subprocess.Popen[str]) -> Row:
    import json

    stdout, stderr = process.communicate(timeout=90)
    assert process.returncode == 0, stderr
    document: Row = json.loads(stdout)
    return document


def test_clicks_and_typing_in_a_gtk_editor(stage: Stage) -> None:
    person = Person(stage)
    process = begin(stage, "search for a word", "--app", "mousepad", "--no-read")
    person.clicks(box(stage.tree("mousepad"), "Search"))
    person.presses("Escape")
    person.types("Hello World")
    person.presses("ctrl+a")
    person.presses("ctrl+alt+Escape")
    told = finish(process)
    assert "ctrl+alt+escape" in told["ended_by"]
    assert verify(stage.trace) == []
    trace = TraceReader.open(stage.trace)
    assert (trace.status, trace.manifest["source"], trace.task) == ("done", "human", "search for a word")
    steps = read_run(stage.trace).steps
    assert [type(step.action).__name__ for step in steps] == ["Click", "Hotkey", "TypeText", "Hotkey", "Finish"]
    assert steps[0].instruction == "the Search menu"
    assert steps[0].effect == "confirmed"
    [label] = steps[0].labels
    assert label.by == "user"
    assert label.region is not None
    assert label.region.contains(label.point)
    assert getattr(steps[2].action, "text", "") == "Hello World"
    assert getattr(steps[3].action, "keys", ()) == ("ctrl", "a")
    assert export_trace(stage.trace, "gui-actor", stage.folder / "labels").count == 1


def test_what_is_typed_into_a_password_field_is_nowhere(stage: Stage) -> None:
    program = stage.folder / "signin.py"
    program.write_text(SIGN_IN)
    window = subprocess.Popen([sys.executable, str(program)], env=stage.env)
    try:
        assert until(lambda: "Sign in" in stage.titles())
        person = Person(stage)
        process = begin(stage, "sign in", "--no-read")
        tree = stage.tree("signin")
        fields = [row for row in tree if row["role"] in ("text", "password text") and "showing" in row["states"]]
        name, code = (tuple(row["box"]) for row in fields[:2])
        person.clicks(name)
        person.types("Ada")
        person.clicks(code)
        person.types(SECRET)
        person.clicks(box(tree, "Enter the hall"))
        assert until(lambda: "Welcome Ada" in stage.titles())
        person.presses("ctrl+alt+Escape")
        told = finish(process)
    finally:
        window.kill()
        window.wait(10)
    assert told["secret_texts"] == 1
    steps = read_run(stage.trace).steps
    typed = [getattr(s.action, "text", None) for s in steps if type(s.action).__name__ == "TypeText"]
    assert typed == ["Ada", "\u2022\u2022\u2022"]
    clicked = [s.instruction for s in steps if type(s.action).__name__ == "Click"]
    assert clicked == ["the Nickname field", "the Code field", "the Enter the hall button"]
    for path in stage.trace.rglob("*"):
        if path.is_file():
            assert SECRET.encode() not in path.read_bytes(), path.name
    receipt = (stage.trace / "redactions.json").read_text()
    assert re.search(r'"secret text is stored as its length": [1-9]', receipt)
    assert '"parts of frames are painted over": 0' not in receipt


def test_nothing_done_is_said(stage: Stage) -> None:
    ended = stage.reticle("trace", "record", "nothing", "--seconds", "2", "--no-read", "--trace", str(stage.trace))
    assert ended.code == 1
    assert "nothing was done" in ended.stderr
