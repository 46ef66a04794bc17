from __future__ import annotations

import json
import os
import signal
import threading
import time
from pathlib import Path

import pytest
from app_fakes.parts import MakeWindow, frame_of, squares, to_front
from PySide6.QtCore import QMimeData, QRectF, Qt
from PySide6.QtGui import QImage, QPainter
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QComboBox, QLabel, QLineEdit, QSlider
from pytestqt.qtbot import QtBot

from reticle_agent.actions import Click, ClickAt
from reticle_agent.seams import Approval, ApprovalRequest
from reticle_app.config import Settings
from reticle_app.gui import Parts
from reticle_app.models.entries import OWN_NAME
from reticle_app.preferences import Preferences
from reticle_app.theme import DARK, LIGHT, Tokens
from reticle_app.widgets.approval import GUARD_MS
from reticle_app.widgets.canvas import to_qimage
from reticle_app.widgets.marks import CHOSEN, Mark, draw_marks
from reticle_app.windows.main import MainWindow
from reticle_grounding.assets import embedded_model_dir
from reticle_grounding.geometry import Point, Rect

RED = Rect(400, 140, 456, 196)


def find(parts: Parts, qtbot: QtBot, words: str) -> None:
    parts.window.header.field.setText(words)
    QTest.keyClick(parts.window.header.field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: not parts.controller.busy, timeout=30_000)


def capture(parts: Parts, qtbot: QtBot) -> None:
    parts.window.empty.capture.emit()
    qtbot.waitUntil(lambda: parts.window.canvas.has_picture and not parts.controller.busy, timeout=20_000)


def start_run(parts: Parts, qtbot: QtBot, mode: str = "confirm") -> None:
    parts.window.header.select_mode(mode)
    parts.window.header.field.setText("click it")
    QTest.mouseClick(parts.window.header.run_button, Qt.MouseButton.LeftButton)
    assert parts.runner.running


def wait_asked(parts: Parts, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: parts.window.side.approval.isVisible(), timeout=30_000)


def wait_ended(parts: Parts, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: not parts.runner.running and parts.window.banner.isVisible(), timeout=30_000)


def click(button: QAbstractButton) -> None:
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def test_captures_finds_and_chooses(make_window: MakeWindow, qtbot: QtBot) -> None:
    parts, _ = make_window()
    capture(parts, qtbot)
    find(parts, qtbot, "the red square")
    grounding = parts.controller.grounding
    assert grounding is not None
    assert RED.contains(grounding.candidates[0].point)
    assert parts.controller.chosen == 0
    QTest.keyClick(parts.window.canvas, Qt.Key.Key_3)
    assert parts.controller.chosen == 2
    click(parts.window.side.candidates.rows[1])  # type: ignore[arg-type]
    assert parts.controller.chosen == 1
    assert [row.selected for row in parts.window.side.candidates.rows] == [False, True, False, False, False]
    assert "ground" in parts.window.footer.timings.whole


def test_enter_without_a_picture_looks_on_this_screen(make_window: MakeWindow, qtbot: QtBot) -> None:
    """What a newcomer does first: type and press Enter."""
    parts, _ = make_window()
    assert parts.controller.image is None
    QTest.keyClicks(parts.window.header.field, "the red square")
    QTest.keyClick(parts.window.header.field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: parts.controller.grounding is not None, timeout=20_000)
    assert parts.window.canvas.has_picture
    assert parts.controller.grounding is not None
    assert RED.contains(parts.controller.grounding.candidates[0].point)


def test_enter_while_the_model_opens_says_so(make_window: MakeWindow, qtbot: QtBot) -> None:
    parts, _ = make_window()
    parts.controller._model_ready = False
    parts.controller._refresh()
    QTest.keyClicks(parts.window.header.field, "the red square")
    QTest.keyClick(parts.window.header.field, Qt.Key.Key_Return)
    assert parts.window.banner.isVisible()
    assert "still opening" in parts.window.banner.title.text()
    assert parts.controller.image is None
    parts.controller._model_loaded("demo-statistics")
    assert not parts.window.banner.isVisible(), "it is open now"


