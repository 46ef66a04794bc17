"""A typed door to the X server: the few requests Reticle needs, over python3-xlib.

Coordinates are root pixels, which are physical desktop pixels. One lock per connection, so one object may be used from
several threads; every lost connection is a ``DisplayError`` with one clear line.
"""

from __future__ import annotations

import atexit
import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reticle_grounding.errors import BadInput
from reticle_grounding.geometry import Rect

NO_DISPLAY = "no display: start a desktop session (X11), set DISPLAY, or use `reticle run --virtual`"
MAX_PROPERTY_WORDS = 1 << 20
PAGER_REQUEST = 2
"""EWMH source indication of a program that acts for the user."""
FOREIGN_AUTHORITY = b"\x01\x00\x00\x04none" + b"\x00\x00" * 3
"""One entry that fits no display: (family, address, display number, name, data), lengths big-endian."""


class DisplayError(BadInput):
    """There is no display, or the connection to it was lost."""


@dataclass(frozen=True, slots=True)
class XWindow:
    """One child of the root window (with a window manager: a frame)."""

    id: int
    rect: Rect
    """Root pixels, border included."""


def ensure_authority_file() -> None:
    """python3-xlib fails without an authority file and prints to stdout at an empty one; give it a harmless one."""
    present = Path(os.environ.get("XAUTHORITY") or Path(os.environ.get("HOME", "/")) / ".Xauthority")
    if present.is_file() and present.stat().st_size > 0:
        return
    handle, path = tempfile.mkstemp(prefix="reticle-xauthority-")
    with os.fdopen(handle, "wb") as file:
        file.write(FOREIGN_AUTHORITY)
    atexit.register(Path(path).unlink, missing_ok=True)
    os.environ["XAUTHORITY"] = path


def property_bytes(value: str | bytes) -> bytes:
    """The bytes of an 8-bit property, which python3-xlib hands out as text where it is valid UTF-8."""
    return value.encode("utf-8") if isinstance(value, str) else bytes(value)


