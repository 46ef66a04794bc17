"""One agent per display: a second one is refused, and whoever wants the first to stop can find it.

The lock is the operating system's own and ends with the process that holds it, so a crash leaves nothing to clean up.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from reticle_grounding.errors import BadInput, ReticleError


class AgentLock:
    """The lock of this process, while it is held."""

    def __init__(self, handle: int) -> None:
        self._handle = handle
        self._say({"agent": os.getpid()})

    def watched_by(self, stopper: int) -> None:
        """Tells others the process to signal for a stop."""
        self._say({"agent": os.getpid(), "stopper": stopper})

    def _say(self, document: dict[str, int]) -> None:
        data = json.dumps(document).encode()
        os.pwrite(self._handle, data, 0)
        os.ftruncate(self._handle, len(data))


def lock_path(display: str | None = None) -> Path:
    """The lock file of a display, in a folder of this user's alone. Raises ReticleError when that cannot be had."""
    shown = display if display is not None else os.environ.get("DISPLAY", "")
    name = re.sub(r"\W+", "_", shown.removesuffix(".0")) or "none"
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    folder = Path(runtime) / "reticle" if runtime else Path(tempfile.gettempdir()) / f"reticle-{os.getuid()}"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if folder.stat().st_uid != os.getuid():
            raise ReticleError(f"{folder} belongs to somebody else, so runs cannot be kept apart; remove it")
    except OSError as problem:
        raise ReticleError(f"runs cannot be kept apart: {folder}: {problem.strerror}") from problem
    return folder / f"agent{name}.lock"


@contextmanager
def only_agent(display: str | None = None) -> Iterator[AgentLock]:
    """Holds the display for one run. Raises ReticleError while another process, or this one, acts there."""
    path = lock_path(display)
    handle = _open(path)
    try:
        if not _taken(handle):
            other = _holder(path).get("agent")
            who = f" (process {other})" if other else ""
            raise ReticleError(f"another run acts on this display already{who}; `reticle stop` ends it")
        yield AgentLock(handle)
        os.ftruncate(handle, 0)
    finally:
        os.close(handle)


def stop_other(display: str | None = None) -> int:
    """Stops the run on a display from outside and returns its process id. Raises BadInput when there is none."""
    path = lock_path(display)
    handle = _open(path)
    try:
        running = not _taken(handle)
    finally:
        os.close(handle)
    holder = _holder(path) if running else {}
    agent, stopper = holder.get("agent"), holder.get("stopper")
    if agent is None:
        raise BadInput("no run acts on this display")
    try:
        os.kill(stopper or agent, signal.SIGTERM)
    except ProcessLookupError:
        raise BadInput("no run acts on this display any more") from None
    except PermissionError as problem:
        raise ReticleError(f"the run (process {agent}) belongs to somebody else") from problem
    return agent


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as problem:
        raise ReticleError(f"runs cannot be kept apart: {path}: {problem.strerror}") from problem


def _taken(handle: int) -> bool:
    """Takes the lock; False when it is held."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(path: Path) -> dict[str, int]:
    with suppress(OSError, ValueError):
        found = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(found, dict):
            return {key: pid for key, pid in found.items() if isinstance(pid, int) and pid > 1}
    return {}
