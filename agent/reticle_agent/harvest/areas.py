"""Which parts of the desktop become pictures, and whose pixels may be in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from reticle_agent.displays import read_monitors
from reticle_agent.screen import BLANK

from .desktop import Desktop, SeenWindow
from .ink import Box, Rgb

SMALLEST = 64
"""Pixels; smaller windows make no picture."""
OWN_SHARE = 0.5
"""A picture of one program shows at least so much of it; the rest is covered and painted over."""


@dataclass(frozen=True, slots=True)
class Area:
    """One picture to be."""

    key: str
    """The same area has the same key in the next round."""
    box: Box
    """Root pixels."""
    shown: frozenset[int]
    """Indices of the windows whose pixels are kept."""
    root: bool
    """Whether the pixels between the windows are kept."""


def areas(desktop: Desktop, pids: set[int], hidden: frozenset[int], *, one_program: bool, windows: bool) -> list[Area]:
    """The pictures to take.

    Args:
        pids: programs that are on the accessibility bus and wanted.
        hidden: windows whose pixels are never kept.
        one_program: show nothing but those programs.
        windows: one picture per window instead of one per monitor or program.
    """
    wanted = [i for i, w in enumerate(desktop.windows) if w.pid in pids and i not in hidden]
    if windows:
        tops = [i for i in wanted if not desktop.windows[i].popup and not desktop.windows[i].furniture]
        return [area for i in tops if (area := _of_window(desktop, i, wanted)) is not None]
    if one_program:
        area = _around(desktop, "program", wanted)
        return [area] if area is not None else []
    visible = frozenset(range(len(desktop.windows))) - hidden
    monitors = [(m.name, tuple(round(v) for v in m.physical.as_tuple())) for m in read_monitors()]
    return [Area(name, (b[0], b[1], b[2], b[3]), visible, root=True) for name, b in monitors]


def _of_window(desktop: Desktop, index: int, wanted: Sequence[int]) -> Area | None:
    """One window, with the menus of its program when it is the program's uppermost."""
    window = desktop.windows[index]
    same = [i for i in wanted if desktop.windows[i].pid == window.pid]
    uppermost = max(i for i in same if not desktop.windows[i].popup) == index
    popups = [i for i in same if desktop.windows[i].popup and i > index] if uppermost else []
    return _around(desktop, f"window {window.id}", [index, *popups])


def _around(desktop: Desktop, key: str, indices: Sequence[int]) -> Area | None:
    """The rectangle around some windows, or None when too little of them can be seen."""
    if not indices:
        return None
    rects = [_inner(desktop.windows[i]) for i in indices]
    width, height = desktop.size
    box = (
        max(0, min(r[0] for r in rects)),
        max(0, min(r[1] for r in rects)),
        min(width, max(r[2] for r in rects)),
        min(height, max(r[3] for r in rects)),
    )
    if min(box[2] - box[0], box[3] - box[1]) < SMALLEST:
        return None
    owners = desktop.owners[box[1] : box[3], box[0] : box[2]]
    share = float(np.mean(np.isin(owners, list(indices))))
    return Area(key, box, frozenset(indices), root=False) if share >= OWN_SHARE else None


def _inner(window: SeenWindow) -> Box:
    rect = window.rect
    return round(rect.left), round(rect.top), round(rect.right), round(rect.bottom)


def cut_out(desktop: Desktop, pixels: Rgb, area: Area) -> Rgb:
    """A copy of the area's pixels, what does not belong in it painted over."""
    left, top, right, bottom = area.box
    picture = pixels[top:bottom, left:right].copy()
    owners = desktop.owners[top:bottom, left:right]
    keep = np.isin(owners, list(area.shown)) | ((owners < 0) & area.root)
    picture[~keep] = BLANK
    return picture
