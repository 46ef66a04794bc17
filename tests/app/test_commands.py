"""What a window can do, found by typing and by key."""

from __future__ import annotations

import pytest
from app_fakes.parts import MakeWindow, to_front
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMainWindow, QPushButton, QWidget
from pytestqt.qtbot import QtBot
from test_window import capture, start_run, wait_asked, wait_ended

from reticle_agent.actions import Click
from reticle_app.commands import Commands
from reticle_app.fuzzy import fit
from reticle_app.gui import Parts
from reticle_app.theme import DARK, LIGHT
from reticle_app.widgets.palette import CommandPalette

ALL = (
    "Zoom in View",
    "Zoom out View",
    "Fit View",
    "Inspector Windows",
    "Recorded runs Windows",
    "Open picture… Picture",
)


def best(wanted: str) -> str | None:
    worths = {text: worth for text in ALL if (worth := fit(wanted, text)) is not None}
    return max(worths, key=worths.__getitem__) if worths else None


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("zoom out", "Zoom out View"),
        ("out zoom", "Zoom out View"),
        ("insp", "Inspector Windows"),
        ("rr", "Recorded runs Windows"),
        ("opnpic", "Open picture… Picture"),
        ("inspecter", "Inspector Windows"),
        ("INSPÉCTOR", "Inspector Windows"),
        ("qqq", None),
        ("zoom qqq", None),
    ],
)
def test_words_are_found_by_parts_initials_gaps_and_slips(typed: str, found: str | None) -> None:
    assert best(typed) == found


def test_a_better_fit_is_worth_more() -> None:
    worths = [fit(typed, "Recorded runs") for typed in ("runs", "rec", "ecord", "rr", "rcd", "recordet")]
    assert None not in worths
    assert worths == sorted(worths, reverse=True)  # type: ignore[type-var]
    assert fit("", "anything") == 0.0


def test_a_shortcut_and_a_name_mean_one_thing(qtbot: QtBot) -> None:
    window = QMainWindow()
    qtbot.addWidget(window)
    shared, commands = Commands(), Commands(window)
    commands.include(shared)
    commands.add("one", "One", lambda: None, group="A", keys="Ctrl+Y")
    with pytest.raises(ValueError, match="there is a command 'one'"):
        commands.add("one", "Again", lambda: None, group="A")
    with pytest.raises(ValueError, match=r"Ctrl\+Y means one already"):
        commands.add("two", "Two", lambda: None, group="A", keys="Ctrl+Y")
    with pytest.raises(ValueError, match=r"Ctrl\+Y means one already"):
        shared.add("three", "Three", lambda: None, group="A", keys="Ctrl+Y")
    with pytest.raises(ValueError, match="is no key"):
        commands.add("four", "Four", lambda: None, group="A", keys="Ctrl+Nonsense")


