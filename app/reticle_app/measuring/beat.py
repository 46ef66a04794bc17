"""How late the event loop comes to its turn, and how much of that is its own work."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection

import numpy as np
from PySide6.QtCore import QEventLoop, Qt, QTimer

BEAT_MS = 2
LOOK_MS = 20

Figures = dict[str, float]


class Beat:
    """A precise timer of the window's thread.

    ``late_ms``: by how much each call came late. ``busy_ms``: processor time of the window's thread between two calls,
    which is what a turn would take on a machine that does nothing else.
    """

    def __init__(self) -> None:
        self.late_ms: list[float] = []
        self.busy_ms: list[float] = []
        self._last, self._used = 0.0, 0.0
        self._timer = QTimer()
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(BEAT_MS)
        self._timer.timeout.connect(self._tick)

    def during(self, seconds: float, done: Callable[[], bool] = lambda: False, then_s: float = 0.0) -> Figures:
        """Lets the event loop run for so long, or until it is done and ``then_s`` more, and tells of the beats."""
        self.late_ms, self.busy_ms = [], []
        self._last, self._used = time.perf_counter(), time.thread_time()
        self._timer.start()
        spin(seconds, done)
        spin(then_s)
        self._timer.stop()
        return self.figures()

    def figures(self) -> Figures:
        late, busy = np.array(self.late_ms or [0.0]), np.array(self.busy_ms or [0.0])
        points = {"p50": 50, "p99": 99, "max": 100}
        told = {f"late_{name}_ms": round(float(np.percentile(late, p)), 1) for name, p in points.items()}
        told |= {f"busy_{name}_ms": round(float(np.percentile(busy, p)), 1) for name, p in points.items()}
        return told | {"turns": len(self.late_ms), "late_over_50ms": int((late > 50).sum())}

    def _tick(self) -> None:
        now, used = time.perf_counter(), time.thread_time()
        self.late_ms.append(max(0.0, (now - self._last) * 1000 - BEAT_MS))
        self.busy_ms.append((used - self._used) * 1000)
        self._last, self._used = now, used


def spin(seconds: float, done: Callable[[], bool] = lambda: False) -> bool:
    """Runs the event loop for so long, or until ``done``; returns whether it is."""
    until = time.monotonic() + seconds
    while time.monotonic() < until and not done():
        loop = QEventLoop()
        QTimer.singleShot(LOOK_MS, loop.quit)
        loop.exec()
    return done()


def _bare(link: Connection) -> None:
    link.send(None)
    late, last = [], time.perf_counter()
    while not link.poll(BEAT_MS / 1000):
        now = time.perf_counter()
        late.append(max(0.0, (now - last) * 1000 - BEAT_MS))
        last = now
    link.send(late)


@contextmanager
def machine_noise() -> Iterator[Callable[[], Figures]]:
    """A process without a window beats beside the block; the call ends it and tells how late that one was.

    The block begins once it beats: its start would keep the cores from what is measured.
    """
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_bare, args=(there,), daemon=True)
    process.start()
    here.recv()

    def end() -> Figures:
        here.send(None)
        late = np.array(here.recv() or [0.0])
        return {
            f"late_{name}_ms": round(float(np.percentile(late, p)), 1)
            for name, p in {"p50": 50, "p99": 99, "max": 100}.items()
        }

    try:
        yield end
    finally:
        process.kill()
        process.join()
