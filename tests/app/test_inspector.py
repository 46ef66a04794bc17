"""The inspector over the demo model process, used by mouse and by keyboard alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from app_fakes.parts import SQUARES, MakeWindow, squares
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QAbstractItemView, QApplication, QComboBox, QLineEdit, QSlider
from pytestqt.qtbot import QtBot
from test_window import capture, click, find

from reticle_app.gui import Parts
from reticle_app.widgets.inspect_canvas import InspectCanvas
from reticle_app.windows.inspecting import Inspecting
from reticle_app.windows.inspector import InspectorWindow
from reticle_grounding.geometry import Point, Rect


def opened(parts: Parts, qtbot: QtBot) -> tuple[InspectorWindow, Inspecting]:
    """The inspector on the squares, without an answer."""
    parts.tools.show_inspector_here()
    window, inspecting = parts.tools.inspector_window, parts.tools.inspecting
    assert isinstance(window, InspectorWindow)
    assert inspecting is not None
    inspecting.show_image(squares(), "squares.png")
    qtbot.waitUntil(lambda: window.panes[0].canvas.has_picture, timeout=30_000)
    return window, inspecting


def ask(window: InspectorWindow, qtbot: QtBot, words: str, side: int = 0) -> None:
    pane = window.panes[side]
    pane.words.setText(words)
    QTest.keyClick(pane.words, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: pane.find_button.isEnabled(), timeout=30_000)


def hover(canvas: InspectCanvas, at: Point) -> None:
    """Moves the pointer; given straight to the canvas, since without a window manager another window may be above."""
    place, none = QPointF(at.x, at.y), Qt.MouseButton.NoButton
    where = QPointF(canvas.mapToGlobal(place))
    event = QMouseEvent(QEvent.Type.MouseMove, place, where, none, none, Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(canvas, event)


def test_takes_picture_words_and_answer_from_the_main_window(make_window: MakeWindow, qtbot: QtBot) -> None:
    parts, _ = make_window()
    capture(parts, qtbot)
    find(parts, qtbot, "the red square")
    click(parts.window.footer.inspector)
    window = parts.tools.inspector_window
    assert isinstance(window, InspectorWindow)
    qtbot.waitUntil(lambda: window.panes[0].grounding is not None, timeout=30_000)
    assert window.panes[0].words.text() == "the red square"
    assert window.side.tables[0].rowCount() == 5
    assert window.side.tables[0].item(0, 1).text() == "93.0%"


def test_hover_threshold_and_keyboard(make_window: MakeWindow, qtbot: QtBot) -> None:
    parts, _ = make_window()
    window, _ = opened(parts, qtbot)
    ask(window, qtbot, "red")
    pane, side = window.panes[0], window.side
    x, y = SQUARES["red"]
    at = pane.canvas.view.point(Point(x + 28, y + 28))
    hover(pane.canvas, at)
    qtbot.waitUntil(lambda: "of the peak" in side.patch_words.text(), timeout=30_000)
    assert "In region 1" in side.patch_words.text()
    before = side.patch_words.text()
    QTest.keyClick(pane.canvas, Qt.Key.Key_Right, Qt.KeyboardModifier.ControlModifier)
    assert side.patch_words.text() != before, "the patches can be walked without a mouse"
    areas = []
    for share in (1, 30, 100):
        window.threshold.setValue(share)
        areas.append(sum(rect.area for rect in pane.shown_regions))
        assert f"{share}%" in window.threshold_words.text()
    assert areas[0] > areas[1] > areas[2] > 0, "regions follow the slider"
    QTest.keyClick(pane.canvas, Qt.Key.Key_2)
    assert side.tables[0].currentRow() == 1
    QTest.keyClick(pane.canvas, Qt.Key.Key_H)
    assert not pane.canvas.heat_on
    window.palette_box.setCurrentIndex(1)
    assert pane.canvas.grounding_palette == "one"


def test_two_wordings_and_two_settings_side_by_side(make_window: MakeWindow, qtbot: QtBot) -> None:
    parts, _ = make_window()
    window, _ = opened(parts, qtbot)
    ask(window, qtbot, "red")
    QTest.keyClick(window.panes[0].canvas, Qt.Key.Key_C)
    assert window.comparing
    assert window.panes[1].words.text() == "red"
    ask(window, qtbot, "blue", 1)
    one, other = (pane.grounding for pane in window.panes)
    assert one is not None
    assert other is not None
    assert Rect(*SQUARES["blue"], 136, 356).contains(other.candidates[0].point)
    assert [row[1] for row in window.side.bars.rows[:2]] == [0, 1], "both are in the bars"
    window.panes[0].canvas.set_zoom(2.0)
    qtbot.waitUntil(lambda: window.panes[1].canvas.zoom == 2.0, timeout=30_000)
    window.panes[1].keep.setCurrentIndex(window.panes[1].keep.findData(0.1))
    ask(window, qtbot, "red", 1)
    sparse = window.panes[1].grounding
    assert sparse is not None
    assert float((sparse.attention > 0).mean()) < 0.2 < float((one.attention > 0).mean())
    assert not window.panes[1].facts_at(Point(630, 410)).kept  # type: ignore[union-attr]


def test_an_option_the_model_refuses_is_said_and_the_last_answer_stays(make_window: MakeWindow, qtbot: QtBot) -> None:
    parts, _ = make_window()
    window, _ = opened(parts, qtbot)
    ask(window, qtbot, "red")
    pane = window.panes[0]
    pane.reading.setCurrentIndex(pane.reading.findData("off"))
    ask(window, qtbot, "red")
    assert pane.banner.isVisible()
    assert "reads nothing" in pane.banner.text.text()
    assert pane.grounding is not None
    pane.words.clear()
    QTest.keyClick(pane.words, Qt.Key.Key_Return)
    assert pane.banner.title.text() == "Say what to look for"


def test_elements_are_listed_searched_and_numbered(make_window: MakeWindow, qtbot: QtBot) -> None:
    parts, _ = make_window()
    window, inspecting = opened(parts, qtbot)
    window.side.setCurrentIndex(window.side.elements_tab)
    qtbot.waitUntil(lambda: inspecting.elements is not None, timeout=30_000)
    assert window.side.elements.rowCount() == len(inspecting.elements or ()) >= 4
    window.side.search.setText("yellow")
    assert window.side.elements.rowCount() == 1
    window.side.elements.selectRow(0)
    assert window.panes[0].canvas.focus_box is not None
    assert window.panes[0].canvas.focus_box.iou(Rect(90, 60, 146, 116)) > 0.8
    QTest.keyClick(window.panes[0].canvas, Qt.Key.Key_E)
    assert len(window.panes[0].canvas.drawing.elements) == len(inspecting.elements or ())


def test_a_region_of_the_picture_becomes_the_picture(make_window: MakeWindow, qtbot: QtBot) -> None:
    parts, _ = make_window()
    window, inspecting = opened(parts, qtbot)
    canvas = window.panes[0].canvas
    QTest.keyClick(canvas, Qt.Key.Key_R)
    ends = [canvas.view.point(p) for p in (Point(380, 120), Point(480, 220))]
    start, end = (QPoint(round(e.x), round(e.y)) for e in ends)
    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, pos=start)
    QTest.mouseMove(canvas, end)
    QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=end)
    qtbot.waitUntil(lambda: inspecting.picture is not None and inspecting.picture.size[0] < 200, timeout=30_000)
    assert inspecting.picture is not None
    assert abs(inspecting.picture.size[0] - 100) <= 3
    assert not window.region_button.isChecked()


def test_exports_what_is_shown(make_window: MakeWindow, qtbot: QtBot, tmp_path: Path) -> None:
    parts, _ = make_window()
    window, _ = opened(parts, qtbot)
    ask(window, qtbot, "red")
    path = tmp_path / "answer.npz"
    window.export_chosen.emit(0, path)
    qtbot.waitUntil(lambda: window.banner.isVisible(), timeout=30_000)
    with np.load(path, allow_pickle=False) as held:
        assert held["attention"].shape == window.panes[0].grounding.attention.shape  # type: ignore[union-attr]
    window.export_chosen.emit(0, tmp_path / "answer.txt")
    qtbot.waitUntil(lambda: "nswer.txt" in window.banner.text.text(), timeout=30_000)


def test_every_control_has_a_name(make_window: MakeWindow, qtbot: QtBot) -> None:
    parts, _ = make_window()
    window, _ = opened(parts, qtbot)
    window.compare_button.toggle()
    for kind in (QAbstractButton, QComboBox, QSlider, QLineEdit, QAbstractItemView):
        for widget in window.findChildren(kind):
            own = not isinstance(widget.parent(), QLineEdit | QComboBox | QAbstractItemView) and widget.isVisible()
            inner = widget.objectName().startswith("qt_") or "Container" in type(widget.parent()).__name__
            corner = isinstance(widget.parent(), QAbstractItemView) or type(widget).__name__ == "QToolButton"
            named = bool(widget.accessibleName())
            assert not own or inner or named or (corner and not widget.text()), widget  # type: ignore[attr-defined]
