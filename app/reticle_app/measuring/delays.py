"""How late the window's event loop is while the model grounds, a file comes in, and an answer is exported."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtWidgets import QApplication

from reticle_agent.seams import Screen
from reticle_app.background import Background
from reticle_app.config import Settings
from reticle_app.gui import Parts, build, open_picture
from reticle_app.models.digests import digest_file
from reticle_app.models.hub import Hub
from reticle_app.overlay import Desk
from reticle_app.remote import RemoteGrounder
from reticle_app.runner import Hooks, RunEnd, RunOrder
from reticle_app.windows.inspector import InspectorWindow
from reticle_grounding.errors import ReticleError
from reticle_grounding.geometry import Size

from .beat import Beat, machine_noise, spin
from .scene import WINDOW, answer, boxes, screenshot
from .served import serving

HOW = (
    "The main window, 1920x1080, with the model in its own process, on a full-HD picture; exports by the "
    "inspector from a 4K picture; the download by the code of `reticle models pull` on a thread of the window's "
    "process, the hardest case, from a server on this machine. A timer of the window beats every 2 ms. late: by "
    "how much it came too late, with all that ran beside; noise: how late a process without a window came at the "
    "same time; busy: processor time of the window's thread within one turn, which an idle machine would need."
)
LONGEST_S, DRAWN_S, MEBIBYTES = 600.0, 0.3, 96


def _no_run(order: RunOrder, hooks: Hooks) -> RunEnd:
    raise ReticleError("nothing is run while the window is measured")


def _no_screen(desk: Desk) -> Screen:
    raise ReticleError("nothing is captured while the window is measured")


class Bench:
    """One window and what is done in it."""

    def __init__(self, folder: Path) -> None:
        app = QApplication.instance() or QApplication(["reticle"])
        assert isinstance(app, QApplication)
        settings = Settings(theme="light", traces=folder)
        self.parts: Parts = build(app, settings, RemoteGrounder(), _no_run, _no_screen)
        self.window, self.controller = self.parts.window, self.parts.controller
        self.beat, self.folder = Beat(), folder
        self.cases: dict[str, object] = {}

    def case(self, name: str, begin: Callable[[], None], done: Callable[[], bool]) -> None:
        """Does something and measures until it is done and drawn."""
        sys.stderr.write(f"reticle: measuring {name}\n")
        with machine_noise() as noise:
            begin()
            self.beat.during(LONGEST_S, done, then_s=DRAWN_S)
            if not done():
                raise ReticleError(f"{name}: not done after {LONGEST_S:.0f} s")
            self.cases[name] = self.beat.figures() | {f"noise_{key}": value for key, value in noise().items()}


def measure(count: int) -> dict[str, object]:
    """Cases -> figures; ``count`` further instructions on one picture. Makes the application object of this process."""
    with tempfile.TemporaryDirectory(prefix="reticle-window-") as name:
        bench = Bench(Path(name))
        window = bench.window
        window.resize(WINDOW.width, WINDOW.height)
        window.show()
        try:
            _load(bench)
            bench.case("idle", lambda: None, _after(bench, 1.5))
            _export(bench)
            _download(bench)
            _ground(bench, count)
        finally:
            window.close()
            spin(5.0, lambda: not window.isVisible())
        return {"how": HOW, "window": "1920x1080", "cases": bench.cases}


def _after(bench: Bench, seconds: float) -> Callable[[], bool]:
    return lambda: sum(bench.beat.late_ms) + 2 * len(bench.beat.late_ms) >= 1000 * seconds


def _load(bench: Bench) -> None:
    """A second time, since the first one has begun before anything could be measured."""

    def ready() -> bool:
        return bench.window.footer.model.text().endswith("ready")

    spin(LONGEST_S, ready)
    bench.case("load the model", bench.controller.restart_model, ready)


def _ground(bench: Bench, count: int) -> None:
    path = bench.folder / "full-hd.png"
    size = Size(1920, 1080)
    screenshot(size).save(path)
    controller, canvas = bench.controller, bench.window.canvas
    bench.case("open a picture", lambda: controller.open_file(path), lambda: canvas.has_picture and not controller.busy)
    for number in range(count + 1):
        words = f"the box that says {number * 7 % len(boxes(size))}"
        before = controller.grounding

        def find(words: str = words) -> None:
            controller.find(words)

        def answered(before: object = before) -> bool:
            return not controller.busy and controller.grounding is not before

        name = "ground, first on this picture" if number == 0 else f"ground and show, again {number}"
        bench.case(name, find, answered)


def _export(bench: Bench) -> None:
    path = bench.folder / "4k.png"
    screenshot().save(path)
    bench.window.footer.inspector.click()
    inspecting, window = bench.parts.tools.inspecting, bench.parts.tools.inspector_window
    if inspecting is None or not isinstance(window, InspectorWindow):
        raise ReticleError("the inspector did not open")
    inspecting.show_image(open_picture(path), "4K", "words", answer())
    pane, banner = window.panes[0], window.banner
    spin(LONGEST_S, lambda: pane.grounding is not None)
    spin(1.0)
    for end in (".png", ".npz", ".json"):
        target = bench.folder / f"answer{end}"
        banner.hide()
        bench.case(f"export {end}", partial(inspecting.write, 0, target), banner.isVisible)
        if not target.is_file():
            raise ReticleError(f"nothing was exported: {banner.text.text()}")


def _download(bench: Bench) -> None:
    ended: list[ReticleError | None] = []
    work = Background(bench.parts.main, "download")
    told: list[int] = []
    with serving(MEBIBYTES) as (address, repository, file):
        target = bench.folder / file.name

        def fetch() -> None:
            Hub(address).fetch(repository, file, target, told.append)
            file.expected.check(file.name, digest_file(target))

        bench.case(
            f"download and check {MEBIBYTES} MiB",
            lambda: work.submit(fetch, lambda _: ended.append(None), ended.append),
            lambda: bool(ended),
        )
    work.close()
    if ended[0] is not None:
        raise ended[0]
