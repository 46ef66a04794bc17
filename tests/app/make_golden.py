"""Pictures of main window, overlay, inspector and traces window in one fixed state each.

    python tests/app/make_golden.py tests/app/golden      makes the pictures anew that the test compares with
    python tests/app/make_golden.py OUT --spoiled         also makes pictures with something wrong in each

Half the size of the windows, so that a person can look at them and they stay small. Needs no display; the font is
DejaVu Sans, which the program's packages bring along.
"""

from __future__ import annotations

import argparse
import itertools
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import patch

os.environ.update(QT_QPA_PLATFORM="offscreen", QT_SCALE_FACTOR="1", LC_ALL="C.UTF-8", LANGUAGE="C", TZ="UTC")
sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(1, str(Path(__file__).resolve().parents[1] / "agent"))

from agent_fakes.recorded import recorded
from app_fakes.parts import build_fake, frame_of, squares
from make_screenshots import spin
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor, QFont, QGuiApplication, QImage, QPainter, QPixmap, QRegion
from PySide6.QtWidgets import QApplication, QWidget
from test_canvas import five

from reticle_agent.trace import writer
from reticle_app.config import Settings
from reticle_app.gui import Parts
from reticle_app.widgets.canvas import Canvas, to_qimage
from reticle_app.windows.inspector import InspectorWindow
from reticle_app.windows.traces import TracesWindow
from reticle_grounding.geometry import Size

WINDOW = (1280, 800)
NAMES = ("main", "overlay", "inspector", "traces")
LONGEST_S = 120.0


def until(done: Callable[[], bool]) -> None:
    spin(LONGEST_S, done)
    assert done(), "the window did not come into its state"


def save(picture: QPixmap | QImage, path: Path) -> None:
    """Half the size and 64 colours."""
    image = picture.toImage() if isinstance(picture, QPixmap) else picture
    small = image.convertToFormat(QImage.Format.Format_RGB32).scaled(
        image.width() // 2,
        image.height() // 2,
        Qt.AspectRatioMode.IgnoreAspectRatio,
        Qt.TransformationMode.SmoothTransformation,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    assert small.save(str(path), "PNG", 0)


class Studio:
    """Brings the windows into their states; all of them belong to one application."""

    def __init__(self, app: QApplication, runs: Path) -> None:
        ticks = itertools.count()
        clock = SimpleNamespace(monotonic=lambda: next(ticks) * 0.05)
        with patch.multiple(
            writer, _utc_now=lambda: "2026-11-28T09:30:00.000Z", time=clock
        ):  # dates are in the picture
            recorded(runs / "whole")
        self.picture = squares((1100, 640))
        self.parts: Parts = build_fake(app, self.picture, settings=Settings(theme="light", traces=runs))[0]

    def main(self) -> QWidget:
        window, controller = self.parts.window, self.parts.controller
        window.resize(*WINDOW)
        window.show()
        until(lambda: window.footer.model.text() == "demo-statistics ready")
        window.header.field.setText("the red square")
        controller.capture(None)
        until(lambda: window.canvas.has_picture and not controller.busy)
        controller.find("the red square")
        until(lambda: controller.grounding is not None and not controller.busy)
        window.footer.set_timings({"prefix": 412.0, "ground": 21.0, "verify": 96.0})
        return window

    def overlay(self) -> QPixmap:
        """What the overlay draws, over the capture it belongs to."""
        desk, area = self.parts.desk, QGuiApplication.primaryScreen().geometry()
        picture = squares((area.width(), area.height()))
        shown = QPixmap.fromImage(to_qimage(picture))
        drawn = QImage(shown.size(), QImage.Format.Format_ARGB32_Premultiplied)
        drawn.fill(QColor(0, 0, 0, 0))
        desk.show_candidates(frame_of(picture), five(Size(*picture.size)), 0, 2.0)
        overlay = desk.overlays[0]
        overlay.clearMask()
        overlay.render(drawn, QPoint(), QRegion(overlay.rect()), QWidget.RenderFlag.DrawChildren)
        painter = QPainter(shown)
        painter.drawImage(0, 0, drawn)
        painter.end()
        desk.clear()
        return shown

    def inspector(self) -> InspectorWindow:
        self.parts.tools.show_inspector_here()
        window = self.parts.tools.inspector_window
        assert isinstance(window, InspectorWindow)
        window.resize(*WINDOW)
        until(lambda: window.panes[0].grounding is not None)
        return window

    def traces(self) -> TracesWindow:
        self.parts.tools.show_traces()
        window, browsing = self.parts.tools.traces_window, self.parts.tools.browsing
        assert isinstance(window, TracesWindow)
        assert browsing is not None
        window.resize(*WINDOW)
        until(lambda: bool(window.listed) and not browsing.busy)
        window.list.setCurrentRow(0)
        until(lambda: browsing.run is not None and not browsing.busy and window.before.has_picture)
        return window


def spoil(window: QWidget, name: str, parts: Parts, out: Path) -> None:
    """The same windows with one thing wrong each."""
    if name == "main":
        run, model = parts.window.header.run_button, parts.window.footer.model
        run.move(run.pos() - QPoint(40, 0))
        save(window.grab(), out / "main, a button moved.png")
        run.move(run.pos() + QPoint(40, 0))
        words = model.text()
        model.setText("")
        spin(0.2)
        save(window.grab(), out / "main, a label lost.png")
        model.setText(words)
        parts.window.canvas.set_heat(False, 0.6)
        save(window.grab(), out / "main, no heat map.png")
        parts.window.canvas.set_heat(True, 0.6)
        parts.window.side.candidates.rows[1].hide()
        spin(0.2)
        save(window.grab(), out / "main, a candidate lost.png")
    elif name == "inspector":
        assert isinstance(window, InspectorWindow)
        window.regions.setChecked(not window.regions.isChecked())
        window.export_button.hide()
        spin(0.2)
        save(window.grab(), out / "inspector, a button lost.png")
    elif name == "traces":
        assert isinstance(window, TracesWindow)
        window.before.set_trail([])
        window.before.show_grounding(None)
        spin(0.2)
        save(window.grab(), out / "traces, no mark.png")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--spoiled", action="store_true")
    parser.add_argument("--hinting", choices=("none", "vertical", "full"), default="none", help="how letters are drawn")
    args = parser.parse_args()
    app = QApplication(sys.argv[:1])
    font = QFont("DejaVu Sans", 10)
    hints = QFont.HintingPreference
    kinds = {"none": hints.PreferNoHinting, "vertical": hints.PreferVerticalHinting, "full": hints.PreferFullHinting}
    font.setHintingPreference(kinds[args.hinting])
    app.setFont(font)
    app.setCursorFlashTime(0)
    out = args.out.resolve()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)  # the traces window shows the path
        studio = Studio(app, Path("runs"))
        for name in NAMES:
            made = getattr(studio, name)()
            spin(0.5)
            until(lambda: all(c.rests for c in app.allWidgets() if isinstance(c, Canvas)))
            save(made if isinstance(made, QPixmap) else made.grab(), out / f"{name}.png")
            if args.spoiled and isinstance(made, QWidget):
                spoil(made, name, studio.parts, out / "spoiled")
        studio.parts.window.close()
        spin(5.0, lambda: not studio.parts.window.isVisible())
        os.chdir(out)


if __name__ == "__main__":
    main()
