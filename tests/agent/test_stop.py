"""A stop ends input for good, lets everything go, and comes from outside whatever the agent is busy with."""

from __future__ import annotations

import os
import signal
import statistics
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from reticle_agent import stop_watch
from reticle_agent.actions import ClickAt
from reticle_agent.actuator import HandActuator, open_actuator
from reticle_agent.stop import StopToken
from reticle_agent.stop_watch import StopWatch, stopped_by_signals
from reticle_agent.x11 import X11
from reticle_grounding.errors import Cancelled, ReticleError

if TYPE_CHECKING:
    from conftest import Pad

CENTER = (500, 350)
CHORD = ("Control_L", "Alt_L", "Escape")
STOPS = 12


class Person:
    """Somebody at keyboard and mouse, by way of XTEST."""

    def __init__(self) -> None:
        self.x = X11()

    def keys(self, *names: str) -> float:
        """Presses a chord and lets it go; returns the moment before its last key went down."""
        from Xlib import XK, X
        from Xlib.ext.xtest import fake_input

        codes = [self.x.raw.keysym_to_keycode(XK.string_to_keysym(name)) for name in names]
        moment = 0.0
        for code in codes:
            moment = time.monotonic()
            fake_input(self.x.raw, X.KeyPress, code)
            self.x.raw.sync()
        time.sleep(0.03)  # the shortest tap of a hand
        for code in reversed(codes):
            fake_input(self.x.raw, X.KeyRelease, code)
        self.x.raw.sync()
        return moment

    def point(self, x: int, y: int) -> float:
        from Xlib import X
        from Xlib.ext.xtest import fake_input

        moment = time.monotonic()
        fake_input(self.x.raw, X.MotionNotify, x=x, y=y)
        self.x.raw.sync()
        return moment

    def held(self) -> tuple[int, int]:
        """Mouse buttons (mask) and number of keys that are down."""
        keys = sum(bin(byte).count("1") for byte in self.x.raw.query_keymap())
        return self.x.modifiers() >> 8 & 0x1F, keys


@pytest.fixture
def person(x_display: str) -> Iterator[Person]:
    somebody = Person()
    somebody.point(*CENTER)
    yield somebody
    somebody.point(*CENTER)
    somebody.x.close()


@pytest.fixture
def token() -> StopToken:
    return StopToken()


@pytest.fixture
def watch(person: Person, token: StopToken) -> Iterator[StopWatch]:
    watching = StopWatch(token)
    yield watching
    watching.close()


def wait_for(token: StopToken, timeout_s: float = 10) -> None:
    deadline = time.monotonic() + timeout_s
    while not token.stopped and time.monotonic() < deadline:
        time.sleep(0.001)


def test_token_is_permanent_and_the_first_reason_counts(token: StopToken) -> None:
    token.check()
    assert token.report() is None
    assert token.stop("hotkey", "one")
    assert not token.stop("corner", "two")
    with pytest.raises(Cancelled, match="one"):
        token.check()
    with pytest.raises(Cancelled, match="one"):
        token.sleep(30)
    report = token.report()
    assert report is not None
    assert (report.trigger, report.message) == ("hotkey", "one")


def test_token_sets_the_flag_before_it_releases(token: StopToken) -> None:
    seen: list[bool] = []

    def release() -> tuple[str, ...]:
        seen.append(token.stopped)
        return ("shift",)

    token.on_stop(release)
    token.stop("button")
    assert seen == [True]
    report = token.report()
    assert report is not None
    assert report.released == ("shift",)
    assert report.latency_ms >= 0
    token.on_stop(release)
    assert seen == [True, True], "what registers after a stop is released at once"


def test_token_reports_even_when_a_release_fails(token: StopToken) -> None:
    def broken() -> tuple[str, ...]:
        raise ReticleError("the display has gone")

    token.on_stop(broken)
    with pytest.raises(ReticleError):
        token.stop("button")
    assert token.stopped
    assert token.report() is not None


def test_sleep_ends_at_the_stop(token: StopToken) -> None:
    threading.Timer(0.05, token.stop, ("button",)).start()
    start = time.monotonic()
    with pytest.raises(Cancelled):
        token.sleep(60)
    assert time.monotonic() - start < 30


def test_stop_key_stops_and_never_reaches_the_application(
    watch: StopWatch, token: StopToken, person: Person, pad: Pad
) -> None:
    pad.ask()
    assert watch.keys == ("ctrl", "alt", "escape")
    person.keys(*CHORD)
    wait_for(token)
    report = token.report()
    assert report is not None
    assert report.trigger == "hotkey"
    escape = 0x01000000
    assert escape not in [e[1] for e in pad.events(3, "key", timeout_s=0.3)]