def test_the_model_that_ships_has_one_name_everywhere(make_window: MakeWindow, qtbot: QtBot) -> None:
    parts, _ = make_window()
    own = json.loads((embedded_model_dir() / "reticle.json").read_text(encoding="utf-8"))["name"]
    parts.controller._model_loaded(own)
    assert parts.window.footer.model.text() == f"{OWN_NAME} ready"


def test_side_says_that_it_looks_and_stops_saying_so(make_window: MakeWindow, qtbot: QtBot) -> None:
    parts, _ = make_window()
    capture(parts, qtbot)
    parts.window.header.field.setText("slow red")
    click(parts.window.header.find_button)
    assert parts.window.side.no_candidates.text().startswith("Looking")
    assert parts.window.side.no_candidates.isVisible()
    parts.controller.stop()
    assert not parts.window.side.no_candidates.text().startswith("Looking")


def test_digits_stay_digits_in_the_instruction(make_window: MakeWindow, qtbot: QtBot) -> None:
    parts, _ = make_window()
    capture(parts, qtbot)
    find(parts, qtbot, "red")
    parts.window.header.field.setFocus()
    QTest.keyClicks(parts.window.header.field, "32")
    assert parts.window.header.field.text() == "red32"
    assert parts.controller.chosen == 0


def test_not_found_is_said(make_window: MakeWindow, qtbot: QtBot) -> None:
    parts, _ = make_window()
    capture(parts, qtbot)
    find(parts, qtbot, "nothing of this kind")
    assert parts.window.banner.isVisible()
    assert parts.window.banner.title.text() == "Not found on this screen"
    assert "11%" in parts.window.banner.text.text()
    assert parts.controller.chosen is None


def test_pictures_from_file_clipboard_and_drop(make_window: MakeWindow, qtbot: QtBot, tmp_path: Path) -> None:
    parts, _ = make_window()
    path = tmp_path / "shot.png"
    squares((300, 200)).save(path)
    parts.window.file_chosen.emit(path)
    qtbot.waitUntil(lambda: parts.window.canvas.picture_size.width == 300)
    QApplication.clipboard().setImage(to_qimage(squares((321, 222))))
    QTest.keyClick(parts.window.header.field, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: parts.window.canvas.picture_size.width == 321)
    dropped = QMimeData()
    dropped.setImageData(QImage(to_qimage(squares((123, 77)))))
    assert parts.window._take(dropped)
    qtbot.waitUntil(lambda: parts.window.canvas.picture_size.width == 123)
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nxx")
    parts.window.file_chosen.emit(tmp_path / "broken.png")
    qtbot.waitUntil(lambda: parts.window.banner.isVisible())
    assert "broken.png" in parts.window.banner.text.text()
    assert parts.window.canvas.picture_size.width == 123, "the last good picture stays"


def test_killed_model_gives_a_message_and_a_button_that_works(make_window: MakeWindow, qtbot: QtBot) -> None:
    parts, _ = make_window()
    capture(parts, qtbot)
    find(parts, qtbot, "red")
    before = parts.grounder.pid
    assert before is not None
    os.kill(before, signal.SIGKILL)
    qtbot.waitUntil(lambda: parts.window.banner.isVisible(), timeout=20_000)
    assert "signal 9, SIGKILL" in parts.window.banner.text.text()
    assert not parts.window.header.find_button.isEnabled()
    assert not parts.window.banner.dismiss.isVisible(), "the way back must not be dismissed"
    click(parts.window.banner.button)
    qtbot.waitUntil(lambda: parts.window.footer.model.text() == "demo-statistics ready", timeout=20_000)
    assert not parts.window.banner.isVisible()
    assert parts.grounder.pid not in (None, before)
    find(parts, qtbot, "blue")
    assert parts.controller.grounding is not None
    assert parts.controller.grounding.instruction == "blue"


def test_model_that_dies_while_it_grounds(make_window: MakeWindow, qtbot: QtBot) -> None:
    parts, _ = make_window()
    capture(parts, qtbot)
    find(parts, qtbot, "crash")
    qtbot.waitUntil(lambda: "exit code 3" in parts.window.banner.text.text(), timeout=20_000)
    assert parts.window.banner.button.isVisible()
    assert not parts.window.header.stop_button.isEnabled()


