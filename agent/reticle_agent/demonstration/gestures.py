"""From single presses to what a person did: clicks, drags, turns of the wheel, text and chords. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Generic, Literal, TypeAlias, TypeVar

from reticle_agent.actions import Button, Direction, Pixel

from .keys import Key

DOUBLE_MS = 400.0
"""Longest time from one click to the next of a double click."""
NEAR_PX = 6
"""A pointer that moved less has not dragged, and has clicked at the same place."""
PAUSE_MS = 1500.0
"""Typing rests for so long before it counts as done."""
WHEEL_MS = 600.0
BUTTONS: dict[int, Button] = {1: "left", 2: "middle", 3: "right"}
WHEEL: dict[int, Direction] = {4: "up", 5: "down", 6: "left", 7: "right"}
Seen = TypeVar("Seen")


@dataclass(frozen=True, slots=True)
class Hand(Generic[Seen]):
    """One press or release, with what was seen before it."""

    kind: Literal["button", "button_up", "key"]
    ms: float
    at: Pixel
    seen: Seen
    button: int = 0
    key: Key | None = None


@dataclass(frozen=True, slots=True)
class Clicked(Generic[Seen]):
    seen: Seen
    ms: float
    end_ms: float
    at: Pixel
    button: Button
    count: Literal[1, 2, 3]


@dataclass(frozen=True, slots=True)
class Dragged(Generic[Seen]):
    seen: Seen
    ms: float
    end_ms: float
    at: Pixel
    to: Pixel


@dataclass(frozen=True, slots=True)
class Scrolled(Generic[Seen]):
    seen: Seen
    ms: float
    end_ms: float
    at: Pixel
    direction: Direction
    amount: int


@dataclass(frozen=True, slots=True)
class Typed(Generic[Seen]):
    seen: Seen
    ms: float
    end_ms: float
    text: str


@dataclass(frozen=True, slots=True)
class Pressed(Generic[Seen]):
    seen: Seen
    ms: float
    end_ms: float
    keys: tuple[str, ...]


Gesture: TypeAlias = Clicked[Seen] | Dragged[Seen] | Scrolled[Seen] | Typed[Seen] | Pressed[Seen]


class Gestures(Generic[Seen]):
    """Feed it every press and release in order; ask :meth:`rest` now and then what time alone has finished."""

    def __init__(self) -> None:
        self._down: Hand[Seen] | None = None
        self._open: Clicked[Seen] | Scrolled[Seen] | Typed[Seen] | None = None

    @property
    def typing(self) -> bool:
        """Whether characters have been typed that are not handed out yet."""
        return isinstance(self._open, Typed)

    @property
    def busy(self) -> bool:
        """Whether something has begun and is not handed out yet."""
        return self._down is not None or self._open is not None

    def feed(self, hand: Hand[Seen]) -> list[Gesture[Seen]]:
        """What this press or release has finished."""
        if hand.kind == "key":
            return self._key(hand)
        if hand.button in WHEEL:
            return self._wheel(hand) if hand.kind == "button" else []
        if hand.button not in BUTTONS:
            return []
        if hand.kind == "button":
            done = [] if self._continues(hand) else self.flush()
            self._down = hand
            return done
        return self._released(hand)

    def rest(self, ms: float) -> list[Gesture[Seen]]:
        """What is finished because nothing followed until ``ms``."""
        spans = {Clicked: DOUBLE_MS, Scrolled: WHEEL_MS, Typed: PAUSE_MS}
        if self._down is None and self._open is not None and ms - self._open.end_ms > spans[type(self._open)]:
            return self.flush()
        return []

    def flush(self) -> list[Gesture[Seen]]:
        """What has begun, as it stands; a text of which nothing is left is none."""
        found, self._open = self._open, None
        if found is None or (isinstance(found, Typed) and not found.text):
            return []
        return [found]

    def _continues(self, hand: Hand[Seen]) -> bool:
        last = self._open
        return (
            isinstance(last, Clicked)
            and last.count < 3
            and last.button == BUTTONS[hand.button]
            and hand.ms - last.end_ms <= DOUBLE_MS
            and math.dist(hand.at, last.at) < NEAR_PX
        )

    def _released(self, hand: Hand[Seen]) -> list[Gesture[Seen]]:
        down, self._down = self._down, None
        if down is None or down.button != hand.button:
            return self.flush()
        if math.dist(down.at, hand.at) >= NEAR_PX and down.button == 1:
            return [*self.flush(), Dragged(down.seen, down.ms, hand.ms, down.at, hand.at)]
        last = self._open
        if isinstance(last, Clicked):
            count: Literal[2, 3] = 2 if last.count == 1 else 3
            self._open = replace(last, count=count, end_ms=hand.ms)
        else:
            self._open = Clicked(down.seen, down.ms, hand.ms, down.at, BUTTONS[down.button], 1)
        return []

    def _wheel(self, hand: Hand[Seen]) -> list[Gesture[Seen]]:
        last, direction = self._open, WHEEL[hand.button]
        if isinstance(last, Scrolled) and last.direction == direction and math.dist(hand.at, last.at) < 4 * NEAR_PX:
            self._open = replace(last, amount=last.amount + 1, end_ms=hand.ms)
            return []
        done = self.flush()
        self._open = Scrolled(hand.seen, hand.ms, hand.ms, hand.at, direction, 1)
        return done

    def _key(self, hand: Hand[Seen]) -> list[Gesture[Seen]]:
        key = hand.key
        if key is None:
            return []
        last = self._open
        if key.types:
            if isinstance(last, Typed):
                self._open = replace(last, text=last.text + (key.text or ""), end_ms=hand.ms)
                return []
            done = self.flush()
            self._open = Typed(hand.seen, hand.ms, hand.ms, key.text or "")
            return done
        if key.name == "backspace" and not key.held and isinstance(last, Typed) and last.text:
            self._open = replace(last, text=last.text[:-1], end_ms=hand.ms)
            return []
        return [*self.flush(), Pressed(hand.seen, hand.ms, hand.ms, key.chord)]


def moves_focus(hand: Hand[Seen]) -> bool:
    """Whether the keyboard may reach something else afterwards."""
    return hand.kind == "button" or (hand.kind == "key" and hand.key is not None and not hand.key.types)


def any_moves_focus(hands: Sequence[Hand[Seen]]) -> bool:
    return any(moves_focus(hand) and (hand.key is None or hand.key.name != "backspace") for hand in hands)
