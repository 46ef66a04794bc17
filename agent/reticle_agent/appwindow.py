"""Waiting for the first window of a program that was just started."""

from __future__ import annotations

import hashlib
import os
import select
import time

from reticle_grounding.errors import ReticleError

from .processes import Supervised
from .x11 import X11

QUIET_S = 0.4
"""A window that neither moved nor changed its pixels for so long stands still."""
PAINT_S = 4.0
"""Longest wait for the pixels alone; some windows never stop moving."""
MINIMUM = 30
"""Pixels; smaller windows are helpers nobody sees."""


class WindowWatch:
    """Knows which windows were there before the program started."""

    def __init__(self, x11: X11) -> None:
        from Xlib import X

        self._x11 = x11
        with x11.exchange():
            x11.root.change_attributes(event_mask=X.SubstructureNotifyMask | X.PropertyChangeMask)
        self._before = set(self._clients())

    def first_window(self, process: Supervised, timeout_s: float) -> int:
        """The client window of the program, mapped and at rest. Raises ReticleError when none comes in time."""
        deadline = time.monotonic() + timeout_s
        name = os.path.basename(process.argv[0])
        while (window := self._new_window(process)) is None:
            if process.exit_code is not None and (process.exit_code or time.monotonic() > deadline):
                detail = process.last_line()
                raise ReticleError(
                    f"{name} ended (exit code {process.exit_code}) without opening a window"
                    + (f": {detail}" * bool(detail))
                )
            if time.monotonic() > deadline:
                raise ReticleError(f"{name} opened no window within {timeout_s:g} s")
            self._wait_for_events(0.1)
        self._rest(window, min(deadline, time.monotonic() + PAINT_S))
        return window

    def _clients(self) -> list[int]:
        """Top-level clients: what the window manager lists, or the root's visible children without one."""
        root = int(self._x11.root.id)
        if self._x11.cardinal(root, "_NET_SUPPORTING_WM_CHECK"):
            return self._x11.cardinals(root, "_NET_CLIENT_LIST")
        return [w.id for w in self._x11.children() if min(w.rect.width, w.rect.height) >= MINIMUM]

    def _new_window(self, process: Supervised) -> int | None:
        """The newest window that belongs to the program's session, or, where its owner is unknown, any new one."""
        for window in reversed(self._clients()):
            if window in self._before:
                continue
            pid = self._x11.owner_pid(window)
            if pid is None or _session(pid) in (process.pid, None) or process.exit_code == 0:
                return window
        return None

    def _rest(self, window: int, deadline: float) -> None:
        """Returns when place and pixels were the same for ``QUIET_S`` seconds, or at the deadline."""
        seen, since = self._look(window), time.monotonic()
        while time.monotonic() - since < QUIET_S and time.monotonic() < deadline:
            self._wait_for_events(QUIET_S / 4)
            now = self._look(window)
            if now != seen:
                seen, since = now, time.monotonic()

    def _look(self, window: int) -> tuple[int, int, int, int, bytes] | None:
        """Place (root pixels) and a digest of the pixels; None when the window is gone or outside the screen."""
        from Xlib import X, error

        with self._x11.exchange() as raw:
            root = self._x11.root
            try:
                client = raw.create_resource_object("window", window)
                size, at = client.get_geometry(), root.translate_coords(client, 0, 0)
                left, top = max(0, at.x), max(0, at.y)
                screen = root.get_geometry()
                width, height = (
                    min(size.width + at.x, screen.width) - left,
                    min(size.height + at.y, screen.height) - top,
                )
                if min(width, height) <= 0:
                    return None
                pixels = root.get_image(left, top, width, height, X.ZPixmap, 0xFFFFFFFF).data
            except (error.BadWindow, error.BadDrawable, error.BadMatch):
                return None
        return at.x, at.y, size.width, size.height, hashlib.blake2b(_as_bytes(pixels)).digest()

    def _wait_for_events(self, timeout_s: float) -> None:
        """Sleeps until the server says something happened, at most ``timeout_s`` seconds."""
        with self._x11.exchange() as raw:
            if not raw.pending_events():
                select.select([raw.fileno()], [], [], timeout_s)
            for _ in range(raw.pending_events()):
                raw.next_event()


def _session(pid: int) -> int | None:
    """Session id of a process; None when it is gone or in another PID namespace."""
    try:
        return os.getsid(pid)
    except (ProcessLookupError, PermissionError):
        return None


def _as_bytes(pixels: str | bytes) -> bytes:
    return pixels.encode("latin-1", "replace") if isinstance(pixels, str) else pixels
