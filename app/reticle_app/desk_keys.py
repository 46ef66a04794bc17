"""Keys for the candidates on the live desktop, whatever program has the keyboard.

Only while something is asked or counted down: 1 to 9 choose, arrows nudge, Escape refuses. Enter and Space are never
taken, so no key approves. Works on X11; elsewhere the keys work in Reticle's own window alone.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QGuiApplication

from reticle_grounding.errors import ReticleError

if TYPE_CHECKING:
    from reticle_agent.x11 import X11

POLL_S = 0.015
SHIFT = 1 << 0
LOCKS = (0, 1 << 1, 1 << 4, 1 << 1 | 1 << 4)
"""Caps Lock and Num Lock in any combination: a grab counts only for the exact state."""
KEYS = (*map(str, range(1, 10)), "Left", "Right", "Up", "Down", "Escape")
ARROWS: Mapping[str, tuple[int, int]] = {"Left": (-1, 0), "Right": (1, 0), "Up": (0, -1), "Down": (0, 1)}


class DeskKeys(QObject):
    """``pressed`` tells a key of ``KEYS`` and whether Shift was held, on the window's thread."""

    pressed = Signal(str, bool)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._thread: threading.Thread | None = None
        self._end = threading.Event()

    @property
    def listening(self) -> bool:
        return self._thread is not None

    def listen(self) -> None:
        """Takes the keys from all programs; does nothing where that is not possible, or while it listens already."""
        if self._thread is not None or QGuiApplication.platformName() != "xcb":
            return
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(self._end,), name="desk-keys", daemon=True)
        self._thread.start()

    def rest(self) -> None:
        """Gives the keys back."""
        self._end.set()
        if self._thread is not None:
            self._thread.join(1.0)
        self._thread = None

    def _run(self, end: threading.Event) -> None:
        from reticle_agent.x11 import X11

        try:
            connection = X11()
        except ReticleError:
            return
        try:
            self._watch(connection, end)
        except ReticleError:
            return  # the display is gone, and with it the grabs
        finally:
            connection.close()

    def _watch(self, connection: X11, end: threading.Event) -> None:
        from Xlib import X

        codes = _codes(connection)
        with connection.exchange() as raw:
            for code, name in codes.items():
                for lock in LOCKS:
                    for shift in (0, SHIFT) if name in ARROWS else (0,):
                        connection.root.grab_key(
                            code, lock | shift, False, X.GrabModeAsync, X.GrabModeAsync, onerror=_no_matter
                        )
            raw.sync()
        while not end.wait(POLL_S):
            with connection.exchange() as raw:
                events = [raw.next_event() for _ in range(raw.pending_events())]
            for event in events:
                if event.type == X.KeyPress and event.detail in codes:
                    self.pressed.emit(codes[event.detail], bool(event.state & SHIFT))


def _codes(connection: X11) -> dict[int, str]:
    from Xlib import XK

    from reticle_agent.keyboard import Layout

    layout = Layout.read(connection)
    found = {layout.code_of(int(XK.string_to_keysym(name))): name for name in KEYS}
    return {code: name for code, name in found.items() if code is not None}


def _no_matter(error: object, request: object) -> int:
    """A key that another program holds stays with it."""
    return 1
