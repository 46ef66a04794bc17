"""The tray icon, symbols on fine screens, the look of the system, and nothing that blocks the window."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from app_fakes.parts import MakeWindow
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QColor, QGuiApplication, QImage
from PySide6.QtWidgets import QSystemTrayIcon
from pytestqt.qtbot import QtBot
from test_window import capture, start_run, wait_asked, wait_ended

import reticle_app
from reticle_agent.actions import Click
from reticle_app.commands import Commands
from reticle_app.gui import Parts
from reticle_app.history import Change, History
from reticle_app.resources import RATIOS, SYMBOL_SIZES, _render, _svg, symbol
from reticle_app.theme import DARK, LIGHT
from reticle_app.tray import Tray

SOURCES = Path(reticle_app.__file__).parent


def tray_of(parts: Parts, here: bool) -> Tray:
    can_stop = parts.window.header.stop_button.isEnabled
    return Tray(parts.window, parts.tools._others, parts.controller.escape, can_stop, parts.window.close, here)


def test_without_a_tray_there_is_no_icon_and_no_way_to_hide(make_window: MakeWindow) -> None:
    parts, _ = make_window()
    assert QSystemTrayIcon.isSystemTrayAvailable() or parts.tools.tray.icon is None
    tray, commands = tray_of(parts, here=False), Commands()
    tray.offer(commands)
    assert tray.icon is None
    assert list(commands) == [], "windows that nothing brings back must not be hidden"


def test_the_tray_hides_and_shows_all_windows(make_window: MakeWindow, qtbot: QtBot) -> None:
    parts, _ = make_window()
    parts.tools.show_settings()
    tray, commands = tray_of(parts, here=True), Commands()
    tray.offer(commands)
    windows = [parts.window, parts.tools.settings_window]
    tray.menu.aboutToShow.emit()
    assert tray.toggle.text() == "Hide Reticle"
    assert not tray.stop.isEnabled(), "nothing is under way"
    assert commands.run("windows.hide")
    assert not any(w.isVisible() for w in windows if w)
    assert tray.toggle.text() == "Show Reticle"
    tray.icon.activated.emit(QSystemTrayIcon.ActivationReason.Trigger)  # type: ignore[union-attr]
    assert all(w.isVisible() for w in windows if w)
    tray.close()


def test_the_tray_stops_a_run_and_quits(make_window: MakeWindow, qtbot: QtBot) -> None:
    parts, body = make_window(steps=[Click("the red square")])
    tray = tray_of(parts, here=True)
    start_run(parts, qtbot)
    wait_asked(parts, qtbot)
    tray.menu.aboutToShow.emit()
    assert tray.stop.isEnabled()
    tray.stop.trigger()
    wait_ended(parts, qtbot)
    assert [answer.decision for answer in body.answers] == ["deny"]
    tray.quit.trigger()
    qtbot.waitUntil(lambda: not parts.window.isVisible(), timeout=10_000)
    assert parts.grounder.pid is None
    tray.close()


@pytest.mark.parametrize("ratio", RATIOS)
def test_symbols_are_drawn_for_the_pixels_of_the_screen(qtbot: QtBot, ratio: float) -> None:
    """As sharp as the drawing itself at that size; one that was enlarged or shrunk would differ at its edges."""
    for size in SYMBOL_SIZES:
        shown = symbol("find", QColor("#000000")).pixmap(QSize(size, size), ratio)
        wide = int(size * ratio + 0.5)
        assert shown.width() == wide
        drawn = _render(_svg("icons/find.svg"), wide).toImage().convertToFormat(QImage.Format.Format_ARGB32)
        assert shown.toImage().convertToFormat(QImage.Format.Format_ARGB32) == drawn, (size, ratio)


def test_every_symbol_has_ink(qtbot: QtBot) -> None:
    for path in sorted((SOURCES / "resources" / "icons").glob("*.svg")):
        picture = symbol(path.stem, QColor("#ff0000")).pixmap(QSize(18, 18), 2.0).toImage()
        inked = sum(picture.pixelColor(x, y).alpha() > 128 for x in range(36) for y in range(36))
        assert 30 < inked < 36 * 36 * 0.8, path.name


def test_the_look_follows_the_system_unless_one_was_chosen(
    make_window: MakeWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The desktop's wish is set by hand, since an offscreen one has none; that it is heard goes through Qt's signal."""
    parts, _ = make_window()
    theme, told = parts.theme, QGuiApplication.styleHints().colorSchemeChanged
    monkeypatch.setattr(theme, "system_dark", lambda: wish is Qt.ColorScheme.Dark)
    wish = Qt.ColorScheme.Light
    theme.choose("system")
    for wish, tokens in ((Qt.ColorScheme.Dark, DARK), (Qt.ColorScheme.Light, LIGHT)):
        told.emit(wish)
        assert theme.tokens is tokens
        assert parts.window.palette().window().color() == QColor(tokens.window)
        assert parts.window.canvas.background == QColor(tokens.canvas)
    theme.choose("light")
    wish = Qt.ColorScheme.Dark
    told.emit(wish)
    assert theme.tokens is LIGHT


def test_changes_are_undone_and_redone_in_order() -> None:
    held: list[int] = []
    told: list[tuple[str | None, str | None]] = []
    history = History(lambda: told.append((_words(history.next_undo), _words(history.next_redo))))
    for n in (1, 2):
        held.append(n)
        history.add(Change(f"add {n}", held.pop, lambda n=n: held.append(n)))  # type: ignore[misc,arg-type]
    assert history.undo() is not None
    assert held == [1]
    assert told[-1] == ("add 1", "add 2")
    history.redo()
    assert held == [1, 2]
    history.undo()
    history.undo()
    assert history.undo() is None
    history.add(Change("other", lambda: None, lambda: None))
    assert history.redo() is None, "another change takes another way"


def _words(change: Change | None) -> str | None:
    return change.words if change is not None else None


def test_no_window_blocks_the_others() -> None:
    """Boxes that must be answered before anything else can be done (a file dialog that was asked for is none)."""
    blocking = {"QMessageBox", "QInputDialog", "QErrorMessage", "QProgressDialog", "QWizard"}
    found = []
    for path in SOURCES.rglob("*.py"):
        if path.relative_to(SOURCES).parts[0] == "generator":  # paints windows of others
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            named = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
            if named in blocking or named in ("setModal", "setWindowModality"):
                found.append(f"{path.name}: {named}")
    assert found == []


def test_closing_another_window_does_not_end_the_application(make_window: MakeWindow, qtbot: QtBot) -> None:
    parts, _ = make_window()
    capture(parts, qtbot)
    parts.tools.show_settings()
    settings = parts.tools.settings_window
    assert settings is not None
    settings.commands.run("settings.close")  # type: ignore[attr-defined]
    assert not settings.isVisible()
    assert parts.window.isVisible()
    parts.tools.show_settings()
    assert parts.tools.settings_window is settings
    assert settings.isVisible()
