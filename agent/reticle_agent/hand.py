"""The process that owns pyautogui: ``python -m reticle_agent.hand``.

One JSON object per line in, one per line out. It knows no tasks, only single events (a move, a button or key going down
or up, one wheel notch, one character), so that the side that holds the stop signal decides before each of them. SIGUSR1
is the stop's shortest way: it comes from the stopper itself, lets go of everything and refuses all further events. The
fail-safe stays on: a pointer in a screen corner makes every event fail with ``failsafe``. When its input ends, however
that came about, everything held is released.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import time
import types
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO, TypeAlias

from reticle_grounding.errors import BadInput, ReticleError

from .clipboard import Clipboard
from .keyboard import Layout, Stroke, check_keys
from .x11 import X11, DisplayError, ensure_authority_file, is_lost_connection

Reply: TypeAlias = dict[str, Any]
Request: TypeAlias = Mapping[str, Any]
BUTTONS = {"left": 1, "middle": 2, "right": 3}
OTHERS_S = 0.4
"""A clipboard manager fetches a new text at once; a later fetch is the application's."""
AFTER_A_STOP = frozenset({"release", "give_back", "pointer", "taken"})
"""Requests that send nothing."""
PASTE_QUIET_S = 0.08
"""Some applications fetch a paste twice; the old clipboard comes back after this long without a further fetch."""


def load_pyautogui() -> Any:
    """pyautogui without its MouseInfo window, which would need Tk and a second connection. Raises DisplayError."""
    ensure_authority_file()
    sys.modules.setdefault("mouseinfo", types.ModuleType("mouseinfo"))
    from Xlib import error

    try:
        import pyautogui
    except (KeyError, OSError, error.DisplayError, error.XauthError) as problem:
        raise DisplayError(f"the display cannot be opened for input ({problem})") from problem
    pyautogui.PAUSE = 0
    return pyautogui


class HandStoppedError(ReticleError):
    """An event came after the stop."""


class Hand:
    """Performs single events and remembers what is held."""

    def __init__(self) -> None:
        self._x = X11()
        self._gui = load_pyautogui()
        self._layout = Layout.read(self._x)
        self._clipboard: Clipboard | None = None
        self._lent_s = 0.0
        self._held: dict[str, Callable[[], None]] = {}
        self.stopped = False
        """Set for good by :meth:`stop`."""
        self._operations: dict[str, Callable[[Request], Reply]] = {
            "move": self._move,
            "button": self._button,
            "wheel": self._wheel,
            "key": self._key,
            "char": self._char,
            "typable": self._typable,
            "lend": self._lend,
            "taken": self._taken,
            "give_back": self._give_back,
            "pointer": lambda _: {"at": list(self._x.pointer())},
            "release": lambda r: {"released": self.release(r.get("names", ()))},
        }

    @property
    def clipboard_socket(self) -> int | None:
        return self._clipboard.fileno() if self._clipboard else None

    def serve_clipboard(self) -> None:
        if self._clipboard:
            self._clipboard.serve()

    def handle(self, request: Request) -> Reply:
        """Performs one request. Raises BadInput, ReticleError, pyautogui.FailSafeException or an X error."""
        operation = self._operations.get(str(request.get("op")))
        if operation is None:
            raise BadInput(f"the input process does not know the request {request.get('op')!r}")
        if self.stopped and request.get("op") not in AFTER_A_STOP:
            raise HandStoppedError("the run was stopped")
        return operation(request)

    def stop(self) -> None:
        """Lets go of everything; from now on nothing is sent."""
        self.stopped = True
        self.release()

    def release(self, names: tuple[str, ...] | list[str] = ()) -> list[str]:
        """Lets go of everything held, and of ``names`` (held by a predecessor that crashed); no fail-safe here."""
        for name in names:
            self._held.setdefault(name, self._let_go_of(name))
        released = list(self._held)
        for name in reversed(released):
            self._held.pop(name)()
        if self._clipboard and self._clipboard.lent:
            self._clipboard.give_back()
        return released

    def close(self) -> None:
        self.release()
        if self._clipboard:
            self._clipboard.hand_over()

    def _move(self, request: Request) -> Reply:
        self._gui.moveTo(int(request["x"]), int(request["y"]), _pause=False)
        return {}

    def _button(self, request: Request) -> Reply:
        name = str(request["name"])
        if name not in BUTTONS:
            raise BadInput(f"there is no mouse button '{name}'")
        if request["down"]:
            self._held[f"button {name}"] = self._let_go_of(f"button {name}")
            self._gui.mouseDown(button=name, _pause=False)
        else:
            self._gui.mouseUp(button=name, _pause=False)
            self._held.pop(f"button {name}", None)
        return {}

    def _wheel(self, request: Request) -> Reply:
        direction = str(request["direction"])
        turn = self._gui.hscroll if direction in ("left", "right") else self._gui.scroll
        turn(1 if direction in ("up", "right") else -1, _pause=False)
        return {}

    def _key(self, request: Request) -> Reply:
        name = str(request["name"])
        check_keys((name,))
        self._gui.failSafeCheck()
        stroke = self._layout.key(name)
        if request["down"]:
            self._held[name] = lambda: self._stroke_up(stroke)
            self._stroke_down(stroke)
        else:
            self._stroke_up(stroke)
            self._held.pop(name, None)
        return {}

    def _char(self, request: Request) -> Reply:
        char = str(request["char"])
        self._gui.failSafeCheck()
        stroke = self._layout.stroke(char)
        if stroke is None:
            raise BadInput(f"this keyboard layout cannot type '{char}'")
        try:
            self._stroke_down(stroke)
        finally:
            self._stroke_up(stroke)
        return {}

    def _typable(self, request: Request) -> Reply:
        self._layout = Layout.read(self._x)
        return {"typable": all(self._layout.stroke(c) is not None for c in set(str(request["text"])))}

    def _lend(self, request: Request) -> Reply:
        self._clipboard = self._clipboard or Clipboard()
        self._clipboard.lend(str(request["text"]))
        self._lent_s = time.monotonic()
        return {"window": self._x.active_window(), "latin": self._layout.stroke("v") is not None}

    def _taken(self, request: Request) -> Reply:
        """Whoever has the focus counts at once; another connection (some applications have two) after a moment."""
        if self._clipboard is None:
            return {"taken": False, "quiet": False}
        since = self._clipboard.taken_by(request.get("window"))
        if since is None and time.monotonic() - self._lent_s > OTHERS_S:
            since = self._clipboard.taken_by(None)
        return {"taken": since is not None, "quiet": since is not None and since >= PASTE_QUIET_S}

    def _give_back(self, _: Request) -> Reply:
        if self._clipboard and self._clipboard.lent:
            self._clipboard.give_back()
        return {}

    def _let_go_of(self, name: str) -> Callable[[], None]:
        kind, _, button = name.partition(" ")
        if kind == "button" and button in BUTTONS:
            return lambda: self._fake_button_up(BUTTONS[button])
        return lambda: self._stroke_up(self._layout.key(name))

    def _stroke_down(self, stroke: Stroke) -> None:
        for code in (*stroke.modifiers, stroke.code):
            self._send(code, True)

    def _stroke_up(self, stroke: Stroke) -> None:
        for code in (stroke.code, *reversed(stroke.modifiers)):
            self._send(code, False)

    def _fake_button_up(self, number: int) -> None:
        from Xlib import X
        from Xlib.ext.xtest import fake_input

        with self._x.exchange() as raw:
            fake_input(raw, X.ButtonRelease, number)
            raw.sync()

    def _send(self, code: int, down: bool) -> None:
        from Xlib import X
        from Xlib.ext.xtest import fake_input

        with self._x.exchange() as raw:
            fake_input(raw, X.KeyPress if down else X.KeyRelease, code)
            raw.sync()


