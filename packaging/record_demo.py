"""Records a run of the real application as a GIF: ``python packaging/record_demo.py OUT.gif [--pictures DIR]``.

Starts a virtual desktop with a window manager, an editor and Reticle, types a task with xdotool as a person would, and
takes pictures of the whole desktop until the run has ended. Nothing is drawn in afterwards. Waiting is shortened: what
does not change is shown for ``--hold`` seconds at most. Needs Xvfb, openbox, xdotool and mousepad.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import mss
import numpy as np
from PIL import Image
from PySide6.QtCore import QEventLoop, QPoint, QTimer
from PySide6.QtWidgets import QApplication, QWidget

from reticle_agent.screen import ScreenCapture
from reticle_agent.seams import Screen
from reticle_agent.session import virtual_desktop
from reticle_app.config import Settings
from reticle_app.desktop import desktop_body
from reticle_app.gui import Parts, build
from reticle_app.overlay import Desk
from reticle_app.remote import RemoteGrounder
from reticle_grounding.errors import ReticleError
from reticle_grounding.geometry import Size

sys.path.insert(0, str(Path(__file__).resolve().parent))
from stage import editor, home

DESKTOP = Size(1440, 780)
WINDOW = (230, 90, 1190, 640)
EDITOR = (12, 40, 700, 620)
TASK = "open the Search menu, click 'Find and Replace...', type 'gardener' into the search field"
INTERVAL_S, LONGEST_S = 0.12, 900.0
SAMPLES = 24
"""Pictures that the palette is made from: enough that marks, the Stop button and what is good are among them."""
SAME = 0.0004
"""Share of pixels that may differ between two pictures that count as the same (a blinking caret)."""


@dataclass
class Film:
    """Pictures of the desktop with the seconds each was seen."""

    frames: list[Image.Image] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def add(self, picture: Image.Image, seconds: float) -> None:
        """Adds a picture, or time to the last one when nothing has changed."""
        if self.frames and same(self.frames[-1], picture):
            self.seconds[-1] += seconds
        else:
            self.frames.append(picture)
            self.seconds.append(seconds)


def same(first: Image.Image, second: Image.Image) -> bool:
    """Whether two pictures of one size show the same but for a few pixels."""
    changed = np.any(np.asarray(first) != np.asarray(second), axis=2)
    return float(changed.mean()) <= SAME


def grabber() -> Any:
    """Takes pictures of ``$DISPLAY``; its name changed between versions of mss."""
    return mss.MSS() if hasattr(mss, "MSS") else mss.mss()


@contextmanager
def filming(film: Film) -> Iterator[None]:
    """Takes pictures of ``$DISPLAY`` in a thread while the block runs."""
    end = threading.Event()

    def take() -> None:
        with grabber() as screen:
            before = time.monotonic()
            while not end.is_set():
                shot = screen.grab(screen.monitors[0])
                now = time.monotonic()
                film.add(Image.frombytes("RGB", shot.size, shot.bgra, "raw", "BGRX"), max(now - before, INTERVAL_S))
                before = now
                end.wait(INTERVAL_S)

    thread = threading.Thread(target=take, name="film", daemon=True)
    thread.start()
    try:
        yield
    finally:
        end.set()
        thread.join()


def write_gif(film: Film, path: Path, width: int, hold_s: float, last_s: float, colours: int) -> None:
    """Writes the film with one palette for all pictures; what stands still is shown ``hold_s`` at most.

    Raises ReticleError for a film without pictures.
    """
    if not film.frames:
        raise ReticleError("the film has no pictures")
    height = round(film.frames[0].height * width / film.frames[0].width)
    small = [frame.resize((width, height), Image.Resampling.LANCZOS) for frame in film.frames]
    count = min(len(small), SAMPLES)
    sheet = Image.new("RGB", (width, height * count))
    for at in range(count):
        sheet.paste(small[at * (len(small) - 1) // max(1, count - 1)], (0, at * height))
    palette = sheet.quantize(colours, method=Image.Quantize.MEDIANCUT)
    frames = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in small]
    shown = [max(0.06, min(seconds, hold_s)) for seconds in film.seconds]
    shown[-1] = last_s
    path.parent.mkdir(parents=True, exist_ok=True)
    durations = [round(seconds * 100) * 10 for seconds in shown]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=durations, loop=0, optimize=False)


def spin(seconds: float, until: Callable[[], bool] = lambda: False) -> bool:
    """Runs the event loop so long, or until something holds; returns whether it does."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if until():
            return True
        loop = QEventLoop()
        QTimer.singleShot(25, loop.quit)
        loop.exec()
    return until()


