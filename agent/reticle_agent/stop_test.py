"""How long from a stop's trigger until nothing more is sent and nothing is held? Measured by a witness of its own.

The agent's own parts are used: a hand that sends, a stopper that watches. The trigger is given as a person gives it;
the person's mouse and keys through their own devices where the server allows that (XTEST with a device, as in "X11
Input Extension Library", XTestFakeDevice...). The witness reads the X server's raw events with the server's clock, so
neither side's own idea of time counts.
"""

from __future__ import annotations

import random
import struct
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import Literal, TypeAlias

from reticle_grounding.errors import Cancelled, ReticleError

from .actions import DragTo, EnterText
from .actuator import open_actuator
from .displays import read_displays
from .hands import MOTIONS, YieldingActuator
from .keyboard import Layout
from .probe_window import ProbeWindow
from .raw_input import RawEvent, RawInput
from .seams import Actuator
from .stop import StopToken
from .stop_watch import StopWatch
from .x11 import X11, DisplayError

Way: TypeAlias = Literal["hotkey", "corner", "mouse", "key"]
WAYS: tuple[Way, ...] = ("hotkey", "corner", "mouse", "key")
TRIGGERS = {"hotkey": "hotkey", "corner": "corner", "mouse": "mouse_moved", "key": "key_pressed"}
WAIT_S = 10.0
"""A stop that takes longer has failed."""
AFTER_S = 0.15
"""After a stop the witness looks on for so long."""
XTEST_FAKE_INPUT = 2
DEVICE_KEY_PRESS, DEVICE_KEY_RELEASE, DEVICE_MOTION = 1, 2, 5
"""Offsets from the first event of the X Input Extension, as XTEST takes them."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One stop."""

    way: Way
    ms: float
    """From the trigger to the last event of the agent, releases included, by the server's clock."""
    last_input_ms: float
    """The same without releases."""
    held: tuple[str, ...]
    """Keys and mouse buttons still down afterwards: ``key 38`` by its code, ``button 1``."""
    trigger: str
    """What the agent took it for."""


