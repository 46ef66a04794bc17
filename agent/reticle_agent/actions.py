"""The closed set of things Reticle can do, as typed data.

A *step* is what a planner asks for, with targets in words; an *input* is what the actuator is handed, with targets as
physical pixels. Nothing outside these unions can be executed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

from reticle_grounding.errors import BadInput

Button = Literal["left", "middle", "right"]
Direction = Literal["up", "down", "left", "right"]

MAX_TEXT = 10_000
MAX_WAIT_S = 600.0
MAX_SCROLL = 100
MAX_KEYS = 5


def _check(ok: bool, message: str) -> None:
    if not ok:
        raise BadInput(message)


# --- steps: what a planner asks for -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Click:
    """Click a target described in words."""

    target: str
    button: Button = "left"
    count: Literal[1, 2, 3] = 1

    def __post_init__(self) -> None:
        _check(bool(self.target.strip()), "a click needs words for its target")


@dataclass(frozen=True, slots=True)
class Drag:
    """Press on ``source``, release on ``destination``; two groundings."""

    source: str
    destination: str

    def __post_init__(self) -> None:
        _check(bool(self.source.strip() and self.destination.strip()), "a drag needs words for both of its ends")


@dataclass(frozen=True, slots=True)
class Scroll:
    """Turn the wheel by ``amount`` notches, over ``target`` when given, else where the pointer is."""

    direction: Direction
    amount: int = 5
    target: str | None = None

    def __post_init__(self) -> None:
        _check(1 <= self.amount <= MAX_SCROLL, f"a scroll is 1 to {MAX_SCROLL} notches, not {self.amount}")


@dataclass(frozen=True, slots=True)
class TypeText:
    """Type text where the focus is, or first click ``target``. Secret text is never logged."""

    text: str
    target: str | None = None
    secret: bool = False

    def __post_init__(self) -> None:
        _check(0 < len(self.text) <= MAX_TEXT, f"text to type has 1 to {MAX_TEXT} characters, not {len(self.text)}")


@dataclass(frozen=True, slots=True)
class Hotkey:
    """Keys pressed together, in canonical names ("ctrl", "shift", "alt", "super", "escape", "f5", "a")."""

    keys: tuple[str, ...]

    def __post_init__(self) -> None:
        _check(1 <= len(self.keys) <= MAX_KEYS, f"a hotkey has 1 to {MAX_KEYS} keys, not {len(self.keys)}")


@dataclass(frozen=True, slots=True)
class Wait:
    """Do nothing for a while."""

    seconds: float

    def __post_init__(self) -> None:
        ok = math.isfinite(self.seconds) and 0 <= self.seconds <= MAX_WAIT_S
        _check(ok, f"a wait is 0 to {MAX_WAIT_S:g} seconds, not {self.seconds:g}")


@dataclass(frozen=True, slots=True)
class AskUser:
    """Stop and ask the person; the run pauses until answered (or ends, when nobody can answer)."""

    question: str


@dataclass(frozen=True, slots=True)
class Finish:
    """The task is done, or cannot be done."""

    success: bool
    message: str = ""


Step: TypeAlias = Click | Drag | Scroll | TypeText | Hotkey | Wait | AskUser | Finish


# --- inputs: what the actuator performs; points are physical desktop pixels ---------------------------------------

Pixel: TypeAlias = tuple[int, int]


@dataclass(frozen=True, slots=True)
class ClickAt:
    at: Pixel
    button: Button = "left"
    count: Literal[1, 2, 3] = 1


@dataclass(frozen=True, slots=True)
class DragTo:
    start: Pixel
    end: Pixel


@dataclass(frozen=True, slots=True)
class ScrollAt:
    direction: Direction
    amount: int
    at: Pixel | None = None


@dataclass(frozen=True, slots=True)
class EnterText:
    text: str


@dataclass(frozen=True, slots=True)
class PressKeys:
    keys: tuple[str, ...]


Input: TypeAlias = ClickAt | DragTo | ScrollAt | EnterText | PressKeys
