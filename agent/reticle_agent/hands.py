"""The person's own hands at mouse and keyboard: during an input they stop the run, before one they are waited for."""

from __future__ import annotations

from collections import deque
from contextlib import AbstractContextManager
from typing import Protocol

from .actions import Input
from .raw_input import RawInput
from .seams import Actuator
from .stop import Trigger
from .x11 import DisplayError

QUIET_S = 0.15
"""Hands that did nothing for so long rest."""
MOTIONS = 4
MOTION_S = 0.25
"""So many movements of the mouse within so long are meant; a knock against the table gives one or two."""


class Hands:
    """What a person does, told apart from what programs send. Where the server cannot tell, ``watched`` is False."""

    def __init__(self) -> None:
        self._raw: RawInput | None
        try:
            self._raw = RawInput()
        except DisplayError:
            self._raw = None
        self._last_s = -QUIET_S
        self._motions: deque[float] = deque(maxlen=MOTIONS)
        self.kinds: frozenset[str] = frozenset()
        """What happened between the last two looks, whoever did it."""

    @property
    def watched(self) -> bool:
        return self._raw is not None

    def sources(self) -> list[RawInput]:
        """What to wait on; empty where nothing is watched."""
        return [self._raw] if self._raw is not None else []

    def look(self, now_s: float) -> tuple[Trigger, str] | None:
        """What was done since the last call, if it is enough to stop. Raises DisplayError when the display has gone."""
        found: tuple[Trigger, str] | None = None
        events = list(self._raw.poll()) if self._raw is not None else []
        self.kinds = frozenset(event.kind for event in events)
        for event in events:
            if event.by_program or event.repeat or event.kind in ("key_up", "button_up"):
                continue
            self._last_s = now_s
            if event.kind == "key":
                found = "key_pressed", "stopped: you pressed a key"
            elif event.kind == "button":
                found = found or ("mouse_moved", "stopped: you pressed a mouse button")
            else:
                self._motions.append(now_s)
                if len(self._motions) == MOTIONS and now_s - self._motions[0] <= MOTION_S:
                    found = found or ("mouse_moved", "stopped: you moved the mouse")
        return found

    def rest(self, now_s: float) -> bool:
        """Whether they have done nothing for a while."""
        return now_s - self._last_s >= QUIET_S

    def forget(self) -> None:
        """What was done before the agent acts is no reason to stop it."""
        self._motions.clear()


class HandsOff(Protocol):
    """Knows whether a person's hands rest (``stop_watch.StopWatch``)."""

    def hands_off(self) -> AbstractContextManager[None]: ...


class YieldingActuator:
    """An actuator that starts only while the person's hands rest, and during whose inputs they stop the run."""

    def __init__(self, inner: Actuator, watch: HandsOff) -> None:
        self._inner, self._watch = inner, watch

    def perform(self, action: Input) -> None:
        """Raises as the inner one, and ReticleError when the hands do not come to rest."""
        with self._watch.hands_off():
            self._inner.perform(action)

    def close(self) -> None:
        self._inner.close()