def answer(hand: Hand, line: bytes) -> Reply:
    """The reply to one line; errors become ``{"error": kind, "message": text}``."""
    from Xlib import error

    try:
        return {"ok": True, **hand.handle(json.loads(line))}
    except HandStoppedError as problem:
        return {"error": "stopped", "message": str(problem)}
    except BadInput as problem:
        return {"error": "input", "message": str(problem)}
    except DisplayError as problem:
        return {"error": "display", "message": str(problem)}
    except (error.ConnectionClosedError, error.XError, OSError) as problem:
        return {"error": "display", "message": f"the display refused the input ({type(problem).__name__}: {problem})"}
    except (KeyError, TypeError, ValueError) as problem:
        if is_lost_connection(problem):
            return {"error": "display", "message": "the connection to the display was lost"}
        return {"error": "input", "message": f"a malformed request reached the input process ({problem})"}
    except hand_failsafe():
        return {"error": "failsafe", "message": "the pointer is in a screen corner (pyautogui's fail-safe)"}


def hand_failsafe() -> type[Exception]:
    """pyautogui's exception; it derives from Exception alone, so it can only be named once pyautogui is loaded."""
    failsafe: type[Exception] = sys.modules["pyautogui"].FailSafeException
    return failsafe


def _serve(hand: Hand, source: int, sink: BinaryIO, alarm: int) -> None:
    """Until the input ends: requests, and clipboard questions of other programs between them.

    ``alarm`` is readable once the stop's signal has come; it is looked at before each request.
    """
    pending = b""
    while True:
        alarms = [alarm] if not hand.stopped else []
        sockets = [source, *alarms, *([hand.clipboard_socket] if hand.clipboard_socket is not None else [])]
        ready, _, _ = select.select(sockets, [], [])
        if alarm in ready:
            hand.stop()
        hand.serve_clipboard()
        if source not in ready:
            continue
        data = os.read(source, 65536)
        if not data:
            return
        *lines, pending = (pending + data).split(b"\n")
        for line in lines:
            if not hand.stopped and select.select([alarm], [], [], 0)[0]:
                hand.stop()
            sink.write(json.dumps(answer(hand, line)).encode() + b"\n")
            sink.flush()


def main() -> int:
    """Entry of the process: 0 at the end of input, 1 when there is no display."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the side that started it decides about Ctrl+C
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    alarm, bell = os.pipe()
    signal.signal(signal.SIGUSR1, lambda *_: os.write(bell, b"!"))
    with os.fdopen(os.dup(1), "wb") as sink:
        os.dup2(2, 1)  # what libraries print must not end up among the replies
        try:
            hand = Hand()
        except ReticleError as problem:
            sink.write(json.dumps({"error": "display", "message": str(problem)}).encode() + b"\n")
            return 1
        sink.write(b'{"ok": true}\n')
        sink.flush()
        try:
            _serve(hand, 0, sink, alarm)
        except BrokenPipeError:
            return 0
        finally:
            hand.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
