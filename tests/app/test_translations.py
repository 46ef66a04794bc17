"""Every word of the windows is said in every shipped language, and there is room for it."""

from __future__ import annotations

import ast
import importlib.util
import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from types import ModuleType

import pytest
from agent_fakes.recorded import recorded
from app_fakes.opened import opened_inspector, opened_traces
from app_fakes.parts import MakeWindow
from PySide6.QtCore import QCoreApplication, QSize
from PySide6.QtGui import QFontMetrics, QGuiApplication
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QComboBox,
    QLabel,
    QLineEdit,
    QPushButton,
    QTabBar,
    QTabWidget,
    QWidget,
)
from pytestqt.qtbot import QtBot
from test_window import capture, find, start_run, wait_asked

from reticle_agent.actions import Click, Drag, Hotkey, Scroll, TypeText
from reticle_agent.safety import describe
from reticle_agent.seams import ApprovalRequest
from reticle_app.calibration import Calibration, MonitorShots, Shot
from reticle_app.config import Settings
from reticle_app.gui import Parts
from reticle_app.overlay import physical_rect
from reticle_app.relayed import DEEDS, SENTENCES, deed_words, description_of, relayed, step_words
from reticle_app.translations import language_of, speak, tr
from reticle_app.widgets.basics import ElidedLabel
from reticle_app.windows.models import ModelsWindow
from reticle_app.windows.page import Page
from reticle_app.windows.tour_page import STEPS as STEPS_OF_TOUR
from reticle_app.windows.welcome import PAGES, WelcomeWindow
from reticle_grounding.geometry import Point, Rect
from reticle_grounding.types import Candidate

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "packaging" / "translate.py"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("translate", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["translate"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(autouse=True)
def _english_afterwards(qapp: QApplication) -> Iterator[None]:
    """Words are translated by the application, so there has to be one."""
    yield
    speak("en")


@pytest.mark.parametrize("language", ["de", "en"])
def test_no_text_of_the_code_is_missing(script: ModuleType, language: str) -> None:
    assert script.problems(language) == []


def test_a_text_that_is_missing_is_noticed(script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ts = script.FOLDER / "reticle_de.ts"
    text = ts.read_text(encoding="utf-8")
    cut = re.sub(r"<message>\s*<source>Approve</source>.*?</message>", "", text, count=1, flags=re.DOTALL)
    assert cut != text
    (tmp_path / ts.name).write_text(cut, encoding="utf-8")
    monkeypatch.setattr(script, "FOLDER", tmp_path)
    assert "de: no translation of 'Approve'" in script.problems("de")


def test_every_text_that_is_passed_to_tr_was_collected(script: ModuleType) -> None:
    """``lupdate`` does not look into f-strings; what it overlooks would stay English unnoticed."""
    known = {text.source for text in script.texts(script.FOLDER / "reticle_de.ts")}
    overlooked = []
    for path in script.sources():
        for node in ast.walk(ast.parse(Path(path).read_text(encoding="utf-8"))):
            called = node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""
            if called in ("tr", "QT_TR_NOOP") and isinstance(node.args[0], ast.Constant):  # type: ignore[attr-defined]
                text = node.args[0].value  # type: ignore[attr-defined]
                overlooked += [] if text in known else [f"{path}: {text!r}"]
    assert overlooked == []


def test_translations_keep_places_to_fill_in_and_edges(script: ModuleType) -> None:
    for text in script.texts(script.FOLDER / "reticle_de.ts"):
        wanted = sorted(re.findall(r"{\w*}|%n", text.source))
        for form in text.said:
            assert sorted(re.findall(r"{\w*}|%n", form)) == wanted, text
            edges = [(s[: len(s) - len(s.lstrip())], s[len(s.rstrip()) :]) for s in (text.source, form)]
            assert edges[0] == edges[1], text
            assert not re.search(r"\b(Ctrl|Shift|Enter)\b", form), f"keys are called otherwise in German: {form}"


def test_plural_and_note_and_an_unknown_system_language() -> None:
    speak("en")
    assert [tr("%n step(s)", "", n) for n in (1, 2)] == ["1 step", "2 steps"]
    assert speak("de") == "de"
    assert [tr("%n step(s)", "", n) for n in (1, 2)] == ["1 Schritt", "2 Schritte"]
    assert (tr("Right", "verdict"), tr("right")) == ("Richtig", "nach rechts")
    assert QCoreApplication.translate("QPlatformTheme", "Cancel") == "Abbrechen", "Qt's own dialogs, too"
    assert language_of("system") in ("en", "de")


CANDIDATE = Candidate(
    rank=1, region=Rect(0, 0, 9, 9), point=Point(4, 5), attention_mass=0.5, attention_mean=0.1, p_true=0.93,
    origin="text", text="Save; as",
)  # fmt: skip
STEPS = (
    Click("the 'x' button"), Click("it", "right"), Click("it", count=2), Drag("a", "b"), Scroll("down", 3, "the list"),
    Scroll("up", 1), TypeText("one\ntwo", "the field"), TypeText("hunter2", None, True), TypeText("x" * 500),
    Hotkey(("ctrl", "s")),
)  # fmt: skip


@pytest.mark.parametrize("step", STEPS, ids=lambda s: type(s).__name__)
@pytest.mark.parametrize("candidate", [None, CANDIDATE], ids=["no place", "place"])
def test_what_is_asked_about_is_said_whole(step: object, candidate: Candidate | None) -> None:
    """In English to the letter as the agent says it; in German with every word that names what is touched or typed."""
    speak("en")
    english = describe(step, candidate)  # type: ignore[arg-type]
    assert step_words(step, candidate) == english  # type: ignore[arg-type]
    request = ApprovalRequest(step, f"{english} (looked for as 'y')", None, None, None, "confirm")  # type: ignore[arg-type]
    assert description_of(request) == request.description
    speak("de")
    german = step_words(step, candidate)  # type: ignore[arg-type]
    assert german != english
    for kept in re.findall(r"'(?:[^']|'x')*'|“[^”]*”|\d+(?:, \d+)?|\"[^\"]*\"", english):
        assert kept.strip("'\"“”") in german, kept
    assert "hunter2" not in german


def test_sentences_of_the_agent_are_known_or_stay_as_they_are() -> None:
    speak("en")
    for text in ("'Delete' may have consequences; the window's title says 'Bank; more'", "never heard of; at all"):
        assert relayed(text) == text
    speak("de")
    assert relayed("'delete' may have consequences; never heard of") == "„delete“ kann Folgen haben; never heard of"
    said = "not sure enough: 40% is below 50% (at most 1 wrong in 100)"
    assert relayed(said) == "nicht sicher genug: 40% liegt unter 50% (at most 1 wrong in 100)"
    assert deed_words("type “a” into b") == "“a” eingeben in b"
    for pattern, words in (*SENTENCES, *DEEDS):
        assert set(re.findall(r"{(\w+)}", words)) == set(re.compile(pattern).groupindex) - {"why"}, pattern


def german(make_window: MakeWindow, qtbot: QtBot, tmp_path: Path, **options: object) -> Parts:
    recorded(tmp_path / "runs" / "one")
    settings = Settings(theme="light", language="de", traces=tmp_path / "runs")
    parts, _ = make_window(ready=False, settings=settings, **options)
    qtbot.waitUntil(lambda: parts.window.footer.model.text() == "demo-statistics bereit", timeout=60_000)
    return parts


def sizes_of(window: QWidget, qtbot: QtBot) -> tuple[QSize, QSize]:
    """The smallest and the wished size, once what was shown last has been laid out, which takes turns of the loop."""
    before = None
    while before != (before := (window.minimumSizeHint(), window.minimumSize(), window.sizeHint())):
        qtbot.wait(100)
    return window.minimumSize(), window.sizeHint()


def clipped(window: QWidget) -> list[str]:
    """Labels, buttons and fields of a window that show less than they say."""
    QApplication.processEvents()
    found = []
    for widget in window.findChildren(QWidget):
        if not widget.isVisible() or widget.objectName().startswith("qt_"):
            continue
        if isinstance(widget, QLabel) and not isinstance(widget, ElidedLabel) and widget.text():
            bad = _label_is_clipped(widget)
        elif isinstance(widget, QPushButton | QComboBox) or (
            isinstance(widget, QAbstractButton) and widget.text() and not isinstance(widget.parent(), QTabBar)
        ):
            bad = widget.width() < widget.sizeHint().width()
        elif isinstance(widget, QLineEdit) and widget.placeholderText():
            need = QFontMetrics(widget.font()).horizontalAdvance(widget.placeholderText())
            bad = widget.width() - 24 < need
        else:
            continue
        if bad:
            said = getattr(widget, "text", lambda: "")() or getattr(widget, "placeholderText", lambda: "")()
            found.append(f"{type(widget).__name__} {said!r}: {widget.width()} × {widget.height()}")
    for tabs in window.findChildren(QTabWidget):
        bar = tabs.tabBar()
        if bar.isVisible() and bar.sizeHint().width() > tabs.width():
            found.append(f"tabs {[bar.tabText(i) for i in range(bar.count())]}: {tabs.width()}")
    return found


def _label_is_clipped(widget: QLabel) -> bool:
    room = widget.contentsRect()
    if widget.wordWrap():
        words = max(QFontMetrics(widget.font()).horizontalAdvance(w) for w in widget.text().split() or [""])
        if "/" in widget.text():  # a folder has nowhere to break
            words = 0
        return widget.heightForWidth(widget.width()) > widget.height() + 1 or words > room.width() + 1
    lines = widget.text().split("\n")
    metrics = widget.fontMetrics()
    return max(metrics.horizontalAdvance(line) for line in lines) > room.width() + 1


def test_clipped_text_is_noticed(qtbot: QtBot) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    label, button = QLabel("Aufgezeichnete Läufe", window), QPushButton("Aufgezeichnete Läufe", window)
    label.setFixedSize(20, 20)
    button.setGeometry(0, 40, 30, 30)
    window.show()
    assert len(clipped(window)) == 2


def test_the_main_window_is_whole_in_german(make_window: MakeWindow, qtbot: QtBot, tmp_path: Path) -> None:
    parts = german(make_window, qtbot, tmp_path, steps=[Click("the red square")])
    window = parts.window
    for size in sizes_of(window, qtbot):
        window.resize(size)
        assert clipped(window) == [], size
    assert window.header.find_button.text() == "Finden"
    capture(parts, qtbot)
    find(parts, qtbot, "nothing of this kind")
    assert clipped(window) == [], "with a message"
    assert "nötig sind mindestens" in window.banner.text.text()
    start_run(parts, qtbot)
    wait_asked(parts, qtbot)
    assert window.side.approval.approve.text() == "Erlauben"
    for size in sizes_of(window, qtbot):
        window.resize(size)
        assert clipped(window) == [], "with a question"
    window.command_palette.open()
    assert clipped(window.command_palette) == []
    keys = {c.id: c.shown_keys for c in window.command_palette.shown}
    assert keys["picture.open"] == "Strg+O"
    window.command_palette.close_it()
    parts.controller.stop()
    qtbot.waitUntil(lambda: not parts.runner.running, timeout=10_000)


def finished_calibration() -> Calibration:
    shots = [Shot(meant=(1.0, 1.0), seen=(1.0, 1.0), aimed=(1, 1), arrived=at) for at in ((1.0, 1.0), None)]
    screens = QGuiApplication.screens()
    area = physical_rect(screens[0]).as_tuple()
    shown = MonitorShots(id="eDP-1", physical=area, scale=1.0, drawn_scale=1.0, shots=tuple(shots))
    return Calibration(when=datetime(2026, 1, 2, 3, 4, tzinfo=timezone.utc), monitors=(shown,))


def models_states(window: ModelsWindow) -> list[str]:
    """What is cut on the page of any model, in any phase."""
    found = []
    for entry in window.entries:
        window.select(entry.key)
        state = window.page.state
        assert state is not None
        for phase in ("rest", "paused", "checking"):
            shown = replace(state, phase=phase, words=tr("Reading every byte…"))  # type: ignore[arg-type]
            window.page.show_state(shown)
            found += clipped(window)
    return found


def test_models_are_whole_in_german(
    make_window: MakeWindow, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    parts = german(make_window, qtbot, tmp_path)
    parts.tools.show_models()
    window, managing = parts.tools.models_window, parts.tools.managing
    assert isinstance(window, ModelsWindow)
    qtbot.waitUntil(lambda: bool(window.entries) and not managing.busy, timeout=30_000)  # type: ignore[union-attr]
    for size in sizes_of(window, qtbot):
        window.resize(size)
        assert models_states(window) == [], size
    assert "nicht für gewerbliche Nutzung" in " ".join(window.list.item(i).text() for i in range(window.list.count()))


def scrolls_as_far_as_needed(window: WelcomeWindow) -> bool:
    """Whether the page in sight scrolls no further than its texts are high at its width."""
    area = window.stack.currentWidget()
    if not isinstance(area, Page):
        return True
    room = area.viewport().size()
    return area.verticalScrollBar().maximum() == max(0, area.widget().heightForWidth(room.width()) - room.height())


def test_first_steps_are_whole_in_german(
    make_window: MakeWindow, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    parts = german(make_window, qtbot, tmp_path)
    parts.tools.show_welcome()
    window, welcoming = parts.tools.welcome_window, parts.tools.welcoming
    assert isinstance(window, WelcomeWindow)
    assert welcoming is not None
    qtbot.waitUntil(lambda: window.pointer.status.isVisibleTo(window.pointer), timeout=30_000)
    for size in sizes_of(window, qtbot):
        window.resize(size)
        window.pointer.show_result(finished_calibration())
        for page in range(len(PAGES)):
            window.go(page)
            assert clipped(window) == [], (size, page)
            assert scrolls_as_far_as_needed(window), (size, page)
        for step in range(len(STEPS_OF_TOUR)):
            window.tour.go(step)
            assert clipped(window) == [], (size, step)
    assert window.forward.text() == "Weiter"
    assert "1 von 2 Klicks kamen nicht an" in window.pointer.monitors.text()


@pytest.mark.parametrize("name", ["inspector", "traces", "settings"])
def test_the_other_windows_are_whole_in_german(
    make_window: MakeWindow, qtbot: QtBot, tmp_path: Path, name: str
) -> None:
    parts = german(make_window, qtbot, tmp_path)
    tools = parts.tools
    if name == "inspector":
        capture(parts, qtbot)
        find(parts, qtbot, "red")
        window = opened_inspector(parts, qtbot)
    elif name == "traces":
        window = opened_traces(parts, qtbot)
    else:
        tools.show_settings()
        window = tools.settings_window
    assert window is not None
    for size in sizes_of(window, qtbot):
        window.resize(size)
        assert clipped(window) == [], size
    if name == "inspector":
        window.compare_button.click()  # type: ignore[attr-defined]
        window.resize(window.sizeHint())
        assert clipped(window) == [], "comparing"
        window.side.setCurrentIndex(2)  # type: ignore[attr-defined]
        assert "Felder, Modell" in window.side.map_words.text()  # type: ignore[attr-defined]
        assert clipped(window) == [], "with the map in figures"