def test_a_shared_command_added_later_is_heard_in_every_window(qtbot: QtBot) -> None:
    shared, heard = Commands(), list[str]()
    windows = []
    for name in ("a", "b"):
        window = QMainWindow()
        qtbot.addWidget(window)
        button = QPushButton(name)
        button.clicked.connect(lambda _=False, n=name: heard.append(n))
        window.setCentralWidget(button)
        commands = Commands(window)
        commands.include(shared)
        commands.add_button(name, button, group="G", keys="Ctrl+B", words=name)
        window.show()
        windows.append((window, commands))
    shared.add("late", "Late", lambda: heard.append("late"), group="G", keys="Ctrl+Shift+L")
    for window, commands in windows:
        to_front(window)
        QTest.keyClick(window, Qt.Key.Key_L, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
        QTest.keyClick(window, Qt.Key.Key_B, Qt.KeyboardModifier.ControlModifier)
        assert "late" in commands
    assert heard == ["late", "a", "late", "b"]
    button.setEnabled(False)
    assert not commands.run("b")
    button.setEnabled(True)
    button.hide()
    assert not commands.run("b"), "what cannot be seen cannot be pressed"


def open_palette(window: QWidget, palette: CommandPalette, qtbot: QtBot) -> None:
    to_front(window)
    both = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    QTest.keyClick(window, Qt.Key.Key_P, both)
    assert palette.isVisible()
    assert palette.field.hasFocus()


def test_the_palette_is_used_by_keyboard_alone(make_window: MakeWindow, qtbot: QtBot) -> None:
    parts, _ = make_window()
    window, palette = parts.window, parts.window.command_palette
    window.header.field.setFocus()
    open_palette(window, palette, qtbot)
    assert {c.id for c in palette.shown} == {c.id for c in window.commands}, "nothing typed shows everything"
    QTest.keyClicks(palette.field, "look dark")
    assert palette.current is not None
    assert palette.current.id == "look.dark"
    assert palette.list.currentItem().data(Qt.ItemDataRole.AccessibleTextRole) == "Look: dark, Look"
    QTest.keyClick(palette.field, Qt.Key.Key_Return)
    assert parts.theme.tokens is DARK
    assert not palette.isVisible()
    assert window.header.field.hasFocus(), "the keyboard is given back"
    open_palette(window, palette, qtbot)
    assert palette.current is not None
    assert palette.current.id == "look.dark", "what was done last stands first"
    QTest.keyClicks(palette.field, "look")
    ids = [c.id for c in palette.shown if c.enabled()]
    QTest.keyClick(palette.field, Qt.Key.Key_Up)
    assert palette.current.id == ids[-1], "beyond the first comes the last"
    QTest.keyClick(palette.field, Qt.Key.Key_Down)
    assert palette.current.id == ids[0]
    palette.field.setText("look light")
    QTest.keyClick(palette.field, Qt.Key.Key_Enter)
    assert parts.theme.tokens is LIGHT
    open_palette(window, palette, qtbot)
    QTest.keyClicks(palette.field, "xyzzy")
    assert palette.none.isVisible()
    QTest.keyClick(palette.field, Qt.Key.Key_Return)
    assert palette.isVisible(), "nothing to do"
    QTest.keyClick(palette.field, Qt.Key.Key_Escape)
    assert not palette.isVisible()


def test_what_cannot_be_done_now_is_shown_last_and_not_done(make_window: MakeWindow, qtbot: QtBot) -> None:
    parts, _ = make_window()
    window, palette = parts.window, parts.window.command_palette
    open_palette(window, palette, qtbot)
    enabled = [c.enabled() for c in palette.shown]
    assert enabled == sorted(enabled, reverse=True)
    assert not all(enabled)
    QTest.keyClicks(palette.field, "heat map")
    assert [c.id for c in palette.shown][:1] == ["view.heat"]
    assert "not possible now" in palette.list.item(0).data(Qt.ItemDataRole.AccessibleTextRole)
    QTest.keyClick(palette.field, Qt.Key.Key_Return)
    assert window.footer.heat.isChecked(), "there is no heat map to hide"
    assert palette.isVisible()
    window.header.field.setFocus()
    assert not palette.isVisible(), "it goes when the person turns to something else"


def test_the_list_of_shortcuts_has_each_that_is_heard(make_window: MakeWindow, qtbot: QtBot) -> None:
    parts, _ = make_window()
    window, palette = parts.window, parts.window.command_palette
    to_front(window)
    QTest.keyClick(window, Qt.Key.Key_F1)
    assert palette.isVisible()
    keys = {c.shown_keys for c in palette.shown}
    assert {"Ctrl+O", "Ctrl+Shift+P", "F1", "Esc", "H", "Ctrl+,", "1 to 9", "Arrows"} <= keys
    assert "" not in keys
    rows = [palette.list.item(i) for i in range(palette.list.count())]
    headings = [row.text() for row in rows if row.flags() == Qt.ItemFlag.NoItemFlags and row.text()]
    assert "Picture" in headings
    QTest.keyClick(palette.field, Qt.Key.Key_Escape)


def test_escape_over_the_palette_still_refuses_what_is_asked(make_window: MakeWindow, qtbot: QtBot) -> None:
    parts, body = make_window(steps=[Click("the red square")])
    start_run(parts, qtbot)
    wait_asked(parts, qtbot)
    palette = parts.window.command_palette
    palette.open()
    palette.field.setText("approve")
    QTest.keyClick(palette.field, Qt.Key.Key_Return)
    assert body.answers == []
    assert [c.id for c in palette.shown if c.id.startswith("approv")] == [], "no key approves, not by this way either"
    QTest.keyClick(palette.field, Qt.Key.Key_Escape)
    wait_ended(parts, qtbot)
    assert [answer.decision for answer in body.answers] == ["deny"]


def test_every_button_of_the_main_window_is_a_command(make_window: MakeWindow, qtbot: QtBot) -> None:
    """A button that the palette does not know would be one that keys reach by Tab alone."""
    parts, _ = make_window()
    capture(parts, qtbot)
    before = _pressed(parts)
    header, footer = parts.window.header, parts.window.footer
    clicked: list[str] = []
    for name, button in before.items():
        button.clicked.connect(lambda *_, n=name: clicked.append(n))
    header.set_state(can_find=True, can_run=True, can_stop=False)
    footer.set_view(True, True)
    for name, command in (("heat", "view.heat"), ("everything", "view.everything"), ("trail", "view.trail")):
        assert parts.window.commands.run(command)
        assert clicked[-1:] == [name]
    for name in ("settings", "runs"):
        assert parts.window.commands.run({"settings": "windows.settings", "runs": "windows.traces"}[name])
        wanted = parts.tools.settings_window if name == "settings" else parts.tools.traces_window
        assert wanted is not None
        assert wanted.isVisible()
    QApplication.processEvents()


def _pressed(parts: Parts) -> dict[str, QPushButton]:
    footer = parts.window.footer
    return {"heat": footer.heat, "everything": footer.everything, "trail": footer.trail}  # type: ignore[dict-item]
