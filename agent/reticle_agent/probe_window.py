"""A small private window that says what reached it; `doctor` clicks and types into it instead of into your work."""

from __future__ import annotations

import threading
import time
from typing import Any

from reticle_grounding.errors import ReticleError
from reticle_grounding.geometry import Rect

from .clipboard import Clipboard
from .keyboard import CONTROL_CHARACTERS, UNICODE_KEYSYM
from .x11 import X11

SIZE = (280, 90)
COLOUR = 0x2E6FD8
CONTROL_MASK = 1 << 2
SHIFT_MASK = 1 << 0
LEVEL3_MASK = 1 << 7
POLL_S = 0.005


class ProbeWindow:
    """Shown in the middle of ``area`` (root pixels), above everything and with the focus, until it is closed.

    A thread of its own reads its events, so that it also answers while the caller waits. It carries no process id:
    it must be clickable, which our own windows are not.
    """

    def __init__(self, area: Rect) -> None:
        from Xlib import X

        self._x = X11()
        left, top = round(area.center.x - SIZE[0] / 2), round(area.center.y - SIZE[1] / 2)
        self.center = (left + SIZE[0] // 2, top + SIZE[1] // 2)
        self.clicks: list[tuple[int, int]] = []
        """Root pixels of the presses that arrived."""
        self.text = ""
        self._clipboard = Clipboard()
        self._closing = threading.Event()
        self._window: Any = self._x.root.create_window(
            left,
            top,
            *SIZE,
            0,
            X.CopyFromParent,
            background_pixel=COLOUR,
            override_redirect=True,
            event_mask=X.ButtonPressMask | X.KeyPressMask | X.ExposureMask,
        )
        with self._x.exchange() as raw:
            before = raw.get_input_focus()
            self._focus_before: Any = before.focus, before.revert_to
            self._window.map()
            raw.sync()
        self._thread = threading.Thread(target=self._listen, name="probe-window", daemon=True)
        self._thread.start()
        self._take_focus()

    def close(self) -> None:
        """Takes the window away and gives the focus back."""
        from Xlib import X

        self._closing.set()
        self._thread.join()
        with self._x.exchange() as raw:
            self._window.destroy()
            raw.set_input_focus(self._focus_before[0], self._focus_before[1], X.CurrentTime)
            raw.sync()
        self._clipboard.close()
        self._x.close()

    def await_clicks(self, count: int, timeout_s: float = 2.0) -> list[tuple[int, int]]:
        """What arrived, once there are ``count`` or the time is over."""
        deadline = time.monotonic() + timeout_s
        while len(self.clicks) < count and time.monotonic() < deadline:
            time.sleep(POLL_S)
        return list(self.clicks)

    def await_text(self, expected: str, timeout_s: float = 2.0) -> str:
        """What was typed, once it is as expected or the time is over."""
        deadline = time.monotonic() + timeout_s
        while self.text != expected and time.monotonic() < deadline:
            time.sleep(POLL_S)
        return self.text

    def _take_focus(self) -> None:
        from Xlib import X, error

        deadline = time.monotonic() + 2.0
        while True:
            with self._x.exchange() as raw:
                refused = error.CatchError(error.BadMatch)
                raw.set_input_focus(self._window, X.RevertToParent, X.CurrentTime, onerror=refused)
                raw.sync()
                focus = raw.get_input_focus().focus
            if getattr(focus, "id", None) == self._window.id:
                return
            if time.monotonic() > deadline:
                raise ReticleError("the test window did not get the keyboard focus")
            time.sleep(POLL_S)

    def _listen(self) -> None:
        while not self._closing.wait(POLL_S):
            with self._x.exchange() as raw:
                events = [raw.next_event() for _ in range(raw.pending_events())]
            for event in events:
                self._note(event)

    def _note(self, event: Any) -> None:
        from Xlib import X

        if event.type == X.ButtonPress and event.detail == 1:
            self.clicks.append((int(event.root_x), int(event.root_y)))
        elif event.type == X.KeyPress:
            self._note_key(int(event.detail), int(event.state))

    def _note_key(self, code: int, state: int) -> None:
        column = (4 if state & LEVEL3_MASK else 0) + (1 if state & SHIFT_MASK else 0)
        with self._x.exchange() as raw:
            keysym = int(raw.keycode_to_keysym(code, column))
        if state & CONTROL_MASK:
            if chr(keysym & 0xFF).lower() == "v":
                self.text += self._clipboard.text()
        else:
            self.text += _char(keysym)


def _char(keysym: int) -> str:
    """The character of a keysym; modifiers and other keys have none."""
    for char, code in CONTROL_CHARACTERS.items():
        if keysym == code:
            return char
    if keysym & UNICODE_KEYSYM:
        return chr(keysym & ~UNICODE_KEYSYM)
    return chr(keysym) if 0x20 <= keysym < 0x100 else ""