def test_escape_stops_a_grounding_and_the_late_answer_is_dropped(make_window: MakeWindow, qtbot: QtBot) -> None:
    parts, _ = make_window()
    capture(parts, qtbot)
    parts.window.header.field.setText("slow red")
    click(parts.window.header.find_button)
    qtbot.wait(200)
    assert parts.window.header.stop_button.isEnabled()
    to_front(parts.window)
    QTest.keyClick(parts.window.header.field, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: not parts.controller.busy, timeout=2_000)
    qtbot.wait(100)
    assert parts.controller.grounding is None
    find(parts, qtbot, "blue")
    assert parts.controller.grounding is not None
    assert parts.controller.grounding.instruction == "blue"


def test_a_run_asks_shows_and_acts(make_window: MakeWindow, qtbot: QtBot) -> None:
    parts, body = make_window(steps=[Click("the red square"), Click("the blue square")])
    start_run(parts, qtbot)
    for _ in range(2):
        wait_asked(parts, qtbot)
        approval = parts.window.side.approval
        assert parts.window.side.steps.steps[-1].status == "asking"
        qtbot.waitUntil(approval.approve.isEnabled, timeout=20_000)
        click(approval.approve)
        qtbot.waitUntil(lambda: not parts.window.side.approval.isVisible(), timeout=20_000)
    wait_ended(parts, qtbot)
    assert [type(action) for action in body.actuator.inputs] == [ClickAt, ClickAt]
    assert RED.contains(Point(*body.actuator.inputs[0].at))
    assert set(body.actuator.threads) == {"agent"}
    assert [step.status for step in parts.window.side.steps.steps] == ["done", "done"]
    assert parts.window.banner.title.text() == "Done"


def test_another_candidate_is_what_gets_clicked(make_window: MakeWindow, qtbot: QtBot) -> None:
    parts, body = make_window(steps=[Click("the red square")])
    start_run(parts, qtbot)
    wait_asked(parts, qtbot)
    QTest.keyClick(parts.window.canvas, Qt.Key.Key_2)
    wanted = parts.controller.grounding.candidates[1].point.pixel()
    qtbot.waitUntil(parts.window.side.approval.approve.isEnabled, timeout=20_000)
    click(parts.window.side.approval.approve)
    wait_ended(parts, qtbot)
    assert body.answers[0].chosen == 1
    assert body.actuator.inputs == [ClickAt(wanted)]


def test_arrows_move_the_point_that_is_clicked(make_window: MakeWindow, qtbot: QtBot) -> None:
    parts, body = make_window(steps=[Click("the red square")])
    start_run(parts, qtbot)
    wait_asked(parts, qtbot)
    grounding = parts.controller.grounding
    assert grounding is not None
    before, patch = grounding.candidates[0].point, 640 / grounding.attention.shape[1]
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Right, Qt.Key.Key_Up):
        QTest.keyClick(parts.window.canvas, key)
    QTest.keyClick(parts.window.canvas, Qt.Key.Key_Left, Qt.KeyboardModifier.ShiftModifier)
    after = parts.controller.grounding.candidates[0].point
    assert (after.x - before.x, after.y - before.y) == pytest.approx((2 - patch, -1))
    approval = parts.controller.chooser.answer()
    assert (approval.chosen, approval.point) == (0, after)
    QTest.keyClick(parts.window.canvas, Qt.Key.Key_2)
    QTest.keyClick(parts.window.canvas, Qt.Key.Key_1)
    assert parts.controller.grounding.candidates[0].point == before, "another choice takes the move back"
    assert parts.controller.chooser.answer().point is None
    to_front(parts.window)
    QTest.keyClick(parts.window.canvas, Qt.Key.Key_Escape)
    wait_ended(parts, qtbot)
    assert [answer.decision for answer in body.answers] == ["deny"], "Escape refuses"


