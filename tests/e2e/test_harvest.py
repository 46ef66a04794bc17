"""`reticle data harvest` on real programs: what it writes is where it says, and nothing private is in it."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from reticle_agent.harvest.bus import AccessibilityBus
from reticle_agent.harvest.tree import programs
from reticle_agent.session import virtual_desktop
from reticle_grounding.errors import BadInput

RETICLE = Path(os.environ.get("RETICLE_COMMAND", str(Path(sys.executable).with_name("reticle"))))
Row = dict[str, Any]
SECRET = "hunter2"
SAMPLE = """
import sys
from PySide6.QtWidgets import (QApplication, QCheckBox, QFormLayout, QLineEdit, QPushButton, QScrollArea, QVBoxLayout,
                               QWidget)
app = QApplication(["sample"])
app.setApplicationName("sample")
window = QWidget()
window.setWindowTitle("Sample")
form = QFormLayout(window)
name, key = QLineEdit("Ada"), QLineEdit("hunter2")
key.setEchoMode(QLineEdit.EchoMode.Password)
form.addRow("&Nickname:", name)
form.addRow("&Code:", key)
for index, text in enumerate(["Sign in", "Register", "Leave"]):
    button = QPushButton(text)
    button.setStyleSheet(f"background: #ff80{60 * index:02x}; color: white; border: none; padding: 6px")
    form.addRow(button)
area, inner = QScrollArea(), QWidget()
column = QVBoxLayout(inner)
for index in range(12):
    column.addWidget(QPushButton(f"Row {index}"))
area.setWidget(inner)
form.addRow(area)
window.resize(380, 300)
window.show()
app.exec()
"""


@dataclass(frozen=True, slots=True)
class Scene:
    """A desktop with an accessibility bus."""

    env: Mapping[str, str]
    start: Callable[..., subprocess.Popen[bytes]]

    def harvest(self, out: Path, *options: str, code: int = 0) -> tuple[str, list[Row]]:
        """(what was said on stderr, all rows of the folder)."""
        command = [str(RETICLE), "data", "harvest", str(out), *options]
        done = subprocess.run(command, env=self.env, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == code, done.stderr
        return done.stderr, rows_of(out)


def rows_of(out: Path) -> list[Row]:
    path = out / "screens.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def until_on_bus(*names: str) -> None:
    bus = AccessibilityBus()
    deadline = time.monotonic() + 20
    try:
        while missing := set(names) - {program.name for program in programs(bus)}:
            assert time.monotonic() < deadline, f"{missing} did not come to the accessibility bus"
            time.sleep(0.2)
    finally:
        bus.close()
    time.sleep(0.8)  # the windows settle


@pytest.fixture(scope="module")
def desktop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    for program in ("Xvfb", "openbox", "dbus-daemon", "mate-calc", "xdotool"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed; run make setup-test")
    home = tmp_path_factory.mktemp("home")
    with virtual_desktop() as inside:
        try:
            AccessibilityBus().close()  # starts it; programs look for it once, when they start
        except BadInput as problem:
            pytest.skip(str(problem))
        env = {k: v for k, v in os.environ.items() if k not in ("NO_AT_BRIDGE", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")}
        env |= {"HOME": str(home), "XDG_CONFIG_HOME": str(home / "config"), "LANG": "C.UTF-8", "OMP_NUM_THREADS": "1"}
        yield {**env, **inside.environment, "QT_LINUX_ACCESSIBILITY_ALWAYS_ON": "1", "GSETTINGS_BACKEND": "memory"}


@pytest.fixture
def scene(desktop: Mapping[str, str]) -> Iterator[Scene]:
    started: list[subprocess.Popen[bytes]] = []

    def start(*command: str, **variables: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(command, env={**desktop, **variables}, stderr=subprocess.DEVNULL)
        started.append(process)
        return process

    yield Scene(desktop, start)
    for process in started:
        process.kill()
        process.wait(10)


@pytest.fixture(scope="module")
def calculator(desktop: Mapping[str, str]) -> Iterator[None]:
    process = subprocess.Popen(["mate-calc"], env=desktop, stderr=subprocess.DEVNULL)
    until_on_bus("mate-calc")
    yield
    process.kill()
    process.wait(10)


def element(row: Row, name: str, role: str | None = None) -> Row:
    found = [e for e in row["elements"] if e["name"] == name and role in (None, e["role"])]
    assert len(found) == 1, f"{name}: {found}"
    return dict(found[0])


def picture(out: Path, row: Row) -> np.ndarray[Any, np.dtype[np.uint8]]:
    image = Image.open(out / row["image"])
    assert (image.format, image.size) == ("WEBP", (row["width"], row["height"]))
    return np.asarray(image.convert("RGB"))


def painted_box(pixels: np.ndarray[Any, np.dtype[np.uint8]], button: int) -> list[int]:
    """left, top, right, bottom of the pixels of one of the sample's buttons."""
    rows, columns = np.nonzero((pixels == (255, 128, 60 * button)).all(axis=2))
    return [int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1]


