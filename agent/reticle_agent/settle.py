"""Waiting for the screen instead of for the clock."""

from __future__ import annotations

import time
from dataclasses import dataclass

from .effects import changed
from .seams import Frame, Screen
from .stop import StopToken

LOOK_S = 0.08
"""Between two captures."""
SETTLE_S = 3.0
"""The longest wait for two equal frames; an animation that goes on is not waited for."""
RESPOND_S = 1.0
"""The longest wait for the first sign of an effect."""


@dataclass(frozen=True, slots=True)
class Settled:
    """The last frame of a wait."""

    frame: Frame
    stable: bool
    """Whether it equals the frame before it, up to a blinking cursor."""
    wait_ms: float


def settle(screen: Screen, token: StopToken, display_id: str | None = None, timeout_s: float = SETTLE_S) -> Settled:
    """Captures until two consecutive frames are equal. Raises Cancelled after a stop."""
    start = time.monotonic()
    frame = screen.capture(display_id)
    while True:
        token.sleep(LOOK_S)
        before, frame = frame, screen.capture(frame.display.id)
        stable = not changed(before, frame)
        waited = time.monotonic() - start
        if stable or waited > timeout_s:
            return Settled(frame, stable, waited * 1000)


def settle_after(screen: Screen, token: StopToken, before: Frame, respond_s: float | None = None) -> Settled:
    """After an input: waits for a first change against ``before`` (a while), then until the screen is still.

    ``respond_s`` is how long the change is waited for, ``RESPOND_S`` when not given.
    """
    start = time.monotonic()
    while time.monotonic() - start < (RESPOND_S if respond_s is None else respond_s):
        frame = screen.capture(before.display.id)
        if changed(before, frame):
            break
        token.sleep(LOOK_S)
    settled = settle(screen, token, before.display.id)
    return Settled(settled.frame, settled.stable, (time.monotonic() - start) * 1000)
