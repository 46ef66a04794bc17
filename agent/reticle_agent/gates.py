"""The last look before an input leaves: is there a screen, is it a stop corner, is it a window of our own?"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from reticle_grounding.errors import BadInput, ReticleError

from .actions import Pixel
from .applications import TERMINALS, AppGuard, Level
from .displays import contains, in_stop_corner, read_displays
from .seams import Display
from .windows import OwnWindows
from .x11 import X11

DEFAULT_STOP_KEYS = (("ctrl", "alt", "escape"), ("ctrl", "shift", "escape"), ("ctrl", "alt", "shift", "escape"))
"""Chords for the stop key, tried in this order; the first that no other program holds is used."""

FOCUS_S = 0.4
"""The longest wait for the focus to follow a click; menus and panels never get it."""
LOOK_S = 0.01


class RefusedError(ReticleError):
    """The input would be wrong or unsafe and was not sent."""


class InputGate:
    """Checked by the actuator itself, so no caller can forget it."""

    def __init__(
        self,
        find_displays: Callable[[], list[Display]] = read_displays,
        own_pids: Iterable[int] = (),
        guard: AppGuard | None = None,
    ) -> None:
        self._find_displays, self._guard = find_displays, guard
        self._x = X11()
        self._own = OwnWindows(self._x, own_pids)

    def path(self, pixels: Iterable[Pixel]) -> None:
        """Every pixel the pointer is put on. Raises BadInput outside of the monitors, RefusedError in a stop corner."""
        displays = self._find_displays()
        for pixel in pixels:
            if not contains(displays, pixel):
                raise BadInput(f"the point {pixel[0]},{pixel[1]} lies outside of every monitor")
            if in_stop_corner(displays, pixel):
                raise RefusedError(
                    f"the point {pixel[0]},{pixel[1]} lies in a screen corner, which is kept for stopping"
                )

    def press(self, pixel: Pixel) -> None:
        """Right before a button goes down. Raises RefusedError when an own or a forbidden window would receive it."""
        if self._own.at(*pixel):
            raise RefusedError(
                f"the point {pixel[0]},{pixel[1]} lies on Reticle's own window; move it away and try again"
            )
        self._limit("click", pixel)

    def keys(self) -> None:
        """Right before keys are sent: an own window gives the focus away. Raises RefusedError when it keeps it, or
        where a rule forbids keys.
        """
        if self._own.focused() and not self._own.give_focus_away():
            raise RefusedError("the keyboard focus is on Reticle's own window; click into the application first")
        self._limit("type", None)

    def _limit(self, needed: Level, pixel: Pixel | None) -> None:
        why = self._guard.input_refusal(needed, pixel) if self._guard is not None else None
        if why is not None:
            raise RefusedError(why)

    def await_focus(self, pixel: Pixel, sleep: Callable[[float], None]) -> None:
        """After a click at ``pixel``: waits a moment until that window has the focus, which managers give late."""
        for _ in range(round(FOCUS_S / LOOK_S)):
            active, clicked = self._x.active_window(), self._x.window_at(*pixel)
            if active is None or clicked is None or self._x.top_level(active) == clicked:
                return
            sleep(LOOK_S)

    def chord(self, keys: tuple[str, ...]) -> None:
        """Raises RefusedError for the stop key itself."""
        if set(keys) in [set(stop) for stop in DEFAULT_STOP_KEYS]:
            raise RefusedError(f"{'+'.join(keys)} is kept for stopping and is never sent")

    def is_terminal(self, window: int | None) -> bool:
        """Whether a window is a terminal, which pastes with Ctrl+Shift+V instead of Ctrl+V."""
        return window is not None and any(name in TERMINALS for name in self._x.classes(window))

    def close(self) -> None:
        self._x.close()
