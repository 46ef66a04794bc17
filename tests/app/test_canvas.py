from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from app_fakes.parts import squares
from PIL import Image
from PySide6.QtCore import QEvent, QObject, QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from reticle_app.theme import Theme
from reticle_app.widgets import canvas as canvas_module
from reticle_app.widgets.canvas import Canvas, to_qimage
from reticle_app.widgets.heat import heat_image
from reticle_app.windows.main import MainWindow
from reticle_grounding.geometry import Point, Rect, Size, Transform
from reticle_grounding.types import Candidate, Grounding

SIZE = Size(640, 420)
SPOTS = ((430, 170, 40), (100, 320, 60), (550, 350, 12), (118, 88, 30), (300, 210, 90))


def five(size: Size = SIZE) -> Grounding:
    found = tuple(
        Candidate(i + 1, Point(x, y), Rect(x, y, x, y).grown(side / 2), 0.9 - i / 8, 0.2, 0.1, "attention")
        for i, (x, y, side) in enumerate(SPOTS)
    )
    heat = np.zeros((15, 23), dtype=np.float32)
    heat[6, 15] = 1.0
    transform = Transform.for_image(size, Size(23 * 28, 15 * 28), 28)
    return Grounding("w", size, found, True, 0.3, heat, transform, {}, "m")


@pytest.fixture
def canvas(qtbot: QtBot) -> Canvas:
    made = Canvas()
    qtbot.addWidget(made)
    made.resize(800, 600)
    with qtbot.waitExposed(made):
        made.show()
    made.show_picture(to_qimage(squares()))
    made.show_grounding(five(), 0)
    return made


@pytest.mark.parametrize("zoom", [0.5, 1.0, 2.0, 3.3])
def test_a_click_on_a_drawn_point_chooses_that_candidate(canvas: Canvas, qtbot: QtBot, zoom: float) -> None:
    for index, (x, y, _) in enumerate(SPOTS):
        canvas.set_zoom(zoom)
        at = canvas.view.point(Point(x, y))
        canvas._offset += QPointF(400 - at.x, 300 - at.y)
        at = canvas.view.point(Point(x, y))
        with qtbot.waitSignal(canvas.chosen, timeout=1000) as caught:
            QTest.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=QPoint(round(at.x), round(at.y)))
        assert caught.args == [index]


def test_the_smallest_of_nested_regions_is_chosen(canvas: Canvas) -> None:
    inner = canvas.view.point(Point(430, 170))
    assert canvas.candidate_at(QPointF(inner.x, inner.y)) == 0
    nowhere = canvas.view.point(Point(230, 20))
    assert canvas.candidate_at(QPointF(nowhere.x, nowhere.y)) is None


def test_zoom_keeps_the_point_under_the_pointer(canvas: Canvas) -> None:
    anchor = QPointF(250, 180)
    before = canvas.view.inverse().point(Point(250, 180))
    canvas.set_zoom(canvas.zoom * 2, anchor)
    after = canvas.view.inverse().point(Point(250, 180))
    assert (after.x, after.y) == pytest.approx((before.x, before.y))


def test_dragging_pans_and_chooses_nothing(canvas: Canvas, qtbot: QtBot) -> None:
    canvas.set_zoom(2)
    before = canvas.view.point(Point(0, 0))
    start = canvas.view.point(Point(300, 210))
    with qtbot.assertNotEmitted(canvas.chosen):
        origin = QPoint(round(start.x), round(start.y))
        QTest.mousePress(canvas, Qt.MouseButton.LeftButton, pos=origin)
        for step in range(1, 6):
            QTest.mouseMove(canvas, origin + QPoint(8 * step, 4 * step))
        QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=origin + QPoint(40, 20))
    after = canvas.view.point(Point(0, 0))
    assert (after.x - before.x, after.y - before.y) == (40, 20)


def test_the_heat_lies_where_the_transform_says(canvas: Canvas) -> None:
    """The hot patch, mapped by the transform, is where the painted picture changes most."""
    canvas.show_picture(to_qimage(Image.new("RGB", (640, 420), (120, 120, 120))))
    canvas.set_heat(True, 1.0)
    canvas.show_grounding(Grounding(**{**_fields(five()), "candidates": ()}))
    with_heat = _pixels(canvas)
    canvas.set_heat(False, 1.0)
    gap = np.abs(with_heat.astype(int) - _pixels(canvas).astype(int)).sum(axis=2)
    rows, columns = np.nonzero(gap > gap.max() * 0.7)
    ratio = canvas.devicePixelRatioF()
    hot = canvas.view.inverse().point(Point(columns.mean() / ratio, rows.mean() / ratio))
    wanted = Point((15.5) * 640 / 23, (6.5) * 420 / 15)
    assert abs(hot.x - wanted.x) < 14
    assert abs(hot.y - wanted.y) < 14


