"""Several monitors on one server, and a server that goes away."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from reticle_agent.actions import ClickAt, PressKeys
from reticle_agent.actuator import open_actuator
from reticle_agent.displays import read_displays
from reticle_agent.gates import InputGate, RefusedError
from reticle_agent.screen import ScreenCapture
from reticle_agent.stop import StopToken
from reticle_agent.stop_watch import StopWatch
from reticle_agent.windows import OwnWindows
from reticle_agent.x11 import X11, DisplayError
from reticle_grounding.errors import BadInput, ReticleError
from reticle_grounding.geometry import Rect, Space


@pytest.fixture
def two_monitors(x_display: str) -> Iterator[str]:
    """West 640x800 and, lower by 100, east 640x600 (primary)."""
    for name, place in (("WEST", "640/170x800/211+0+0"), ("*EAST", "640/170x600/158+640+100")):
        output = "screen" if name == "WEST" else "none"
        subprocess.run(["xrandr", "--setmonitor", name, place, output], check=True)
    yield x_display
    for name in ("WEST", "EAST"):
        subprocess.run(["xrandr", "--delmonitor", name], check=True)


@pytest.mark.usefixtures("two_monitors")
def test_each_monitor_is_a_display_of_its_own() -> None:
    displays = {d.physical: d for d in read_displays()}
    west, east = Rect(0, 0, 640, 800), Rect(640, 100, 1280, 700)
    assert set(displays) == {west, east}
    screen = ScreenCapture()
    frame = screen.capture(displays[east].id)
    assert frame.image.size == (640, 600)
    corner = frame.transform.rect(Rect(0, 0, 1, 1), Space.CAPTURE, Space.PHYSICAL)
    assert corner == Rect(640, 100, 641, 101)
    screen.close()


@pytest.mark.usefixtures("two_monitors")
def test_inner_corners_stop_and_gaps_are_no_place() -> None:
    gate = InputGate()
    with pytest.raises(BadInput, match="outside of every monitor"):
        gate.path([(900, 50)])
    for inner in [(639, 0), (640, 100), (1279, 699), (640, 699)]:
        with pytest.raises(RefusedError, match="kept for stopping"):
            gate.path([inner])
    gate.path([(640, 400), (639, 400)])
    gate.close()
    token = StopToken()
    watch = StopWatch(token)
    connection = X11()
    connection.root.warp_pointer(641, 101)
    connection.raw.sync()
    deadline = time.monotonic() + 10
    while not token.stopped and time.monotonic() < deadline:
        time.sleep(0.002)
    report = token.report()
    connection.root.warp_pointer(300, 300)
    connection.raw.sync()
    connection.close()
    watch.close()
    assert report is not None
    assert report.trigger == "corner"


OVERLAY = """
import sys
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QWidget
app = QApplication([])
overlay = QWidget(None, Qt.WindowType(int(sys.argv[1])))
overlay.setGeometry(100, 100, 300, 200)
overlay.show()
app.processEvents()
print("shown", flush=True)
app.exec()
"""


@pytest.mark.parametrize("see_through", [True, False])
def test_an_overlay_that_lets_input_through_is_no_obstacle(
    launch: Callable[..., subprocess.Popen[str]], monkeypatch: pytest.MonkeyPatch, see_through: bool
) -> None:
    """What is under it gets the click, and that is what counts; it is left out of captures either way."""
    bypass, frameless, through = 0x400, 0x800, 0x80000
    monkeypatch.setenv("QT_QPA_PLATFORM", "xcb")
    overlay = launch(OVERLAY, str(bypass | frameless | 1 | (through if see_through else 0)))
    assert overlay.stdout is not None
    assert overlay.stdout.readline() == "shown\n"
    connection = X11()
    deadline = time.monotonic() + 10
    while not any(w.rect == Rect(100, 100, 400, 300) for w in connection.children()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    own = OwnWindows(connection, [overlay.pid])
    assert own.at(200, 200) is not see_through
    assert own.mask(Rect(0, 0, 1280, 800))[200, 200]
    connection.close()


@pytest.mark.usefixtures("private_server")
def test_lost_server_is_reported_and_stops_the_run(private_server: subprocess.Popen[bytes]) -> None:
    token = StopToken()
    watch, screen, actuator = StopWatch(token), ScreenCapture(), open_actuator(StopToken())
    actuator.perform(ClickAt((300, 300)))
    private_server.terminate()
    private_server.wait(10)
    deadline = time.monotonic() + 10
    while not token.stopped and time.monotonic() < deadline:
        time.sleep(0.01)
    report = token.report()
    assert report is not None
    assert report.trigger == "watchdog"
    with pytest.raises(ReticleError, match="display"):
        screen.capture()
    with pytest.raises(ReticleError):
        actuator.perform(PressKeys(("a",)))
    actuator.close()
    watch.close()
    screen.close()


def test_a_server_that_ends_while_it_is_greeted() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        number = listening.getsockname()[1] - 6000

        def end() -> None:
            line, _ = listening.accept()
            line.recv(8)
            line.close()

        ending = threading.Thread(target=end)
        ending.start()
        with pytest.raises(DisplayError, match="cannot be opened"):
            X11(f"127.0.0.1:{number}")
        ending.join(10)


@pytest.fixture
def private_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[subprocess.Popen[bytes]]:
    read, write = os.pipe()
    command = ["Xvfb", "-displayfd", str(write), "-screen", "0", "640x480x24", "-nolisten", "tcp", "-noreset"]
    server = subprocess.Popen(command, pass_fds=[write], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.close(write)
    with os.fdopen(read) as answer:
        monkeypatch.setenv("DISPLAY", f":{answer.readline().strip()}")
    yield server
    server.kill()
    server.wait()