class X11:
    """One connection. ``name`` is like ``:1``; None is ``$DISPLAY``. Raises DisplayError when it cannot be opened."""

    def __init__(self, name: str | None = None) -> None:
        self.name = name or os.environ.get("DISPLAY", "")
        if not self.name:
            raise DisplayError(NO_DISPLAY)
        ensure_authority_file()
        from Xlib import display, error

        try:
            self.raw: Any = display.Display(self.name)
        except (error.DisplayError, error.XauthError, error.ConnectionClosedError, OSError) as problem:
            raise DisplayError(f"display {self.name} cannot be opened ({problem}); {NO_DISPLAY}") from problem
        self.root: Any = self.raw.screen().root
        self.lock = threading.RLock()

    def close(self) -> None:
        """Closes the connection; closing twice, or after the server has gone, is harmless."""
        with suppressed_x_errors():
            self.raw.close()

    @contextmanager
    def exchange(self) -> Iterator[Any]:
        """The raw display under the lock; a lost connection becomes a DisplayError."""
        with self.lock:
            try:
                yield self.raw
            except Exception as problem:
                if is_lost_connection(problem):
                    raise DisplayError(f"the connection to display {self.name} was lost") from problem
                raise

    def pointer(self) -> tuple[int, int]:
        with self.exchange():
            reply = self.root.query_pointer()
            return int(reply.root_x), int(reply.root_y)

    def modifiers(self) -> int:
        """The core state mask: modifiers in bits 0-7, the keyboard group in bits 13-14."""
        with self.exchange():
            return int(self.root.query_pointer().mask)

    def window_at(self, x: int, y: int) -> int | None:
        """The topmost child of the root that takes input at a point (input-transparent windows are looked through)."""
        with self.exchange():
            child = self.root.translate_coords(self.root, x, y).child
            return int(child.id) if child else None

    def children(self) -> list[XWindow]:
        """The visible children of the root, bottom to top."""
        from Xlib import X, error

        found: list[XWindow] = []
        with self.exchange():
            for window in self.root.query_tree().children:
                try:
                    attributes, g = window.get_attributes(), window.get_geometry()
                except (error.BadWindow, error.BadDrawable):
                    continue  # gone meanwhile
                if attributes.map_state == X.IsViewable and attributes.win_class == X.InputOutput:
                    edge = 2 * g.border_width
                    rect = Rect(float(g.x), float(g.y), float(g.x + g.width + edge), float(g.y + g.height + edge))
                    found.append(XWindow(int(window.id), rect))
        return found

    def cardinal(self, window: int, name: str) -> int | None:
        """The first 32-bit value of a window's property, or None."""
        value = self._property(window, name)
        return int(value.value[0]) if value is not None and value.format == 32 and len(value.value) else None

    def cardinals(self, window: int, name: str) -> list[int]:
        value = self._property(window, name)
        return [int(v) for v in value.value] if value is not None and value.format == 32 else []

    def text(self, window: int, name: str) -> str:
        """A text property, or an empty string."""
        value = self._property(window, name)
        if value is None or value.format != 8:
            return ""
        return property_bytes(value.value).decode("utf-8", "replace")

    def classes(self, window: int) -> list[str]:
        """The two names of ``WM_CLASS``, lower case; empty when there are none."""
        return [name.lower() for name in self.text(window, "WM_CLASS").split("\0") if name]

    def owner_pid(self, window: int, depth: int = 2) -> int | None:
        """The process of a window or of the client inside a frame (``_NET_WM_PID``), or None when it says nothing.

        Asked anew every time: the ids of closed programs are given to others.
        """
        pid = self.cardinal(window, "_NET_WM_PID")
        if pid is not None or depth == 0:
            return pid
        inner = (self.owner_pid(child, depth - 1) for child in self._child_ids(window))
        return next((p for p in inner if p is not None), None)

    def client_in(self, window: int, depth: int = 2) -> int:
        """The window with a class inside a frame, or the window itself when none in it has one."""
        if depth and not self.classes(window):
            for child in self._child_ids(window):
                found = self.client_in(child, depth - 1)
                if self.classes(found):
                    return found
        return window

    def top_level(self, window: int) -> int:
        """The child of the root that a window lies in: itself, or its frame."""
        from Xlib import error

        with self.exchange() as raw:
            try:
                while (parent := raw.create_resource_object("window", window).query_tree().parent) != self.root:
                    if not parent:
                        break
                    window = int(parent.id)
            except error.BadWindow:
                return window
        return window

    def active_window(self) -> int | None:
        """The window the window manager calls active, else the one with the keyboard focus."""
        active = self.cardinal(int(self.root.id), "_NET_ACTIVE_WINDOW")
        if active:
            return active
        with self.exchange() as raw:
            focus = raw.get_input_focus().focus
            return int(focus.id) if hasattr(focus, "id") and focus.id != self.root.id else None

    def activate(self, window: int) -> None:
        """Asks the window manager to raise a window and give it the focus (EWMH ``_NET_ACTIVE_WINDOW``)."""
        from Xlib import X
        from Xlib.protocol import event

        with self.exchange() as raw:
            handle = raw.create_resource_object("window", window)
            data = (32, [PAGER_REQUEST, X.CurrentTime, 0, 0, 0])
            message = event.ClientMessage(window=handle, client_type=raw.get_atom("_NET_ACTIVE_WINDOW"), data=data)
            self.root.send_event(message, event_mask=X.SubstructureRedirectMask | X.SubstructureNotifyMask)
            raw.flush()

    def is_furniture(self, window: int) -> bool:
        """Whether a window is a panel or the desktop (EWMH window types)."""
        types = self.cardinals(window, "_NET_WM_WINDOW_TYPE")
        with self.exchange() as raw:
            return any(raw.get_atom(f"_NET_WM_WINDOW_TYPE_{kind}") in types for kind in ("DOCK", "DESKTOP"))

    def window_rect(self, window: int) -> Rect | None:
        """A window in root pixels, or None when it has gone."""
        from Xlib import error

        with self.exchange() as raw:
            try:
                handle = raw.create_resource_object("window", window)
                g, at = handle.get_geometry(), self.root.translate_coords(handle, 0, 0)
            except (error.BadWindow, error.BadDrawable):
                return None
            return Rect(float(at.x), float(at.y), float(at.x + g.width), float(at.y + g.height))

    def resource(self, name: str) -> str | None:
        """A value of the X resource database (``Xft.dpi`` ...), or None."""
        for line in self.text(int(self.root.id), "RESOURCE_MANAGER").splitlines():
            key, _, value = line.partition(":")
            if key.strip() == name:
                return value.strip()
        return None

    def _property(self, window: int, name: str) -> Any:
        from Xlib import X, error

        with self.exchange() as raw:
            try:
                handle = raw.create_resource_object("window", window)
                return handle.get_property(raw.get_atom(name), X.AnyPropertyType, 0, MAX_PROPERTY_WORDS)
            except error.BadWindow:
                return None

    def _child_ids(self, window: int) -> list[int]:
        from Xlib import error

        with self.exchange() as raw:
            try:
                return [int(w.id) for w in raw.create_resource_object("window", window).query_tree().children]
            except error.BadWindow:
                return []


def is_lost_connection(problem: BaseException) -> bool:
    """Whether an error means that the server has gone.

    python3-xlib stumbles over its own message when a send fails: a TypeError whose cause is the real error.
    """
    from Xlib import error

    if isinstance(problem, TypeError):
        return isinstance(problem.__context__, OSError)
    return isinstance(problem, (error.ConnectionClosedError, OSError))


@contextmanager
def suppressed_x_errors() -> Iterator[None]:
    """For clean-up only: the server may be gone already."""
    try:
        yield
    except Exception as problem:
        if not is_lost_connection(problem) and not isinstance(problem, AttributeError):
            raise
