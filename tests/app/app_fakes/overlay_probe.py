"""Shows the overlay over another process's window and prints, as JSON, what the screen and that window saw of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import mss
import numpy as np
from app_fakes.parts import frame_of
from PIL import Image
from PySide6.QtCore import QEventLoop, QTimer
from PySide6.QtWidgets import QApplication, QLabel

from reticle_app.background import MainThread
from reticle_app.overlay import Desk
from reticle_app.widgets.marks import CHOSEN, MARK
from reticle_grounding.geometry import Point, Rect, Size, Transform
from reticle_grounding.types import Candidate, Grounding

REGIONS = (
    Rect(300, 200, 380, 240), Rect(900, 500, 1000, 560), Rect(2, 2, 60, 40), Rect(1220, 760, 1278, 798),
    Rect(610, 90, 640, 120),
)  # fmt: skip


def spin(seconds: float) -> None:
    loop = QEventLoop()
    QTimer.singleShot(int(seconds * 1000), loop.quit)
    loop.exec()


def grab() -> np.ndarray:
    with mss.mss() as grabber:
        return np.asarray(grabber.grab(grabber.monitors[1]))[:, :, 2::-1].astype(int)


def edges(picture: np.ndarray, region: Rect, colour: tuple[int, int, int], skip: int) -> list[int]:
    """Left, top, right, bottom: the first pixels of the colour met on the way out from the middle of the region's upper
    left quarter, where neither cross nor ticks are."""
    same = np.abs(picture - np.array(colour)).max(axis=2) <= 3
    x, y = Point(region.left + region.width / 4, region.top + region.height / 4).pixel()
    lines = (same[y, : x - skip][::-1], same[: y - skip, x][::-1], same[y, x + skip :], same[y + skip :, x])
    steps = [skip + int(np.argmax(line)) if line.any() else 9999 for line in lines]
    return [x - 1 - steps[0], y - 1 - steps[1], x + steps[2], y + steps[3]]


def all_edges(picture: np.ndarray) -> list[list[int]]:
    return [edges(picture, region, (MARK if index else CHOSEN).getRgb()[:3], 4) for index, region in enumerate(REGIONS)]


def main() -> None:
    environment = {**os.environ, "QT_SCALE_FACTOR": "1"}
    script = str(Path(__file__).parent / "target_window.py")
    target = subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True, env=environment)
    assert target.stdout.readline() == "ready\n"
    time.sleep(0.3)
    app = QApplication(sys.argv[:1])
    main_thread = MainThread()
    desk = Desk(main_thread)
    before = grab()
    frame = frame_of(Image.fromarray(before.astype(np.uint8)))
    found = tuple(Candidate(i + 1, r.center, r, 0.9 - i / 10, 0.1, 0.1, "attention") for i, r in enumerate(REGIONS))
    transform = Transform.for_image(Size(1280, 800), Size(1288, 812), 28)
    grounding = Grounding("w", Size(1280, 800), found, True, 0.3, np.ones((29, 46), np.float32), transform, {}, "m")
    desk.show_candidates(frame, grounding, 0)
    spin(0.5)
    shown = grab()
    own = QLabel("own window")
    own.setGeometry(100, 100, 300, 200)
    desk.add_window(own)

    clicks = []
    for region in REGIONS:
        for at in (region.center, Point(region.left, region.center.y), Point(region.left + 12, region.top - 10)):
            x, y = (max(1, v) for v in at.pixel())
            subprocess.run(["xdotool", "mousemove", str(x), str(y), "click", "1"], check=True)
            spin(0.05)
            clicks.append([[x, y], [int(v) for v in target.stdout.readline().split()[1:]]])

    own.show()
    spin(0.4)
    with_window = grab()
    captured: list[np.ndarray] = []

    def capture() -> None:
        with desk.hidden_for_capture():
            captured.append(grab())

    agent = threading.Thread(target=capture)
    began = time.monotonic()
    agent.start()
    while agent.is_alive():
        spin(0.01)
    took = time.monotonic() - began
    spin(0.4)
    after = grab()
    if len(sys.argv) > 1:
        for name, picture in (("before", before), ("shown", shown), ("captured", captured[0]), ("after", after)):
            Image.fromarray(picture.astype(np.uint8)).save(Path(sys.argv[1]) / f"{name}.png")
    rects = [[round(v) for v in rect.as_tuple()] for rect in desk.own_rects()]
    report = {
        "ratio": app.primaryScreen().devicePixelRatio(),
        "edges": all_edges(shown),
        "edges_after": all_edges(after),
        "changed_share": float((shown != before).any(axis=2).mean()),
        "clicks": clicks,
        "window_seen": bool((with_window != shown).any()),
        "captured_differs": int((captured[0] != before).any(axis=2).sum()),
        "own_window_back": own.isVisible(),
        "own_rects": rects,
        "hidden_s": took,
    }
    own.close()
    desk.close()
    target.terminate()
    target.wait(5)
    print(json.dumps(report))


main()
