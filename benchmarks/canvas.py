"""Frames per second of a 4K screenshot with heat map, candidates and labels, moved and zoomed under software rendering.

    QT_QPA_PLATFORM=offscreen python benchmarks/canvas.py [--frames 200]

Every frame is painted whole into the backing store; nothing is skipped. Also said: what making the picture fine
again costs after a zoom. Prints JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
from PIL import Image
from PySide6.QtCore import QPointF
from PySide6.QtWidgets import QApplication

from reticle_app.widgets.canvas import Canvas, to_qimage
from reticle_grounding.geometry import Rect, Size, Transform
from reticle_grounding.types import Candidate, Grounding

PICTURE, WINDOW = Size(3840, 2160), Size(1920, 1080)
PATCHES = Size(114, 64)


def screenshot() -> Image.Image:
    """Rows of text-like noise on panels: nothing that a copy could get cheaply."""
    random = np.random.default_rng(3)
    pixels = np.full((PICTURE.height, PICTURE.width, 3), 244, dtype=np.uint8)
    for top in range(20, PICTURE.height - 30, 36):
        pixels[top : top + 14] = np.where(random.random((14, PICTURE.width, 1)) < 0.3, 40, 244)
    return Image.fromarray(pixels)


def answer() -> Grounding:
    random = np.random.default_rng(4)
    attention = random.random((PATCHES.height, PATCHES.width)).astype(np.float32) ** 6
    attention /= attention.sum()
    regions = [Rect(300 + 380 * i, 200 + 190 * i, 420 + 380 * i, 250 + 190 * i) for i in range(9)]
    found = tuple(Candidate(i, r.center, r, 0.9 / i, 0.1, 0.1, "text") for i, r in enumerate(regions, 1))
    transform = Transform.for_image(PICTURE, Size(PATCHES.width * 28, PATCHES.height * 28), 28)
    return Grounding("x", PICTURE, found, True, 0.3, attention, transform, {}, "none")


def timed(frames: int, canvas: Canvas, change: Callable[[int], None]) -> dict[str, float]:
    """Paints that many frames after a change each; processor time says what an idle machine would need."""
    spent, busy = [], []
    for frame in range(frames):
        start, used = time.perf_counter(), time.process_time()
        change(frame)
        canvas.repaint()
        spent.append(time.perf_counter() - start)
        busy.append(time.process_time() - used)
    spent.sort()
    busy.sort()
    return {
        "frames_per_second": round(frames / sum(spent), 1),
        "frames_per_cpu_second": round(frames / sum(busy), 1),
        "median_ms": round(statistics.median(spent) * 1000, 2),
        "median_cpu_ms": round(statistics.median(busy) * 1000, 2),
        "p99_cpu_ms": round(busy[min(frames - 1, int(frames * 0.99))] * 1000, 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=200)
    frames = parser.parse_args().frames
    app = QApplication([])
    canvas = Canvas()
    canvas.resize(WINDOW.width, WINDOW.height)
    canvas.show()
    canvas.show_picture(to_qimage(screenshot()))
    canvas.show_grounding(answer(), 0)
    app.processEvents()
    results: dict[str, dict[str, float]] = {}

    def settle() -> float:
        canvas._settling.stop()
        start = time.process_time()
        canvas.repaint()
        return (time.process_time() - start) * 1000

    for zoom in (0.6, 1.0, 2.0):
        canvas.set_zoom(zoom)
        fine_ms = settle()

        def pan(frame: int) -> None:
            step = 9.0 if (frame // 60) % 2 == 0 else -9.0
            canvas._offset += QPointF(step, step / 2)
            canvas._keep_in_sight()

        results[f"pan at {zoom:.0%}"] = {**timed(frames, canvas, pan), "fine_again_cpu_ms": round(fine_ms, 1)}

    def zoom_step(frame: int) -> None:
        canvas.zoom_by(0.2 if (frame // 20) % 2 == 0 else -0.2)

    canvas.set_zoom(0.5)
    results["zoom"] = timed(frames, canvas, zoom_step)
    print(
        json.dumps({"picture": "3840x2160", "window": "1920x1080", "platform": app.platformName(), **results}, indent=1)
    )


if __name__ == "__main__":
    main()