def test_a_choice_during_the_countdown_becomes_a_question(make_window: MakeWindow, qtbot: QtBot) -> None:
    parts, _ = make_window(steps=[])
    capture(parts, qtbot)
    find(parts, qtbot, "the red square")
    grounding, chooser = parts.controller.grounding, parts.controller.chooser
    assert grounding is not None
    request = ApprovalRequest(Click("red"), "Click red", frame_of(squares()), grounding, 0, "auto")
    answers: list[Approval] = []
    thread = threading.Thread(target=lambda: answers.append(parts.runner.approver.announce(request, 30)))
    thread.start()
    qtbot.waitUntil(lambda: chooser.request is request, timeout=30_000)
    assert [mark.waits_s for w in parts.desk.overlays for mark in w.marks if mark.chosen] == [30]
    chooser._desk_key("3", False)
    wait_asked(parts, qtbot)
    assert parts.controller.chosen == 2, "the choice stays when the question comes"
    assert [mark.waits_s for w in parts.desk.overlays for mark in w.marks if mark.chosen] == [None]
    chooser._desk_key("Escape", False)
    thread.join(5)
    assert answers == [Approval("deny", "user")]
    qtbot.waitUntil(lambda: chooser.request is None, timeout=30_000)


def test_numbers_and_the_trail_lie_over_the_desktop_while_it_is_asked(make_window: MakeWindow, qtbot: QtBot) -> None:
    parts, _ = make_window(steps=[Click("the red square"), Click("the blue square")])
    parts.window.footer.trail.setChecked(True)
    start_run(parts, qtbot)
    wait_asked(parts, qtbot)
    (overlay,) = parts.desk.overlays
    assert not overlay.drawing.trail
    parts.window.footer.elements.setChecked(True)
    qtbot.waitUntil(lambda: bool(overlay.drawing.elements), timeout=30_000)
    assert len(overlay.drawing.elements) == len(parts.window.canvas.drawing.elements)
    qtbot.waitUntil(parts.window.side.approval.approve.isEnabled, timeout=20_000)
    click(parts.window.side.approval.approve)
    qtbot.waitUntil(lambda: bool(overlay.drawing.trail), timeout=30_000)
    wait_asked(parts, qtbot)
    (past,) = parts.window.canvas.drawing.trail
    view = parts.window.canvas.view.rect(RED)
    assert view.contains(past), "where the first step pointed"
    assert not overlay.drawing.elements, "another picture has other numbers"
    parts.controller.stop()
    wait_ended(parts, qtbot)
    assert not overlay.drawing


def test_faint_candidates_and_numbers_come_on_demand(make_window: MakeWindow, qtbot: QtBot) -> None:
    parts, _ = make_window()
    capture(parts, qtbot)
    find(parts, qtbot, "the red square")
    window = parts.window
    drawn = window.canvas.drawing
    assert len(drawn.marks) == 5
    assert not drawn.elements
    QTest.keyClick(window.canvas, Qt.Key.Key_E)
    qtbot.waitUntil(lambda: len(window.canvas.drawing.elements) >= 4, timeout=30_000)
    view = window.canvas.view.rect(RED)
    assert any(box.region.iou(view) > 0.9 for box in window.canvas.drawing.elements)
    QTest.keyClick(window.canvas, Qt.Key.Key_E)
    assert not window.canvas.drawing.elements


def test_during_a_run_the_picture_asked_about_stays(make_window: MakeWindow, qtbot: QtBot) -> None:
    parts, _ = make_window(steps=[Click("the red square")])
    start_run(parts, qtbot)
    wait_asked(parts, qtbot)
    asked_about, chosen = parts.controller.grounding, parts.controller.chosen
    parts.controller.take_picture(to_qimage(squares()))
    parts.controller.capture(None)
    parts.controller.find("something else")
    assert asked_about is not None
    assert (parts.controller.grounding, parts.controller.chosen) == (asked_about, chosen)
    assert not parts.controller.busy
    qtbot.waitUntil(parts.window.side.approval.refuse.isEnabled, timeout=20_000)
    click(parts.window.side.approval.refuse)
    wait_ended(parts, qtbot)


