"""Monitors and the outer links of the transform: logical -> physical -> capture."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import mss
from mss.exception import ScreenShotError

from reticle_grounding.geometry import Affine, Point, Rect, Size, Space, Transform

from .actions import Pixel
from .seams import Display
from .x11 import NO_DISPLAY, X11, DisplayError, ensure_authority_file

CORNER_PX = 2
"""A pointer this near to a monitor's corner (on both axes) stops the run."""
REFERENCE_DPI = 96.0


@dataclass(frozen=True, slots=True)
class Monitor:
    """What the window system says about one monitor."""

    name: str
    physical: Rect
    primary: bool = False


def open_grabber() -> Any:
    """mss on ``$DISPLAY`` (its class was named differently before 10.2). Raises ScreenShotError without a display."""
    return mss.MSS() if hasattr(mss, "MSS") else mss.mss()


def read_monitors() -> list[Monitor]:
    """The monitors of ``$DISPLAY`` in physical pixels. Raises DisplayError when there is none.

    X11 pictures are already upright, so rotated monitors need no turn here.
    """
    if not os.environ.get("DISPLAY"):
        raise DisplayError(NO_DISPLAY)
    ensure_authority_file()
    try:
        with open_grabber() as grabber:
            found = list(grabber.monitors[1:])
    except ScreenShotError as problem:
        raise DisplayError(f"display {os.environ['DISPLAY']} cannot be read ({problem}); {NO_DISPLAY}") from problem
    if not found:
        raise DisplayError(f"display {os.environ['DISPLAY']} has no monitor; {NO_DISPLAY}")
    marked = any(m.get("is_primary") for m in found)
    return [
        Monitor(
            name=str(m.get("output") or f"monitor-{i + 1}"),
            physical=Rect(
                float(m["left"]), float(m["top"]), float(m["left"] + m["width"]), float(m["top"] + m["height"])
            ),
            primary=bool(m.get("is_primary")) if marked else i == 0,
        )
        for i, m in enumerate(found)
    ]


def desktop_scale(environ: Mapping[str, str], xft_dpi: str | None) -> float:
    """Device pixels per logical unit: ``QT_SCALE_FACTOR`` times ``Xft.dpi`` / 96, else ``GDK_SCALE``, else 1.

    Values that are not positive numbers are ignored, as the toolkits do.
    """
    own, dpi = _positive(environ.get("QT_SCALE_FACTOR")), _positive(xft_dpi)
    if own is None and dpi is None:
        return _positive(environ.get("GDK_SCALE")) or 1.0
    return (own or 1.0) * ((dpi or REFERENCE_DPI) / REFERENCE_DPI)


def _positive(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if 0 < value < float("inf") else None


def to_displays(monitors: Iterable[Monitor], scale: float) -> list[Display]:
    """Displays, primary first. Logical rectangles follow Qt: the origin stays, the size is divided by the scale."""
    displays = []
    for m in monitors:
        left, top = m.physical.left, m.physical.top
        logical = Rect(left, top, left + m.physical.width / scale, top + m.physical.height / scale)
        displays.append(Display(m.name, logical, m.physical, scale, primary=m.primary))
    return sorted(displays, key=lambda d: not d.primary)


def read_displays() -> list[Display]:
    """The monitors of ``$DISPLAY`` with the scale of the desktop's settings. Raises DisplayError when there is none."""
    monitors = read_monitors()
    connection = X11()
    try:
        scale = desktop_scale(os.environ, connection.resource("Xft.dpi"))
    finally:
        connection.close()
    return to_displays(monitors, scale)


def screen_transform(display: Display, capture: Size) -> Transform:
    """logical -> physical -> capture for a picture of the whole display."""
    return Transform(
        (Space.LOGICAL, Space.PHYSICAL, Space.CAPTURE),
        (
            Affine.mapping(display.logical, display.physical),
            Affine.mapping(display.physical, Rect.of_size(capture), -display.quarter_turns),
        ),
    )


def display_of(displays: Sequence[Display], area: Rect | None) -> Display:
    """The display that shows most of an area (physical pixels); without one, the primary display."""
    if area is not None:
        shares = [cut.area if (cut := d.physical.intersection(area)) else 0.0 for d in displays]
        if max(shares) > 0:
            return displays[shares.index(max(shares))]
    return next((d for d in displays if d.primary), displays[0])


def contains(displays: Iterable[Display], pixel: Pixel) -> bool:
    return any(d.physical.contains(Point(pixel[0] + 0.5, pixel[1] + 0.5)) for d in displays)


def in_stop_corner(displays: Iterable[Display], pixel: Pixel, reach: int = CORNER_PX) -> bool:
    """Whether a pixel lies within ``reach`` of any corner pixel of any display."""
    x, y = pixel
    for d in displays:
        left, top, right, bottom = (round(v) for v in d.physical.as_tuple())
        near_x = abs(x - left) <= reach or abs(x - (right - 1)) <= reach
        near_y = abs(y - top) <= reach or abs(y - (bottom - 1)) <= reach
        if near_x and near_y:
            return True
    return False