@pytest.mark.parametrize("lock", ["Caps_Lock", "Num_Lock"])
def test_stop_key_works_with_lock_keys_on(watch: StopWatch, token: StopToken, person: Person, lock: str) -> None:
    person.keys(lock)
    try:
        person.keys(*CHORD)
        wait_for(token)
        assert token.stopped
    finally:
        person.keys(lock)


def test_stop_key_works_while_a_menu_holds_the_keyboard(watch: StopWatch, token: StopToken, person: Person) -> None:
    from Xlib import X

    other = X11()
    held = other.root.grab_keyboard(False, X.GrabModeAsync, X.GrabModeAsync, X.CurrentTime)
    assert held == X.GrabSuccess
    person.keys(*CHORD)
    wait_for(token)
    other.close()
    assert token.stopped


def test_other_keys_do_not_stop(watch: StopWatch, token: StopToken, person: Person) -> None:
    for chord in (("Escape",), ("Control_L", "Escape"), ("Control_L", "Alt_L", "a"), ("Control_L", "Alt_L")):
        person.keys(*chord)
    time.sleep(0.1)
    assert not token.stopped


@pytest.mark.parametrize("corner", [(0, 0), (1279, 0), (0, 799), (1279, 799), (2, 1), (1277, 797)])
def test_every_corner_stops(watch: StopWatch, token: StopToken, person: Person, corner: tuple[int, int]) -> None:
    person.point(640, 3)  # an edge alone does not stop
    time.sleep(0.05)
    assert not token.stopped
    person.point(*corner)
    wait_for(token)
    report = token.report()
    assert report is not None
    assert report.trigger == "corner"


def test_signal_to_the_stopper_stops(watch: StopWatch, token: StopToken) -> None:
    os.kill(watch.pid, signal.SIGINT)
    wait_for(token)
    report = token.report()
    assert report is not None
    assert (report.trigger, report.message) == ("signal", "stopped by SIGINT")


def test_signal_to_the_agent_stops(token: StopToken) -> None:
    before = signal.getsignal(signal.SIGTERM)
    with stopped_by_signals(token):
        os.kill(os.getpid(), signal.SIGTERM)
        wait_for(token)
    assert token.stopped
    assert signal.getsignal(signal.SIGTERM) is before


def test_dead_stopper_stops_the_run(watch: StopWatch, token: StopToken) -> None:
    os.kill(watch.pid, signal.SIGKILL)
    wait_for(token)
    report = token.report()
    assert report is not None
    assert report.trigger == "watchdog"


def test_silent_stopper_stops_the_run(person: Person, token: StopToken, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stop_watch, "SILENCE_S", 2.0)
    watch = StopWatch(token)
    os.kill(watch.pid, signal.SIGSTOP)
    wait_for(token)
    os.kill(watch.pid, signal.SIGCONT)
    watch.close()
    report = token.report()
    assert report is not None
    assert (report.trigger, report.message) == ("watchdog", "the stop watcher is silent, so the run was stopped")


def test_closing_the_watch_is_no_stop(person: Person, token: StopToken) -> None:
    StopWatch(token).close()
    assert not token.stopped


def test_taken_key_gives_way_to_the_next(person: Person, token: StopToken) -> None:
    first = StopWatch(token)
    second = StopWatch(StopToken())
    assert first.keys != second.keys
    first.close()
    second.close()


def test_no_display_no_run(monkeypatch: pytest.MonkeyPatch, token: StopToken) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    with pytest.raises(ReticleError, match="no display"):
        StopWatch(token)


@pytest.fixture(scope="module")
def hand(pad: Pad) -> Iterator[HandActuator]:
    actuator = open_actuator(StopToken())
    yield actuator
    actuator.close()


def test_latency_of_a_dozen_stops(
    pad: Pad, person: Person, hand: HandActuator, capsys: pytest.CaptureFixture[str]
) -> None:
    """From the key going down (or the pointer arriving) until a held mouse button is up again."""
    took_ms: list[float] = []
    for n in range(STOPS):
        token = StopToken()
        token.on_stop(hand.release)
        watch = StopWatch(token)
        hand.perform(ClickAt(CENTER))
        hand._button("left", True)
        assert person.held()[0] == 1
        moment = person.keys(*CHORD) if n % 2 else person.point(1279, 799)
        wait_for(token)
        report = token.report()
        assert report is not None, "every stop is noticed"
        assert report.released == ("button left",)
        assert person.held()[0] == 0
        took_ms.append(report.latency_ms + (token.seen_s - moment) * 1000)
        watch.close()
        person.point(*CENTER)
    ordered = sorted(took_ms)
    with capsys.disabled():
        print(f"\nstop latency over {STOPS}: p50 {statistics.median(ordered):.1f} ms, worst {ordered[-1]:.1f} ms")
    assert ordered[-1] < 1000
