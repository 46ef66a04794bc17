"""Ray's own processes on this machine, started for us alone and never left behind."""

from __future__ import annotations

import os
import secrets
import sys
import time
from pathlib import Path

from reticle_agent.processes import Supervised
from reticle_grounding.errors import ReticleError

from .ray_head import ADDRESS

TRIES = 3
"""Ray gives its parts 30 seconds to find each other, which a busy machine may need more than once."""
START_S = 240.0
"""For one try."""
END_S = 15.0
LOOK_S = 0.1
HERE = {
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # else Ray takes the address of a network card for 127.0.0.1
    "RAY_USAGE_STATS_ENABLED": "0",  # nothing is told to anybody
    "RAY_AUTH_MODE": "token",
    "RAY_worker_niceness": "0",  # replicas are as patient as the command that started them, not more so
}
_NOT_HERE = ("RAY_AUTH_TOKEN_PATH", "RAY_ADDRESS")


class Head:
    """A running Ray of one machine; ``address`` is where it is joined."""

    def __init__(self, process: Supervised, address: str) -> None:
        self._process, self.address = process, address

    def end(self) -> None:
        """Ends all of Ray's processes."""
        self._process.end(END_S)


def secure_surroundings() -> None:
    """Before Ray is imported: the loopback address alone, behind a token of this process and what it starts."""
    os.environ.update(HERE, RAY_AUTH_TOKEN=secrets.token_hex(32))
    for name in _NOT_HERE:
        os.environ.pop(name, None)


def start_head(folder: Path, cpus: int, gpus: int, store_mb: int) -> Head:
    """Starts Ray with its files in ``folder``, in surroundings made by :func:`secure_surroundings`.

    Raises ReticleError with Ray's last line when it does not come up.
    """
    amounts = [str(cpus), str(gpus), str(store_mb * 2**20)]
    said = ""
    for number in range(TRIES):
        own = folder / str(number)
        own.mkdir(mode=0o700)
        process = Supervised([sys.executable, "-m", "reticle_app.fleet.ray_head", str(own), *amounts], os.environ)
        try:
            address = _awaited(process, own / ADDRESS)
        except BaseException:
            process.end(END_S)
            raise
        if address is not None:
            return Head(process, address)
        said = process.last_line()
        process.end(END_S)
    raise ReticleError(f"Ray did not start, tried {TRIES} times: {said or 'it says nothing'}")


def _awaited(process: Supervised, note: Path) -> str | None:
    """The address that Ray notes down when it is up; None when it ends, or takes too long."""
    until = time.monotonic() + START_S
    while time.monotonic() < until and process.exit_code is None:
        if note.is_file() and (address := note.read_text(encoding="utf-8").strip()):
            return address
        time.sleep(LOOK_S)
    return None
