"""One at a time, first come first served, and only so many waiting."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from reticle_grounding.errors import Cancelled, ReticleError

LOOK_S = 0.05
"""Between two looks for a stop while waiting."""


class BusyError(ReticleError):
    """Too many are waiting, or waiting took too long; the same request may succeed later."""


class TookTooLongError(ReticleError):
    """The work was given up after its time."""


class Turns:
    """Hands out turns in the order they were asked for. Thread-safe; a turn is not taken twice by one thread."""

    def __init__(self, max_waiting: int | None = None) -> None:
        """``max_waiting`` others may wait beside the one whose turn it is; None is no limit."""
        self._max_waiting = max_waiting
        self._line: deque[object] = deque()
        self._changed = threading.Condition()

    @property
    def length(self) -> int:
        """How many have or await a turn."""
        return len(self._line)

    @contextmanager
    def turn(self, timeout_s: float | None = None, stopped: Callable[[], bool] = lambda: False) -> Iterator[None]:
        """Waits for a turn and holds it. Raises BusyError, or Cancelled when ``stopped`` says so meanwhile."""
        ticket = object()
        until = None if timeout_s is None else time.monotonic() + timeout_s
        with self._changed:
            if self._max_waiting is not None and len(self._line) > self._max_waiting:
                raise BusyError(f"{self._max_waiting} others are waiting already; try again later")
            self._line.append(ticket)
        try:
            self._await(ticket, until, stopped)
            yield
        finally:
            with self._changed:
                self._line.remove(ticket)
                self._changed.notify_all()

    def _await(self, ticket: object, until: float | None, stopped: Callable[[], bool]) -> None:
        with self._changed:
            while self._line[0] is not ticket:
                if stopped():
                    raise Cancelled("stopped while waiting for the model")
                if until is not None and time.monotonic() >= until:
                    raise BusyError("the model was busy with others all the time; try again later")
                self._changed.wait(LOOK_S)
