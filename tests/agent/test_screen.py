"""Captures of a real X server: right pixels, right transform, nothing of our own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from reticle_agent.displays import Monitor, to_displays
from reticle_agent.screen import BLANK, ScreenCapture, picture_sha
from reticle_agent.windows import OwnWindows
from reticle_agent.x11 import X11, DisplayError
from reticle_grounding.errors import BadInput
from reticle_grounding.geometry import Rect, Space

RED, GREEN = 0xD02020, 0x20A040


class Sheet:
    """A plain coloured window with a process id, without decoration or with a window manager's frame."""

    def __init__(self, x: X11, box: tuple[int, int, int, int], colour: int, pid: int, *, managed: bool = False) -> None:
        from Xlib import X, Xatom

        self._x = x
        self.window: Any = x.root.create_window(
            *box, 0, X.CopyFromParent, background_pixel=colour, override_redirect=not managed
        )
        self.window.change_property(x.raw.intern_atom("_NET_WM_PID"), Xatom.CARDINAL, 32, [pid])
        self.window.map()
        x.raw.sync()

    def close(self) -> None:
        self.window.destroy()
        self._x.raw.sync()


@pytest.fixture
def x(x_display: str) -> Iterator[X11]:
    connection = X11()
    yield connection
    connection.close()


@pytest.fixture
def screen(x_display: str) -> Iterator[ScreenCapture]:
    capture = ScreenCapture()
    yield capture
    capture.close()


def colour_at(screen: ScreenCapture, at: tuple[int, int]) -> tuple[int, ...]:
    return screen.capture().image.getpixel(at)  # type: ignore[return-value]


def rgb(colour: int) -> tuple[int, int, int]:
    return colour >> 16, colour >> 8 & 255, colour & 255


def settle() -> None:
    time.sleep(0.15)  # the window manager maps windows on its own time


def test_capture_has_the_pixels_and_the_transform(screen: ScreenCapture, x: X11) -> None:
    sheet = Sheet(x, (100, 50, 60, 40), RED, pid=1)
    settle()
    frame = screen.capture()
    assert frame.image.mode == "RGB"
    assert frame.image.size == (1280, 800)
    assert frame.image.getpixel((100, 50)) == rgb(RED)
    assert frame.image.getpixel((159, 89)) == rgb(RED)
    assert frame.image.getpixel((160, 90)) != rgb(RED)
    assert frame.sha == picture_sha(frame.image)
    assert frame.transform.rect(Rect(0, 0, 1280, 800), Space.CAPTURE, Space.PHYSICAL) == frame.display.physical
    assert screen.capture().sha == frame.sha
    sheet.close()


def test_own_window_is_painted_over(screen: ScreenCapture, x: X11) -> None:
    own = Sheet(x, (300, 200, 80, 80), RED, pid=os.getpid())
    settle()
    assert colour_at(screen, (340, 240)) == BLANK
    own.close()


def test_own_window_under_another_does_not_hide_it(screen: ScreenCapture, x: X11) -> None:
    own = Sheet(x, (300, 200, 80, 80), RED, pid=os.getpid())
    other = Sheet(x, (340, 240, 80, 80), GREEN, pid=1)
    settle()
    assert colour_at(screen, (310, 210)) == BLANK
    assert colour_at(screen, (350, 250)) == rgb(GREEN)
    own.close()
    other.close()


def test_frame_of_an_own_managed_window_is_painted_over_too(screen: ScreenCapture, x: X11) -> None:
    own = Sheet(x, (300, 300, 200, 100), RED, pid=os.getpid(), managed=True)
    settle()
    colours = {c for _, c in screen.capture().image.getcolors(1 << 20) or []}
    assert rgb(RED) not in colours
    assert BLANK in colours
    own.close()


def test_windows_of_named_processes_are_own(x: X11) -> None:
    sheet = Sheet(x, (500, 500, 50, 50), RED, pid=4242)
    settle()
    assert OwnWindows(x, [4242]).at(520, 520)
    assert not OwnWindows(x).at(520, 520)
    assert not OwnWindows(x, [4242]).at(10, 10)
    sheet.close()


def test_children_are_not_own(x: X11) -> None:
    source = "import time; from reticle_agent.x11 import X11; time.sleep(30)"
    child = subprocess.Popen([sys.executable, "-c", source])
    sheet = Sheet(x, (500, 500, 50, 50), RED, pid=child.pid)
    settle()
    assert not OwnWindows(x).at(520, 520)
    sheet.close()
    child.kill()
    child.wait()


def test_hidden_while_grabbing(x: X11) -> None:
    overlay = Sheet(x, (0, 0, 1280, 800), RED, pid=os.getpid())
    below = Sheet(x, (600, 600, 50, 50), GREEN, pid=1)
    overlay.window.raise_window()
    x.raw.sync()

    @contextmanager
    def hidden() -> Iterator[None]:
        overlay.window.unmap()
        x.raw.sync()
        yield
        overlay.window.map()
        x.raw.sync()

    screen = ScreenCapture(hide_own=hidden)
    assert colour_at(screen, (620, 620)) == rgb(GREEN)
    screen.close()
    overlay.close()
    below.close()


def test_one_display_at_a_time(x_display: str, x: X11) -> None:
    monitors = [Monitor("west", Rect(0, 0, 640, 800), primary=True), Monitor("east", Rect(640, 0, 1280, 800))]
    screen = ScreenCapture(lambda: to_displays(monitors, 2.0))
    sheet = Sheet(x, (700, 100, 20, 20), RED, pid=1)
    settle()
    frame = screen.capture("east")
    assert frame.image.size == (640, 800)
    assert frame.image.getpixel((65, 105)) == rgb(RED)
    assert frame.transform.rect(Rect(60, 100, 80, 120), Space.CAPTURE, Space.PHYSICAL) == Rect(700, 100, 720, 120)
    with pytest.raises(BadInput, match="no display 'north'; the displays are: west, east"):
        screen.capture("north")
    sheet.close()
    screen.close()


def test_default_is_the_display_of_the_active_window(x_display: str, x: X11) -> None:
    monitors = [Monitor("west", Rect(0, 0, 640, 800), primary=True), Monitor("east", Rect(640, 0, 1280, 800))]
    screen = ScreenCapture(lambda: to_displays(monitors, 1.0))
    assert screen.capture().display.id == "west"
    sheet = Sheet(x, (700, 300, 300, 200), GREEN, pid=1, managed=True)
    sheet.window.configure(x=700, y=300)
    x.raw.sync()
    settle()
    if x.active_window() != sheet.window.id:
        x.activate(sheet.window.id)
        settle()
    at = x.window_rect(sheet.window.id)
    assert at is not None
    expected = "east" if at.left >= 640 else "west"
    assert screen.capture().display.id == expected
    sheet.close()
    screen.close()


def test_no_display_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    with pytest.raises(DisplayError, match="no display"):
        ScreenCapture()


def test_importing_loads_no_torch() -> None:
    modules = "reticle_agent.loop, reticle_agent.screen, reticle_agent.actuator, reticle_agent.doctor"
    source = f"import sys; import {modules}; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "False"
