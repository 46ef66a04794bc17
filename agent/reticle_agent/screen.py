"""Captures one display at a time, own windows left out."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext

import numpy as np
import numpy.typing as npt
from mss.exception import ScreenShotError
from PIL import Image

from reticle_grounding.errors import BadInput
from reticle_grounding.geometry import Rect, Size

from .displays import display_of, open_grabber, read_displays, screen_transform
from .seams import Display, Frame
from .windows import Mask, OwnWindows
from .x11 import X11, DisplayError

BLANK = (127, 127, 127)
"""What an own window is replaced by: flat, so nothing in it can be found."""


def picture_sha(image: Image.Image) -> str:
    """First 16 hex digits of the SHA-256 of the RGB bytes."""
    return hashlib.sha256(image.tobytes()).hexdigest()[:16]


def no_hiding() -> AbstractContextManager[None]:
    return nullcontext()


class ScreenCapture:
    """``seams.Screen`` over mss.

    ``hide_own`` is entered around each grab: a window of ours that lies over the whole screen (the overlay) is taken
    away there and a drawn frame is awaited. Whatever else of ours is still visible is painted over with ``BLANK``.
    ``find_displays`` is replaced by an application that knows its toolkit's own screens.
    """

    def __init__(
        self,
        find_displays: Callable[[], list[Display]] = read_displays,
        hide_own: Callable[[], AbstractContextManager[None]] = no_hiding,
        own_pids: Iterable[int] = (),
    ) -> None:
        self._find_displays = find_displays
        self._hide_own = hide_own
        self._x = X11()
        self._own = OwnWindows(self._x, own_pids)

    def displays(self) -> list[Display]:
        """All monitors, primary first. Raises DisplayError when there is none."""
        return self._find_displays()

    def capture(self, display_id: str | None = None) -> Frame:
        """One display as it is now; None is the one with the active window. Raises BadInput for an unknown display."""
        display = self._choose(display_id)
        with self._hide_own():
            image = _grab(display)
            mask = self._own.mask(display.physical)
        covered: tuple[Rect, ...] = ()
        if mask.any():
            upright = _upright(mask, Size(*image.size), display.quarter_turns)
            image, covered = _painted(image, upright), rectangles(upright)
        return Frame(
            image=image,
            display=display,
            transform=screen_transform(display, Size(*image.size)),
            monotonic_s=time.monotonic(),
            sha=picture_sha(image),
            covered=covered,
        )

    def close(self) -> None:
        self._x.close()

    def _choose(self, display_id: str | None) -> Display:
        displays = self._find_displays()
        if display_id is None:
            return display_of(displays, self._own.foreign_active())
        for display in displays:
            if display.id == display_id:
                return display
        known = ", ".join(d.id for d in displays)
        raise BadInput(f"there is no display '{display_id}'; the displays are: {known}")


def _grab(display: Display) -> Image.Image:
    left, top, right, bottom = (round(v) for v in display.physical.as_tuple())
    try:
        with open_grabber() as grabber:
            shot = grabber.grab({"left": left, "top": top, "width": right - left, "height": bottom - top})
    except ScreenShotError as problem:
        raise DisplayError(f"display {display.id} cannot be captured ({problem})") from problem
    return Image.frombytes("RGB", (int(shot.width), int(shot.height)), bytes(shot.bgra), "raw", "BGRX")


def _upright(mask: Mask, capture: Size, turns: int) -> Mask:
    """The mask of the desktop, turned and scaled to the capture."""
    upright = np.rot90(mask, turns)  # numpy turns counter-clockwise: desktop -> capture
    if upright.shape != (capture.height, capture.width):
        fitted = Image.fromarray(upright).resize((capture.width, capture.height), Image.Resampling.NEAREST)
        upright = np.asarray(fitted, dtype=np.bool_)
    return upright


def _painted(image: Image.Image, mask: Mask) -> Image.Image:
    pixels = np.array(image)
    pixels[mask] = BLANK
    return Image.fromarray(pixels)


def rectangles(mask: Mask) -> tuple[Rect, ...]:
    """The True part of [height, width] as rectangles that do not overlap: equal runs of neighbouring rows are one."""
    found: list[Rect] = []
    open_runs: dict[tuple[int, int], int] = {}
    height = mask.shape[0]
    for y in range(height + 1):
        runs = set(_runs(mask[y])) if y < height else set()
        for run in [run for run in open_runs if run not in runs]:
            found.append(Rect(float(run[0]), float(open_runs.pop(run)), float(run[1]), float(y)))
        for run in runs:
            open_runs.setdefault(run, y)
    return tuple(found)


def _runs(row: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(row.astype(np.int8), prepend=0, append=0))
    return [(int(start), int(end)) for start, end in zip(edges[::2], edges[1::2], strict=True)]
