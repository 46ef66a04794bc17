"""What is being done with one model, as the models window follows it. No widgets."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from reticle_app.models.entries import ModelEntry
from reticle_app.models.jobs import Job
from reticle_app.models.store import gigabytes
from reticle_app.translations import tr

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
            return tr("All bytes are here; comparing checksums…")
        parts = [tr("{done} of {all}").format(done=gigabytes(self.done), all=gigabytes(self.total))]
        speed = self.pace.per_s
        if speed > 0:
            parts += [
                f"{gigabytes(round(speed))}/s",
                tr("{time} left").format(time=left_words((self.total - self.done) / speed)),
            ]
        return ", ".join(parts)

    def note(self) -> str:
        """A few words for the list."""
        share = f"{self.done / self.total:.0%}" if self.total else ""
        return {
            "looking": tr("Asking…"),
            "asking": tr("Waits for your yes"),
            "fetching": tr("Fetching {share}").format(share=share).rstrip(),
            "paused": tr("Paused at {share}").format(share=share) if share else tr("Paused"),
            "checking": tr("Checking files {share}").format(share=share).rstrip(),
        }.get(self.phase, "")


def work_key(entry: ModelEntry) -> WorkKey:
    """What can be done with a model."""
    if entry.kind == "kept":
        return "verify", entry.name or ""
    if entry.key.startswith(IMPORT):
        return "import", entry.key.removeprefix(IMPORT)
    return "pull", entry.repository or ""


def row_key(key: WorkKey) -> str:
    """Key of the row that is shown for a model to be fetched or imported while it is not listed."""
    return f"{'known' if key[0] == 'pull' else key[0]} {key[1]}"


def left_words(seconds: float) -> str:
    """A time to wait, rounded as people say it."""
    if seconds < 60:
        return tr("about {time}").format(time=f"{max(1, round(seconds))} s")
    if seconds < 5400:
        return tr("about {time}").format(time=f"{round(seconds / 60)} min")
    return tr("about {time}").format(time=f"{seconds / 3600:.1f} h")