def test_a_flat_map_is_transparent() -> None:
    image = heat_image(np.full((4, 5), 0.05, dtype=np.float32))
    assert (image.width(), image.height()) == (5, 4)
    assert all(image.pixelColor(x, y).alpha() == 0 for x in range(5) for y in range(4))


@pytest.mark.parametrize("ratio", ["1", "2"])
def test_zooms_at_device_pixel_ratio(ratio: str) -> None:
    """The same clicks in a fresh process with that scale factor; the ratio cannot be changed in a running one."""
    environment = {**os.environ, "QT_SCALE_FACTOR": ratio, "QT_QPA_PLATFORM": "offscreen"}
    script = Path(__file__).parent / "app_fakes" / "click_at_ratio.py"
    done = subprocess.run([sys.executable, str(script)], env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [ratio, *["01234"] * 3]


def _fields(grounding: Grounding) -> dict[str, object]:
    return {name: getattr(grounding, name) for name in grounding.__slots__}


def _pixels(canvas: Canvas) -> np.ndarray:
    image = canvas.grab().toImage().convertToFormat(canvas.grab().toImage().Format.Format_RGB888)
    raw = np.frombuffer(bytes(image.constBits()), dtype=np.uint8).reshape(image.height(), image.bytesPerLine())
    return raw[:, : image.width() * 3].reshape(image.height(), image.width(), 3)


# --- what is drawn, and how often ---


def drag(canvas: Canvas, dx: int, dy: int, steps: int) -> None:
    """Moves the picture by hand, from its middle, in so many equal steps."""
    start = QPoint(canvas.width() // 2, canvas.height() // 2)
    QTest.mousePress(canvas, Qt.MouseButton.MiddleButton, pos=start)
    for step in range(1, steps + 1):
        QTest.mouseMove(canvas, start + QPoint(dx * step // steps, dy * step // steps))
        canvas.repaint()
    QTest.mouseRelease(canvas, Qt.MouseButton.MiddleButton, pos=start + QPoint(dx, dy))


def large(qtbot: QtBot) -> Canvas:
    """A canvas that shows a part of a picture with an answer and some elements."""
    made = Canvas()
    qtbot.addWidget(made)
    made.resize(500, 400)
    with qtbot.waitExposed(made):
        made.show()
    random = np.random.default_rng(1)
    made.show_picture(to_qimage(Image.fromarray(random.integers(0, 255, (840, 1280, 3), dtype=np.uint8))))
    made.show_grounding(five(Size(1280, 840)), 0)
    made.set_elements([Rect(x, y, x + 70, y + 24) for x in range(20, 1200, 130) for y in range(20, 800, 110)])
    made.set_zoom(1.3)
    return made


def rested(canvas: Canvas, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: not canvas._settling.isActive(), timeout=10_000)


@pytest.mark.parametrize("way", [(-150, -90), (160, 40), (-20, 170)])
def test_what_comes_into_sight_strip_by_strip_is_what_is_drawn_at_once(qtbot: QtBot, way: tuple[int, int]) -> None:
    moved = large(qtbot)
    rested(moved, qtbot)
    drag(moved, *way, steps=7)
    rested(moved, qtbot)
    at_once = large(qtbot)
    at_once._offset = QPointF(moved._offset)
    rested(at_once, qtbot)
    gap = np.abs(_pixels(moved).astype(int) - _pixels(at_once).astype(int)).max(axis=2)
    assert (gap > 8).mean() < 0.001
    assert gap.mean() < 0.5, "Qt rounds anew where a strip begins; a strip out of place would give tens"


def test_while_it_is_moved_only_what_comes_into_sight_is_drawn(qtbot: QtBot) -> None:
    canvas = large(qtbot)
    rested(canvas, qtbot)
    canvas.repaint()
    before = canvas._shown_layer.drawn_px
    drag(canvas, -120, 0, steps=12)
    drawn = canvas._shown_layer.drawn_px - before
    assert drawn >= 120 * canvas.height(), "all that came into sight"
    assert drawn < 2 * 120 * canvas.height(), "and of the rest not much; without keeping it would be 12 whole views"
    rested(canvas, qtbot)
    canvas.repaint()
    assert canvas._shown_layer.drawn_px - before > canvas.width() * canvas.height(), "labels placed for the new part"


def test_once_the_zoom_rests_the_picture_is_drawn_finely_in_small_turns(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    most = 12_000
    monkeypatch.setattr(canvas_module, "BAND_PX", most)
    canvas = large(qtbot)
    rested(canvas, qtbot)
    canvas.repaint()
    drawn, turns = canvas._picture_layer.drawn_px, []
    canvas.set_zoom(0.9)
    canvas.repaint()
    assert canvas._picture_layer.drawn_px == drawn, "while it changes nothing is kept"
    end = time.monotonic() + 20
    while not canvas.rests and time.monotonic() < end:
        canvas._settle()
        turns.append(canvas._picture_layer.drawn_px - drawn)
        drawn = canvas._picture_layer.drawn_px
    assert sum(turns) >= 500 * 400
    assert max(turns) <= most
    at_once = large(qtbot)
    monkeypatch.setattr(canvas_module, "BAND_PX", 10_000_000)
    at_once.set_zoom(0.9)
    rested(at_once, qtbot)
    gap = np.abs(_pixels(canvas).astype(int) - _pixels(at_once).astype(int)).max(axis=2)
    assert (gap > 8).mean() < 0.001
    assert gap.mean() < 0.5


def test_another_size_is_drawn_coarsely_first_and_finely_at_rest(qtbot: QtBot) -> None:
    canvas = large(qtbot)
    across, down = np.meshgrid(np.linspace(0, 255, 1280), np.linspace(0, 255, 840))
    canvas.show_picture(to_qimage(Image.fromarray(np.stack([across, down, across], axis=2).astype(np.uint8))))
    canvas.repaint()
    before = canvas.zoom
    canvas.resize(430, 300)
    canvas.repaint()
    assert canvas.zoom < before, "it still fits"
    assert canvas._picture_layer.drawn_px == 0
    coarse = _pixels(canvas)
    qtbot.waitUntil(lambda: canvas.rests, timeout=10_000)
    canvas.repaint()
    assert canvas._picture_layer.drawn_px > 0
    assert canvas._former is None
    gap = np.abs(coarse.astype(int) - _pixels(canvas).astype(int)).mean()
    assert gap < 2, "the same picture in the same place, stretched; 10 pixels beside it would be 5"


def test_numbers_are_placed_once_per_zoom(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    placed: list[int] = []
    real = canvas_module.number_places
    monkeypatch.setattr(canvas_module, "number_places", lambda *given: placed.append(1) or real(*given))
    canvas = large(qtbot)
    rested(canvas, qtbot)
    canvas.repaint()
    assert len(placed) == 1
    drag(canvas, -200, -150, steps=9)
    rested(canvas, qtbot)
    canvas.repaint()
    assert len(placed) == 1
    for _ in range(5):
        canvas.zoom_by(0.3)
        canvas.repaint()
    assert len(placed) == 1, "none while the zoom changes"
    rested(canvas, qtbot)
    canvas.repaint()
    assert len(placed) == 2


def test_an_answer_draws_the_list_and_the_picture_in_different_turns(qtbot: QtBot) -> None:
    application = QApplication.instance()
    assert isinstance(application, QApplication)
    window = MainWindow(Theme(application, "light"))
    qtbot.addWidget(window)
    window.resize(1200, 800)
    with qtbot.waitExposed(window):
        window.show()
    window.show_picture(to_qimage(squares()))
    qtbot.wait(200)
    seen = Painted({window.canvas: "picture", window.side.candidates: "list"})
    list_first = 0
    for number in range(6):
        window.show_grounding(five(), number % 3)
        turns: list[set[str]] = []
        end = time.monotonic() + 20
        while "picture" not in set().union(*turns) and time.monotonic() < end:
            seen.names.clear()
            application.processEvents()
            turns.append(set(seen.names))
        drawn = [turn for turn in turns if turn]
        assert "picture" in drawn[-1]
        list_first += drawn[0] == {"list"}
    assert list_first >= 3, "a busy machine may put two turns into one, now and then; drawn at once it is always one"


class Painted(QObject):
    """Which widgets were painted."""

    def __init__(self, watched: dict[QWidget, str]) -> None:
        super().__init__()
        self._watched, self.names = watched, list[str]()
        for widget in watched:
            widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Paint:
            self.names.append(self._watched[watched])  # type: ignore[index]
        return False
