"""A child process spoken to in JSON lines; every wait has an end."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from reticle_grounding.errors import ReticleError


class ProcessLostError(ReticleError):
    """The child ended or no longer answers."""


class LineProcess:
    """Starts ``python -m module`` with pipes. Not safe for several threads at once."""

    def __init__(self, module: str, *arguments: str, name: str) -> None:
        self.name = name
        self._pending = b""
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    def fileno(self) -> int:
        assert self._process.stdout is not None
        return self._process.stdout.fileno()

    def send(self, message: Mapping[str, Any]) -> None:
        """Raises ProcessLostError when the child has ended."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(message).encode() + b"\n")
        except OSError as problem:
            raise ProcessLostError(f"{self.name} has ended") from problem

    def receive(self, timeout_s: float) -> dict[str, Any]:
        """The next line. Raises ProcessLostError at the end of output, TimeoutError when nothing comes in time."""
        deadline = time.monotonic() + timeout_s
        while b"\n" not in self._pending:
            ready, _, _ = select.select([self.fileno()], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                raise TimeoutError(f"{self.name} did not answer within {timeout_s:g} s")
            data = os.read(self.fileno(), 65536)
            if not data:
                raise ProcessLostError(f"{self.name} has ended")
            self._pending += data
        line, _, self._pending = self._pending.partition(b"\n")
        message: dict[str, Any] = json.loads(line)
        return message

    def end(self, timeout_s: float = 3.0) -> None:
        """Closes its input, which asks it to end; kills it when it does not."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with suppress(OSError):  # it has ended already
            self._process.stdin.close()
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.kill()
        self._process.stdout.close()

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
