"""`reticle bench window`: what it promises, and that its instruments see what they are to see."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import Any

import pytest
from PySide6.QtCore import QTimer
from pytestqt.qtbot import QtBot

from reticle_agent.session import virtual_desktop
from reticle_app.cli import bench_window
from reticle_app.cli.main import run_command
from reticle_app.measuring.beat import Beat
from reticle_app.measuring.scene import WINDOW, answer, boxes, screenshot
from reticle_grounding.geometry import Rect, Size

FRAMES = {"by_processor": 99.5, "by_the_clock": 51.0, "busy_p50_ms": 9.1, "busy_p99_ms": 17.0, "busy_over_20ms": 0}
DELAYS = {
    f"{prefix}{kind}_{name}_ms": 1.5
    for prefix, kind in (("", "late"), ("", "busy"), ("noise_", "late"))
    for name in ("p50", "p99", "max")
}
START: dict[str, object] = {"window_s": 0.9, "painted_s": 1.0, "usable_s": 1.1, "processor_s": 0.8}
SIZES = {"unique_mib": 60.0, "proportional_mib": 70.0, "resident_mib": 130.0}
CANNED: dict[str, dict[str, Any]] = {
    "frames": {"how": "by hand", "cases": {"move at 60%": FRAMES}},
    "delays": {"how": "by ear", "cases": {"idle": DELAYS}},
    "starting": {
        "how": "by eye",
        "warm": [START],
        "cold": [START | {"evicted": 0.64}],
        "memory": {"window_process": SIZES, "model_process": SIZES},
    },
}


@pytest.fixture
def canned(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Parts are not measured; returns which were asked for."""
    asked: list[tuple[str, int]] = []

    def measured(part: str, count: int) -> dict[str, Any]:
        asked.append((part, count))
        return CANNED[part]

    monkeypatch.setattr(bench_window, "_measured", measured)
    return asked


def test_one_document_holds_every_part_and_how_it_was_measured(
    canned: list[tuple[str, int]], capfd: pytest.CaptureFixture[str]
) -> None:
    assert (
        run_command(["bench", "window", "--here", "--json", "--frames", "20", "--answers", "3", "--starts", "2"]) == 0
    )
    document = json.loads(capfd.readouterr().out)
    assert canned == [("frames", 20), ("delays", 3), ("starting", 2)]
    assert set(document) == {"machine", "frames", "delays", "starting"}
    assert all(document[part]["how"] for part in ("frames", "delays", "starting"))
    assert {"cores", "processor", "load_before", "nice", "qt"} == set(document["machine"])


def test_a_table_for_people_of_the_parts_that_were_named(
    canned: list[tuple[str, int]], capfd: pytest.CaptureFixture[str]
) -> None:
    assert run_command(["bench", "window", "starting", "frames", "--here"]) == 0
    text = capfd.readouterr().out
    assert [part for part, _ in canned] == ["frames", "starting"]
    lines = [line.split() for line in text.splitlines()]
    assert ["move", "at", "60%", "99.5", "51.0", "9.1", "17.0", "0"] in lines
    assert ["cold", "0.9", "1.0", "1.1", "0.8", "0.64"] in lines
    assert ["window", "process", "60.0", "70.0", "130.0"] in lines


def test_an_unknown_part_is_named(capfd: pytest.CaptureFixture[str]) -> None:
    assert run_command(["bench", "window", "speed"]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert "'speed'" in err
    assert "frames, delays, starting" in err


def test_the_beat_tells_waiting_from_working(qtbot: QtBot) -> None:
    done: list[str] = []

    def wait() -> None:
        time.sleep(0.25)
        done.append("waited")

    def work() -> None:
        end = time.thread_time() + 0.15
        while time.thread_time() < end:
            pass
        done.append("worked")

    QTimer.singleShot(60, wait)
    asleep = Beat().during(60.0, lambda: "waited" in done, then_s=0.3)
    assert asleep["late_max_ms"] > 200
    QTimer.singleShot(60, work)
    busy = Beat().during(60.0, lambda: "worked" in done, then_s=0.3)
    assert busy["busy_max_ms"] > 140
    assert busy["late_over_50ms"] >= 1
    assert asleep["busy_max_ms"] < busy["busy_max_ms"], "a turn that waits is late, and does nothing"


def test_the_scene_fills_the_screen() -> None:
    size = Size(1920, 1080)
    image, places = screenshot(size), boxes(size)
    assert image.size == (1920, 1080)
    assert len(places) > 50
    assert all(Rect.of_size(size).intersection(place) == place for place in places)
    grounding = answer(size, seed=2, count=5)
    assert len(grounding.candidates) == 5
    assert all(c.region in places for c in grounding.candidates)


@pytest.mark.slow
def test_moving_costs_less_than_drawing_anew() -> None:
    """Two ways of moving the picture beside each other in one run; the kept drawing is what makes the difference."""
    command = [sys.executable, "-m", "reticle_app.measuring.child", "frames", "50"]
    with virtual_desktop(WINDOW, session_bus=False):
        done = subprocess.run(command, capture_output=True, text=True, timeout=290)
    assert done.returncode == 0, done.stderr
    cases = json.loads(done.stdout)["cases"]
    moved, zoomed = cases["move at 100%"]["busy_p50_ms"], cases["zoom"]["busy_p50_ms"]
    print(cases)
    assert moved < 0.7 * zoomed
    numbered = next(figures for name, figures in cases.items() if name.startswith("move") and "numbered" in name)
    assert numbered["busy_p50_ms"] < 2.0 * moved, "hundreds of numbers move along for nothing"
