"""The process that watches for a stop: ``python -m reticle_agent.stopper``.

It knows nothing of tasks or models, so nothing that is slow or broken there can delay it. It reports, one JSON object
per line: ``ready`` with the keys in use, a ``beat`` about twice a second, and at most one ``stop``. Watched are

- the stop key: grabbed, so the application does not see it, and also polled, since a menu that holds the keyboard
  would otherwise swallow it;
- the corners of every monitor;
- the person's own mouse and keys, while the agent acts;
- SIGINT and SIGTERM.

A line ``{"acting": N}`` says that an input is about to be sent; it is answered with the same line as soon as the
person's hands rest, and from then on they stop the run. ``{"acting": 0}`` says that the input is over. A line
``{"hand": PID}`` names the process that sends the events: a stop is told to it first, by signal, whatever the agent is
busy with.

It ends when its input is closed.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from reticle_grounding.errors import ReticleError

from .displays import CORNER_PX, in_stop_corner, read_displays
from .gates import DEFAULT_STOP_KEYS
from .hands import Hands
from .keyboard import Layout
from .stop import Trigger
from .x11 import X11, DisplayError

POLL_S = 0.01
WHOLE_S = 0.02
"""Keyboard and pointer are both asked for this often; in between only what an event tells of, since each question waits
for the server, which under load is most of the time a stop takes."""
BEAT_S = 0.5
DISPLAYS_S = 2.0
"""Monitors come and go; their corners are read again this often."""
MODIFIER_MASKS = {"shift": 1 << 0, "ctrl": 1 << 2, "alt": 1 << 3, "super": 1 << 6}
LOCKS = (0, 1 << 1, 1 << 4, 1 << 1 | 1 << 4)
"""Caps Lock and Num Lock in any combination: a grab counts only for the exact state."""
TWINS = {"shift": ("Shift_L", "Shift_R"), "ctrl": ("Control_L", "Control_R"), "alt": ("Alt_L", "Alt_R")}


class StopKey:
    """One chord on the root window."""

    def __init__(self, connection: X11, layout: Layout, keys: tuple[str, ...]) -> None:
        self.keys = keys
        self._x = connection
        *modifiers, key = keys
        self._mask = sum(MODIFIER_MASKS[m] for m in modifiers)
        self._code = layout.key(key).code
        self._groups = [_codes(layout, m) for m in modifiers] + [[self._code]]

    def grab(self) -> bool:
        """Takes the chord from all applications; False when another program holds it already."""
        from Xlib import X, error

        refused = error.CatchError(error.BadAccess)
        with self._x.exchange() as raw:
            for lock in LOCKS:
                root = self._x.root
                root.grab_key(self._code, self._mask | lock, False, X.GrabModeAsync, X.GrabModeAsync, onerror=refused)
            raw.sync()
        if refused.get_error() is None:
            return True
        self.ungrab()
        return False

    def ungrab(self) -> None:
        with self._x.exchange() as raw:
            for lock in LOCKS:
                self._x.root.ungrab_key(self._code, self._mask | lock)
            raw.sync()

    def grabbed_press(self) -> bool:
        """Whether the grab delivered a press since the last call."""
        from Xlib import X

        pressed = False
        with self._x.exchange() as raw:
            while raw.pending_events():
                event = raw.next_event()
                pressed |= event.type == X.KeyPress and event.detail == self._code
        return pressed

    def held(self) -> bool:
        """Whether all its keys are down right now, whoever holds the keyboard."""
        with self._x.exchange() as raw:
            keymap = raw.query_keymap()
        return all(any(keymap[code // 8] >> code % 8 & 1 for code in codes) for codes in self._groups)


def _codes(layout: Layout, modifier: str) -> list[int]:
    from Xlib import XK

    names = TWINS.get(modifier, ("Super_L", "Super_R"))
    return [code for name in names if (code := layout.code_of(int(XK.string_to_keysym(name)))) is not None]


def take_stop_key(connection: X11) -> StopKey:
    """The first free chord. Raises ReticleError when all are held by other programs."""
    layout = Layout.read(connection)
    for keys in DEFAULT_STOP_KEYS:
        key = StopKey(connection, layout, keys)
        if key.grab():
            return key
    tried = ", ".join("+".join(keys) for keys in DEFAULT_STOP_KEYS)
    raise ReticleError(f"no stop key is free ({tried}); take one of them away from the program that uses it")


class Watch:
    """Looks at keyboard and pointer once per call."""

    def __init__(self, connection: X11) -> None:
        self._x = connection
        self.key = take_stop_key(connection)
        self._displays = read_displays()
        self._read_s = time.monotonic()

    def look(self, keys: bool = True, pointer: bool = True) -> tuple[Trigger, str] | None:
        """What asks for a stop right now, with a sentence; None when nothing does. Raises DisplayError.

        ``keys`` and ``pointer`` say which of them the server is asked for; a grabbed press is known without that.
        """
        if self.key.grabbed_press() or (keys and self.key.held()):
            return "hotkey", f"stopped with {'+'.join(self.key.keys)}"
        if not pointer:
            return None
        at = self._x.pointer()
        if time.monotonic() - self._read_s > DISPLAYS_S:
            self._displays, self._read_s = read_displays(), time.monotonic()
        if in_stop_corner(self._displays, at, CORNER_PX):
            return "corner", "stopped: the pointer is in a screen corner"
        return None


class HandLine:
    """The way to the process that sends the events. A process id that is given to another program is not signalled."""

    def __init__(self) -> None:
        self._handle: int | None = None

    def to(self, pid: int) -> None:
        self.close()
        if hasattr(os, "pidfd_open"):
            with suppress(OSError):  # it has ended, so it sends nothing
                self._handle = os.pidfd_open(pid)

    def stop(self) -> None:
        if self._handle is not None:
            with suppress(OSError):
                signal.pidfd_send_signal(self._handle, signal.SIGUSR1)

    def close(self) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


class Orders:
    """What the agent says on stdin."""

    def __init__(self, source: int = 0) -> None:
        self.source = source
        self._pending = b""

    def read(self) -> list[dict[str, Any]] | None:
        """Whole lines that are there; None at the end of input. Call it when ``source`` is readable."""
        data = os.read(self.source, 65536)
        if not data:
            return None
        *lines, self._pending = (self._pending + data).split(b"\n")
        return [json.loads(line) for line in lines if line.strip()]

    def wait_for_end(self) -> None:
        while self.read() is not None:
            pass


def messages(watch: Watch, signals: list[int], hands: Hands, orders: Orders) -> Iterator[dict[str, Any]]:
    """What to report, ending with the stop; looks every ``POLL_S`` at least and ends when stdin is closed."""
    yield {"ready": True, "keys": list(watch.key.keys), "hands": hands.watched}
    beat_s, hand = time.monotonic(), HandLine()
    whole_s = 0.0
    asked = acting = 0
    while True:
        sources: list[Any] = [orders.source, *hands.sources()]
        readable = select.select(sources, [], [], POLL_S)[0]
        if orders.source in readable:
            said = orders.read()
            if said is None:
                return
            for order in said:
                if "hand" in order:
                    hand.to(int(order["hand"]))
                else:
                    asked, acting = int(order.get("acting", 0)), 0
        seen_s = time.monotonic()
        by_hand = hands.look(seen_s)
        found = ("signal", f"stopped by {signal.Signals(signals[0]).name}") if signals else None
        found = found or (by_hand if acting else None)
        whole = not readable or not hands.watched or seen_s - whole_s >= WHOLE_S
        whole_s = seen_s if whole else whole_s
        found = found or watch.look(whole or "key" in hands.kinds, whole or "motion" in hands.kinds)
        if found is not None:
            hand.stop()
            yield {"stop": found[0], "message": found[1], "seen_s": seen_s}
            return
        if asked != acting and hands.rest(seen_s):
            hands.forget()
            acting = asked
            yield {"acting": acting}
        if seen_s - beat_s >= BEAT_S:
            beat_s = seen_s
            yield {"beat": True}


def main() -> int:
    """Entry of the process: 0 after a stop or the end of input, 1 when it cannot watch."""
    signals: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda n, _: signals.append(n))
    try:
        watch, orders = Watch(X11()), Orders()
        for message in messages(watch, signals, Hands(), orders):
            sys.stdout.write(json.dumps(message) + "\n")
            sys.stdout.flush()
            if "stop" in message:
                orders.wait_for_end()  # keeps the key until the run is over, so a second press harms nothing
    except DisplayError as problem:
        return _fail(str(problem))
    except ReticleError as problem:
        return _fail(str(problem))
    except BrokenPipeError:
        return 0
    return 0


def _fail(message: str) -> int:
    sys.stdout.write(json.dumps({"error": message}) + "\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
