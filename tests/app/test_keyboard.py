"""Every control of every window can be reached with Tab, and says what it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from agent_fakes.recorded import recorded
from app_fakes.opened import opened_inspector, opened_traces
from app_fakes.parts import MakeWindow, squares, to_front
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLineEdit,
    QMainWindow,
    QPlainTextEdit,
    QPushButton,
    QScrollBar,
    QTabBar,
    QWidget,
)
from pytestqt.qtbot import QtBot
from test_window import find

from reticle_app.config import Settings
from reticle_app.gui import Parts
from reticle_app.widgets.approval import ClickOnlyButton
from reticle_app.widgets.canvas import Canvas, to_qimage

CONTROLS = (
    QAbstractButton, QAbstractItemView, QAbstractSlider, QAbstractSpinBox, QComboBox, QLineEdit, QPlainTextEdit,
    QTabBar, Canvas,
)  # fmt: skip
NAMES = ("main", "inspector", "traces", "models", "welcome", "settings")


def controls(window: QWidget) -> list[QWidget]:
    """What a person can use now; parts of a control are not counted beside it, nor is what only a click may press."""
    found = []
    for widget in window.findChildren(QWidget):
        usable = isinstance(widget, CONTROLS) and widget.isVisible() and widget.isEnabled()
        inner = isinstance(widget, QScrollBar | ClickOnlyButton) or widget.objectName().startswith("qt_")
        held = isinstance(widget.parent(), QLineEdit | QComboBox | QAbstractSpinBox | QAbstractItemView | QTabBar)
        if usable and not inner and not held and not isinstance(widget.parent(), QScrollBar):
            found.append(widget)
    return found


def opened(parts: Parts, name: str, qtbot: QtBot, folder: Path) -> QMainWindow:
    tools = parts.tools
    parts.controller.take_picture(to_qimage(squares()))  # a capture would hide the window, which then has no keyboard
    find(parts, qtbot, "red")
    if name == "main":
        return parts.window
    if name == "inspector":
        window = opened_inspector(parts, qtbot)
        window.compare_button.click()  # type: ignore[union-attr]
    elif name == "traces":
        window = opened_traces(parts, qtbot)
    elif name == "models":
        tools.show_models()
        window, managing = tools.models_window, tools.managing
        qtbot.waitUntil(lambda: bool(window.entries) and not managing.busy, timeout=30_000)  # type: ignore[union-attr]
    elif name == "welcome":
        tools.show_welcome()
        window = tools.welcome_window
        window.go(1)  # type: ignore[union-attr]
    else:
        tools.show_settings()
        window = tools.settings_window
    assert window is not None
    return window


def activate(window: QMainWindow, qtbot: QtBot) -> None:
    to_front(window)


def walk(window: QMainWindow, qtbot: QtBot, key: Qt.Key) -> list[QWidget]:
    """Where Tab leads until it comes back to where it began."""
    activate(window, qtbot)
    if window.focusWidget() is None:
        QTest.keyClick(window, key)
    visited: list[QWidget] = []
    while (now := QApplication.focusWidget()) is not None and now not in visited and len(visited) < 200:
        visited.append(now)
        QTest.keyClick(now, key)
    return visited


@pytest.mark.parametrize("name", NAMES)
def test_tab_reaches_every_control_and_each_has_a_name(
    make_window: MakeWindow, qtbot: QtBot, tmp_path: Path, name: str
) -> None:
    recorded(tmp_path / "one")
    parts, _ = make_window(settings=Settings(theme="light", language="en", traces=tmp_path))
    window = opened(parts, name, qtbot, tmp_path)
    wanted = controls(window)
    assert len(wanted) >= (10 if name != "models" else 6)
    visited = walk(window, qtbot, Qt.Key.Key_Tab)
    # of buttons that exclude each other Tab reaches the chosen one, and arrows the others
    groups = {w.group() for w in visited if isinstance(w, QAbstractButton) and w.group() is not None}
    missed = [
        f"{type(w).__name__} {w.accessibleName()!r}"
        for w in wanted
        if w not in visited and not (isinstance(w, QAbstractButton) and w.group() in groups)
    ]
    assert missed == []
    for widget in wanted:
        spoken = QAccessible.queryAccessibleInterface(widget).text(QAccessible.Text.Name)
        assert spoken or isinstance(widget, QTabBar), f"{type(widget).__name__} {widget.objectName()} has no name"
    for command in window.commands:  # type: ignore[attr-defined]
        assert command.words.strip(), command.id
        assert command.group.strip(), command.id


def test_what_labels_say_is_not_hidden_by_their_names(make_window: MakeWindow, qtbot: QtBot) -> None:
    """A screen reader reads the name of a label in place of its text."""
    parts, _ = make_window()
    for widget in (parts.window.footer.model, parts.window.side.no_steps, parts.window.banner.text):
        assert QAccessible.queryAccessibleInterface(widget).text(QAccessible.Text.Name) == widget.text()
    assert parts.window.footer.model.text() == "demo-statistics ready"


def test_the_focus_is_seen(make_window: MakeWindow, qtbot: QtBot) -> None:
    """Where the keyboard is must show: each kind of control looks different with the focus than without."""
    parts, _ = make_window()
    window, footer, header = parts.window, parts.window.footer, parts.window.header
    activate(window, qtbot)
    for widget in (header.run_button, header.mode, header.field, footer.look, footer.opacity, header.capture_button):
        footer.set_view(True, True)
        other = header.field if widget is not header.field else footer.look
        other.setFocus()
        without = widget.grab().toImage()
        widget.setFocus()
        assert widget.hasFocus(), widget
        assert widget.grab().toImage() != without, f"{widget.accessibleName()} looks the same with the focus"


def test_enter_presses_the_button_that_has_the_keyboard(make_window: MakeWindow, qtbot: QtBot) -> None:
    """Qt leaves that to the desktop, and under a bare window manager only Space would."""
    parts, _ = make_window()
    activate(parts.window, qtbot)
    heat, look = parts.window.footer.everything, parts.window.footer.look
    pressed: list[str] = []
    for button in (look, parts.window.empty.findChildren(QPushButton)[1]):
        button.clicked.disconnect()
        button.clicked.connect(lambda: pressed.append("x"))
        button.setFocus()
        QTest.keyClick(button, Qt.Key.Key_Return)
        QTest.keyClick(button, Qt.Key.Key_Enter)
        QTest.keyClick(button, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert pressed == ["x"] * 4
    assert not heat.isChecked()
    approve = parts.window.side.approval.approve
    approve.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    approve.clicked.connect(lambda: pressed.append("approved"))
    approve.setEnabled(True)
    QTest.keyClick(approve, Qt.Key.Key_Return)
    assert "approved" not in pressed


def test_tab_stops_at_a_page_only_where_it_scrolls(make_window: MakeWindow, qtbot: QtBot, tmp_path: Path) -> None:
    parts, _ = make_window()
    window = opened(parts, "welcome", qtbot, tmp_path)
    window.go(0)
    window.resize(1160, 900)
    activate(window, qtbot)
    page = window.checks
    qtbot.waitUntil(lambda: page.verticalScrollBar().maximum() == 0)
    assert page not in walk(window, qtbot, Qt.Key.Key_Tab)
    page.widget().setMinimumHeight(2000)
    qtbot.waitUntil(lambda: page.verticalScrollBar().maximum() > 0)
    assert page in walk(window, qtbot, Qt.Key.Key_Tab)


def test_the_keyboard_does_not_fall_on_to_another_button(make_window: MakeWindow, qtbot: QtBot, tmp_path: Path) -> None:
    """A pressed button that rests meanwhile must not hand a second press to Close, Stop or Skip."""
    parts, _ = make_window()
    window = opened(parts, "welcome", qtbot, tmp_path)
    activate(window, qtbot)
    window.go(0)
    window.checks.run.setFocus()
    window.checks.begin()
    assert not isinstance(QApplication.focusWidget(), QAbstractButton)
    window.checks.finish()
    assert window.checks.run.hasFocus()
    window.go(2)
    window.pointer.run.setFocus()
    window.pointer.begin()
    assert window.pointer.cancel.hasFocus()
    window.pointer.fail("stopped")
    assert window.pointer.run.hasFocus()
    window.forward.setFocus()
    window.forward.click()
    assert window.tour.offers[0].hasFocus()
    window.tour.wait("the Save button", opening=False)
    assert window.tour.canvas.hasFocus()
