"""What may be done in which application, until when, and that the loop and the hand both keep to it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from agent_fakes.desk import Desk, Person, hurry

from reticle_agent.actions import (
    AskUser,
    Click,
    ClickAt,
    Drag,
    Finish,
    Hotkey,
    Pixel,
    PressKeys,
    Scroll,
    Step,
    TypeText,
)
from reticle_agent.actuator import open_actuator
from reticle_agent.applications import (
    SHIPPED,
    AppGuard,
    AppRule,
    AppRules,
    AppWindow,
    DesktopApplications,
    Level,
    needed_level,
    reason_to_ask,
)
from reticle_agent.gates import RefusedError
from reticle_agent.loop import run_task
from reticle_agent.safety import Policy
from reticle_agent.seams import StepOutcome
from reticle_agent.stop import StopToken
from reticle_agent.trace import TraceWriter
from reticle_agent.x11 import X11
from reticle_grounding.errors import BadInput

NOW = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
HOUR = timedelta(hours=1)
PAD, BANK, VAULT, NAMELESS = (
    AppWindow(("mousepad",), "notes"),
    AppWindow(("firefox",), "My Bank - Firefox"),
    AppWindow(("keepassxc", "org.keepassxc.keepassxc"), "Passwords"),
    AppWindow(()),
)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("step", "level"),
    [
        (Click("x"), "click"),
        (Click("x", "right", 2), "click"),
        (Drag("a", "b"), "click"),
        (Scroll("down"), "click"),
        (TypeText("x"), "type"),
        (TypeText("x", "field"), "type"),
        (Hotkey(("a",)), "type"),
        (AskUser("?"), "look"),
    ],
)
def test_what_a_step_needs(step: Step, level: Level) -> None:
    assert needed_level(step) == level


@pytest.mark.parametrize("level", ["look", "click", "type"])
def test_each_level_allows_what_stands_before_it(level: Level) -> None:
    rules = AppRules([AppRule("Mousepad", level)], NOW)
    allowed = {"look": ["look"], "click": ["look", "click"], "type": ["look", "click", "type"]}[level]
    for needed in ("look", "click", "type"):
        assert (rules.refusal(needed, PAD) is None) == (needed in allowed)  # type: ignore[arg-type]


def test_an_application_without_a_rule_is_free_and_a_star_limits_it() -> None:
    assert AppRules([], NOW).refusal("type", PAD) is None
    rules = AppRules([AppRule("*", "look"), AppRule("mousepad", "click")], NOW)
    assert rules.refusal("click", PAD) is None
    assert rules.refusal("click", BANK) == "to click is not allowed here: your rule for * allows to look"
    assert rules.refusal("click", NAMELESS) is not None
    assert rules.refusal("click", None) is not None, "the bare desktop is one of all others"


def test_the_narrowest_of_several_rules_holds() -> None:
    rules = AppRules([AppRule("keepassxc", "type"), AppRule("org.keepassxc.keepassxc", "look")], NOW)
    assert rules.level(VAULT)[0] == "look"


@pytest.mark.parametrize("name", sorted(SHIPPED))
def test_shipped_limits_hold_until_the_person_says_otherwise(name: str) -> None:
    window = AppWindow((name,))
    refusal = AppRules([], NOW).refusal("click", window)
    assert refusal is not None
    assert "nothing is done there without a rule of yours" in refusal
    assert AppRules([AppRule("*", "type")], NOW).level(window)[0] == "type"
    assert AppRules([AppRule(name, "click", NOW, NOW + HOUR)], NOW).level(window)[0] == "click"


def test_a_permission_ends_during_the_run() -> None:
    clock = Clock()
    rules = AppRules([AppRule("keepassxc", "type", NOW, NOW + HOUR)], NOW, clock)
    assert rules.level(VAULT)[0] == "type"
    assert rules.words() == ["keepassxc: type until 2026-03-01T13:00+00:00"]
    clock.now += 3599
    assert rules.level(VAULT)[0] == "type"
    clock.now += 1
    assert rules.level(VAULT)[0] == "look"
    assert rules.words() == []


@pytest.mark.parametrize("now", [NOW + HOUR, NOW + 2 * HOUR, NOW - timedelta(seconds=1), NOW - 400 * 24 * HOUR])
def test_no_clock_revives_a_permission(now: datetime) -> None:
    """Neither after its end nor with the clock set back before it was given."""
    assert AppRules([AppRule("keepassxc", "type", NOW, NOW + HOUR)], now).level(VAULT)[0] == "look"


def test_a_clock_set_back_during_the_run_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    rules = AppRules([AppRule("keepassxc", "type", NOW, NOW + HOUR)], NOW, clock)
    monkeypatch.setattr(time, "time", lambda: 0.0)
    clock.now += 3601
    assert rules.level(VAULT)[0] == "look"


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: AppRule(" ", "click"), "needs the name"),
        (lambda: AppRule("x", "own"), "one of look, click, type, not 'own'"),  # type: ignore[arg-type]
        (lambda: AppRule("x", "click", until=datetime(2026, 1, 1)), "time zone"),
    ],
)
def test_rules_that_cannot_be_meant(make: Any, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        make()


def test_windows_that_are_always_asked_about() -> None:
    assert reason_to_ask(Click("x"), BANK) == "the window's title says 'Bank'"
    assert reason_to_ask(Click("x"), NAMELESS) == "nothing says which application this is"
    assert reason_to_ask(Click("x"), AppWindow(("a",), "Embankment plans")) is None
    assert reason_to_ask(Click("x"), None) is None
    assert reason_to_ask(AskUser("?"), BANK) is None


# --- in the loop ---------------------------------------------------------------------------------------------------


class Windows:
    """Every point belongs to one window, and the keyboard to another."""

    def __init__(self, at: AppWindow | None, focus: AppWindow | None = PAD) -> None:
        self.here, self.focus = at, focus

    def at(self, pixel: Pixel) -> AppWindow | None:
        return self.here

    def focused(self) -> AppWindow | None:
        return self.focus


class Steps:
    def __init__(self, *steps: Step) -> None:
        self.steps = steps

    def next(self, task: str, past: Sequence[StepOutcome]) -> Step:
        return self.steps[len(past)] if len(past) < len(self.steps) else Finish(True)


def run(desk: Desk, folder: Path, windows: Windows, *steps: Step, rules: list[AppRule], person: Person | None = None):
    guard = AppGuard(AppRules(rules, NOW), windows)
    with TraceWriter.create(folder / "trace", task="t", displays=[desk.display]) as trace:
        result = run_task(
            "t",
            planner=Steps(*steps),
            screen=desk,
            grounder=desk,
            approver=person,
            actuator=desk,
            trace=trace,
            policy=Policy("auto"),
            token=StopToken(),
            guard=guard,
        )
    lines = (folder / "trace" / "events.jsonl").read_text().splitlines()
    return result, [event for event in map(json.loads, lines) if event["type"] == "gate"]


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    hurry(monkeypatch)
    return Desk()


def test_a_forbidden_application_is_neither_asked_about_nor_touched(desk: Desk, tmp_path: Path) -> None:
    person = Person("allow")
    result, gates = run(desk, tmp_path, Windows(VAULT), Click("ok"), rules=[], person=person)
    assert result.status == "refused"
    assert result.message.startswith("to click is not allowed here: keepassxc is a password manager")
    assert (desk.performed, person.requests) == ([], [])
    assert (gates[0]["decision"], gates[0]["source"], gates[0]["rule"]) == ("deny", "policy", result.message)


def test_click_only_lets_no_keys_through(desk: Desk, tmp_path: Path) -> None:
    only = [AppRule("mousepad", "click")]
    result, _ = run(desk, tmp_path, Windows(PAD), Click("ok"), Hotkey(("a",)), rules=only)
    assert result.message == "to type is not allowed here: your rule for mousepad allows to click"
    assert desk.performed == [ClickAt((180, 15))]


def test_keys_are_judged_by_the_window_that_has_the_keyboard(desk: Desk, tmp_path: Path) -> None:
    result, _ = run(desk, tmp_path, Windows(VAULT, PAD), Hotkey(("a",)), rules=[])
    assert (result.status, desk.performed) == ("done", [PressKeys(("a",))])


def test_a_bank_is_asked_about_in_auto(desk: Desk, tmp_path: Path) -> None:
    person = Person("deny")
    result, gates = run(desk, tmp_path, Windows(BANK), Click("ok"), rules=[], person=person)
    assert (result.status, desk.performed) == ("refused", [])
    assert person.requests[0].reason == "the window's title says 'Bank'"
    assert gates[-1]["source"] == "user"


# --- on a real display ---------------------------------------------------------------------------------------------

WINDOW = """
import sys
from PySide6.QtWidgets import QApplication, QPlainTextEdit
app = QApplication([sys.argv[1]])
app.setApplicationName(sys.argv[1])
pad = QPlainTextEdit()
pad.setWindowTitle(sys.argv[2])
pad.setGeometry(300, 200, 400, 300)
pad.show()
app.exec()
"""


@pytest.fixture
def vault(x_display: str) -> Iterator[X11]:
    """A window whose class is that of a password manager, with the focus."""
    environment = os.environ | {"QT_QPA_PLATFORM": "xcb"}
    program = subprocess.Popen([sys.executable, "-c", WINDOW, "keepassxc", "Passwords"], env=environment)
    connection = X11()
    deadline = time.monotonic() + 30
    while (active := connection.active_window()) is None or connection.owner_pid(active) != program.pid:
        assert time.monotonic() < deadline, "the window did not open"
        time.sleep(0.05)
    yield connection
    connection.close()
    program.kill()
    program.wait()


def test_the_hand_itself_refuses_at_the_last_moment(vault: X11) -> None:
    windows = DesktopApplications(vault)
    at, focused = windows.at((450, 320)), windows.focused()
    assert at is not None
    assert focused is not None
    assert "keepassxc" in at.names
    assert at == focused
    assert at.title == "Passwords"
    assert windows.at((5, 790)) is None
    for rules, allowed in (([], False), ([AppRule("keepassxc", "type")], True)):
        hand = open_actuator(StopToken(), guard=AppGuard(AppRules(rules, datetime.now(timezone.utc)), windows))
        try:
            for action in (ClickAt((450, 320)), PressKeys(("shift",))):
                if allowed:
                    hand.perform(action)
                else:
                    with pytest.raises(RefusedError, match="password manager"):
                        hand.perform(action)
        finally:
            hand.close()
