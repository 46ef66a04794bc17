"""The window of recorded runs over real traces and the demo model process."""

from __future__ import annotations

from pathlib import Path

import pytest
from agent_fakes.recorded import FIELD, recorded
from app_fakes.parts import MakeWindow
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QComboBox, QLineEdit, QSlider
from pytestqt.qtbot import QtBot
from test_window import click

from reticle_agent.trace.review import read_review
from reticle_app.config import Settings
from reticle_app.gui import Parts
from reticle_app.library import DELETED, delete_trace, entry_of, list_traces, matching, open_run, pictures_of
from reticle_app.windows.browsing import Browsing
from reticle_app.windows.inspector import InspectorWindow
from reticle_app.windows.traces import TracesWindow
from reticle_grounding.errors import BadInput
from reticle_grounding.geometry import Point


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three runs: a whole one, one cut off by a crash, and a damaged one."""
    recorded(tmp_path / "whole")
    torn = recorded(tmp_path / "torn")
    with (torn / "events.jsonl").open("ab") as file:
        file.write(b'{"seq": 999')
    broken = recorded(tmp_path / "broken")
    (broken / "events.jsonl").write_text("not json\n")
    (tmp_path / "something else").mkdir()
    return tmp_path


Opened = tuple[TracesWindow, Browsing, Parts]


@pytest.fixture
def traces(make_window: MakeWindow, qtbot: QtBot, folder: Path) -> Opened:
    parts, _ = make_window(settings=Settings(theme="light", language="en", traces=folder))
    click(parts.window.footer.runs)
    window, browsing = parts.tools.traces_window, parts.tools.browsing
    assert isinstance(window, TracesWindow)
    assert browsing is not None
    rest(browsing, qtbot)
    return window, browsing, parts


def rest(browsing: Browsing, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: not browsing.busy, timeout=60_000)


def open_whole(traces: Opened, qtbot: QtBot) -> None:
    window, browsing, _ = traces
    names = [entry.folder.name for entry in window.listed]
    window.list.setCurrentRow(names.index("whole"))
    rest(browsing, qtbot)


def test_the_list_tells_whole_from_damaged_runs(folder: Path) -> None:
    entries = {entry.folder.name: entry for entry in list_traces(folder)}
    assert set(entries) == {"whole", "torn", "broken"}
    assert entries["whole"].thumbnail is not None
    assert (entries["broken"].status, entries["broken"].thumbnail) == ("damaged", None)
    assert "events.jsonl line 1" in entries["broken"].problem
    assert [e.folder.name for e in matching(list(entries.values()), "BROKEN")] == ["broken"]
    assert len(matching(list(entries.values()), "sign save")) == 2
    assert list_traces(folder / "absent") == []


def test_a_step_has_its_pictures_and_the_place_of_the_input(folder: Path) -> None:
    run = open_run(folder / "whole")
    found = [pictures_of(run, step.number) for step in run.steps]
    typed = next(f for f in found if f.grounding and f.point and FIELD.contains(f.point) and f.after)
    assert typed.before is not None
    assert typed.after is not None
    assert FIELD.contains(typed.point or Point(0, 0))
    with pytest.raises(BadInput, match="no step 12345"):
        pictures_of(run, 12345)


def test_only_recorded_runs_can_be_deleted(folder: Path) -> None:
    with pytest.raises(BadInput, match="no recorded run"):
        delete_trace(folder / "something else")
    delete_trace(folder / "broken")
    assert not (folder / "broken").exists()
    assert entry_of(folder / "broken").status == "damaged"


def test_scrubbing_shows_before_and_after(traces: Opened, qtbot: QtBot) -> None:
    window, browsing, _ = traces
    open_whole(traces, qtbot)
    assert browsing.run is not None
    titles = []
    for _ in browsing.run.steps:
        rest(browsing, qtbot)
        titles.append(window.step_title.text())
        QTest.keyClick(window.line, Qt.Key.Key_Right)
    assert len(set(titles)) == len(browsing.run.steps)
    assert not window.later.isEnabled()
    click(window.earlier)
    assert window.step == len(titles) - 2


def test_other_words_are_asked_on_the_same_picture(traces: Opened, qtbot: QtBot) -> None:
    window, browsing, _ = traces
    open_whole(traces, qtbot)
    window.words.setText("nothing here")
    QTest.keyClick(window.words, Qt.Key.Key_Return)
    rest(browsing, qtbot)
    assert window.after_title.text() == "With other words: not found"
    window.words.setText("red")
    click(window.ask_button)
    rest(browsing, qtbot)
    assert window.after_title.text() == "With other words: 93%"
    click(window.back)
    rest(browsing, qtbot)
    assert window.after_title.text() == "After"


def test_a_verdict_and_a_corrected_region_are_kept(traces: Opened, qtbot: QtBot, folder: Path) -> None:
    window, browsing, _ = traces
    open_whole(traces, qtbot)
    QTest.keyClick(window.before, Qt.Key.Key_N)
    rest(browsing, qtbot)
    step = browsing.run.steps[0].number  # type: ignore[union-attr]
    assert read_review(folder / "whole").of(step).verdict == "wrong"
    assert (window.wrong.isChecked(), window.right.isChecked()) == (True, False)
    QTest.keyClick(window.before, Qt.Key.Key_R)
    ends = [window.before.view.point(p) for p in (Point(120, 135), Point(360, 270))]
    start, end = (QPoint(round(e.x), round(e.y)) for e in ends)
    QTest.mousePress(window.before, Qt.MouseButton.LeftButton, pos=start)
    QTest.mouseMove(window.before, end)
    QTest.mouseRelease(window.before, Qt.MouseButton.LeftButton, pos=end)
    rest(browsing, qtbot)
    region = read_review(folder / "whole").of(step).region
    assert region is not None
    assert region.as_tuple() == pytest.approx((0.1, 0.2, 0.3, 0.4), abs=0.01)
    assert window.before.box is not None
    assert window.correct.text() == "Take correction back"
    click(window.correct)
    rest(browsing, qtbot)
    assert read_review(folder / "whole").of(step).region is None
    click(window.wrong)
    rest(browsing, qtbot)
    assert not read_review(folder / "whole").steps


def test_a_deleted_run_can_be_brought_back(traces: Opened, qtbot: QtBot, folder: Path) -> None:
    window, browsing, _ = traces
    open_whole(traces, qtbot)
    held = sorted(path.name for path in (folder / "whole").rglob("*"))
    click(window.delete_button)
    qtbot.waitUntil(lambda: not (folder / "whole").exists() and not browsing.busy, timeout=30_000)
    assert window.stack.currentIndex() == 0
    assert [entry.folder.name for entry in window.listed if entry.folder.name == "whole"] == []
    assert "was deleted" in window.banner.title.text()
    click(window.banner.button)
    qtbot.waitUntil(lambda: (folder / "whole").exists() and not browsing.busy, timeout=30_000)
    assert sorted(path.name for path in (folder / "whole").rglob("*")) == held
    assert browsing.run is not None
    assert browsing.run.folder == folder / "whole"
    window.commands.run("traces.redo")
    qtbot.waitUntil(lambda: not (folder / "whole").exists() and not browsing.busy, timeout=30_000)
    assert (folder / DELETED).is_dir()
    browsing.close()
    assert not (folder / DELETED).exists(), "it is gone for good when the application ends"


def test_what_an_earlier_session_deleted_goes_at_the_next_start(
    make_window: MakeWindow, qtbot: QtBot, folder: Path
) -> None:
    delete_trace(folder / "whole")
    parts, _ = make_window(settings=Settings(theme="light", language="en", traces=folder))
    parts.tools.show_traces()
    qtbot.waitUntil(lambda: not (folder / DELETED).exists(), timeout=30_000)


def test_marks_are_undone_and_redone_by_key(traces: Opened, qtbot: QtBot, folder: Path) -> None:
    window, browsing, _ = traces
    open_whole(traces, qtbot)
    assert not window.undo.isEnabled()
    steps = browsing.run.steps  # type: ignore[union-attr]
    QTest.keyClick(window.before, Qt.Key.Key_Y)
    rest(browsing, qtbot)
    QTest.keyClick(window.before, Qt.Key.Key_N)
    rest(browsing, qtbot)
    window.line.setValue(1)
    rest(browsing, qtbot)

    def verdict() -> str | None:
        return read_review(folder / "whole").of(steps[0].number).verdict

    assert verdict() == "wrong"
    window.commands.run("traces.undo")
    rest(browsing, qtbot)
    rest(browsing, qtbot)
    assert verdict() == "right"
    assert window.step == 0, "the step that changes is shown"
    assert window.right.isChecked()
    window.commands.run("traces.undo")
    rest(browsing, qtbot)
    assert verdict() is None
    assert not window.undo.isEnabled()
    window.commands.run("traces.redo")
    rest(browsing, qtbot)
    assert verdict() == "right"
    assert "mark a step" in window.undo.toolTip()


def test_a_damaged_run_says_what_is_wrong(traces: Opened, qtbot: QtBot) -> None:
    window, browsing, _ = traces
    names = [entry.folder.name for entry in window.listed]
    window.list.setCurrentRow(names.index("broken"))
    rest(browsing, qtbot)
    assert "events.jsonl line 1" in window.banner.text.text()
    window.list.setCurrentRow(names.index("torn"))
    rest(browsing, qtbot)
    assert window.banner.title.text() == "The end of this run was cut off"
    window.search.setText("no run has this")
    assert window.list_hint.isVisible()


def test_exports_and_opens_a_step_in_the_inspector(traces: Opened, qtbot: QtBot, folder: Path) -> None:
    window, browsing, parts = traces
    open_whole(traces, qtbot)
    window.export_chosen.emit(folder / "whole", "screenspot", folder / "out")
    rest(browsing, qtbot)
    assert window.banner.title.text().startswith("Exported ")
    assert any((folder / "out").iterdir())
    QTest.keyClick(window.before, Qt.Key.Key_I)
    inspector = parts.tools.inspector_window
    assert isinstance(inspector, InspectorWindow)
    qtbot.waitUntil(lambda: inspector.panes[0].grounding is not None, timeout=30_000)
    assert inspector.source.text().startswith("Step 1 of")


def test_nobody_is_asked_to_choose_where_nothing_is(traces: Opened, qtbot: QtBot) -> None:
    window = traces[0]
    assert "on the left" in window.empty.text()
    window.show_entries(())
    assert "on the left" not in window.empty.text()
    assert window.list_hint.isVisible()


def test_every_control_has_a_name(traces: Opened, qtbot: QtBot) -> None:
    window, _, _ = traces
    open_whole(traces, qtbot)
    for kind in (QAbstractButton, QComboBox, QSlider, QLineEdit):
        for widget in window.findChildren(kind):
            inner = isinstance(widget.parent(), QLineEdit | QComboBox) or widget.objectName().startswith("qt_")
            assert not widget.isVisible() or inner or widget.accessibleName(), widget
    assert window.list.item(0).data(Qt.ItemDataRole.AccessibleTextRole)
