"""The first steps over the demo model; what needs a real desktop runs on a virtual one with two monitors."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from app_fakes.parts import MakeWindow, to_front
from PIL import Image, ImageDraw
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QLineEdit, QProgressBar
from pytestqt.qtbot import QtBot
from test_window import click

from reticle_agent.aiming import centre_of
from reticle_agent.doctor import Check
from reticle_agent.session import virtual_desktop
from reticle_app.calibration import COLOUR, Calibration, MonitorShots, Shot, keep_calibration, load_calibration
from reticle_app.config import Settings, load_settings, save_settings
from reticle_app.gui import Parts
from reticle_app.preferences import Preferences
from reticle_app.windows.checks_page import MEANINGS
from reticle_app.windows.welcome import WelcomeWindow
from reticle_app.windows.welcoming import TOUR, Welcoming, is_first_start
from reticle_grounding.errors import ReticleError
from reticle_grounding.geometry import Point, Size

LIVE = Path(__file__).parent / "app_fakes" / "first_steps_live.py"
LONG = 120_000


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of what the application keeps for itself."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path / "data" / "reticle"


def welcome(parts: Parts) -> tuple[WelcomeWindow, Welcoming]:
    window, welcoming = parts.tools.welcome_window, parts.tools.welcoming
    assert isinstance(window, WelcomeWindow)
    assert welcoming is not None
    return window, welcoming


def shot(dx: int = 0, arrived: bool = True) -> Shot:
    return Shot(
        meant=(100.0, 50.0), seen=(100.0, 50.5), aimed=(100, 50), arrived=(100.0 + dx, 50.0) if arrived else None
    )


def calibration(*shots: Shot, scale: float = 1.0) -> Calibration:
    area = (0.0, 0.0, 1280.0, 800.0)
    monitor = MonitorShots(id="screen", physical=area, scale=scale, drawn_scale=1.0, shots=shots)
    return Calibration.model_validate({"when": "2026-01-02T03:04:05Z", "monitors": [monitor]})


# --- when they are shown ---


def test_they_show_themselves_at_the_first_start_alone(make_window: MakeWindow, data: Path, qtbot: QtBot) -> None:
    parts, _ = make_window()
    assert parts.tools.welcome_window is None, "building the window shows nothing"
    assert is_first_start(data)
    parts.tools.show_welcome_once()
    window, _ = welcome(parts)
    assert window.isVisible()
    assert not window.isModal()
    assert not is_first_start(data)
    again, _ = make_window()
    again.tools.show_welcome_once()
    assert again.tools.welcome_window is None
    to_front(again.window)  # the keys belong to the window that is in front
    QTest.keyClick(again.window, Qt.Key.Key_F1, Qt.KeyboardModifier.ShiftModifier)
    assert welcome(again)[0].isVisible(), "later they come when they are wanted"
    click(welcome(again)[0].skip)
    assert not welcome(again)[0].isVisible()
    assert again.window.isVisible()


def test_a_data_folder_that_cannot_be_written_is_no_obstacle(make_window: MakeWindow, data: Path) -> None:
    data.parent.mkdir(parents=True)
    data.write_text("a file where the folder should be")
    parts, _ = make_window()
    parts.tools.show_welcome_once()
    assert welcome(parts)[0].isVisible()


# --- the tour ---


def test_the_tour_goes_on_as_the_person_does_what_it_says(make_window: MakeWindow, qtbot: QtBot) -> None:
    parts, body = make_window()
    click(parts.window.footer.welcome)
    window, _ = welcome(parts)
    window.go(TOUR)
    tour = window.tour
    tour.asked.emit("refuse this")
    qtbot.waitUntil(lambda: not tour.busy.busy and bool(tour.status.words), timeout=LONG)
    assert (tour.status.kind, tour.status.words) == ("bad", "The instruction is refused for this test")
    qtbot.waitUntil(lambda: tour.canvas.has_picture, timeout=LONG)
    assert tour.canvas.picture_size == Size(1280, 800)
    click(tour.offers[0])
    qtbot.waitUntil(lambda: tour.grounding is not None and not tour.busy.busy, timeout=LONG)
    assert tour.grounding is not None
    assert tour.grounding.instruction == "the Save button"
    assert tour.status.kind == "good"
    assert tour.next.text() == "Next"
    click(tour.next)
    assert tour.next.text() == "Skip this step", "looking is not choosing"
    QTest.keyClick(tour.canvas, Qt.Key.Key_2)
    assert tour.next.text() == "Next"
    assert [row.selected for row in tour.candidates.rows] == [False, True, False, False, False]
    click(tour.next)
    tour.field.setText("nothing of this kind")
    QTest.keyClick(tour.field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: not tour.busy.busy, timeout=LONG)
    assert tour.status.words.startswith("Not found here: the likeliest place has 11%")
    click(tour.next)
    assert tour.done.isVisible()
    assert body.actuator.inputs == [], "nothing is clicked on a tour"
    click(tour.done)
    assert not window.isVisible()


# --- permissions and checks ---


def test_the_tour_asks_for_what_is_not_there_on_a_clean_picture(make_window: MakeWindow, qtbot: QtBot) -> None:
    parts, _ = make_window()
    parts.tools.show_welcome()
    window = parts.tools.welcome_window
    assert window is not None
    to_front(window)
    window.go(3)
    tour = window.tour
    click(tour.offers[0])
    qtbot.waitUntil(lambda: tour.grounding is not None, timeout=30_000)
    tour.go(1)
    assert tour.candidates.rows, "step 2 chooses among them"
    tour.go(2)
    assert tour.grounding is None
    assert not tour.candidates.rows
    assert not tour.field.text()
    tour.next.setFocus()
    tour.next.click()
    assert tour.done.hasFocus()


def test_the_first_steps_end_at_the_main_window(make_window: MakeWindow, qtbot: QtBot) -> None:
    parts, _ = make_window()
    parts.tools.show_welcome()
    window = parts.tools.welcome_window
    assert window is not None
    to_front(window)
    window.skip.click()
    qtbot.waitUntil(lambda: parts.window.isActiveWindow() and parts.window.header.field.hasFocus(), timeout=10_000)


def test_the_mode_is_chosen_here_and_kept(make_window: MakeWindow) -> None:
    parts, _ = make_window(preferences=Preferences(Settings(theme="light", mode="dry-run"), save_settings))
    click(parts.window.footer.welcome)
    page = welcome(parts)[0].permissions
    assert page.modes["dry-run"].isChecked()
    page.modes["auto"].click()
    assert parts.window.header.selected_mode == "auto"
    assert load_settings().mode == "auto"
    parts.window.header.select_mode("confirm")
    welcome(parts)[0].go(1)
    assert page.modes["confirm"].isChecked()


def test_each_finding_is_told_with_what_it_means_and_what_to_do(make_window: MakeWindow) -> None:
    parts, _ = make_window()
    click(parts.window.footer.welcome)
    window, _ = welcome(parts)
    page = window.checks
    page.begin()
    assert not page.run.isEnabled()
    for name in MEANINGS:
        bad = name == "stop key"
        page.show_finding(Check(name, "fail" if bad else "ok", "seen", "free the key" if bad else ""))
    page.finish()
    assert page.summary.words.startswith("Not working: Stop key.")
    assert page.rows["stop key"].remedy.words == "What to do: free the key"
    assert "does not work" in page.rows["stop key"].accessibleName()
    assert not page.rows["click"].remedy.isVisible()
    assert page.run.text() == "Check again"
    window.permissions.show_findings(page.findings)
    assert [row.state for row in window.permissions.rows] == ["ok", "ok", "fail"]


def test_every_control_has_a_name(make_window: MakeWindow) -> None:
    parts, _ = make_window()
    click(parts.window.footer.welcome)
    window, _ = welcome(parts)
    for kind in (QAbstractButton, QLineEdit, QProgressBar):
        for widget in window.findChildren(kind):
            inner = isinstance(widget.parent(), QLineEdit) or widget.objectName().startswith("qt_")
            assert inner or widget.accessibleName(), widget


# --- the pointer ---


def test_a_click_beside_its_target_is_found() -> None:
    assert calibration(shot(), shot(1)).good
    off = calibration(shot(), shot(5))
    assert not off.good
    assert "up to 5 pixels beside" in off.monitors[0].words()
    assert off.remedy
    lost = calibration(shot(), shot(arrived=False))
    assert lost.monitors[0].words() == "1 of 2 clicks did not arrive"
    assert "nowhere" in "\n".join(lost.report())
    scaled = calibration(shot(), scale=2.0)
    assert not scaled.good
    assert "scale 2" in scaled.monitors[0].words()


def test_a_measurement_is_kept_and_shown_until_monitors_change(
    make_window: MakeWindow, qtbot: QtBot, data: Path
) -> None:
    keep_calibration(data, calibration(shot()))
    assert load_calibration(data) == calibration(shot())
    assert calibration(shot()).fits([(0.0, 0.0, 1280.0, 800.0)])
    parts, _ = make_window()
    click(parts.window.footer.welcome)
    window, welcoming = welcome(parts)
    qtbot.waitUntil(lambda: window.pointer.done is not None, timeout=LONG)
    areas = [s.geometry().getRect() for s in window.windowHandle().screen().virtualSiblings()]
    if areas != [(0, 0, 1280, 800)]:
        assert window.pointer.status.words == "Monitors have changed since; measure again."
    report = data / "report.txt"
    welcoming.save_report(report)
    qtbot.waitUntil(report.exists, timeout=LONG)
    qtbot.waitUntil(lambda: window.banner.isVisible(), timeout=LONG)
    assert "100.0, 50.0" in report.read_text()
    (data / "calibration.json").write_text("{}")
    assert load_calibration(data) is None


def test_a_target_is_found_by_its_colour_or_not_at_all() -> None:
    image = Image.new("RGB", (300, 200), "black")
    with pytest.raises(ReticleError, match="not in the capture"):
        centre_of(image, COLOUR)
    draw = ImageDraw.Draw(image)
    draw.ellipse((40, 60, 59, 79), fill=COLOUR)
    assert centre_of(image, COLOUR) == Point(50.0, 70.0)
    draw.ellipse((200, 60, 219, 79), fill=COLOUR)
    with pytest.raises(ReticleError, match="several places"):
        centre_of(image, COLOUR)


@pytest.fixture
def two_monitors() -> Iterator[None]:
    """West 640x800 and, lower by 100, east 640x600."""
    with virtual_desktop(Size(1280, 800)):
        for name, place in (("WEST", "640/170x800/211+0+0"), ("*EAST", "640/170x600/158+640+100")):
            output = "screen" if name == "WEST" else "none"
            subprocess.run(["xrandr", "--setmonitor", name, place, output], check=True)
        yield


@pytest.mark.usefixtures("two_monitors")
def test_every_monitor_is_clicked_where_its_targets_are(data: Path) -> None:
    code = "import sys; from reticle_app.cli.main import run_command; sys.exit(run_command(sys.argv[1:]))"
    command = [sys.executable, "-c", code, "doctor", "--pointer", "--json"]
    environment = {**os.environ, "QT_QPA_PLATFORM": "xcb", "QT_SCALE_FACTOR": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr + done.stdout
    found = json.loads(done.stdout)
    assert found["ok"]
    areas = {tuple(monitor["physical"]) for monitor in found["monitors"]}
    assert areas == {(0.0, 0.0, 640.0, 800.0), (640.0, 100.0, 1280.0, 700.0)}
    for monitor in found["monitors"]:
        left, top, right, bottom = monitor["physical"]
        for one in monitor["shots"]:
            assert left <= one["arrived"][0] < right
            assert top <= one["arrived"][1] < bottom
            assert one["arrived"] == [float(v) for v in one["aimed"]]
    kept = load_calibration(data)
    assert kept is not None
    assert kept.good


@pytest.mark.slow
@pytest.mark.parametrize("what", ["check", "calibrate"])
def test_the_application_ends_at_once_while_the_desktop_is_tried(tmp_path: Path, what: str) -> None:
    with virtual_desktop(Size(1280, 800)):
        environment = {**os.environ, "QT_QPA_PLATFORM": "xcb", "QT_SCALE_FACTOR": "1"}
        done = subprocess.run(
            [sys.executable, str(LIVE), what], env=environment, capture_output=True, text=True, timeout=280, check=False
        )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["left"] == [], "no process outlives the window"
    assert not report["stuck"]


@pytest.mark.slow  # a real window, the real checks and the real hand, twice
@pytest.mark.parametrize("scale", ["1", "2"])
def test_checks_and_pointer_on_a_real_desktop(tmp_path: Path, scale: str) -> None:
    with virtual_desktop(Size(1600, 1200)):
        environment = {**os.environ, "QT_QPA_PLATFORM": "xcb", "QT_SCALE_FACTOR": scale}
        done = subprocess.run(
            [sys.executable, str(LIVE)], env=environment, capture_output=True, text=True, timeout=280, check=False
        )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["checks"] == dict.fromkeys(MEANINGS, "ok"), report
    assert report["summary"] == "Everything works on this machine."
    assert report["permissions"] == ["ok", "ok", "ok"]
    assert report["pointer"] == "Clicks arrive where they should."
    assert report["window_back"]
    assert report["stopped"] == "The calibration was stopped"
