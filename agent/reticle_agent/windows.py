"""Which windows are Reticle's own; they are never clicked, never typed into and never in a capture.

Own are the windows of this process, of processes named by the caller, and of the terminal a command was started from
(otherwise an input could answer its own question). Child processes are not own: the application a task works on is
often started by Reticle itself.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from reticle_grounding.geometry import Rect

from .x11 import X11

FOCUS_S = 1.0
"""The longest wait for the window manager to move the focus."""
Mask = npt.NDArray[np.bool_]


def terminal_pid() -> int | None:
    """The process that shows this session's controlling terminal, or None without one (Linux: /proc)."""
    if not _has_terminal():
        return None
    try:
        status = Path(f"/proc/{os.getsid(0)}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    parent = int(status.rpartition(")")[2].split()[1])
    return parent if parent > 1 else None


def _has_terminal() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY))
    except OSError:
        return False
    return True


class OwnWindows:
    """Looks windows up on the server at every call, so windows that open later are known too."""

    def __init__(self, connection: X11, pids: Iterable[int] = ()) -> None:
        self._x = connection
        terminal = terminal_pid()
        self._pids = {os.getpid(), *pids, *([terminal] if terminal else [])}

    def owns(self, window: int | None) -> bool:
        return window is not None and self._x.owner_pid(window) in self._pids

    def at(self, x: int, y: int) -> bool:
        """Whether input at a root pixel would reach an own window."""
        return self.owns(self._x.window_at(x, y))

    def focused(self) -> bool:
        """Whether keys would reach an own window."""
        return self.owns(self._x.active_window())

    def mask(self, area: Rect) -> Mask:
        """[height, width] of ``area`` (root pixels): True where an own window is what is seen."""
        seen = np.zeros((round(area.height), round(area.width)), dtype=np.bool_)
        children = self._x.children()
        own = self._own_among([window.id for window in children])
        for window in children:  # bottom to top: later windows cover earlier ones
            cut = window.rect.intersection(area)
            if cut is None:
                continue
            r = cut.shifted(-area.left, -area.top)
            seen[round(r.top) : round(r.bottom), round(r.left) : round(r.right)] = window.id in own
        return seen

    def _own_among(self, children: list[int]) -> set[int]:
        """Which children of the root are own. Clients are taken from the window manager's list, which spares a search
        through every foreign window; menus and the like carry their process id themselves.
        """
        clients = self._x.cardinals(int(self._x.root.id), "_NET_CLIENT_LIST")
        if not clients:
            return {window for window in children if self.owns(window)}
        framed = {self._x.top_level(c) for c in clients if self._x.cardinal(c, "_NET_WM_PID") in self._pids}
        return {w for w in children if w in framed or self._x.cardinal(w, "_NET_WM_PID") in self._pids}

    def foreign_active(self) -> Rect | None:
        """The active window in root pixels or, when that is our own, the topmost window that is not."""
        active = self._x.active_window()
        if active is None or self.owns(active):
            active = self.topmost_foreign()
        return self._x.window_rect(active) if active is not None else None

    def topmost_foreign(self) -> int | None:
        """The uppermost application window that is not our own; panels and the desktop are none."""
        stacking = self._x.cardinals(int(self._x.root.id), "_NET_CLIENT_LIST_STACKING")
        return next((w for w in reversed(stacking) if not self.owns(w) and not self._x.is_furniture(w)), None)

    def give_focus_away(self, timeout_s: float = FOCUS_S) -> bool:
        """Hands the keyboard to the uppermost application; False when it stays on a window of ours.

        After the person has answered in our window, the application they mean is the one right below it.
        """
        target = self.topmost_foreign()
        if target is None:
            return False
        self._x.activate(target)
        deadline = time.monotonic() + timeout_s
        while self.focused():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.01)
        return True
