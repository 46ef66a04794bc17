"""Which window owns which pixel, and how a program's own units become pixels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from reticle_agent.x11 import X11
from reticle_grounding.geometry import Rect

from .tree import Extents

SCALES = (1.0, 1.25, 1.5, 1.75, 2.0, 2.25, 2.5, 3.0, 4.0)
NOBODY = -1
"""Pixels of the root window."""
Owners = npt.NDArray[np.int16]
"""[height, width] index into the windows of a desktop; ``NOBODY`` where there is none."""


@dataclass(frozen=True, slots=True)
class SeenWindow:
    """One visible child of the root window."""

    id: int
    rect: Rect
    """Root pixels, with the frame."""
    client: int | None
    """The application's window in it; None for menus, tooltips and the like."""
    client_rect: Rect
    pid: int | None
    title: str
    names: tuple[str, ...]
    """What the program is called: window classes and the name of its process, lower case."""
    active: bool
    furniture: bool
    """A panel or the desktop itself."""

    @property
    def popup(self) -> bool:
        return self.client is None


@dataclass(frozen=True, slots=True)
class Desktop:
    """All windows, bottom to top."""

    size: tuple[int, int]
    windows: tuple[SeenWindow, ...]
    owners: Owners

    def indices(self, pid: int) -> list[int]:
        return [i for i, window in enumerate(self.windows) if window.pid == pid]


@dataclass(frozen=True, slots=True)
class Placement:
    """pixel = scale * unit + offset, and the window the units belong to."""

    scale: float
    dx: float
    dy: float
    window: int
    """Index into the desktop's windows."""

    def box(self, extents: Extents) -> tuple[int, int, int, int]:
        """left, top, right, bottom in root pixels."""
        left, top, width, height = extents
        return (
            round(left * self.scale + self.dx),
            round(top * self.scale + self.dy),
            round((left + width) * self.scale + self.dx),
            round((top + height) * self.scale + self.dy),
        )


def look(x11: X11) -> Desktop:
    """The windows as they are now. Raises DisplayError when the server has gone."""
    root = int(x11.root.id)
    clients = {x11.top_level(c): c for c in x11.cardinals(root, "_NET_CLIENT_LIST")}
    managed, active = bool(clients), x11.active_window()
    with x11.exchange():
        g = x11.root.get_geometry()
        size = (int(g.width), int(g.height))
    windows = []
    for child in x11.children():
        client = clients.get(child.id) if managed else child.id
        inner = client if client is not None else child.id
        pid = x11.owner_pid(inner)
        title = x11.text(inner, "_NET_WM_NAME") or x11.text(inner, "WM_NAME")
        rect = x11.window_rect(inner) if client is not None else child.rect
        names = (*x11.classes(inner), *_process_names(pid))
        windows.append(
            SeenWindow(
                child.id,
                child.rect,
                client,
                rect or child.rect,
                pid,
                title,
                names,
                active == inner,
                x11.is_furniture(inner),
            )
        )
    return Desktop(size, tuple(windows), _owners(size, windows))


def _owners(size: tuple[int, int], windows: Iterable[SeenWindow]) -> Owners:
    owners = np.full((size[1], size[0]), NOBODY, dtype=np.int16)
    for index, window in enumerate(windows):
        left, top, right, bottom = (max(0, round(v)) for v in window.rect.as_tuple())
        owners[top:bottom, left:right] = index
    return owners


def _process_names(pid: int | None) -> list[str]:
    try:
        return [Path(f"/proc/{pid}/comm").read_text(encoding="utf-8", errors="replace").strip().lower()]
    except OSError:
        return []


def is_called(wanted: str, names: Iterable[str]) -> bool:
    """Whether a program goes by a name: letter case aside, the name or a part of it."""
    return any(wanted.lower() in name.lower() for name in names)


def place(desktop: Desktop, pid: int, title: str, extents: Extents, taken: Sequence[int] = ()) -> Placement | None:
    """Finds the window of a top-level accessible and the scale between the two; None when nothing fits.

    Toolkits tell sizes in their own units, which are pixels divided by the scale, rounded.
    """
    fits: list[tuple[bool, float, Placement]] = []
    for index in desktop.indices(pid):
        window = desktop.windows[index]
        for rect in (window.client_rect, window.rect):
            if index not in taken and (placement := _fit(rect, index, extents)) is not None:
                off = abs(placement.dx) + abs(placement.dy)
                fits.append((window.title.strip() != title.strip(), off, placement))
    return min(fits, key=lambda fit: fit[:2])[2] if fits else None


def _fit(rect: Rect, window: int, extents: Extents) -> Placement | None:
    left, top, width, height = extents
    if min(width, height) <= 0:
        return None

    def error(scale: float) -> float:
        return max(abs(rect.width - scale * width), abs(rect.height - scale * height))

    scale = min(SCALES, key=error)
    if error(scale) > scale + 0.5:
        return None
    dx, dy = rect.left - scale * left, rect.top - scale * top
    near = max(abs(dx), abs(dy)) <= scale
    return Placement(scale, 0.0 if near else dx, 0.0 if near else dy, window)