def hand(*arguments: object) -> None:
    """xdotool, without stopping the application that runs in this process. Raises ReticleError when it fails."""
    process = subprocess.Popen(["xdotool", *map(str, arguments)])
    spin(30, lambda: process.poll() is not None)
    if process.poll() != 0:
        process.kill()
        raise ReticleError(f"xdotool {' '.join(map(str, arguments))} ended with {process.wait()}")


def glide(widget: QWidget) -> None:
    """Moves the pointer to the middle of a widget in steps that can be seen, and clicks."""
    place = widget.mapToGlobal(QPoint(widget.width() // 2, widget.height() // 2))
    at = subprocess.run(["xdotool", "getmouselocation", "--shell"], capture_output=True, text=True, check=True).stdout
    x, y = (int(line.split("=")[1]) for line in at.splitlines()[:2])
    for step in range(1, 9):
        part = step / 8
        hand("mousemove", round(x + (place.x() - x) * part), round(y + (place.y() - y) * part))
        spin(0.05)
    hand("click", 1)


def open_reticle(app: QApplication, traces: Path) -> Parts:
    """The application as `reticle` builds it, with its own model process."""
    settings = Settings(mode="auto", theme="light", traces=traces, countdown_s=1.5)
    grounder = RemoteGrounder("")

    def screen(desk: Desk) -> Screen:
        return ScreenCapture(hide_own=desk.hidden_for_capture)

    return build(app, settings, grounder, desktop_body(lambda: settings, grounder), screen)


def picture(film: Film, folder: Path | None, name: str) -> None:
    """Keeps the desktop as it is now as a full-size picture."""
    if folder is None:
        return
    folder.mkdir(parents=True, exist_ok=True)
    with grabber() as screen:
        shot = screen.grab(screen.monitors[0])
    Image.frombytes("RGB", shot.size, shot.bgra, "raw", "BGRX").quantize(256).save(
        folder / f"{name}.png", optimize=True
    )


def perform(app: QApplication, letter: int, traces: Path, film: Film, pictures: Path | None) -> str:
    """Opens Reticle beside the editor, has it do the task, and films that; returns the end it tells."""
    left, top, width, height = EDITOR
    hand("windowsize", letter, width, height, "windowmove", letter, left, top)
    parts = open_reticle(app, traces)
    window = parts.window
    window.resize(WINDOW[2], WINDOW[3])
    window.move(WINDOW[0], WINDOW[1])
    window.show()
    if not spin(LONGEST_S, window.header.run_button.isEnabled):
        raise ReticleError(f"the model is not ready after {LONGEST_S:.0f} s: {window.footer.model.text()}")
    hand("mousemove", 700, 720)
    spin(0.5)
    try:
        with filming(film):
            spin(0.8)
            glide(window.header.field)
            hand("type", "--delay", "28", TASK)
            spin(0.6)
            glide(window.header.run_button)
            spin(5, lambda: parts.runner.running)
            shown = 0
            while parts.runner.running:
                spin(0.2)
                visible = any(overlay.isVisible() and overlay.marks for overlay in parts.desk.overlays)
                if visible and shown < 3:
                    spin(0.25)
                    shown += 1
                    picture(film, pictures, f"desktop-{shown}")
                    spin(15, lambda: not any(overlay.isVisible() for overlay in parts.desk.overlays))
            spin(1.5)
        picture(film, pictures, "ended")
        return window.banner.accessibleName() or window.windowTitle()
    finally:
        window.close()
        spin(5, lambda: not window.isVisible())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--pictures", type=Path, help="folder for full-size pictures of the same run")
    parser.add_argument("--width", type=int, default=960, help="of the GIF, in pixels")
    parser.add_argument(
        "--hold", type=float, default=1.3, help="longest time, in seconds, that a still picture is shown"
    )
    parser.add_argument("--colours", type=int, default=160)
    args = parser.parse_args()
    film = Film()
    with (
        tempfile.TemporaryDirectory(prefix="reticle-demo-") as kept,
        home(Path(kept)) as own,
        virtual_desktop(DESKTOP),
        editor(own) as opened,
    ):
        app = QApplication(sys.argv[:1])
        perform(app, opened.window, own / ".local/share/reticle/traces", film, args.pictures)
    write_gif(film, args.out, args.width, args.hold, 3.0, args.colours)
    still = sum(1 for first, second in pairwise(film.frames) if same(first, second))
    size = os.path.getsize(args.out)
    sys.stdout.write(
        f"{args.out}: {len(film.frames)} pictures ({still} alike), {sum(film.seconds):.0f} s filmed, {size} bytes\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
