"""The real window, loop, hand and overlay on a real X server; the target is another process, the person is xdotool."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reticle_agent.session import virtual_desktop
from reticle_grounding.geometry import Point, Rect, Size

SCRIPT = Path(__file__).parent / "app_fakes" / "live_run.py"
RED = Rect(400, 140, 484, 224)


@pytest.fixture(scope="module")
def desktop() -> Iterator[None]:
    with virtual_desktop(Size(1280, 800)):
        yield


def live(tmp_path: Path, mode: str, person: str) -> dict[str, Any]:
    command = [sys.executable, str(SCRIPT), mode, str(tmp_path), person]
    environment = {**os.environ, "QT_QPA_PLATFORM": "xcb"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    assert report["ended"]
    assert report["window_back"]
    return report


def test_an_approved_click_reaches_the_window_that_ours_covered(desktop: None, tmp_path: Path) -> None:
    report = live(tmp_path, "confirm", "approve")
    assert report["asked"]
    assert report["overlay"] == [True]
    assert len(report["clicks"]) == 1
    assert RED.contains(Point(*report["clicks"][0]))
    assert report["steps"] == [["Click the red square", "done"]]


def test_alone_it_clicks_without_asking(desktop: None, tmp_path: Path) -> None:
    report = live(tmp_path, "auto", "nobody")
    assert not report["asked"]
    assert len(report["clicks"]) == 1
    assert RED.contains(Point(*report["clicks"][0]))


def test_keys_move_the_point_whatever_program_has_the_keyboard(desktop: None, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    plain = live(tmp_path / "a", "confirm", "approve")["clicks"]
    moved = live(tmp_path / "b", "confirm", "nudge")["clicks"]
    assert moved[0][0] - plain[0][0] == 3
    assert moved[0][1] - plain[0][1] == pytest.approx(28, abs=2), "a patch of the model"


@pytest.mark.parametrize(
    ("mode", "person"),
    [("confirm", "refuse"), ("confirm", "stop"), ("confirm", "escape"), ("dry-run", "nobody")],
)
def test_nothing_is_sent(desktop: None, tmp_path: Path, mode: str, person: str) -> None:
    report = live(tmp_path, mode, person)
    assert report["clicks"] == []
    wanted = {"refuse": "Ended: refused", "stop": "Stopped", "escape": "Ended: refused", "nobody": "Done"}
    assert report["title"] == wanted[person]
