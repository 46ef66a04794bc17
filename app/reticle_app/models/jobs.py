"""The window's side of a model job: a process of its own, heard on the window's thread."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from reticle_app.background import MainThread
from reticle_grounding.errors import ReticleError

COMMAND = (sys.executable, "-m", "reticle_app.models.job")
STOP_S = 2.0
"""A job that does not end by itself after this long is ended by force."""


class Job:
    """One download, import or check under way (``job.py`` tells the lines). Made and used on the window's thread.

    ``hear`` gets every line of the process, and last ``{"ended": text}``: empty after an orderly end or
    :meth:`stop`, else what went wrong.
    """

    def __init__(self, main: MainThread, request: Mapping[str, Any], hear: Callable[[dict[str, Any]], None]) -> None:
        self._main, self._hear = main, hear
        self._stopped = False
        try:
            self._process = subprocess.Popen(COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        except OSError as error:
            raise ReticleError(f"the model process cannot be started: {error}") from error
        self._send(request)
        self._reader = threading.Thread(target=self._read, name="model-job", daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the process still has the model's folder to itself."""
        return self._process.poll() is None

    def agree(self) -> None:
        """The plan's terms are accepted; the work begins."""
        self._send({"yes": True})

    def stop(self) -> None:
        """Ends the process at once; a download keeps what came. Does not wait."""
        if self._stopped:
            return
        self._stopped = True
        with suppress(OSError):
            self._process.terminate()
        timer = threading.Timer(STOP_S, self._process.kill)
        timer.daemon = True
        timer.start()

    def close(self) -> None:
        """Like :meth:`stop`, and waits for the end, for when the application ends."""
        self.stop()
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _send(self, line: Mapping[str, Any]) -> None:
        assert self._process.stdin is not None
        with suppress(OSError):  # it has ended, and the reader tells so
            self._process.stdin.write(json.dumps(line) + "\n")
            self._process.stdin.flush()

    def _read(self) -> None:
        assert self._process.stdout is not None
        assert self._process.stdin is not None
        with self._process.stdout as lines:
            for line in lines:
                self._post(json.loads(line))
        with suppress(OSError):
            self._process.stdin.close()
        code = self._process.wait()
        self._post({"ended": "" if self._stopped or code == 0 else f"the model process ended with code {code}"})

    def _post(self, message: dict[str, Any]) -> None:
        self._main.post(lambda: self._hear(message))
