"""Child processes that never outlive us, whatever ends first."""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from typing import IO

from reticle_grounding.errors import BadInput, ReticleError

_GUARD = """read -r _
kill -s TERM -- "-$0" 2>/dev/null || exit 0
for _ in 1 2 3 4 5 6 7 8 9 10; do sleep 0.1; kill -s 0 -- "-$0" 2>/dev/null || exit 0; done
kill -s KILL -- "-$0" 2>/dev/null
"""
"""Waits until its input ends, which happens even when our process is killed, then ends the process group ``$0``."""
GRACE_S = 3.0


class Supervised:
    """A program in a process group of its own, ended with :meth:`end`, at exit, or when our process dies.

    No shell is involved in starting it. Raises BadInput when there is no such program.
    """

    def __init__(
        self,
        argv: Sequence[str],
        env: Mapping[str, str],
        *,
        pass_fds: Sequence[int] = (),
        cwd: str | None = None,
    ) -> None:
        self.argv = tuple(argv)
        self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  closed by end()
        try:
            self._process = subprocess.Popen(
                self.argv,
                env=dict(env),
                cwd=cwd,
                pass_fds=tuple(pass_fds),
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=self._log,
                start_new_session=True,
            )
        except (FileNotFoundError, NotADirectoryError) as error:
            self._log.close()
            raise BadInput(f"there is no program {argv[0]!r}; install it or give its full path") from error
        except OSError as error:
            self._log.close()
            raise BadInput(f"{argv[0]!r} cannot be started: {error.strerror or error}") from error
        self._guard: subprocess.Popen[bytes] | None = self._start_guard()
        atexit.register(self.end)

    def _start_guard(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            ["/bin/sh", "-c", _GUARD, str(self.pid)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        """Process id, which is also the id of its process group and session."""
        return self._process.pid

    @property
    def supervised(self) -> bool:
        """Whether it ends with us: neither ended nor let go."""
        return self._guard is not None

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative is the signal that ended it."""
        return self._process.poll()

    def output(self, limit: int = 4000) -> str:
        """The end of what it printed, at most ``limit`` bytes."""
        if self._log.closed:
            return ""
        self._log.seek(0, os.SEEK_END)
        self._log.seek(max(0, self._log.tell() - limit))
        return self._log.read().decode("utf-8", "replace").strip()

    def last_line(self) -> str:
        return next((line.strip() for line in reversed(self.output().splitlines()) if line.strip()), "")

    def end(self, grace_s: float = GRACE_S) -> None:
        """Ends the whole process group: asks, waits up to ``grace_s`` seconds, then kills. Harmless when repeated."""
        atexit.unregister(self.end)
        self._signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(grace_s)
        self._signal(signal.SIGKILL)
        self._process.wait()
        self._dismiss_guard()
        self._log.close()

    def keep(self) -> None:
        """Lets it run on after us."""
        atexit.unregister(self.end)
        self._dismiss_guard()
        self._log.close()

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    def _dismiss_guard(self) -> None:
        if self._guard is None:
            return
        self._guard.kill()
        self._guard.communicate()
        self._guard = None


def require_program(name: str, purpose: str) -> None:
    """Raises ReticleError naming what to install when a system program is missing."""
    from shutil import which

    if which(name) is None:
        raise ReticleError(
            f"{purpose} needs the program {name}, which is not installed; try: apt install {name.lower()}"
        )
