"""Looks for a target on the screen and clicks where it sees it: ``python -m reticle_agent.aiming``.

The parts of a run are used: the capture, its transform, the hand, the stop key and the person's own hands. The target
is drawn by whoever starts this process, and that side hears where the click arrived. One JSON object per line::

    out {"displays": [...], "keys": [...]}                       once everything is ready
    in  {"display": ID, "colour": [r, g, b]}
    out {"seen": [x, y], "aimed": [x, y], "capture": [w, h]}     desktop pixels (seen: a point, aimed: a pixel)
    out {"stopped": text} or {"error": text}                     and the end
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, TypeAlias

import numpy as np
from PIL import Image

from reticle_grounding.errors import Cancelled, ReticleError
from reticle_grounding.geometry import Point, Rect, Space

from .actions import ClickAt
from .actuator import open_actuator
from .hands import YieldingActuator
from .screen import ScreenCapture
from .seams import Display
from .single import only_agent
from .stop import StopToken
from .stop_watch import StopWatch
from .x11 import X11

Colour: TypeAlias = tuple[int, int, int]
LEAST_PX = 30
"""Fewer pixels of the colour are no target."""
ROUND = 0.6
"""A disc fills pi / 4 of the box around it; less than this share means that the colour shows in several places."""


def centre_of(image: Image.Image, colour: Colour) -> Point:
    """The middle (capture pixels) of the one disc of exactly this colour. Raises ReticleError when there is none."""
    rows, columns = np.nonzero((np.asarray(image.convert("RGB")) == np.array(colour, np.uint8)).all(axis=2))
    if rows.size < LEAST_PX:
        raise ReticleError(
            "the target is not in the capture of the screen; something covers it, or colours are changed"
        )
    box = Rect(float(columns.min()), float(rows.min()), float(columns.max() + 1), float(rows.max() + 1))
    if rows.size < ROUND * box.area:
        raise ReticleError("the colour of the target shows in several places of the screen, so it cannot be aimed at")
    return box.center


class Aimer:
    """Everything a run clicks with. Raises ReticleError when a part cannot work, or while a run acts on the display."""

    def __init__(self, stack: ExitStack) -> None:
        alone = stack.enter_context(only_agent())
        stack.enter_context(_pointer_back())
        self._screen = ScreenCapture()
        stack.callback(self._screen.close)
        token = StopToken()
        watch = StopWatch(token)
        stack.callback(watch.close)
        alone.watched_by(watch.pid)
        hand = open_actuator(token)
        stack.callback(hand.close)
        watch.guards(hand.pid)
        self._actuator = YieldingActuator(hand, watch)
        self.keys = watch.keys

    def displays(self) -> list[Display]:
        return self._screen.displays()

    def aim(self, display: str, colour: Colour) -> dict[str, Any]:
        """Clicks the target once. Raises Cancelled after a stop."""
        frame = self._screen.capture(display)
        seen = frame.transform.point(centre_of(frame.image, colour), Space.CAPTURE, Space.PHYSICAL)
        aimed = seen.pixel()
        self._actuator.perform(ClickAt(aimed))
        return {"seen": [seen.x, seen.y], "aimed": list(aimed), "capture": list(frame.image.size)}


@contextmanager
def _pointer_back() -> Iterator[None]:
    """Puts the pointer back to where it was."""
    connection = X11()
    before = connection.pointer()
    try:
        yield
    finally:
        with connection.exchange() as raw:
            connection.root.warp_pointer(*before)
            raw.sync()
        connection.close()


def _hello(aimer: Aimer) -> dict[str, Any]:
    rows = [
        {
            "id": d.id, "logical": d.logical.as_tuple(), "physical": d.physical.as_tuple(), "scale": d.scale,
            "primary": d.primary,
        }
        for d in aimer.displays()
    ]  # fmt: skip
    return {"displays": rows, "keys": list(aimer.keys)}


def display_of_line(row: dict[str, Any]) -> Display:
    """A display as the first line names it."""
    return Display(
        str(row["id"]), Rect(*row["logical"]), Rect(*row["physical"]), float(row["scale"]), primary=bool(row["primary"])
    )


def main() -> int:
    """Entry of the process; ends when its input does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the side that started it decides about Ctrl+C
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as sink, ExitStack() as stack:
        os.dup2(2, 1)  # what libraries print must not end up among the lines

        def say(line: dict[str, Any]) -> None:
            sink.write(json.dumps(line) + "\n")
            sink.flush()

        try:
            aimer = Aimer(stack)
            say(_hello(aimer))
            for line in sys.stdin:
                wanted = json.loads(line)
                say(aimer.aim(wanted["display"], tuple(wanted["colour"])))
        except Cancelled as stop:
            say({"stopped": str(stop)})
        except ReticleError as problem:
            say({"error": str(problem)})
        except BrokenPipeError:
            return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
