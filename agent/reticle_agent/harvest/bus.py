"""The accessibility bus (AT-SPI, specified as D-Bus interfaces in at-spi2-core) without a toolkit or bindings.

Calls are sent many at a time and answers are matched by serial, because a tree is thousands of small questions.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from reticle_grounding.errors import BadInput

IN_FLIGHT = 64
"""Calls sent before their answers are read; bounded, so that neither side's socket buffer fills up."""
ANSWER_S = 4.0
"""Longest silence of the bus; a program that hangs does not answer at all."""
SWITCH_ON = (
    "install the Debian package at-spi2-core and turn accessibility on (`gsettings set org.gnome.desktop.interface "
    "toolkit-accessibility true`; for Qt programs also QT_LINUX_ACCESSIBILITY_ALWAYS_ON=1), then start the "
    "applications again: programs look for the bus when they start"
)

Body = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Ref:
    """One accessible object."""

    owner: str
    """Unique bus name of the program."""
    path: str


@dataclass(frozen=True, slots=True)
class Call:
    """One method call on an object."""

    ref: Ref
    interface: str
    method: str
    signature: str = ""
    body: Body = ()


def property_call(ref: Ref, interface: str, name: str) -> Call:
    return Call(ref, "org.freedesktop.DBus.Properties", "Get", "ss", (interface, name))


def unpacked(body: Body | None) -> Any:
    """The one value of an answer, taken out of its variant; None when there was no answer."""
    if not body:
        return None
    value = body[0]
    return value[1] if isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], str) else value


class AccessibilityBus:
    """One connection. Raises BadInput when the session has no accessibility bus."""

    def __init__(self) -> None:
        if not os.environ.get("DBUS_SESSION_BUS_ADDRESS"):
            raise BadInput("there is no session bus (DBUS_SESSION_BUS_ADDRESS); harvest from within a desktop session")
        session = _connected("SESSION", "the session bus")
        try:
            self._connection = _connected(_address(session), "the accessibility bus")
        finally:
            session.close()

    def close(self) -> None:
        self._connection.close()

    def call(self, call: Call) -> Body | None:
        return self.call_all([call])[0]

    def call_all(self, calls: Sequence[Call]) -> list[Body | None]:
        """The bodies of the answers in the order of the calls; None for an error or for no answer in time."""
        answers: list[Body | None] = [None] * len(calls)
        open_calls: dict[int, int] = {}
        try:
            for index, call in enumerate(calls):
                open_calls[self._send(call)] = index
                if len(open_calls) >= IN_FLIGHT:
                    self._receive(open_calls, answers)
            while open_calls:
                self._receive(open_calls, answers)
        except TimeoutError:
            return answers
        except OSError as problem:
            raise BadInput(f"the accessibility bus was lost ({problem})") from problem
        return answers

    def _send(self, call: Call) -> int:
        from jeepney import DBusAddress, new_method_call

        address = DBusAddress(call.ref.path, call.ref.owner, call.interface)
        serial = next(self._connection.outgoing_serial)
        self._connection.send(new_method_call(address, call.method, call.signature, call.body), serial=serial)
        return int(serial)

    def _receive(self, open_calls: dict[int, int], answers: list[Body | None]) -> None:
        """Reads until one of the open calls is answered. Raises TimeoutError after ``ANSWER_S`` of waiting."""
        from jeepney import HeaderFields, MessageType

        deadline = time.monotonic() + ANSWER_S
        while True:
            message = self._connection.receive(timeout=max(0.0, deadline - time.monotonic()))
            index = open_calls.pop(message.header.fields.get(HeaderFields.reply_serial, -1), None)
            if index is None:
                continue  # a signal, or an answer that came too late
            if message.header.message_type is MessageType.method_return:
                answers[index] = message.body
            return


def _connected(address: str, what: str) -> Any:
    from jeepney.io.blocking import open_dbus_connection

    try:
        return open_dbus_connection(address)
    except (OSError, KeyError, ValueError, RuntimeError, TimeoutError) as problem:
        raise BadInput(f"{what} cannot be reached ({problem}); {SWITCH_ON}") from problem


def _address(session: Any) -> str:
    from jeepney import DBusAddress, MessageType, new_method_call

    question = new_method_call(DBusAddress("/org/a11y/bus", "org.a11y.Bus", "org.a11y.Bus"), "GetAddress")
    try:
        answer = session.send_and_get_reply(question, timeout=ANSWER_S)
    except (OSError, TimeoutError) as problem:
        raise BadInput(f"there is no accessibility bus ({problem}); {SWITCH_ON}") from problem
    if answer.header.message_type is not MessageType.method_return or not answer.body[0]:
        raise BadInput(f"there is no accessibility bus in this session; {SWITCH_ON}")
    return str(answer.body[0])
