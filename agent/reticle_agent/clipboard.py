"""The clipboard for one paste: lend a text, see that the application took it, give back what was there.

Spec: ICCCM section 2 (selections). No thread: whoever owns the object calls :meth:`Clipboard.serve` when its socket
has something to read. What the clipboard held before is given back in every format up to ``MAX_FORMAT_BYTES`` each.
"""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable
from typing import Any

from .x11 import X11, property_bytes

MAX_FORMAT_BYTES = 200_000
MAX_FORMATS = 16
ANSWER_S = 0.5
ALL_S = 0.8
"""A slow owner of the clipboard loses the formats it has not given by then; a stop must not wait for it."""
TEXT_FORMATS = ("UTF8_STRING", "text/plain;charset=utf-8", "text/plain", "TEXT", "STRING")
NOT_DATA = frozenset({"TARGETS", "MULTIPLE", "TIMESTAMP", "SAVE_TARGETS", "DELETE", "INSERT_SELECTION"})
Formats = dict[str, bytes]


class Clipboard:
    """Owns (or reads) the CLIPBOARD selection on its own connection."""

    def __init__(self, name: str | None = None) -> None:
        from Xlib import X

        self._x = X11(name)
        self._window: Any = self._x.root.create_window(0, 0, 1, 1, 0, X.CopyFromParent, event_mask=X.PropertyChangeMask)
        self._selection = self._atom("CLIPBOARD")
        self._formats: Formats = {}
        self._saved: Formats = {}
        self._lent = False
        self._takers: set[int] = set()
        self._last_taken_s = 0.0

    def fileno(self) -> int:
        return int(self._x.raw.fileno())

    @property
    def lent(self) -> bool:
        return self._lent

    def lend(self, text: str) -> None:
        """Puts a text on the clipboard; what was there is kept until :meth:`give_back`."""
        self._saved = self._read_all()
        self._offer(_text_formats(text))
        self._lent = True

    def taken_by(self, window: int | None) -> float | None:
        """Seconds since the client that owns ``window`` last fetched the text; None when it has not yet."""
        self.serve()
        if window is not None and self._client(window) not in self._takers:
            return None
        return time.monotonic() - self._last_taken_s if self._takers else None

    def text(self) -> str:
        """What the clipboard holds as text; empty when there is none."""
        data = self._read("UTF8_STRING")
        return data.decode("utf-8", "replace") if isinstance(data, bytes) else ""

    def give_back(self) -> None:
        """Offers what the clipboard held before; an empty clipboard becomes empty again."""
        self._lent = False
        self._offer(self._saved)

    def hand_over(self) -> None:
        """Before this process ends: lets ``xclip`` keep offering the old text (without it, that text goes with us)."""
        text = next((self._formats[f] for f in TEXT_FORMATS if f in self._formats), None)
        if self._is_owner() and text is not None and (xclip := shutil.which("xclip")):
            subprocess.run(
                [xclip, "-selection", "clipboard", "-in"],
                input=text,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                check=False,
                timeout=5,
            )

    def serve(self) -> None:
        """Answers whatever other clients asked meanwhile; returns at once."""
        with self._x.exchange() as raw:
            while raw.pending_events():
                self._answer(raw.next_event())

    def close(self) -> None:
        self._x.close()

    def _atom(self, name: str) -> int:
        with self._x.exchange() as raw:
            return int(raw.get_atom(name))

    def _atom_name(self, atom: int) -> str:
        with self._x.exchange() as raw:
            return str(raw.get_atom_name(atom))

    def _client(self, window: int) -> int:
        return int(window & ~self._x.raw.display.info.resource_id_mask)

    def _is_owner(self) -> bool:
        with self._x.exchange() as raw:
            owner = raw.get_selection_owner(self._selection)
        return bool(owner) and owner.id == self._window.id

    def _offer(self, formats: Formats) -> None:
        """Owns the selection with these formats; with none, nobody owns it."""
        from Xlib import X
        from Xlib.protocol import request

        self._formats, self._takers = formats, set()
        with self._x.exchange() as raw:
            owner = self._window if formats else X.NONE
            request.SetSelectionOwner(raw.display, window=owner, selection=self._selection, time=X.CurrentTime)
            raw.sync()

    def _answer(self, event: Any) -> None:
        from Xlib import X, error
        from Xlib.protocol import event as events

        if event.type != X.SelectionRequest:
            return
        place = event.property or event.target  # old clients name no property (ICCCM 2.2)
        try:
            done = self._put(event.requestor, place, event.target)
            answer = events.SelectionNotify(
                time=event.time,
                requestor=event.requestor,
                selection=event.selection,
                target=event.target,
                property=place if done else X.NONE,
            )
            event.requestor.send_event(answer)
            self._x.raw.sync()
        except error.BadWindow:
            return  # the asking window has gone

    def _put(self, requestor: Any, place: int, target: int) -> bool:
        from Xlib import Xatom

        name = self._atom_name(target)
        if name == "TARGETS":
            offered = [self._atom("TARGETS"), *(self._atom(f) for f in self._formats)]
            requestor.change_property(place, Xatom.ATOM, 32, offered)
            return True
        if name not in self._formats:
            return False
        kind = target if name not in ("TEXT",) else self._atom("UTF8_STRING")
        requestor.change_property(place, kind, 8, self._formats[name])
        self._takers.add(self._client(int(requestor.id)))
        self._last_taken_s = time.monotonic()
        return True

    def _read_all(self) -> Formats:
        """Every format on the clipboard, own or of another client; empty when nobody offers anything."""
        if self._is_owner():
            return dict(self._formats)
        listed = self._read("TARGETS")
        names = [self._atom_name(a) for a in listed] if isinstance(listed, list) else []
        found: Formats = {}
        deadline = time.monotonic() + ALL_S
        for name in [n for n in names if n not in NOT_DATA][:MAX_FORMATS]:
            data = self._read(name) if time.monotonic() < deadline else None
            if isinstance(data, bytes) and (len(data) <= MAX_FORMAT_BYTES or name in TEXT_FORMATS):
                found[name] = data
        return found

    def _read(self, target: str) -> bytes | list[int] | None:
        """One format: bytes, a list of atoms, or None when it is not given within ``ANSWER_S``."""
        from Xlib import X

        place = self._atom("RETICLE_CLIPBOARD")
        with self._x.exchange() as raw:
            self._window.delete_property(place)
            self._window.convert_selection(self._selection, self._atom(target), place, X.CurrentTime)
            raw.flush()
        event = self._await(lambda e: e.type == X.SelectionNotify)
        if event is None or not event.property:
            return None
        first = self._take(place)
        if first is not None and first.property_type == self._atom("INCR"):
            return self._read_pieces(place)
        if first is None:
            return None
        return [int(v) for v in first.value] if first.format == 32 else property_bytes(first.value)

    def _read_pieces(self, place: int) -> bytes | None:
        """The rest of an incremental transfer (ICCCM 2.7.2): pieces until an empty one."""
        from Xlib import X

        whole = b""
        while True:
            arrived = self._await(
                lambda e: e.type == X.PropertyNotify and e.atom == place and e.state == X.PropertyNewValue
            )
            piece = self._take(place) if arrived is not None else None
            if piece is None:
                return None
            data = property_bytes(piece.value)
            if not data:
                return whole
            whole += data

    def _take(self, place: int) -> Any:
        from Xlib import X

        with self._x.exchange():
            value = self._window.get_full_property(place, X.AnyPropertyType, MAX_FORMAT_BYTES)
            self._window.delete_property(place)
            self._x.raw.flush()
        return value

    def _await(self, wanted: Callable[[Any], bool]) -> Any:
        deadline = time.monotonic() + ANSWER_S
        while time.monotonic() < deadline:
            with self._x.exchange() as raw:
                while raw.pending_events():
                    event = raw.next_event()
                    if wanted(event):
                        return event
                    self._answer(event)
            time.sleep(0.002)
        return None


def _text_formats(text: str) -> Formats:
    data = text.encode("utf-8")
    formats = dict.fromkeys(("UTF8_STRING", "text/plain;charset=utf-8", "text/plain", "TEXT"), data)
    if all(ord(c) < 0x100 for c in text):
        formats["STRING"] = text.encode("latin-1")
    return formats
