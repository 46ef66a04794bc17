"""The settings file, what is said of a bad one, and the page that changes it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from app_fakes.parts import MakeWindow
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot
from test_window import click

from reticle_app.config import Settings, load_settings, read_settings, save_settings
from reticle_app.desktop import desktop_body
from reticle_app.gui import tell_fault
from reticle_app.preferences import BadSettings, Preferences
from reticle_app.widgets.form import Field
from reticle_app.windows.settings import ELSEWHERE, SettingsWindow
from reticle_grounding.errors import BadInput

BAD = {
    "theme": "dark",
    "mode": "auto",
    "countdown_s": "soon",
    "top_k": 12,
    "thme": "dark",
    "nonsense": 1,
    "forbidden_words": ["delete account"],
}


def written(path: Path, content: object) -> Path:
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_each_bad_key_is_named_with_what_to_do(tmp_path: Path) -> None:
    path = written(tmp_path / "settings.json", BAD)
    settings, fault = read_settings(path)
    assert fault is not None
    said = "\n".join(fault.problems)
    assert 'countdown_s: "soon" should be a valid number' in said
    assert "top_k: 12 should be less than or equal to 9" in said
    assert "thme: there is no such setting; theme is meant?" in said
    assert "nonsense: there is no such setting; take it out" in said
    assert (settings.theme, settings.countdown_s, settings.top_k) == ("dark", 2.0, 5)
    assert settings.forbidden_words == ("delete account",), "what holds of it is kept, rules above all"
    assert settings.mode == "confirm", "with a bad file, nothing acts alone"
    assert json.loads(path.read_text()) == BAD, "the file is left as it is"
    with pytest.raises(BadInput, match=r"top_k: .*; countdown_s: .*mend or delete the file"):
        load_settings(path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "line 1: not JSON"),
        ("[1]", "holds no object"),
        ('{"version": 2}', "version: 2 should be 1"),
        ('{"traces": ""}', 'traces: "" is no path; name one or take the key out'),
    ],
)
def test_a_file_that_is_none(tmp_path: Path, content: str, said: str) -> None:
    settings, fault = read_settings(written(tmp_path / "settings.json", content))
    assert fault is not None
    assert said in fault.problems[0]
    assert settings == Settings()


def test_a_bad_file_is_replaced_only_by_saving_and_is_kept_aside(tmp_path: Path) -> None:
    path = written(tmp_path / "settings.json", BAD)
    settings, fault = read_settings(path)
    held = Preferences(settings, lambda s: save_settings(s, path), lambda: read_settings(path), fault)
    told: list[str] = []
    held.not_saved.connect(told.append)
    held.change(theme="light")
    assert held.current.theme == "light", "it holds in this session"
    assert json.loads(path.read_text()) == BAD
    assert "countdown_s" in told[0]
    kept = held.replace({"top_k": 7})
    assert kept is not None
    assert json.loads(kept.read_text()) == BAD, "nothing is lost"
    assert load_settings(path).top_k == 7
    assert load_settings(path).forbidden_words == ("delete account",)
    assert held.replace({"top_k": 8}) is None, "a good file needs no copy"
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(["settings.json", kept.name])


def test_what_another_program_wrote_meanwhile_is_not_lost(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    held = Preferences(Settings(), lambda s: save_settings(s, path), lambda: read_settings(path))
    save_settings(Settings(forbidden_words=("sign out",)), path)
    held.change(theme="dark")
    assert load_settings(path).forbidden_words == ("sign out",)
    assert load_settings(path).theme == "dark"
    written(path, "{")
    held.change(theme="light")
    assert path.read_text() == "{", "a file that someone is mending is not overwritten"


def test_values_that_do_not_hold_change_nothing(tmp_path: Path) -> None:
    held = Preferences(Settings(), lambda s: save_settings(s, tmp_path / "settings.json"))
    with pytest.raises(BadSettings) as caught:
        held.replace({"top_k": 0, "forbidden_words": ("",)})
    assert set(caught.value.problems) == {"top_k", "forbidden_words"}
    assert held.current == Settings()
    assert not list(tmp_path.iterdir())


def edit(field: Field, value: object) -> None:
    """As a person would, telling of it."""
    field._write(value)


@pytest.fixture
def page(make_window: MakeWindow, tmp_path: Path) -> tuple[SettingsWindow, Preferences, Path]:
    path = tmp_path / "settings.json"
    start = Settings(theme="light", language="en", traces=tmp_path / "runs")
    preferences = Preferences(start, lambda s: save_settings(s, path), lambda: read_settings(path))
    save_settings(start, path)
    parts, _ = make_window(preferences=preferences)
    parts.tools.show_settings()
    window = parts.tools.settings_window
    assert isinstance(window, SettingsWindow)
    window.parts = parts  # type: ignore[attr-defined]
    return window, preferences, path


def test_the_page_has_every_setting(page: tuple[SettingsWindow, Preferences, Path]) -> None:
    window, _, _ = page
    assert set(window.form.fields) | ELSEWHERE == set(Settings.model_fields)
    for key, field in window.form.fields.items():
        assert field.control.accessibleName(), key
    assert window.edits == {}, "showing settings changes none"
    assert not window.save.isEnabled()


def test_what_is_wrong_is_scrolled_to(page: tuple[SettingsWindow, Preferences, Path], qtbot: QtBot) -> None:
    """The folder of runs is at the end of a page that does not fit the window."""
    window, _, _ = page
    window.show()
    bar, control = window.area.verticalScrollBar(), window.form.fields["traces"].control
    bar.setValue(0)
    control.setText("")  # type: ignore[attr-defined]
    window.commands.run("settings.save")
    qtbot.waitUntil(lambda: not control.visibleRegion().isEmpty(), timeout=5_000)
    assert bar.value() > 0


def test_the_page_saves_all_or_none(page: tuple[SettingsWindow, Preferences, Path]) -> None:
    window, preferences, path = page
    fields = window.form.fields
    edit(fields["top_k"], 7)
    fields["traces"].control.setText("")  # type: ignore[attr-defined]
    assert window.state.text() == "2 settings changed, not saved yet."
    window.commands.run("settings.save")
    assert "traces" in window.form.problem("traces")
    assert window.form.problem("top_k") == ""
    assert load_settings(path).top_k == 5
    assert window.state.text() == "Not saved: something does not hold."
    fields["traces"].control.setText(str(path.parent / "elsewhere"))  # type: ignore[attr-defined]
    edit(fields["forbidden_words"], ("pay now", "delete account"))
    edit(fields["forbidden_kinds"], ("drag",))
    edit(fields["one_wrong_in"], 100)
    edit(fields["theme"], "dark")
    click(window.save)
    saved = load_settings(path)
    assert (saved.top_k, saved.traces, saved.one_wrong_in) == (7, path.parent / "elsewhere", 100)
    assert (saved.forbidden_words, saved.forbidden_kinds) == (("pay now", "delete account"), ("drag",))
    assert window.form.problem("traces") == ""
    assert "next start" in window.state.text()
    parts = window.parts  # type: ignore[attr-defined]
    assert parts.theme.choice == "dark", "what can hold at once does"
    assert parts.controller.top_k == 7
    assert preferences.current == saved


def test_edits_outlive_a_look_that_is_changed_meanwhile(page: tuple[SettingsWindow, Preferences, Path]) -> None:
    window, _, path = page
    parts = window.parts  # type: ignore[attr-defined]
    edit(window.form.fields["top_k"], 9)
    click(parts.window.footer.look)
    assert parts.theme.choice == "dark"
    assert window.edits == {"top_k": 9}
    assert load_settings(path).theme == "dark"
    window.commands.run("settings.revert")
    assert window.edits == {}
    assert window.form.fields["top_k"].value == 5


def test_a_wheel_over_the_form_changes_nothing(page: tuple[SettingsWindow, Preferences, Path], qtbot: QtBot) -> None:
    window, _, _ = page
    control = window.form.fields["top_k"].control
    control.setFocus()
    QTest.keyClick(control, Qt.Key.Key_Up)
    assert window.edits == {"top_k": 6}, "keys do"
    from PySide6.QtCore import QPoint, QPointF
    from PySide6.QtGui import QWheelEvent
    from PySide6.QtWidgets import QApplication

    none = Qt.MouseButton.NoButton
    centre = QPointF(control.rect().center())
    wheel = QWheelEvent(
        centre, control.mapToGlobal(centre), QPoint(), QPoint(0, 120), none,
        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(control, wheel)
    assert window.edits == {"top_k": 6}


def test_a_bad_file_is_told_in_the_window_and_on_the_page(make_window: MakeWindow, tmp_path: Path) -> None:
    path = written(tmp_path / "settings.json", BAD)
    settings, fault = read_settings(path)
    held = Preferences(settings, lambda s: save_settings(s, path), lambda: read_settings(path), fault)
    parts, _ = make_window(preferences=held)
    tell_fault(parts)
    assert str(path) in parts.window.banner.title.text()
    assert "countdown_s" in parts.window.banner.text.text()
    parts.window.header.select_mode("dry-run")
    assert json.loads(path.read_text()) == BAD
    parts.tools.show_settings()
    page = parts.tools.settings_window
    assert isinstance(page, SettingsWindow)
    assert "thme" in page.banner.text.text()
    click(page.save)
    assert "is kept as" in page.banner.text.text()
    assert load_settings(path).mode == "dry-run"
    (kept,) = tmp_path.glob("settings.json.bad-*")
    assert json.loads(kept.read_text()) == BAD


def test_the_next_run_is_under_the_settings_of_its_beginning(monkeypatch: pytest.MonkeyPatch) -> None:
    from reticle_app import desktop
    from reticle_app.runner import RunOrder

    seen: list[int] = []
    holds = [Settings(max_steps=3), Settings(max_steps=4)]

    def run(options: object, *_: object, **__: object) -> object:
        seen.append(options.max_steps)  # type: ignore[attr-defined]
        raise BadInput("enough")

    monkeypatch.setattr(desktop, "run_on_desktop", run)

    class Nothing:
        def cancel(self) -> None: ...

        def on_stop(self, act: object) -> None: ...

        approver = None

    body = desktop_body(lambda: holds[len(seen)], Nothing())  # type: ignore[arg-type]
    for _ in holds:
        with pytest.raises(BadInput, match="enough"):
            body(RunOrder("x", "auto"), Nothing())  # type: ignore[arg-type]
    assert seen == [3, 4]