def test_refusing_sends_nothing(make_window: MakeWindow, qtbot: QtBot) -> None:
    parts, body = make_window(steps=[Click("the red square")])
    start_run(parts, qtbot)
    wait_asked(parts, qtbot)
    qtbot.waitUntil(parts.window.side.approval.refuse.isEnabled, timeout=20_000)
    click(parts.window.side.approval.refuse)
    wait_ended(parts, qtbot)
    assert body.actuator.inputs == []
    assert parts.window.side.steps.steps[0].status == "refused"


@pytest.mark.parametrize("mode", ["dry-run", "auto"])
def test_modes_that_do_not_ask(make_window: MakeWindow, qtbot: QtBot, mode: str) -> None:
    parts, body = make_window(steps=[Click("the red square")])
    start_run(parts, qtbot, mode)
    wait_ended(parts, qtbot)
    assert len(body.actuator.inputs) == (1 if mode == "auto" else 0)
    assert body.answers == []


def test_no_key_approves(make_window: MakeWindow, qtbot: QtBot) -> None:
    parts, body = make_window(steps=[Click("the red square")])
    start_run(parts, qtbot)
    wait_asked(parts, qtbot)
    approval = parts.window.side.approval
    qtbot.waitUntil(approval.approve.isEnabled, timeout=20_000)
    to_front(parts.window)
    targets = [approval.approve, approval, parts.window, parts.window.canvas, parts.window.header.field]
    for target in targets:
        target.setFocus()
        for key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space, Qt.Key.Key_Select):
            QTest.keyClick(target, key)
            QTest.keyClick(target, key, Qt.KeyboardModifier.ControlModifier)
    qtbot.wait(50)
    assert body.answers == []
    assert parts.runner.running
    parts.controller.stop()
    wait_ended(parts, qtbot)
    assert [answer.decision for answer in body.answers] == ["stop"]
    assert body.actuator.inputs == []


def test_no_click_approves_before_the_guard_time(make_window: MakeWindow, qtbot: QtBot) -> None:
    parts, body = make_window(steps=[Click("the red square")])
    approval = parts.window.side.approval
    armed: list[float] = []
    shown: list[float] = []
    begin = approval._begin_guard
    approval._begin_guard = lambda: (shown.append(time.monotonic()), begin())[1]  # type: ignore[method-assign]
    approval._timer.timeout.connect(lambda: armed.append(time.monotonic()))
    start_run(parts, qtbot)
    wait_asked(parts, qtbot)
    while not armed:
        if time.monotonic() - shown[-1] < GUARD_MS / 1000 - 0.02:
            click(approval.approve)
            approval.approve.click()
            approval._approve()
            assert body.answers == []
        qtbot.wait(10)
    assert armed[0] - shown[-1] >= GUARD_MS / 1000 - 0.002
    assert parts.runner.running
    approval.hide()
    approval.show()
    click(approval.approve)
    assert body.answers == [], "shown again, the guard begins again"
    qtbot.waitUntil(approval.approve.isEnabled, timeout=20_000)
    click(approval.approve)
    wait_ended(parts, qtbot)
    assert [answer.decision for answer in body.answers] == ["allow"]


def test_closing_the_window_refuses_stops_and_joins(make_window: MakeWindow, qtbot: QtBot) -> None:
    parts, body = make_window(steps=[Click("the red square")])
    start_run(parts, qtbot)
    wait_asked(parts, qtbot)
    thread = parts.runner._thread
    assert thread is not None
    parts.window.close()
    assert parts.window.isVisible(), "it waits for the agent thread"
    qtbot.waitUntil(lambda: not parts.window.isVisible(), timeout=20_000)
    assert not thread.is_alive()
    assert body.actuator.inputs == []
    assert [answer.decision for answer in body.answers] in (["deny"], ["stop"])


