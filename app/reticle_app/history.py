"""What can be taken back: changes in the order they were made, each with how to undo and redo it. No Qt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

KEPT = 100


@dataclass(frozen=True, slots=True)
class Change:
    """One change that was made. Both ways may only begin something; what comes of it is not awaited."""

    words: str
    """What it was, as the undo says it."""
    undo: Callable[[], None]
    redo: Callable[[], None]


class History:
    """The last changes; a new one makes what was undone before it unreachable."""

    def __init__(self, on_change: Callable[[], None] = lambda: None) -> None:
        self._done: list[Change] = []
        self._undone: list[Change] = []
        self._tell = on_change

    @property
    def next_undo(self) -> Change | None:
        return self._done[-1] if self._done else None

    @property
    def next_redo(self) -> Change | None:
        return self._undone[-1] if self._undone else None

    def add(self, change: Change) -> None:
        """A change that was just made."""
        self._done = [*self._done, change][-KEPT:]
        self._undone.clear()
        self._tell()

    def undo(self) -> Change | None:
        """Takes the last change back; returns it, None where there is none."""
        if not self._done:
            return None
        change = self._done.pop()
        self._undone.append(change)
        change.undo()
        self._tell()
        return change

    def redo(self) -> Change | None:
        if not self._undone:
            return None
        change = self._undone.pop()
        self._done.append(change)
        change.redo()
        self._tell()
        return change

    def forget(self, change: Change) -> None:
        """It could not be made, or cannot be taken back any more."""
        self._done = [one for one in self._done if one is not change]
        self._undone = [one for one in self._undone if one is not change]
        self._tell()
