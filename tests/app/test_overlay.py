from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mss
import numpy as np
import pytest
from app_fakes.parts import frame_of, squares
from PySide6.QtGui import QColor

from reticle_agent.seams import Display, Frame
from reticle_agent.session import virtual_desktop
from reticle_app.overlay import capture_to_overlay
from reticle_app.widgets.marks import CHOSEN, CLEAR, SMALL, TRAIL
from reticle_grounding.geometry import Affine, Point, Rect, Size, Space, Transform

PROBE = Path(__file__).parent / "app_fakes" / "overlay_probe.py"
REGIONS = ([300, 200, 380, 240], [900, 500, 1000, 560], [2, 2, 60, 40], [1220, 760, 1278, 798], [610, 90, 640, 120])


@pytest.fixture(scope="module", params=["1", "2"])
def report(request: pytest.FixtureRequest) -> Any:
    """What an X server without a compositor, openbox and a foreign window saw of the overlay."""
    with virtual_desktop(Size(1280, 800), session_bus=False):
        environment = {**os.environ, "QT_SCALE_FACTOR": request.param, "QT_QPA_PLATFORM": "xcb"}
        done = subprocess.run([sys.executable, str(PROBE)], env=environment, capture_output=True, text=True, timeout=90)
    assert done.returncode == 0, done.stderr
    return {**json.loads(done.stdout), "wanted_ratio": float(request.param)}


def framed(region: list[int], ratio: float) -> list[float]:
    """Where the frame stands: around a large region, clear of a small one but on the screen."""
    left, top, right, bottom = region
    if min(right - left, bottom - top) >= SMALL * ratio:
        return list(map(float, region))
    clear = CLEAR * ratio
    return [max(ratio, left - clear), max(ratio, top - clear), min(1280 - ratio, right + clear),
            min(800 - ratio, bottom + clear)]  # fmt: skip


def test_marks_are_drawn_where_the_candidates_are(report: Any) -> None:
    assert report["ratio"] == report["wanted_ratio"]
    for found, wanted in zip(report["edges"], REGIONS, strict=True):
        assert found == pytest.approx(framed(wanted, report["ratio"]), abs=2 * report["ratio"]), "half a line"


def test_the_rest_of_the_desktop_stays_visible_without_a_compositor(report: Any) -> None:
    assert report["changed_share"] < 0.05 * report["ratio"]


def test_every_click_goes_through_to_the_window_below(report: Any) -> None:
    assert len(report["clicks"]) == 3 * len(REGIONS)
    for sent, received in report["clicks"]:
        assert received == sent


def test_captures_show_neither_overlay_nor_own_windows(report: Any) -> None:
    assert report["window_seen"]
    assert report["captured_differs"] == 0
    assert report["edges_after"][1:] == report["edges"][1:], "shown again"
    assert report["edges_after"][0] != report["edges"][0], "but not drawn over the own window"
    assert report["own_window_back"]


def test_own_windows_are_told_in_device_pixels(report: Any) -> None:
    (left, top, right, bottom) = report["own_rects"][0]
    ratio = report["ratio"]
    assert (right - left) == pytest.approx(300 * ratio, abs=12)
    assert (bottom - top) == pytest.approx(200 * ratio, abs=60)


def test_on_two_monitors_each_has_its_own_and_a_crash_leaves_nothing() -> None:
    environment = {**os.environ, "QT_SCALE_FACTOR": "1", "QT_QPA_PLATFORM": "xcb"}
    with virtual_desktop(Size(1280, 800), session_bus=False):
        environment |= {name: os.environ[name] for name in ("DISPLAY", "XAUTHORITY")}
        for name, place, output in (
            ("WEST", "640/170x800/211+0+0", "screen"),
            ("*EAST", "640/170x600/158+640+100", "none"),
        ):
            subprocess.run(["xrandr", "--setmonitor", name, place, output], check=True)
        before = grab()
        script = [sys.executable, str(PROBE.with_name("overlay_monitors.py"))]
        with subprocess.Popen(script, env=environment, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            told = json.loads(process.stdout.readline())
            shown = grab()
            process.kill()
        gone = wait_for(lambda: not (grab() != before).any())
    assert told == {"screens": 2, "overlays": [[0, 0, 640, 800, 0], [640, 100, 640, 600, 1]]}
    assert coloured(shown, CHOSEN, Rect(736, 146, 824, 194)), "the candidate, on the right monitor"
    for x, y in ((100, 300), (740, 400)):
        assert coloured(shown, TRAIL, Rect(x - 12, y - 12, x + 12, y + 12)), "the trail, on both"
    assert gone, "the window system takes the overlays of a dead process away"


def grab() -> np.ndarray:
    with mss.mss() as grabber:
        return np.asarray(grabber.grab(grabber.monitors[0]))[:, :, 2::-1].astype(int)


def coloured(picture: np.ndarray, colour: QColor, area: Rect) -> bool:
    """Whether the colour is seen in an area of the desktop."""
    left, top, right, bottom = (round(side) for side in area.as_tuple())
    gap = np.abs(picture[top:bottom, left:right] - np.array(colour.getRgb()[:3])).max(axis=2)
    return bool((gap <= 3).sum() > 20)


def wait_for(done: Callable[[], bool], seconds: float = 5.0) -> bool:
    end = time.monotonic() + seconds
    while not done() and time.monotonic() < end:
        time.sleep(0.05)
    return done()


@pytest.mark.parametrize("origin", [(0, 0), (-1920, 200), (1280, -300)])
@pytest.mark.parametrize("scale", [1.0, 1.5, 2.0])
def test_a_point_maps_into_its_screens_window(origin: tuple[int, int], scale: float) -> None:
    frame = frame_of(squares((640, 420)), scale, origin)
    overlay = Size(round(640 / scale), round(420 / scale))
    link = capture_to_overlay(frame, overlay)
    centre = link.point(Point(320, 210))
    assert (centre.x, centre.y) == pytest.approx((overlay.width / 2, overlay.height / 2), abs=0.5)


def test_a_rotated_capture_is_drawn_upright() -> None:
    physical = Rect(0, 0, 420, 640)
    chain = Transform((Space.PHYSICAL, Space.CAPTURE), (Affine.mapping(physical, Rect(0, 0, 640, 420), 3),))
    display = Display("turned", physical, physical, 1.0, quarter_turns=1)
    frame = Frame(squares(), display, chain, 0.0, "0" * 16)
    link = capture_to_overlay(frame, Size(420, 640))
    back = chain.point(Point(100, 50), Space.PHYSICAL, Space.CAPTURE)
    assert link.point(back).pixel() == (100, 50)