def test_every_control_has_a_name_and_nothing_is_the_default(make_window: MakeWindow, qtbot: QtBot) -> None:
    parts, _ = make_window()
    capture(parts, qtbot)
    find(parts, qtbot, "red")
    for kind in (QAbstractButton, QComboBox, QSlider, QLineEdit):
        for widget in parts.window.findChildren(kind):
            if widget.isVisible() and widget.objectName() != "qt_spinbox_lineedit" and widget.parent() is not None:
                clear_button = isinstance(widget.parent(), QLineEdit)
                assert clear_button or widget.accessibleName(), widget
    for button in parts.window.findChildren(type(parts.window.header.find_button)):
        assert not button.isDefault()
        assert not button.autoDefault()


def test_choices_are_remembered(make_window: MakeWindow, qtbot: QtBot) -> None:
    saved: list[Settings] = []
    parts, _ = make_window(preferences=Preferences(Settings(theme="light"), saved.append))
    click(parts.window.footer.look)
    parts.window.header.select_mode("auto")
    assert saved[-1].theme == "dark"
    assert saved[-1].mode == "auto"
    assert parts.theme.tokens is DARK


@pytest.mark.parametrize("tokens", [LIGHT, DARK], ids=["light", "dark"])
def test_text_is_readable(tokens: Tokens) -> None:
    """Contrast as WCAG 2.1 counts it: 4.5 for text, 3 for marks and buttons."""
    grounds = (tokens.window, tokens.surface, tokens.raised, tokens.canvas)
    for ground in grounds:
        assert contrast(tokens.text, ground) >= 7
        assert contrast(tokens.muted, ground) >= 4.5, ground
    for ink, ground in (
        (tokens.on_accent, tokens.accent),
        (tokens.on_bad, tokens.bad),
        (tokens.on_mark, tokens.mark),
        (tokens.on_mark, tokens.mark_chosen),
        (tokens.text, tokens.warn_soft),
        (tokens.muted, tokens.warn_soft),
        (tokens.text, tokens.bad_soft),
    ):
        assert contrast(ink, ground) >= 4.5, (ink, ground)


def contrast(one: str, other: str) -> float:
    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_words_of_empty_pages_are_whole(make_window: MakeWindow, qtbot: QtBot) -> None:
    """In a wide window they were given the height that they need at the width of the window, and cut."""
    parts, _ = make_window()
    parts.tools.show_inspector_here()
    inspector = parts.tools.inspector_window
    assert inspector is not None
    for window, page in ((parts.window, parts.window.empty), (inspector, inspector.stack.widget(0))):
        for width in (window.minimumSizeHint().width(), 1280, 1900):
            window.resize(width, 700)
            qtbot.wait(50)
            for words in page.findChildren(QLabel):
                if words.wordWrap():
                    assert words.height() >= words.heightForWidth(words.width()), (width, words.text())


def test_windows_open_as_large_as_they_ask_with_their_frame_on_the_screen(
    make_window: MakeWindow, qtbot: QtBot
) -> None:
    parts, _ = make_window()
    parts.tools.show_inspector_here()
    room = parts.window.screen().availableSize()
    main = MainWindow(parts.theme)
    qtbot.addWidget(main)
    for window in (main, parts.tools.inspector_window):
        assert window is not None
        assert window.width() == min(window.sizeHint().width(), room.width() - 12)
        assert window.height() == min(window.sizeHint().height(), room.height() - 44)


@pytest.mark.parametrize(("side", "hidden"), [(20.0, False), (60.0, True)])
def test_a_small_mark_leaves_what_it_marks_in_sight(side: float, hidden: bool) -> None:
    plain = QImage(200, 200, QImage.Format.Format_RGB32)
    plain.fill(Qt.GlobalColor.white)
    region = Rect(100 - side / 2, 100 - side / 2, 100 + side / 2, 100 + side / 2)
    painter = QPainter(plain)
    draw_marks(painter, [Mark(1, region.center, region, 0.9, chosen=True)], QRectF(0, 0, 200, 200))
    painter.end()
    inside = {plain.pixelColor(x, y).name() for x in range(96, 105) for y in range(96, 105)}
    assert (inside != {"#ffffff"}) == hidden
    if not hidden:
        row = {plain.pixelColor(x, 100).name() for x in range(82, 88)}
        assert CHOSEN.name() in row, "a tick at the point's height"