@pytest.mark.parametrize("scale", ["1", "1.5"])
def test_boxes_are_the_painted_pixels_and_passwords_stay_out(scene: Scene, tmp_path: Path, scale: str) -> None:
    scene.start(sys.executable, "-c", SAMPLE, QT_SCALE_FACTOR=scale)
    until_on_bus("sample")
    _, rows = scene.harvest(tmp_path, "--app", "sample", "--count", "1", "--seconds", "10", "--every", "0.5")
    row, pixels = rows[0], picture(tmp_path, rows[0])
    assert (row["app"], row["scale"], row["toolkit"].split()[0]) == ("sample", float(scale), "Qt")
    for button, text in enumerate(["Sign in", "Register", "Leave"]):
        assert element(row, text)["bbox"] == pytest.approx(painted_box(pixels, button), abs=0 if scale == "1" else 1)
        assert element(row, text)["text_visible"] is True
    shown = [e["name"] for e in row["elements"] if e["name"].startswith("Row ")]
    assert shown[0] == "Row 0"
    assert "Row 11" not in shown  # scrolled out of sight
    field = element(row, "Nickname:", "text")
    assert (field["label"], field["value"]) == ("Nickname:", "Ada")
    assert "value" not in element(row, "Code:", "password text")
    assert SECRET not in (tmp_path / "screens.jsonl").read_text(encoding="utf-8")


@pytest.mark.usefixtures("calculator")
def test_a_real_program_reads_as_its_boxes_say(scene: Scene, tmp_path: Path) -> None:
    from reticle_grounding.geometry import Rect
    from reticle_grounding.ocr import TextReader
    from reticle_grounding.training.harvested import harvested_scenes

    scene.start(sys.executable, "-c", SAMPLE)
    until_on_bus("sample")
    _, rows = scene.harvest(tmp_path, "--exclude", "sample", "--count", "1", "--seconds", "10", "--every", "0.5")
    row, pixels = rows[0], picture(tmp_path, rows[0])
    assert row["app"] == "mate-calc"
    assert {"Calculator", "Mode", "View", "Help", "7", "result"} <= {e["name"] for e in row["elements"]}
    assert "Sign in" not in {e["name"] for e in row["elements"]}
    assert not (pixels == (255, 128, 0)).all(axis=2).any(), "an excluded program is in the picture"
    reader = TextReader(threads=1)
    for name in ("Calculator",):
        text = reader.read(pixels, Rect(*map(float, element(row, name)["bbox"])))
        assert [box.text for box in text] == [name]
    scenes = harvested_scenes(tmp_path)
    names = {e.label for scene_file in scenes.training for e in scene_file.open().elements}
    assert {"Calculator", "Mode", "7"} <= names


@pytest.mark.usefixtures("calculator")
def test_an_open_menu_is_new_and_hides_what_it_covers(scene: Scene, tmp_path: Path) -> None:
    wanted = ("--app", "mate-calc", "--windows", "--count", "1", "--seconds", "10", "--every", "0.5")
    scene.harvest(tmp_path, *wanted)
    window = ["search", "--name", "^Calculator$", "windowactivate", "--sync"]
    subprocess.run(["xdotool", *window], env=scene.env, check=True)
    subprocess.run(["xdotool", "key", "alt+m"], env=scene.env, check=True)
    time.sleep(1)
    _, rows = scene.harvest(tmp_path, *wanted)
    subprocess.run(["xdotool", "key", "Escape"], env=scene.env, check=True)
    assert [r["image"] for r in rows] == ["images/00001.webp", "images/00002.webp"]
    assert element(rows[1], "Advanced")["role"] == "radio menu item"
    covered = element(rows[0], "7")["bbox"]
    menu = element(rows[1], "Advanced")["bbox"]
    assert covered[0] < menu[2], "the menu lies over the keys"
    boxes = [e["bbox"] for e in rows[1]["elements"] if e["role"] == "push button"]
    under = [b for b in boxes if menu[0] < (b[0] + b[2]) / 2 < menu[2] and menu[1] < (b[1] + b[3]) / 2 < menu[3]]
    assert under == []


@pytest.mark.usefixtures("calculator")
def test_the_same_view_is_kept_once_and_ctrl_c_keeps_everything(scene: Scene, tmp_path: Path) -> None:
    command = [str(RETICLE), "data", "harvest", str(tmp_path / "set"), "--app", "mate-calc", "--every", "0.2", "--json"]
    log = tmp_path / "log"
    with log.open("w") as sink:
        process = subprocess.Popen(command, env=scene.env, stdout=subprocess.PIPE, stderr=sink, text=True)
        deadline = time.monotonic() + 40
        while not re.search(r"1 pictures.*\([1-9]\d* looks", log.read_text()) and time.monotonic() < deadline:
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        stdout, _ = process.communicate(timeout=20)
    summary = json.loads(stdout)
    assert process.returncode == 0, log.read_text()
    assert (summary["pictures"], summary["stopped"]) == (1, True)
    assert summary["repeated"] >= 1
    assert len(rows_of(tmp_path / "set")) == 1


def test_a_program_that_is_not_on_the_bus_is_said(scene: Scene, tmp_path: Path) -> None:
    stderr, rows = scene.harvest(tmp_path, "--app", "nobody", "--seconds", "0", code=2)
    assert "no running program called 'nobody'" in stderr
    assert "at-spi2-core" in stderr
    assert rows == []


def test_without_a_bus_the_error_names_what_to_install(scene: Scene, tmp_path: Path) -> None:
    env = {**scene.env, "DBUS_SESSION_BUS_ADDRESS": f"unix:path={tmp_path}/nothing"}
    command = [str(RETICLE), "data", "harvest", str(tmp_path / "out")]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 2
    assert "at-spi2-core" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
