"""What is being done with one model, as the models window follows it. No Qt."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from reticle_app.models.entries import ModelEntry
from reticle_app.models.jobs import Job
from reticle_app.models.store import gigabytes

from .model_page import Phase

WorkKey: TypeAlias = tuple[str, str]
"""What is done, and with what: ("pull", repository), ("import", folder) or ("verify", name)."""
IMPORT = "import "
"""How keys of rows begin that stand for a folder to be imported."""
WINDOW_S = 6.0
"""The speed of a download is that of the last seconds."""


class Pace:
    """How fast bytes come."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: deque[tuple[float, int]] = deque()

    def note(self, done: int) -> None:
        now = self._clock()
        self._seen.append((now, done))
        while now - self._seen[0][0] > WINDOW_S and len(self._seen) > 2:
            self._seen.popleft()

    @property
    def per_s(self) -> float:
        """Bytes a second; 0 while nothing can be said."""
        if len(self._seen) < 2:
            return 0.0
        (first, before), (last, after) = self._seen[0], self._seen[-1]
        return max(0.0, (after - before) / (last - first)) if last > first else 0.0


@dataclass
class Work:
    """One job and what it has told."""

    request: Mapping[str, Any]
    phase: Phase
    words: str
    job: Job | None = None
    plan: dict[str, Any] | None = None
    done: int = 0
    total: int = 0
    agreed: bool = False
    last: Job | None = None
    """A job that was let go and may still be ending."""
    goes_on: bool = False
    """It is resumed as soon as that has ended."""
    pace: Pace = field(default_factory=Pace)

    @property
    def busy(self) -> bool:
        return self.phase in ("looking", "fetching", "checking")

    def progress(self, done: int, total: int) -> None:
        self.done, self.total = done, total
        self.pace.note(done)
        self.words = self._progress_words()

    def _progress_words(self) -> str:
        if self.done >= self.total:
            return "All bytes are here; comparing checksums…"
        parts = [f"{gigabytes(self.done)} of {gigabytes(self.total)}"]
        speed = self.pace.per_s
        if speed > 0:
            parts += [f"{gigabytes(round(speed))}/s", f"{left_words((self.total - self.done) / speed)} left"]
        return ", ".join(parts)

    def note(self) -> str:
        """A few words for the list."""
        share = f" {self.done / self.total:.0%}" if self.total else ""
        return {
            "looking": "Asking…",
            "asking": "Waits for your yes",
            "fetching": f"Fetching{share}",
            "paused": f"Paused{f' at{share}' if share else ''}",
            "checking": f"Checking files{share}",
        }.get(self.phase, "")


def work_key(entry: ModelEntry) -> WorkKey:
    """What can be done with a model."""
    if entry.kind == "kept":
        return "verify", entry.name or ""
    if entry.key.startswith(IMPORT):
        return "import", entry.key.removeprefix(IMPORT)
    return "pull", entry.repository or ""


def left_words(seconds: float) -> str:
    """A time to wait, rounded as people say it."""
    if seconds < 60:
        return f"about {max(1, round(seconds))} s"
    if seconds < 5400:
        return f"about {round(seconds / 60)} min"
    return f"about {seconds / 3600:.1f} h"
