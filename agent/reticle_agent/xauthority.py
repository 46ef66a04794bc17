"""Authority files (the format of libXau): who may talk to an X server."""

from __future__ import annotations

import os
import secrets
import socket
import struct
from pathlib import Path

_FAMILY_LOCAL = 256
_FAMILY_WILD = 65535
_PROTOCOL = b"MIT-MAGIC-COOKIE-1"


def new_cookie() -> bytes:
    """16 random bytes."""
    return secrets.token_bytes(16)


def write_authority(path: Path, cookie: bytes, display: str = "") -> None:
    """Writes a file only we can read; without a display number (digits) it is the server's own."""
    family, address = (_FAMILY_LOCAL, socket.gethostname().encode()) if display else (_FAMILY_WILD, b"")
    entry = struct.pack(">H", family)
    for field in (address, display.encode(), _PROTOCOL, cookie):
        entry += struct.pack(">H", len(field)) + field
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(entry)
