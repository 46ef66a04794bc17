from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from app_fakes.parts import MakeWindow, squares
from PySide6.QtCore import QObject, Qt, QTimer
from pytestqt.qtbot import QtBot

LIMIT_MS = 50.0


class HeartBeat(QObject):
    """A 1 ms timer of the window's event loop; keeps the gaps between its beats, in ms, and this process's CPU time."""

    def __init__(self) -> None:
        super().__init__()
        self.gaps: list[float] = []
        self._last = time.perf_counter()
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._beat)
        self._timer.start(1)

    def _beat(self) -> None:
        now = time.perf_counter()
        self.gaps.append((now - self._last) * 1e3)
        self._last = now

    def stop(self) -> np.ndarray:
        self._timer.stop()
        return np.array(self.gaps)


@pytest.fixture
def machine_noise() -> Iterator[Callable[[], float]]:
    """Starts a bare process that beats beside the test; the returned call ends it and gives its largest gap in ms."""
    script = str(Path(__file__).parent / "app_fakes" / "bare_beat.py")
    process = subprocess.Popen([sys.executable, script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "beating\n"
    yield lambda: float(process.communicate("", 10)[0])
    process.kill()
    process.wait()


@pytest.mark.slow  # not met on every run (docs/limits.md)
def test_the_window_keeps_beating_while_the_model_computes(
    make_window: MakeWindow, qtbot: QtBot, machine_noise: Callable[[], float]
) -> None:
    """Over upload, seconds of grounding at full load, answer and drawing of a full-HD picture: under 50 ms per turn.

    Nothing is measured twice and no gap is left out. The 95th percentile has the bare limit; the largest gap may exceed
    it only by what a process without any window lost on the same machine at the same time.
    """
    parts, _ = make_window(image=squares((1920, 1080)))
    parts.controller.capture(None)
    qtbot.waitUntil(lambda: parts.window.canvas.has_picture and not parts.controller.busy)
    qtbot.wait(300)
    beat = HeartBeat()
    parts.controller.find("slow red")
    qtbot.waitUntil(lambda: not parts.controller.busy, timeout=30_000)
    assert parts.controller.grounding is not None
    qtbot.wait(100)
    gaps, noise = beat.stop(), machine_noise()
    p50, p95 = np.percentile(gaps, [50, 95])
    figures = f"p50 {p50:.1f}, p95 {p95:.1f}, max {gaps.max():.1f}, noise {noise:.1f} ms"
    print(figures)
    assert gaps.sum() > 2_000, "the grounding was long enough to be felt"
    assert p95 < LIMIT_MS, figures
    assert gaps.max() < LIMIT_MS + noise, figures
