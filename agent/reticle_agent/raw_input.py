"""Who moved the mouse, who pressed the key? Raw events of the X Input Extension 2, which name their device.

Inputs that programs send (XTEST) come from devices of their own, so a person's hands can be told from ours. Raw events
reach every listener whatever window has the keyboard (XI 2.1 and later; "The X Input Extension", version 2.2, section
"RawEvent"). python3-xlib 0.15 knows neither the extension nor events longer than 32 bytes, so this speaks the protocol
itself over one connection. Not safe for several threads.
"""

from __future__ import annotations

import os
import select
import socket
import struct
import time
from dataclasses import dataclass
from typing import Literal, TypeAlias

from .x11 import DisplayError, ensure_authority_file, is_lost_connection

Kind: TypeAlias = Literal["key", "key_up", "button", "button_up", "motion"]
KINDS: dict[int, Kind] = {13: "key", 14: "key_up", 15: "button", 16: "button_up", 17: "motion"}
"""XI_RawKeyPress ... XI_RawMotion."""
ANSWER_S = 5.0
REPLY, ERROR, GENERIC = 1, 0, 35
ALL_DEVICES, ALL_MASTERS = 0, 1
KEY_REPEAT = 1 << 16
QUERY_EXTENSION, QUERY_VERSION, SELECT_EVENTS, QUERY_DEVICE = 98, 47, 46, 48
PROGRAMS = "XTEST"
"""Part of the names of the devices through which programs send."""


@dataclass(frozen=True, slots=True)
class RawEvent:
    """One event of one device."""

    kind: Kind
    by_program: bool
    """Sent by a program (XTEST), ours or another; else by a device that a person holds."""
    detail: int
    """Key code or button; 0 for motion."""
    server_ms: int
    """The X server's clock."""
    repeat: bool = False
    """A held key that repeats itself."""


