"""The one signal that ends a run: permanent, thread-safe, checked before every input."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from reticle_grounding.errors import Cancelled

Trigger: TypeAlias = Literal[
    "hotkey", "corner", "mouse_moved", "key_pressed", "button", "signal", "limit", "watchdog", "crash"
]
Release: TypeAlias = Callable[[], tuple[str, ...]]
"""Ends input; returns the names of the keys and buttons it had to release."""


@dataclass(frozen=True, slots=True)
class StopReport:
    """What became of a stop."""

    trigger: Trigger
    message: str
    latency_ms: float
    """From the moment the stop was seen to the moment everything held was released."""
    released: tuple[str, ...]

    def fields(self) -> dict[str, Any]:
        """Of a trace's ``stop`` event; ``latency_ms`` in milliseconds."""
        return {
            "trigger": self.trigger,
            "message": self.message,
            "latency_ms": self.latency_ms,
            "released_keys": list(self.released),
        }


class StopToken:
    """Set once, never cleared; a new run needs a new token.

    ``stop`` first sets the flag (from then on ``check`` raises), then calls every registered release in the calling
    thread, then lets ``report`` answer.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._set = threading.Event()
        self._released = threading.Event()
        self._releases: list[Release] = []
        self._trigger: Trigger = "button"
        self._message = ""
        self._seen_s = 0.0
        self._report: StopReport | None = None

    @property
    def stopped(self) -> bool:
        return self._set.is_set()

    @property
    def message(self) -> str:
        """Why it stopped, in plain words; empty while it has not."""
        return self._message

    @property
    def seen_s(self) -> float:
        """``time.monotonic()`` of what caused the stop; 0 while there was none."""
        return self._seen_s

    def stop(self, trigger: Trigger, message: str = "", *, seen_s: float | None = None) -> bool:
        """Stops the run; False when it had been stopped before. ``seen_s`` is ``time.monotonic()`` of the cause."""
        with self._lock:
            if self._set.is_set():
                return False
            self._trigger, self._message = trigger, message or f"stopped by {trigger}"
            self._seen_s = time.monotonic() if seen_s is None else seen_s
            releases = list(self._releases)
            self._set.set()
        released: tuple[str, ...] = ()
        try:
            for release in releases:
                released += release()
        finally:
            latency_ms = (time.monotonic() - self._seen_s) * 1000
            self._report = StopReport(trigger, self._message, latency_ms, released)
            self._released.set()
        return True

    def check(self) -> None:
        """Raises Cancelled after a stop."""
        if self._set.is_set():
            raise Cancelled(self._message)

    def sleep(self, seconds: float) -> None:
        """Waits, but not beyond a stop. Raises Cancelled."""
        if self._set.wait(max(0.0, seconds)):
            raise Cancelled(self._message)

    def on_stop(self, release: Release) -> None:
        """Registers what must be released; called at once when the token is already set."""
        with self._lock:
            if not self._set.is_set():
                self._releases.append(release)
                return
        release()

    def forget(self, release: Release) -> None:
        """Takes back a registration; unknown ones are ignored."""
        with self._lock:
            if release in self._releases:
                self._releases.remove(release)

    def report(self, timeout_s: float = 3.0) -> StopReport | None:
        """The finished stop, waiting for the release; None when nothing was stopped or the release hangs."""
        if not self._set.is_set() or not self._released.wait(timeout_s):
            return None
        return self._report
