"""The secret that a client shows: made once, kept where only this user can read it."""

from __future__ import annotations

import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path

import platformdirs

from reticle_app.config import APP
from reticle_grounding.errors import BadInput

LENGTH = 32
"""Random bytes."""
SHORTEST = 22
"""Characters of a token that a person put there; some 128 bits."""


def token_path() -> Path:
    return Path(platformdirs.user_config_dir(APP)) / "server-token"


def server_token(path: Path | None = None) -> str:
    """The kept token, or a new one on first use (mode 0600).

    Raises BadInput for a file that others can read, that is no token, or that cannot be read or made.
    """
    path = path or token_path()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with suppress(FileExistsError):
            _make(path)
        return _read(path)
    except OSError as error:
        raise BadInput(f"cannot keep the server's token in {path}: {error.strerror or error}") from error


def _make(path: Path) -> None:
    """Written beside its place and linked there, so that nobody ever reads half a token. Raises FileExistsError."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(LENGTH) + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    finally:
        draft.unlink()


def _read(path: Path) -> str:
    with open(path, encoding="ascii", errors="replace") as file:
        about = os.fstat(file.fileno())
        if os.name == "posix" and (stat.S_IMODE(about.st_mode) & 0o077 or about.st_uid != os.getuid()):
            raise BadInput(f"the token in {path} can be read by others; delete the file to get a new one")
        token = file.read(4096).strip()
    if len(token) < SHORTEST or not token.isascii() or not token.isprintable() or " " in token:
        raise BadInput(f"{path} holds no token; delete the file to get a new one")
    return token
