"""Hears the person's mouse and keys, in a thread of its own so that where the pointer was is asked at once."""

from __future__ import annotations

import select
import threading
import time
from collections import deque
from collections.abc import Callable

from reticle_agent.raw_input import RawEvent, RawInput
from reticle_agent.x11 import X11, DisplayError

from .gestures import Hand
from .keys import KeyReader
from .under import Shown

WAIT_S = 0.1


class Listener:
    """Presses and releases as they come, each with the newest picture from before it.

    Inputs of other programs count, too: a remote desktop's or a hardware tool's person is one. Raises DisplayError
    where the display does not tell raw events.
    """

    def __init__(self, newest: Callable[[], Shown]) -> None:
        self._newest = newest
        self._raw = RawInput()
        self._x = X11()
        self._keys = KeyReader(self._x)
        self._heard: deque[Hand[Shown]] = deque()
        self._closing = threading.Event()
        self.lost = ""
        """Why nothing is heard any more; empty while all is well."""
        self._thread = threading.Thread(target=self._listen, name="demonstration", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._closing.set()
        self._thread.join(timeout=5.0)
        self._raw.close()
        self._x.close()

    def take(self) -> list[Hand[Shown]]:
        """What has come since the last call."""
        found = []
        while self._heard:
            found.append(self._heard.popleft())
        return found

    def waiting(self) -> list[Hand[Shown]]:
        """The same, left where it is."""
        return list(self._heard)

    def _listen(self) -> None:
        try:
            while not self._closing.is_set():
                if not select.select([self._raw.fileno()], [], [], WAIT_S)[0]:
                    continue
                for event in self._raw.poll():
                    hand = self._hand(event)
                    if hand is not None:
                        self._heard.append(hand)
        except (DisplayError, OSError, ValueError) as problem:
            self.lost = str(problem)

    def _hand(self, event: RawEvent) -> Hand[Shown] | None:
        if event.kind == "motion":
            return None
        now, seen = time.monotonic() * 1000, self._newest()
        if event.kind == "key_up":
            self._keys.released(event.detail)
            return None
        if event.kind == "key":
            key = self._keys.pressed(event.detail)
            return None if key is None else Hand("key", now, self._x.pointer(), seen, key=key)
        return Hand(event.kind, now, self._x.pointer(), seen, button=event.detail)
