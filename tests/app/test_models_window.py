"""The models window over a server that plays the hub, real model folders of a few kilobytes, and the demo model."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from app_fakes.hub_server import HubServer, Repo, hub_server
from app_fakes.parts import MakeWindow
from app_fakes.small_models import OF_3B, OPEN_CARD, small_model
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QApplication, QComboBox, QLineEdit, QProgressBar
from pytestqt.qtbot import QtBot
from test_window import click

from reticle_app import benchmarking
from reticle_app.benchmarking import load_benchmarks
from reticle_app.config import Settings, load_settings, save_settings
from reticle_app.gui import Parts
from reticle_app.models import choice, jobs
from reticle_app.models.entries import entries, load_downloads
from reticle_app.models.store import Store
from reticle_app.preferences import Preferences
from reticle_app.remote import told_to_worker
from reticle_app.theme import Theme
from reticle_app.windows import number_row
from reticle_app.windows.managing import Managing
from reticle_app.windows.models import ModelsWindow
from reticle_grounding.assets import embedded_model_dir

FREE, BOUND = "microsoft/GUI-Actor-2B-Qwen2-VL", "microsoft/GUI-Actor-3B-Qwen2.5-VL"
NAME, BOUND_NAME = FREE.rpartition("/")[2], BOUND.rpartition("/")[2]
WEIGHTS = "model.safetensors"
LIGHT = (sys.executable, str(Path(__file__).parent / "app_fakes" / "light_job.py"))
LONG = 120_000
Opened = tuple[ModelsWindow, Managing, Parts]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[HubServer]:
    with hub_server() as running:
        monkeypatch.setenv("HF_ENDPOINT", running.endpoint)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
        monkeypatch.setattr(jobs, "COMMAND", LIGHT)
        for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_TOKEN"):
            monkeypatch.delenv(name, raising=False)
        running.repos[FREE] = Repo(small_model(), OPEN_CARD)
        running.repos[BOUND] = Repo(small_model(OF_3B), {"license": "mit"})
        yield running
        for _, event in running.held.values():
            event.set()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "data" / "reticle" / "models")


@pytest.fixture
def open_models(make_window: MakeWindow, qtbot: QtBot, server: HubServer, store: Store) -> Callable[[], Opened]:
    def opened() -> Opened:
        settings = Settings(theme="light", language="en", models=store.root)
        parts, _ = make_window(preferences=Preferences(settings, save_settings))
        click(parts.window.footer.models)
        window, managing = parts.tools.models_window, parts.tools.managing
        assert isinstance(window, ModelsWindow)
        assert managing is not None
        qtbot.waitUntil(lambda: bool(window.entries), timeout=LONG)
        return window, managing, parts

    return opened


def pick(window: ModelsWindow, title: str) -> None:
    window.select(next(entry.key for entry in window.entries if entry.title == title))


def kinds(window: ModelsWindow, title: str) -> list[str]:
    return [entry.kind for entry in window.entries if entry.title == title]


def wait_phase(opened: Opened, qtbot: QtBot, phase: str) -> None:
    window = opened[0]
    qtbot.waitUntil(lambda: window.page.state is not None and window.page.state.phase == phase, timeout=LONG)


def get_kept(opened: Opened, qtbot: QtBot, title: str = NAME) -> None:
    window, managing, _ = opened
    pick(window, title)
    click(window.page.get)
    wait_phase(opened, qtbot, "asking")
    if window.page.accept.isVisible():
        window.page.accept.setChecked(True)
    click(window.page.agree)
    qtbot.waitUntil(lambda: kinds(window, title) == ["kept"] and not managing.busy, timeout=LONG)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_what_is_here_and_what_could_be_without_asking_the_network(
    open_models: Callable[[], Opened], server: HubServer
) -> None:
    window, _, _ = open_models()
    assert window.entries[0].kind == "own"
    assert window.page.pill.isVisible(), "the model that ships is in use"
    assert not window.page.remove.isVisible()
    assert window.page.memory.lines()[0].startswith("float32: ")
    assert {entry.kind for entry in window.entries} == {"own", "known"}
    pick(window, BOUND_NAME)
    assert "NOT for commercial use" in window.page.licence.text()
    assert not window.page.memory.isVisible(), "nothing is invented about files that nobody looked at"
    assert server.asked == []


def test_nothing_is_fetched_before_the_licence_is_agreed_to(
    open_models: Callable[[], Opened], server: HubServer, store: Store, qtbot: QtBot
) -> None:
    opened = window, managing, _ = open_models()
    pick(window, NAME)
    click(window.page.get)
    wait_phase(opened, qtbot, "asking")
    assert not window.page.accept.isVisible(), "a licence that allows everything needs no tick"
    click(window.page.decline)
    assert not managing.works()
    assert window.page.state.phase == "rest"
    pick(window, BOUND_NAME)
    click(window.page.get)
    wait_phase(opened, qtbot, "asking")
    page = window.page
    assert page.consent_words.text().startswith("NOT for commercial use")
    assert "qwen-research" in page.licence.text()
    assert len(page.memory.lines()) == 4
    assert not page.agree.isEnabled()
    click(page.agree)
    assert server.sent[WEIGHTS] < 2000, "only the header was read"
    assert not store.root.exists()
    page.accept.setChecked(True)
    click(page.agree)
    qtbot.waitUntil(lambda: kinds(window, BOUND_NAME) == ["kept"], timeout=LONG)
    assert contents(store.folder(BOUND_NAME)) == server.repos[BOUND].files
    assert window.key == f"kept {BOUND_NAME}", "the chosen model stays chosen"
    assert not managing.works()


def test_a_paused_download_goes_on_where_it_stopped(
    open_models: Callable[[], Opened], server: HubServer, store: Store, qtbot: QtBot
) -> None:
    opened = window, managing, _ = open_models()
    event = threading.Event()
    server.held[WEIGHTS] = (30_000, event)
    pick(window, BOUND_NAME)
    click(window.page.get)
    wait_phase(opened, qtbot, "asking")
    window.page.accept.setChecked(True)
    click(window.page.agree)
    partial = store.partial(BOUND_NAME)

    def came() -> int:
        return sum(path.stat().st_size for path in partial.glob(f"{WEIGHTS}.*.part"))

    qtbot.waitUntil(lambda: came() == 30_000, timeout=LONG)
    click(window.page.pause)
    assert window.page.resume.isVisible()
    event.set()
    managing.refresh()
    qtbot.waitUntil(lambda: kinds(window, BOUND_NAME) == ["unfinished"], timeout=LONG)
    assert window.page.state.phase == "paused", "reading the folder again does not lose the download"
    assert came() == 30_000
    again = threading.Event()
    server.held[WEIGHTS] = (10_000, again)  # or the rest may have come before the next line pauses it
    click(window.page.resume)
    wait_phase(opened, qtbot, "fetching")
    qtbot.waitUntil(lambda: came() == 40_000, timeout=LONG)
    click(window.page.pause)
    assert window.page.state.phase == "paused"
    server.held.clear()
    click(window.page.resume)
    assert window.page.state.phase == "looking", "it goes on as soon as the process before has ended"
    again.set()
    qtbot.waitUntil(lambda: kinds(window, BOUND_NAME) == ["kept"], timeout=LONG)
    assert server.ranges(WEIGHTS)[-1].startswith("bytes=")
    assert contents(store.folder(BOUND_NAME)) == server.repos[BOUND].files


@pytest.mark.slow
def test_a_download_goes_on_after_a_restart_and_asks_again_only_for_other_terms(
    open_models: Callable[[], Opened], server: HubServer, store: Store, tmp_path: Path, qtbot: QtBot
) -> None:
    opened = window, _, parts = open_models()
    event = threading.Event()
    server.held[WEIGHTS] = (20_000, event)
    window.repository.setText(BOUND)
    click(window.look_up)
    wait_phase(opened, qtbot, "asking")
    window.page.accept.setChecked(True)
    click(window.page.agree)
    qtbot.waitUntil(lambda: list(store.partial(BOUND_NAME).glob("*.part")) != [], timeout=LONG)
    parts.window.close()
    event.set()
    server.held.clear()
    data = tmp_path / "data" / "reticle"
    assert load_downloads(data).begun[BOUND_NAME].repository == BOUND

    again = window, _, _ = open_models()
    pick(window, BOUND_NAME)
    assert window.page.get.text() == "Go on…"
    server.repos[BOUND].card = {"license": "cc-by-nc-4.0"}
    click(window.page.get)
    wait_phase(again, qtbot, "asking")
    click(window.page.decline)
    server.repos[BOUND].card = {"license": "mit"}
    click(window.page.get)
    qtbot.waitUntil(lambda: kinds(window, BOUND_NAME) == ["kept"], timeout=LONG)
    qtbot.waitUntil(lambda: not load_downloads(data).begun, timeout=LONG)


@pytest.mark.slow
def test_a_broken_download_says_so_and_can_go_on(
    open_models: Callable[[], Opened], server: HubServer, store: Store, qtbot: QtBot
) -> None:
    opened = window, _, _ = open_models()
    server.busy[WEIGHTS] = [404]
    pick(window, NAME)
    click(window.page.get)
    wait_phase(opened, qtbot, "asking")
    click(window.page.agree)
    wait_phase(opened, qtbot, "paused")
    assert "answers 404" in window.banner.text.text()
    click(window.page.resume)
    qtbot.waitUntil(lambda: kinds(window, NAME) == ["kept"], timeout=LONG)
    assert contents(store.folder(NAME)) == server.repos[FREE].files


@pytest.mark.parametrize(
    "state", ["offline", *(pytest.param(s, marks=pytest.mark.slow) for s in ("unreachable", "unknown"))]
)
def test_no_network_and_no_such_model_are_said(
    open_models: Callable[[], Opened], server: HubServer, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    if state == "offline":
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    elif state == "unreachable":
        monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    window, managing, _ = open_models()
    window.repository.setText("nobody/nothing" if state == "unknown" else FREE)
    click(window.look_up)
    qtbot.waitUntil(lambda: window.banner.isVisible() and not managing.busy, timeout=LONG)
    said = {"offline": "HF_HUB_OFFLINE is set", "unreachable": "cannot be reached", "unknown": "has no nobody/nothing"}
    assert said[state] in window.banner.text.text()
    assert "nothing" not in [entry.title for entry in window.entries]
    assert ("HF_HUB_OFFLINE" in window.place.text()) == (state == "offline")
    assert (server.asked == []) == (state != "unknown")


@pytest.mark.slow
def test_damage_is_found_and_removing_asks_inside_the_window(
    open_models: Callable[[], Opened], store: Store, qtbot: QtBot
) -> None:
    opened = window, managing, _ = open_models()
    get_kept(opened, qtbot)
    click(window.page.verify)
    qtbot.waitUntil(lambda: not managing.works() and window.banner.title.text() == f"{NAME} is whole", timeout=LONG)
    weights = store.folder(NAME) / WEIGHTS
    damaged = bytearray(weights.read_bytes())
    damaged[-3] ^= 1
    weights.write_bytes(damaged)
    click(window.page.verify)
    qtbot.waitUntil(lambda: "not as recorded" in window.banner.title.text(), timeout=LONG)
    assert WEIGHTS in window.banner.text.text()
    click(window.page.remove)
    assert window.page.removal.isVisible()
    click(window.page.keep)
    assert not window.page.removal.isVisible()
    assert weights.exists()
    click(window.page.remove)
    click(window.page.delete)
    qtbot.waitUntil(lambda: kinds(window, NAME) == ["known"], timeout=LONG)
    assert not store.folder(NAME).exists()


def test_another_model_is_used_and_stays_so(open_models: Callable[[], Opened], store: Store, qtbot: QtBot) -> None:
    opened = window, managing, parts = open_models()
    get_kept(opened, qtbot)
    click(window.page.use)
    assert parts.window.footer.model.text() == "Opening another model…"
    qtbot.waitUntil(lambda: not managing.switching and not managing.busy, timeout=LONG)
    assert parts.grounder.model_dir == str(store.folder(NAME))
    assert parts.window.footer.model.text() == "demo-statistics ready"
    assert window.page.pill.isVisible()
    assert not window.page.remove.isEnabled(), "what is in use is not removed"
    assert str(load_settings().model) == NAME
    parts.window.footer.look.click()
    assert str(load_settings().model) == NAME, "another choice does not take it back"
    window.select("own")
    click(window.page.use)
    qtbot.waitUntil(lambda: not managing.switching and not managing.busy, timeout=LONG)
    assert load_settings().model is None
    assert parts.grounder.model_dir == ""


@pytest.mark.slow
def test_a_model_that_cannot_be_opened_gives_the_former_one_back(
    open_models: Callable[[], Opened], server: HubServer, qtbot: QtBot
) -> None:
    server.repos["some/missing"] = Repo(small_model(), OPEN_CARD)
    opened = window, managing, parts = open_models()
    window.repository.setText("some/missing")
    click(window.look_up)
    wait_phase(opened, qtbot, "asking")
    click(window.page.agree)
    qtbot.waitUntil(lambda: kinds(window, "missing") == ["kept"] and not managing.busy, timeout=LONG)
    click(window.page.use)
    qtbot.waitUntil(lambda: not managing.switching, timeout=LONG)
    assert "cannot be used" in window.banner.title.text()
    assert "no model in 'missing'" in window.banner.text.text()
    assert parts.grounder.model_dir == ""
    assert parts.window.footer.model.text() == "demo-statistics ready"
    assert not parts.window.banner.isVisible(), "the main window goes on as before"


@pytest.mark.slow
def test_a_folder_is_imported(
    open_models: Callable[[], Opened], server: HubServer, store: Store, tmp_path: Path, qtbot: QtBot
) -> None:
    opened = window, managing, _ = open_models()
    folder = tmp_path / "from disk"
    folder.mkdir()
    files = small_model()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    window.import_chosen.emit(folder)
    qtbot.waitUntil(lambda: "cannot name a model" in window.banner.text.text() and not managing.busy, timeout=LONG)
    folder = folder.rename(tmp_path / "Pointer")
    window.import_chosen.emit(folder)
    wait_phase(opened, qtbot, "asking")
    assert window.page.agree.text() == "Copy it"
    window.page.accept.setChecked(True)
    click(window.page.agree)
    qtbot.waitUntil(lambda: kinds(window, "Pointer") == ["kept"], timeout=LONG)
    assert contents(store.folder("Pointer")) == files
    assert "No checksum" in window.banner.text.text()
    assert server.asked == []


def test_another_row_chosen_meanwhile_stays_when_an_import_is_done(
    open_models: Callable[[], Opened], server: HubServer, tmp_path: Path, qtbot: QtBot
) -> None:
    opened = window, _, _ = open_models()
    server.repos["some/other"] = Repo(small_model(), OPEN_CARD)
    folder = tmp_path / "Pointer"
    folder.mkdir()
    for name, content in small_model().items():
        (folder / name).write_bytes(content)
    window.repository.setText("some/other")
    click(window.look_up)
    wait_phase(opened, qtbot, "asking")
    window.import_chosen.emit(folder)
    wait_phase(opened, qtbot, "asking")
    window.page.accept.setChecked(True)
    click(window.page.agree)
    pick(window, "other")
    qtbot.waitUntil(lambda: kinds(window, "Pointer") == ["kept"], timeout=LONG)
    assert kinds(window, "other") == ["known"]
    assert window.key == "known some/other"
    assert window.page.state.phase == "asking", "its terms still wait for an answer"


def test_the_model_in_use_is_measured_and_the_result_kept(
    open_models: Callable[[], Opened], tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    window, managing, _ = open_models()
    data = tmp_path / "data" / "reticle"
    with monkeypatch.context() as patch:
        patch.setattr(benchmarking, "INSTRUCTIONS", ("slow red",) * 6)
        click(window.page.measure)
        assert not window.page.measure.isVisible()
        qtbot.wait(200)
        click(window.page.stop_measuring)
        qtbot.waitUntil(lambda: not managing.measuring, timeout=LONG)
    assert not load_benchmarks(data).results, "a cancelled measurement leaves nothing"
    assert not window.banner.isVisible()
    click(window.page.measure)
    qtbot.waitUntil(lambda: not managing.measuring, timeout=LONG)
    kept = load_benchmarks(data).of("")
    assert kept is not None
    assert (len(kept.first_ms), len(kept.further_ms)) == (3, 5)
    assert window.page.speed.text() == kept.headline
    assert "new screenshot" in window.page.speed_words.text()
    assert f"{kept.when.astimezone():%Y-%m-%d}" in window.page.speed_words.text()
    assert window.list.item(1).text().endswith(kept.headline)
    assert json.loads((data / "benchmarks.json").read_text())["results"][0]["width"] == 1280


def pick_numbers(window: ModelsWindow, value: str | None) -> None:
    box = window.page.numbers.field.control
    assert isinstance(box, QComboBox)
    box.setCurrentIndex(box.findData(value))


def told(parts: Parts) -> dict[str, str]:
    """What the command line of the running model process says."""
    return told_to_worker([str(one) for one in parts.grounder.process()._process.args])


def test_the_number_type_is_kept_and_used_from_the_next_opening_on(
    open_models: Callable[[], Opened], qtbot: QtBot
) -> None:
    window, managing, parts = open_models()
    row = window.page.numbers
    assert row.field.value is None
    assert not row.reopen.isVisible()
    first = parts.grounder.pid
    pick_numbers(window, "bf16")
    assert load_settings().dtype == "bf16"
    assert row.reopen.isVisible()
    assert "Fits the machine" in row.words.text(), "what the model in use runs in"
    assert (parts.grounder.pid, "numbers" in told(parts)) == (first, False), "nothing is opened unasked"
    click(row.reopen)
    assert parts.window.footer.model.text() == "Opening the model again…"
    qtbot.waitUntil(lambda: not managing.switching and not managing.busy, timeout=LONG)
    assert told(parts)["numbers"] == "bf16"
    assert parts.grounder.opened_in == "bf16"
    assert not row.reopen.isVisible()
    assert load_settings().model is None
    parts.tools.show_settings()
    field = parts.tools.settings_window.form.fields["dtype"]  # type: ignore[union-attr]
    assert field.value == "bf16"
    parts.preferences.replace({"dtype": "fp32"})
    assert row.field.value == "fp32", "a change in the settings is seen here"
    parts.controller.restart_model()
    qtbot.waitUntil(lambda: parts.grounder.opened_in == "fp32", timeout=LONG)
    assert told(parts)["numbers"] == "fp32"


def test_numbers_that_cannot_be_opened_in_are_given_back(
    open_models: Callable[[], Opened], qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(number_row, "can_open_in", lambda numbers: True)
    window, managing, parts = open_models()
    pick_numbers(window, "int8")
    click(window.page.numbers.reopen)
    qtbot.waitUntil(lambda: not managing.switching and window.banner.isVisible(), timeout=LONG)
    assert "opened as before" in window.banner.title.text()
    assert "he type int8 cannot be had" in window.banner.text.text()
    assert parts.window.footer.model.text() == "demo-statistics ready"
    assert "numbers" not in told(parts)
    assert load_settings().dtype is None
    assert window.page.numbers.field.value is None


@pytest.mark.parametrize("there", [False, True])
def test_int8_is_offered_where_its_library_is(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, there: bool) -> None:
    monkeypatch.setattr(choice, "find_spec", lambda name: object() if there and name == "torchao" else None)
    application = QApplication.instance()
    assert isinstance(application, QApplication)
    row = number_row.NumberRow(Theme(application, "light"))
    qtbot.addWidget(row)
    box = row.field.control
    assert isinstance(box, QComboBox)
    at = box.findData("int8")
    assert bool(box.model().flags(box.model().index(at, 0)) & Qt.ItemFlag.ItemIsEnabled) == there
    tip = box.itemData(at, Qt.ItemDataRole.ToolTipRole)
    assert (tip is None) if there else ("torchao" in tip and "reticle[quant]" in tip)
    row.show_numbers("int8", None, in_use=True, may_open=True)
    assert ("torchao" in row.words.text()) == (not there), "set by hand, it says why it will not open"
    assert row.reopen.isEnabled() == there


def test_every_control_has_a_name(open_models: Callable[[], Opened], qtbot: QtBot) -> None:
    window, _, _ = open_models()
    for kind in (QAbstractButton, QComboBox, QLineEdit, QProgressBar):
        for widget in window.findChildren(kind):
            inner = isinstance(widget.parent(), QLineEdit) or widget.objectName().startswith("qt_")
            assert inner or widget.accessibleName(), widget
    assert window.list.item(1).data(Qt.ItemDataRole.AccessibleTextRole)


def test_the_shipped_model_is_told_whole(tmp_path: Path) -> None:
    """Matcher, icons and heads are most of it; the number type changes the pointer alone."""
    rows = entries(Store(tmp_path), embedded_model_dir(), load_downloads(tmp_path / "none"))
    own = next(row for row in rows if row.kind == "own")
    assert float(own.parameters.split()[0]) > 30
    assert own.memory is not None
    assert own.memory["float32"] - own.memory["bfloat16"] < own.memory["bfloat16"] / 4
