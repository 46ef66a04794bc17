"""Inputs reach a real window of another process, exactly."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from reticle_agent.actions import ClickAt, DragTo, EnterText, PressKeys, ScrollAt
from reticle_agent.actuator import HandActuator, drag_path, open_actuator
from reticle_agent.gates import InputGate, RefusedError
from reticle_agent.stop import StopToken
from reticle_agent.x11 import X11
from reticle_grounding.errors import BadInput, Cancelled, ReticleError

if TYPE_CHECKING:
    from conftest import Pad

CENTER = (500, 350)
TEXTS = [
    "plain words, (signs) #1: 100% & <ok>!",
    "äöü ÄÖÜ ß é ñ",
    "costs 5 €",
    "漢字かな交じり文",
    "smile 😀 and family 👨‍👩‍👧",
    "first line\nsecond line\n\tindented\tand a tab\n",
    "Ωmega Жук \u05e9\u05dc\u05d5\u05dd",
    "x" * 2000,
    "ü" * 2000,
]


@pytest.fixture(scope="module")
def token() -> StopToken:
    return StopToken()


@pytest.fixture(scope="module")
def hand(pad: Pad, token: StopToken) -> Iterator[HandActuator]:
    actuator = open_actuator(token)
    yield actuator
    actuator.close()


@pytest.fixture
def fresh(pad: Pad, hand: HandActuator) -> HandActuator:
    hand.perform(ClickAt(CENTER))
    pad.events(1, "release")
    pad.ask(clear=True)
    return hand


def held_buttons_and_keys() -> tuple[int, list[int]]:
    connection = X11()
    mask = connection.modifiers() >> 8 & 0x1F
    keys = [i for i, byte in enumerate(connection.raw.query_keymap()) if byte]
    connection.close()
    return mask, keys


@pytest.mark.parametrize("text", TEXTS, ids=lambda t: f"{t[:12].encode('unicode_escape').decode()}-{len(t)}")
def test_text_arrives_exactly(fresh: HandActuator, pad: Pad, text: str) -> None:
    fresh.perform(EnterText(text))
    assert pad.text(text) == text


def test_line_ends_of_other_systems_become_line_breaks(fresh: HandActuator, pad: Pad) -> None:
    fresh.perform(EnterText("a\r\nb\rc"))
    assert pad.text("a\nb\nc") == "a\nb\nc"


def test_paste_gives_the_old_clipboard_back(fresh: HandActuator, pad: Pad) -> None:
    pad.ask(clipboard="was here before: ß漢")
    fresh.perform(EnterText("漢字"))
    assert pad.text("漢字") == "漢字"
    assert pad.ask(paste=True)["clipboard"] == "was here before: ß漢"


def test_paste_leaves_an_empty_clipboard_empty(fresh: HandActuator, pad: Pad) -> None:
    pad.ask(clipboard="")
    fresh.perform(EnterText("漢"))
    assert pad.text("漢") == "漢"
    assert pad.ask(paste=True)["clipboard"] == ""


def test_old_clipboard_text_outlives_the_run(pad: Pad) -> None:
    token = StopToken()
    actuator = open_actuator(token)
    subprocess.run(
        ["xclip", "-selection", "clipboard", "-in"], input="kept ü".encode(), check=True, stdout=subprocess.DEVNULL
    )
    actuator.perform(ClickAt(CENTER))
    actuator.perform(EnterText("漢"))
    actuator.close()
    kept = subprocess.run(["xclip", "-selection", "clipboard", "-out"], capture_output=True, check=True, timeout=10)
    assert kept.stdout.decode() == "kept ü"


@pytest.mark.parametrize("text", ["bell \x07", "null \x00", "half \ud83d"])
def test_control_characters_are_refused_by_name(fresh: HandActuator, pad: Pad, text: str) -> None:
    with pytest.raises(BadInput, match=r"U\+"):
        fresh.perform(EnterText(text))
    assert pad.ask()["text"] == ""


@pytest.mark.parametrize(
    ("button", "name"), [("left", "LeftButton"), ("middle", "MiddleButton"), ("right", "RightButton")]
)
def test_click_lands_on_its_pixel(hand: HandActuator, pad: Pad, button: str, name: str) -> None:
    pad.ask()
    hand.perform(ClickAt((431, 287), button))  # type: ignore[arg-type]
    events = [["press", name, 431, 287], ["release", name, 431, 287]]
    if button == "right":  # its release goes to the menu that the press opened
        assert pad.events(1, "press") == events[:1]
        hand.perform(PressKeys(("escape",)))
        time.sleep(0.2)
    else:
        assert pad.events(2, "press", "release") == events


def test_double_and_triple_click_select_word_and_line(fresh: HandActuator, pad: Pad) -> None:
    fresh.perform(EnterText("one two\nthree"))
    pad.text("one two\nthree")
    fresh.perform(ClickAt((212, 162), count=2))
    fresh.perform(EnterText("X"))
    assert pad.text("X two\nthree") == "X two\nthree"
    time.sleep(0.5)  # otherwise the next press counts as the third
    fresh.perform(ClickAt((212, 162), count=3))
    fresh.perform(EnterText("Y"))
    assert pad.text("Ythree") == "Ythree"  # Qt takes the line break with the line


def test_drag_holds_the_button_all_the_way(hand: HandActuator, pad: Pad) -> None:
    pad.ask()
    hand.perform(DragTo((300, 250), (700, 450)))
    events = pad.events(1000, "press", "release", "move", timeout_s=1)
    kinds = [e[0] for e in events if not (e[0] == "move" and e[2:] == [300, 250])]
    assert kinds[0] == "press"
    assert kinds[-1] == "release"
    assert kinds.count("move") >= 10
    assert next(e for e in events if e[0] == "press")[2:] == [300, 250]
    assert events[-1][2:] == [700, 450]


@pytest.mark.parametrize(
    ("direction", "axis", "sign"), [("up", 2, 1), ("down", 2, -1), ("left", 1, 1), ("right", 1, -1)]
)
def test_scroll_turns_the_wheel_by_notches(hand: HandActuator, pad: Pad, direction: str, axis: int, sign: int) -> None:
    pad.ask()
    hand.perform(ScrollAt(direction, 3, CENTER))  # type: ignore[arg-type]
    turned = pad.events(3, "wheel")
    assert [e[axis] for e in turned] == [sign * 120] * 3


def test_hotkeys_work_in_the_application(fresh: HandActuator, pad: Pad) -> None:
    fresh.perform(EnterText("abc"))
    pad.text("abc")
    fresh.perform(PressKeys(("ctrl", "a")))
    fresh.perform(PressKeys(("delete",)))
    assert pad.text("") == ""
    fresh.perform(PressKeys(("ctrl", "z")))
    assert pad.text("abc") == "abc"
    assert held_buttons_and_keys() == (0, [])


def test_shifted_sign_as_a_key(fresh: HandActuator, pad: Pad) -> None:
    fresh.perform(PressKeys(("?",)))
    assert pad.text("?") == "?"


@pytest.mark.parametrize("keys", [("hyper",), ("ctrl", "")])
def test_unknown_key_is_named(hand: HandActuator, keys: tuple[str, ...]) -> None:
    with pytest.raises(BadInput, match=f"'{keys[-1]}'"):
        hand.perform(PressKeys(keys))


def test_points_outside_and_in_corners_are_refused_before_anything_moves(hand: HandActuator) -> None:
    connection = X11()
    before = connection.pointer()
    with pytest.raises(BadInput, match="outside of every monitor"):
        hand.perform(ClickAt((5000, 10)))
    for corner in [(0, 0), (1279, 1), (2, 798), (1278, 799)]:
        with pytest.raises(RefusedError, match="kept for stopping"):
            hand.perform(ClickAt(corner))
    with pytest.raises(RefusedError, match="kept for stopping"):
        hand.perform(DragTo(CENTER, (0, 0)))
    assert connection.pointer() == before
    connection.close()


def test_stop_key_is_never_sent(hand: HandActuator) -> None:
    with pytest.raises(RefusedError, match="never sent"):
        hand.perform(PressKeys(("ctrl", "alt", "escape")))


def test_own_windows_get_neither_clicks_nor_keys(pad: Pad) -> None:
    actuator = open_actuator(StopToken(), own_pids=[pad.process.pid])
    pad.ask()
    for action in (
        ClickAt(CENTER),
        DragTo((100, 100), CENTER),
        ScrollAt("down", 2, CENTER),
        EnterText("a"),
        PressKeys(("a",)),
    ):
        with pytest.raises(RefusedError, match="own window"):
            actuator.perform(action)
    actuator.close()
    assert pad.events(1, "press", "wheel", "key", timeout_s=0.2) == []


def test_stop_in_the_middle_of_typing(fresh: HandActuator, pad: Pad) -> None:
    token = StopToken()
    actuator = open_actuator(token)
    timer = threading.Timer(0.3, token.stop, ("button",))
    timer.start()
    with pytest.raises(Cancelled):
        actuator.perform(EnterText("y" * 9000))
    time.sleep(0.3)
    length = len(pad.ask()["text"])
    time.sleep(0.2)
    assert 0 < length < 9000
    assert len(pad.ask()["text"]) == length
    assert held_buttons_and_keys() == (0, [])
    with pytest.raises(Cancelled):
        actuator.perform(ClickAt(CENTER))
    actuator.close()


def test_stop_in_the_middle_of_a_drag_lets_the_button_go(pad: Pad) -> None:
    token = StopToken()
    actuator = open_actuator(token)
    timer = threading.Timer(0.25, token.stop, ("button",))
    timer.start()
    with pytest.raises(Cancelled):
        actuator.perform(DragTo((300, 250), (700, 450)))
    report = token.report()
    assert report is not None
    assert report.released == ("button left",)
    assert held_buttons_and_keys() == (0, [])
    actuator.close()


def test_killed_hand_is_reported_and_leaves_nothing_held(pad: Pad) -> None:
    actuator = open_actuator(StopToken())
    assert actuator.pid is not None
    actuator.perform(ClickAt(CENTER))
    actuator._key("shift", True)
    actuator._button("left", True)
    os.kill(actuator.pid, signal.SIGKILL)
    with pytest.raises(ReticleError, match="has ended"):
        actuator.perform(PressKeys(("a",)))
    assert held_buttons_and_keys() == (0, [])
    with pytest.raises(ReticleError, match="not running"):
        actuator.perform(ClickAt(CENTER))
    actuator.close()


def test_fail_safe_corner_ends_the_run(pad: Pad) -> None:
    token = StopToken()
    actuator = open_actuator(token)
    connection = X11()
    connection.root.warp_pointer(0, 0)
    connection.raw.sync()
    with pytest.raises(Cancelled, match="corner"):
        actuator.perform(PressKeys(("a",)))
    assert token.stopped
    connection.root.warp_pointer(*CENTER)
    connection.raw.sync()
    connection.close()
    actuator.close()


def test_mousepad_saves_what_was_typed(x_display: str, tmp_path: Path, pad: Pad) -> None:
    text = "Grüße, 漢字 😀 €5\n\tand a tab, 100% \\o/\n"
    file = tmp_path / "note.txt"
    file.write_text("")
    environment = os.environ | {"GDK_BACKEND": "x11", "NO_AT_BRIDGE": "1"}
    editor = subprocess.Popen(
        ["mousepad", "--disable-server", str(file)],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    connection = X11()
    deadline = time.monotonic() + 20
    while connection.owner_pid(connection.active_window() or connection.root.id) != editor.pid:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(0.3)
    connection.close()
    actuator = open_actuator(StopToken())
    try:
        actuator.perform(EnterText(text))
        actuator.perform(EnterText("typed by keys, line 2"))
        actuator.perform(PressKeys(("ctrl", "s")))
        while "line 2" not in file.read_text() and time.monotonic() < deadline:
            time.sleep(0.05)
        assert file.read_text().rstrip("\n") == text + "typed by keys, line 2"
    finally:
        actuator.close()
        editor.kill()
        editor.wait()


def test_drag_path_starts_and_ends_exactly() -> None:
    path = drag_path((3, 4), (-90, 700))
    assert (path[0], path[-1]) == ((3, 4), (-90, 700))
    assert len(path) > 20


def test_no_display_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY")
    with pytest.raises(ReticleError, match="no display"):
        InputGate()
    monkeypatch.setenv("DISPLAY", ":987")
    with pytest.raises(ReticleError, match=":987 cannot be opened"):
        InputGate()


@contextmanager
def managed_window(pid: int) -> Iterator[int]:
    """A plain window with the focus, in the lower left of the screen."""
    from Xlib import X, Xatom

    connection = X11()
    window = connection.root.create_window(50, 620, 200, 100, 0, X.CopyFromParent, background_pixel=0xFFFFFF)
    window.change_property(connection.raw.get_atom("_NET_WM_PID"), Xatom.CARDINAL, 32, [pid])
    window.map()
    connection.raw.sync()
    deadline = time.monotonic() + 5
    while connection.active_window() != window.id:
        assert time.monotonic() < deadline, "the window did not get the focus"
        connection.activate(window.id)
        time.sleep(0.1)
    yield window.id
    window.destroy()
    connection.raw.sync()
    connection.close()


def test_keys_go_to_the_application_below_an_own_window(fresh: HandActuator, pad: Pad) -> None:
    """After an answer in a window of ours, the focus goes back by itself."""
    with managed_window(os.getpid()):
        fresh.perform(EnterText("to the pad"))
        assert pad.text("to the pad") == "to the pad"


@pytest.mark.parametrize("round_", range(3))
def test_keys_wait_for_the_focus_to_follow_the_click(fresh: HandActuator, pad: Pad, round_: int) -> None:
    with managed_window(pid=1):
        fresh.perform(ClickAt(CENTER))
        fresh.perform(EnterText(f"all of it {round_}"))
        assert pad.text(f"all of it {round_}") == f"all of it {round_}"


def test_killed_agent_leaves_nothing_held(pad: Pad) -> None:
    source = """
import sys
from reticle_agent.actions import DragTo
from reticle_agent.actuator import open_actuator
from reticle_agent.stop import StopToken
from reticle_agent import actuator
actuator.DRAG_STEP_S = 1.0
hand = open_actuator(StopToken())
print("open", flush=True)
hand.perform(DragTo((300, 250), (700, 450)))
"""
    agent = subprocess.Popen([sys.executable, "-c", source], stdout=subprocess.PIPE, text=True)
    assert agent.stdout is not None
    assert agent.stdout.readline() == "open\n"
    deadline = time.monotonic() + 10
    while held_buttons_and_keys()[0] == 0:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    agent.kill()
    agent.communicate()
    while held_buttons_and_keys()[0] != 0 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert held_buttons_and_keys() == (0, [])
