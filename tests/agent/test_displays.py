"""Monitors, scale and stop corners."""

from __future__ import annotations

import subprocess

import pytest

from reticle_agent.displays import (
    Monitor,
    contains,
    desktop_scale,
    display_of,
    in_stop_corner,
    read_displays,
    read_monitors,
    to_displays,
)
from reticle_agent.x11 import X11, DisplayError
from reticle_grounding.geometry import Rect


@pytest.mark.parametrize(
    ("environ", "dpi", "scale"),
    [
        ({}, None, 1.0),
        ({}, "96", 1.0),
        ({}, "144", 1.5),
        ({"QT_SCALE_FACTOR": "2"}, None, 2.0),
        ({"QT_SCALE_FACTOR": "1.25"}, "192", 2.5),
        ({"GDK_SCALE": "2"}, None, 2.0),
        ({"GDK_SCALE": "2"}, "120", 1.25),
        ({"QT_SCALE_FACTOR": "wide"}, "-3", 1.0),
        ({"QT_SCALE_FACTOR": "0", "GDK_SCALE": "nan"}, "inf", 1.0),
    ],
)
def test_scale_of_the_desktop(environ: dict[str, str], dpi: str | None, scale: float) -> None:
    assert desktop_scale(environ, dpi) == pytest.approx(scale)


def two_monitors() -> list[Monitor]:
    return [
        Monitor("left", Rect(0, 0, 1920, 1080)),
        Monitor("right", Rect(1920, -200, 1920 + 2560, 1240), primary=True),
    ]


def test_primary_comes_first_and_keeps_its_origin() -> None:
    first, second = to_displays(two_monitors(), 2.0)
    assert (first.id, second.id) == ("right", "left")
    assert first.logical == Rect(1920, -200, 1920 + 1280, -200 + 720)
    assert first.physical == Rect(1920, -200, 4480, 1240)
    assert first.scale == 2.0


def test_display_of_an_area_is_the_one_that_shows_most_of_it() -> None:
    displays = to_displays(two_monitors(), 1.0)
    assert display_of(displays, Rect(1800, 100, 1990, 300)).id == "left"
    assert display_of(displays, Rect(1900, 100, 2200, 300)).id == "right"
    assert display_of(displays, Rect(9000, 0, 9100, 100)).id == "right"
    assert display_of(displays, None).id == "right"


def test_corners_of_every_monitor() -> None:
    displays = to_displays(two_monitors(), 1.0)
    for x, y in [(0, 0), (1919, 0), (0, 1079), (1919, 1079), (1920, -200), (4479, -200), (1920, 1239), (4479, 1239)]:
        assert in_stop_corner(displays, (x, y))
        inward = (x + (2 if x in (0, 1920) else -2), y + (2 if y in (0, -200) else -2))
        assert in_stop_corner(displays, inward)
    for pixel in [(3, 0), (0, 3), (960, 0), (1916, 1079), (1922, 0), (3000, 500), (4479, -197)]:
        assert not in_stop_corner(displays, pixel)


def test_a_point_between_monitors_is_on_none() -> None:
    displays = to_displays(two_monitors(), 1.0)
    assert contains(displays, (1919, 1079))
    assert contains(displays, (1920, -200))
    assert not contains(displays, (100, -1))
    assert not contains(displays, (4480, 0))


def test_monitors_of_a_real_server(x_display: str) -> None:
    (monitor,) = read_monitors()
    assert monitor.physical == Rect(0, 0, 1280, 800)
    assert monitor.primary


def test_font_resolution_sets_the_scale(x_display: str) -> None:
    subprocess.run(["xrdb", "-merge"], input=b"Xft.dpi: 168\n", check=True)
    connection = X11()
    assert connection.resource("Xft.dpi") == "168"
    connection.close()
    (display,) = read_displays()
    assert display.scale == pytest.approx(1.75)
    assert display.logical.width == pytest.approx(1280 / 1.75)
    subprocess.run(["xrdb", "-remove"], check=True)


def test_no_display_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    with pytest.raises(DisplayError, match="no display: start a desktop session"):
        read_displays()
    monkeypatch.setenv("DISPLAY", ":986")
    with pytest.raises(DisplayError, match=":986 cannot be read"):
        read_displays()
