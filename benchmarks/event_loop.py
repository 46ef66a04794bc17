"""How late the window's event loop gets to its turn while the model process grounds a 4K screenshot.

    QT_QPA_PLATFORM=offscreen python benchmarks/event_loop.py [--words TEXT] [--rounds 3]

A timer asks to be called every 5 ms; said is by how much it was late, first while nothing happens, the noise of
the machine, then while the inspector grounds, parses the elements and exports. Prints JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from PySide6.QtCore import QEventLoop, Qt, QTimer
from PySide6.QtWidgets import QApplication

from reticle_app.background import MainThread
from reticle_app.commands import Commands
from reticle_app.remote import RemoteGrounder
from reticle_app.theme import Theme
from reticle_app.windows.inspecting import Inspecting
from reticle_app.windows.inspector import InspectorWindow

BEAT_MS = 5


def screenshot() -> Image.Image:
    """A 4K screen with a few hundred words in rows and columns."""
    image = Image.new("RGB", (3840, 2160), (245, 246, 248))
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(26)
    words = ("Open", "Save", "Close", "Print", "Search", "Settings", "Copy", "Paste", "Find", "Replace")
    for row in range(30):
        for column in range(10):
            at = (80 + 370 * column, 60 + 68 * row)
            draw.rounded_rectangle(
                (at[0] - 20, at[1] - 10, at[0] + 240, at[1] + 42), 8, fill="white", outline="#b9c0ca"
            )
            draw.text(at, f"{words[(row + column) % len(words)]} {row * 10 + column}", fill="#1a1e24", font=font)
    return image


class Beat:
    """Records by how many milliseconds each call came late."""

    def __init__(self) -> None:
        self.late_ms: list[float] = []
        self._last = 0.0
        self._timer = QTimer()
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(BEAT_MS)
        self._timer.timeout.connect(self._tick)

    def during(self, seconds: float, done: Callable[[], bool] = lambda: False) -> dict[str, float]:
        self.late_ms, self._last = [], time.perf_counter()
        self._timer.start()
        until = time.monotonic() + seconds
        while time.monotonic() < until and not done():
            loop = QEventLoop()
            QTimer.singleShot(20, loop.quit)
            loop.exec()
        self._timer.stop()
        late = np.array(self.late_ms or [0.0])
        points = {"p50_ms": 50, "p99_ms": 99, "max_ms": 100}
        return {name: round(float(np.percentile(late, p)), 2) for name, p in points.items()} | {"beats": len(late)}

    def _tick(self) -> None:
        now = time.perf_counter()
        self.late_ms.append(max(0.0, (now - self._last) * 1000 - BEAT_MS))
        self._last = now


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--words", default="the Settings 105 button")
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    app = QApplication([])
    app.setApplicationName("reticle")
    main_thread, grounder, beat = MainThread(), RemoteGrounder(), Beat()
    window = InspectorWindow(Theme(app, "light"), Commands())
    inspecting = Inspecting(window, grounder, main_thread, lambda screen: screenshot, Image.open)
    window.resize(1920, 1080)
    window.show()
    pane = window.panes[0]
    results: dict[str, object] = {"idle": beat.during(3.0)}
    results["picture shown"] = beat.during(60.0, lambda: pane.canvas.has_picture) if _show(inspecting) else {}
    for number in range(args.rounds):
        pane.words.setText(args.words)
        pane.find_button.click()
        name = "grounding, the first on this picture" if number == 0 else f"grounding again {number}"
        results[name] = beat.during(600.0, pane.find_button.isEnabled)
    inspecting.ask_elements()
    results["elements"] = beat.during(600.0, lambda: inspecting.elements is not None)
    with tempfile.TemporaryDirectory() as folder:
        for end in (".png", ".npz", ".json"):
            window.banner.hide()
            window.export_chosen.emit(0, Path(folder) / f"out{end}")
            results[f"export {end}"] = beat.during(60.0, window.banner.isVisible)
    results["idle again"] = beat.during(3.0)
    grounder.close()
    inspecting.close()
    print(json.dumps(results, indent=1))


def _show(inspecting: Inspecting) -> bool:
    inspecting.show_image(screenshot(), "4K")
    return True


if __name__ == "__main__":
    main()
