"""Makes the pictures of the windows in the documentation: ``python packaging/make_pictures.py FOLDER [NAME ...]``.

Everything is the real application on a virtual desktop: its model, an editor with a letter, a run that is carried out.
Nothing is drawn in afterwards. Names are window, inspector, runs, tour and models; all when none is given.
Needs Xvfb, openbox, xdotool and mousepad.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from PIL import Image
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication, QWidget

from reticle_agent.session import virtual_desktop
from reticle_app.gui import Parts
from reticle_app.widgets.canvas import Canvas
from reticle_grounding.errors import ReticleError
from reticle_grounding.geometry import Size

sys.path.insert(0, str(Path(__file__).resolve().parent))
from record_demo import LONGEST_S, hand, open_reticle, spin
from stage import editor, home

DESKTOP = Size(1280, 800)
EDITOR = (180, 60, 900, 660)
TASK = "open the Search menu, click 'Find and Replace...', type 'gardener' into the search field"
SIZES = {
    "window": (1400, 860),
    "inspector": (1200, 720),
    "runs": (1200, 720),
    "tour": (1000, 666),
    "models": (1000, 720),
}
NAMES = tuple(SIZES)


def until(what: str, done: Callable[[], bool]) -> None:
    """Raises ReticleError when it does not come."""
    if not spin(LONGEST_S, done):
        raise ReticleError(f"there is no {what} after {LONGEST_S:.0f} s")


def save(widget: QWidget, path: Path) -> None:
    """The window without its frame, in 256 colours."""
    spin(10, lambda: all(canvas.rests for canvas in widget.findChildren(Canvas)))
    spin(0.6)
    shot = widget.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
    image = Image.frombuffer(
        "RGB", (shot.width(), shot.height()), bytes(shot.constBits()), "raw", "RGB", shot.bytesPerLine(), 1
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    image.quantize(256, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(path, optimize=True)
    sys.stdout.write(f"{path}: {image.width} x {image.height}, {path.stat().st_size} bytes\n")


class Studio:
    """Brings the windows into their states, one after another."""

    def __init__(self, app: QApplication, folder: Path, own: Path) -> None:
        self.folder = folder
        self.parts: Parts = open_reticle(app, own / ".local/share/reticle/traces")
        self.window, self.tools = self.parts.window, self.parts.tools
        self.size(self.window, "window")
        self.window.show()

    def open_model(self) -> None:
        until("model", self.window.header.run_button.isEnabled)

    @staticmethod
    def size(widget: QWidget, name: str) -> None:
        widget.setMinimumSize(0, 0)
        widget.resize(*SIZES[name])
        widget.move(0, 0)

    def run(self) -> None:
        """The task is carried out and recorded; the dialog of the editor stays open."""
        self.window.header.field.setText(TASK)
        self.parts.controller.run(TASK)
        until("run", lambda: self.parts.runner.running)
        until("end of the run", lambda: not self.parts.runner.running)
        spin(1.0)

    def main(self) -> None:
        self.parts.controller.capture(None)
        until("picture", lambda: not self.parts.controller.busy)
        words = "the Replace with field"
        self.window.header.field.setText(words)
        self.parts.controller.find(words)
        until("answer", lambda: self.parts.controller.grounding is not None)
        self.parts.controller.find(words)  # the screen is read by now, so that the times are those of an instruction
        until("answer", lambda: not self.parts.controller.busy)
        save(self.window, self.folder / "window.png")

    def browse(self) -> None:
        self.tools.show_traces()
        traces, browsing = self.tools.traces_window, self.tools.browsing
        assert traces is not None
        assert browsing is not None
        self.size(traces, "runs")
        until("list of runs", lambda: traces.list.count() > 0 and not browsing.busy)
        traces.list.setCurrentRow(0)
        until("run", lambda: not browsing.busy and traces.line.maximum() > 0)
        traces.line.setValue(1)
        until("step", lambda: not browsing.busy)
        save(traces, self.folder / "runs.png")

    def inspect(self) -> None:
        traces = self.tools.traces_window
        assert traces is not None
        traces.inspect.click()
        until("inspector", lambda: self.tools.inspector_window is not None)
        inspector = self.tools.inspector_window
        assert inspector is not None
        self.size(inspector, "inspector")
        until("answer", lambda: inspector.panes[0].grounding is not None)
        inspector.panes[0].canvas.zoom_by(1.6)
        save(inspector, self.folder / "inspector.png")

    def tour(self) -> None:
        self.tools.show_welcome()
        welcome = self.tools.welcome_window
        assert welcome is not None
        self.size(welcome, "tour")
        welcome.go(3)
        until("bundled picture", lambda: welcome.tour.canvas.has_picture)
        welcome.tour.asked.emit("the Save button")
        until("answer", lambda: welcome.tour.grounding is not None)
        save(welcome, self.folder / "tour.png")

    def models(self) -> None:
        self.tools.show_models()
        models, managing = self.tools.models_window, self.tools.managing
        assert models is not None
        assert managing is not None
        self.size(models, "models")
        until("list of models", lambda: bool(models.entries) and not managing.busy)
        save(models, self.folder / "models.png")

    def close(self) -> None:
        self.window.close()
        spin(5, lambda: not self.window.isVisible())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*", help=f"of {', '.join(NAMES)}")
    args = parser.parse_args()
    wanted = set(args.names or NAMES)
    if wanted - set(NAMES):
        parser.error(f"there is no picture {sorted(wanted - set(NAMES))[0]!r}; known: {', '.join(NAMES)}")
    with (
        tempfile.TemporaryDirectory(prefix="reticle-pictures-") as kept,
        home(Path(kept)) as own,
        virtual_desktop(DESKTOP),
        editor(own) as opened,
    ):
        app = QApplication(sys.argv[:1])  # kept here: it ends with its last reference
        left, top, width, height = EDITOR
        hand("windowsize", opened.window, width, height, "windowmove", opened.window, left, top)
        studio = Studio(app, args.folder, own)
        try:
            if wanted - {"models"}:
                studio.open_model()
            if wanted & {"window", "runs", "inspector"}:
                studio.run()
            if "window" in wanted:
                studio.main()
            if wanted & {"runs", "inspector"}:
                studio.browse()
            if "inspector" in wanted:
                studio.inspect()
            if "tour" in wanted:
                studio.tour()
            if "models" in wanted:
                studio.models()
        finally:
            studio.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