class PersonsDevices:
    """Sends as a person's own mouse and keyboard. Raises DisplayError where the server has no such devices."""

    def __init__(self, raw: RawInput) -> None:
        client = raw.client
        xtest, xinput = client.extension("XTEST"), client.extension("XInputExtension")
        if xtest is None or xinput is None:
            raise DisplayError("the display cannot act as a person's devices (XTEST and X Input are needed)")
        self._client, self._xtest, self._first = client, xtest[0], xinput[1]
        own = {number: name.lower() for number, name in raw.devices().items() if number > 3 and "XTEST" not in name}
        self._keyboard = _first_named(own, "keyboard")
        self._mouse = _first_named(own, "mouse", "pointer")

    def move(self, x: int, y: int) -> None:
        """Device units, which on a virtual display are not pixels."""
        values = struct.pack("<BBHHBB6i", self._first, self._mouse, 0, 0, 2, 0, x, y, 0, 0, 0, 0)
        self._send(self._event(DEVICE_MOTION, 0, self._mouse) + values)

    def key(self, code: int, down: bool) -> None:
        self._send(self._event(DEVICE_KEY_PRESS if down else DEVICE_KEY_RELEASE, code, self._keyboard))

    def _event(self, kind: int, detail: int, device: int) -> bytes:
        return struct.pack("<BBHIIxxxxxxxxHHxxxxxxxB", self._first + kind, detail, 0, 0, 0, 0, 0, device)

    def _send(self, events: bytes) -> None:
        self._client.send(struct.pack("<BBH", self._xtest, XTEST_FAKE_INPUT, 1 + len(events) // 4) + events)


def _first_named(devices: dict[int, str], *words: str) -> int:
    for number, name in devices.items():
        if any(word in name for word in words):
            return number
    raise DisplayError(f"the display has no {words[0]} of its own to test with")


class Bench:
    """Everything a series of stops is measured with; open it where a small window may appear for a moment."""

    def __init__(self, stack: ExitStack) -> None:
        self._x = X11()
        stack.callback(self._x.close)
        self._area = read_displays()[0].physical
        self._witness = RawInput()
        stack.callback(self._witness.close)
        self._window = ProbeWindow(self._area)
        stack.callback(self._window.close)
        self._seen: list[RawEvent] = []
        self._devices: PersonsDevices | None = None
        with suppress(DisplayError):
            self._devices = PersonsDevices(self._witness)

    def ways(self) -> tuple[Way, ...]:
        """What can be tried on this display."""
        return WAYS if self._devices is not None else ("hotkey", "corner")

    def stop(self, way: Way, rng: random.Random) -> Measured:
        """One stop in the middle of an input. Raises ReticleError when it is not noticed at all."""
        self._point(*self._window.center)
        token = StopToken()
        with ExitStack() as stack:
            watch = StopWatch(token)
            stack.callback(watch.close)
            hand = open_actuator(token)
            stack.callback(hand.close)
            watch.guards(hand.pid)
            self._witness.poll()
            busy = threading.Thread(target=self._keep_busy, args=(YieldingActuator(hand, watch), way), daemon=True)
            busy.start()
            self._first_input()
            time.sleep(0.6 * rng.random())  # about one drag: the moment within it is a matter of chance
            self._witness.poll()
            since = self._trigger(way, watch.keys)
            deadline = time.monotonic() + WAIT_S
            while not token.stopped and time.monotonic() < deadline:
                time.sleep(0.002)
            report = token.report()
            busy.join(WAIT_S)
            time.sleep(AFTER_S)
            if report is None or busy.is_alive():
                raise ReticleError(f"a stop by {way} was not noticed within {WAIT_S:g} s")
            return self._judged(way, since, report.trigger)

    def _keep_busy(self, actuator: Actuator, way: Way) -> None:
        """One input after the other until it is stopped; where the pointer is the trigger it is left alone."""
        x, y = self._window.center
        action = EnterText("A" * 500) if way == "corner" else DragTo((x - 60, y - 20), (x + 60, y + 20))
        with suppress(Cancelled):
            while True:
                actuator.perform(action)

    def _trigger(self, way: Way, chord: Sequence[str]) -> int:
        """Gives the trigger and returns the server's time of it."""
        if way == "hotkey":
            codes = [self._code(name) for name in chord]
            for code in codes:
                self._fake(2, code)
            moment = self._moment("key", codes[-1], by_program=True)
            time.sleep(0.03)  # the shortest tap of a hand
            for code in reversed(codes):
                self._fake(3, code)
            return moment
        if way == "corner":
            self._point(round(self._area.left), round(self._area.top))
            return self._moment("motion", 0, by_program=True)
        assert self._devices is not None, "checked by ways()"
        if way == "key":
            code = self._code("f12")
            self._devices.key(code, True)
            moment = self._moment("key", code, by_program=False)
            self._devices.key(code, False)
            return moment
        for n in range(MOTIONS):
            self._devices.move(1000 + 40 * n, 1000)
        return self._moment("motion", 0, by_program=False, count=MOTIONS)

    def _moment(self, kind: str, detail: int, *, by_program: bool, count: int = 1) -> int:
        """Waits for the trigger's own event; what the agent sent before it does not count."""
        deadline, moment = time.monotonic() + WAIT_S, 0
        self._seen = []
        while time.monotonic() < deadline:
            for event in self._witness.poll():
                if not count:
                    self._seen.append(event)
                elif (event.kind, event.by_program) == (kind, by_program) and event.detail == detail:
                    count -= 1
                    moment = event.server_ms
            if not count:
                return moment
            time.sleep(0.001)
        raise ReticleError(f"the display did not pass the trigger on ({kind})")

    def _judged(self, way: Way, since: int, trigger: str) -> Measured:
        """The agent's events after the trigger; those of a trigger that a program gave are left out."""
        seen = [event for event in (*self._seen, *self._witness.poll()) if event.by_program]
        trigger_kinds = {"hotkey": ("key", "key_up"), "corner": ("motion",)}.get(way, ())
        ours = [event for event in seen if event.kind not in trigger_kinds]
        last = max((event.server_ms for event in ours), default=since)
        inputs = max((e.server_ms for e in ours if not e.kind.endswith("_up")), default=since)
        return Measured(way, float(max(0, last - since)), float(max(0, inputs - since)), self._held(), trigger)

    def _held(self) -> tuple[str, ...]:
        with self._x.exchange() as raw:
            keymap = raw.query_keymap()
        keys = (f"key {code}" for code in range(8 * len(keymap)) if keymap[code // 8] >> code % 8 & 1)
        buttons = self._x.modifiers() >> 8
        return (*keys, *(f"button {n + 1}" for n in range(5) if buttons >> n & 1))

    def _first_input(self) -> None:
        """Waits until the agent sends."""
        deadline = time.monotonic() + WAIT_S
        while not any(event.by_program for event in self._witness.poll()):
            if time.monotonic() > deadline:
                raise ReticleError(f"the agent sent nothing within {WAIT_S:g} s; do your hands rest?")
            time.sleep(0.002)

    def _code(self, key: str) -> int:
        return Layout.read(self._x).key(key).code

    def _fake(self, kind: int, code: int) -> None:
        from Xlib.ext.xtest import fake_input

        with self._x.exchange() as raw:
            fake_input(raw, kind, code)
            raw.sync()

    def _point(self, x: int, y: int) -> None:
        from Xlib import X
        from Xlib.ext.xtest import fake_input

        with self._x.exchange() as raw:
            fake_input(raw, X.MotionNotify, x=x, y=y)
            raw.sync()


@contextmanager
def bench() -> Iterator[Bench]:
    """Raises DisplayError without a usable display."""
    with ExitStack() as stack:
        yield Bench(stack)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that is not below ``share`` of all (nearest rank); 0 for none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -int(-share * len(ordered) // 1) - 1))] if ordered else 0.0