class RawClient:
    """A bare connection to the X server. Raises DisplayError when it cannot be opened."""

    def __init__(self, name: str | None = None) -> None:
        ensure_authority_file()
        from Xlib import error
        from Xlib.support import connect

        wanted = name or os.environ.get("DISPLAY", "")
        try:
            shown, host, number, _ = connect.get_display(wanted)
            self._socket: socket.socket = connect.get_socket(shown, host, number)
            scheme, cookie = connect.get_auth(self._socket, shown, host, number)
        except (error.DisplayError, error.XauthError, OSError) as problem:
            raise DisplayError(f"display {wanted} cannot be opened ({problem})") from problem
        self._pending = b""
        self._events: list[bytes] = []
        try:
            self.root = self._set_up(_as_bytes(scheme), _as_bytes(cookie))
        except BaseException:
            self.close()
            raise

    def fileno(self) -> int:
        return self._socket.fileno()

    def close(self) -> None:
        self._socket.close()

    def extension(self, name: str) -> tuple[int, int] | None:
        """Major opcode and first event of an extension; None when the server has none of that name."""
        text = name.encode()
        reply = self.ask(_request(QUERY_EXTENSION, 0, struct.pack("<HH", len(text), 0) + text))
        present, opcode, first_event = reply[8], reply[9], reply[10]
        return (opcode, first_event) if present else None

    def send(self, request: bytes) -> None:
        try:
            self._socket.sendall(request)
        except OSError as problem:
            raise DisplayError("the connection to the display was lost") from problem

    def ask(self, request: bytes) -> bytes:
        """Sends a request and waits for its reply. Raises DisplayError for a refusal."""
        self.send(request)
        deadline = time.monotonic() + ANSWER_S
        while True:
            packet = self._packet(deadline - time.monotonic())
            if packet is None:
                raise DisplayError(f"the display did not answer within {ANSWER_S:g} s")
            if packet[0] == REPLY:
                return packet
            if packet[0] == ERROR:
                raise DisplayError(f"the display refused a request (X error {packet[1]})")
            self._events.append(packet)

    def events(self) -> list[bytes]:
        """What has come in meanwhile; waits for nothing."""
        while (packet := self._packet(0.0)) is not None:
            if packet[0] not in (REPLY, ERROR):
                self._events.append(packet)
        found, self._events = self._events, []
        return found

    def _packet(self, timeout_s: float) -> bytes | None:
        """The next whole packet, None when none is complete in time."""
        deadline = time.monotonic() + timeout_s
        while True:
            length = 32
            if len(self._pending) >= 32:
                if self._pending[0] in (REPLY, GENERIC):
                    length += 4 * int(struct.unpack_from("<I", self._pending, 4)[0])
                if len(self._pending) >= length:
                    packet, self._pending = self._pending[:length], self._pending[length:]
                    return packet
            if not self._receive(max(0.0, deadline - time.monotonic())):
                return None

    def _receive(self, timeout_s: float) -> bool:
        if not select.select([self._socket], [], [], timeout_s)[0]:
            return False
        try:
            data = self._socket.recv(65536)
        except OSError as problem:
            raise DisplayError("the connection to the display was lost") from problem
        if not data:
            raise DisplayError("the connection to the display was lost")
        self._pending += data
        return True

    def _set_up(self, scheme: bytes, cookie: bytes) -> int:
        """The connection's first exchange (X protocol, section "Connection Setup"); returns the root window."""
        head = struct.pack("<BxHHHHxx", ord("l"), 11, 0, len(scheme), len(cookie))
        self.send(head + _padded(scheme) + _padded(cookie))
        deadline = time.monotonic() + ANSWER_S

        def received(count: int) -> bytes:
            while len(self._pending) < count:
                if not self._receive(max(0.0, deadline - time.monotonic())):
                    raise DisplayError("the display did not answer")
            found, self._pending = self._pending[:count], self._pending[count:]
            return found

        first = received(8)
        rest = received(4 * int(struct.unpack_from("<H", first, 6)[0]))
        if first[0] != 1:
            raise DisplayError("the display refused the connection")
        vendor, formats = int(struct.unpack_from("<H", rest, 16)[0]), rest[21]
        return int(struct.unpack_from("<I", rest, 32 + (vendor + 3) // 4 * 4 + 8 * formats)[0])


class RawInput:
    """All raw events of the display. Raises DisplayError where the server does not tell devices apart (XI 2.2)."""

    def __init__(self, name: str | None = None) -> None:
        self.client = RawClient(name)
        try:
            found = self.client.extension("XInputExtension")
            if found is None:
                raise DisplayError("the display does not tell input devices apart (no X Input Extension)")
            self._opcode = found[0]
            version = self.client.ask(_request(self._opcode, QUERY_VERSION, struct.pack("<HH", 2, 2)))
            if struct.unpack_from("<HH", version, 8) < (2, 2):
                raise DisplayError("the display does not tell input devices apart (X Input before 2.2)")
            self._programs = {number for number, device in self.devices().items() if PROGRAMS in device}
            mask = sum(1 << kind for kind in KINDS)
            chosen = struct.pack("<IHxx", self.client.root, 1) + struct.pack("<HHI", ALL_MASTERS, 1, mask)
            self.client.send(_request(self._opcode, SELECT_EVENTS, chosen))
            self.devices()  # answered after the choice, so from here on nothing is missed
        except BaseException:
            self.close()
            raise

    def fileno(self) -> int:
        return self.client.fileno()

    def close(self) -> None:
        self.client.close()

    def devices(self) -> dict[int, str]:
        """Number -> name of every device."""
        reply = self.client.ask(_request(self._opcode, QUERY_DEVICE, struct.pack("<HH", ALL_DEVICES, 0)))
        count, at = int(struct.unpack_from("<H", reply, 8)[0]), 32
        found = {}
        for _ in range(count):
            number, _, _, classes, length = struct.unpack_from("<HHHHH", reply, at)
            at += 12
            found[int(number)] = reply[at : at + length].decode("utf-8", "replace")
            at += (length + 3) // 4 * 4
            for _ in range(classes):
                at += 4 * int(struct.unpack_from("<H", reply, at + 2)[0])
        return found

    def poll(self) -> list[RawEvent]:
        """Events since the last call; waits for nothing. Raises DisplayError when the display has gone."""
        try:
            packets = self.client.events()
        except Exception as problem:
            if is_lost_connection(problem):
                raise DisplayError("the connection to the display was lost") from problem
            raise
        return [event for packet in packets if (event := self._event(packet)) is not None]

    def _event(self, packet: bytes) -> RawEvent | None:
        if packet[0] & 0x7F != GENERIC or packet[1] != self._opcode:
            return None
        kind = KINDS.get(int(struct.unpack_from("<H", packet, 8)[0]))
        if kind is None:
            return None
        server_ms, detail, source = struct.unpack_from("<IIH", packet, 12)
        flags = int(struct.unpack_from("<I", packet, 24)[0])
        return RawEvent(kind, source in self._programs, int(detail), int(server_ms), bool(flags & KEY_REPEAT))


def _request(opcode: int, minor: int, body: bytes) -> bytes:
    body = _padded(body)
    return struct.pack("<BBH", opcode, minor, 1 + len(body) // 4) + body


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def _as_bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode("latin-1")
