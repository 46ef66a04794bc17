"""From nodes of accessibility trees to the elements that a person sees in a picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .desktop import Desktop, Placement, place
from .ink import Box, Rgb, is_drawn
from .roles import ELEMENTS, HOLDS_MORE, NEEDS_NAME, POPS_UP, WINDOWS
from .tree import Node, Program

MIN_SIDE = 6
"""Pixels; smaller things cannot be pointed at."""
MIN_HOLDER = 16
"""Units; a smaller parent is a place-holder and cuts nothing off."""
KEPT_SHARE = 0.6
"""So much of an element must lie inside of what holds or scrolls it."""
SEEN_SHARE = 0.9
"""So much of a box must not be covered."""


@dataclass(frozen=True, slots=True)
class Found:
    """One visible element."""

    node: Node
    program: Program
    box: Box
    """left, top, right, bottom in root pixels."""
    scale: float
    window: int
    """Index of the window it is drawn in."""


def visible_elements(desktop: Desktop, pixels: Rgb, program: Program, nodes: Sequence[Node]) -> list[Found]:
    """What the program shows, in the order of its tree. ``pixels`` is the whole desktop."""
    placements = _placements(desktop, program, nodes)
    found: list[Found] = []
    for index, node in enumerate(nodes):
        placement = placements[index]
        if placement is None or not _is_element(node):
            continue
        box = _clipped(nodes, index, placement, desktop.size)
        window = _drawn_in(desktop, nodes, index, placement, box) if box is not None else None
        if box is None or window is None or not is_drawn(pixels[box[1] : box[3], box[0] : box[2]]):
            continue
        found.append(Found(node, program, box, placement.scale, window))
    return _without_containers(nodes, found)


def _is_element(node: Node) -> bool:
    return node.role in ELEMENTS and (bool(node.name.strip()) or node.role not in NEEDS_NAME)


def _placements(desktop: Desktop, program: Program, nodes: Sequence[Node]) -> list[Placement | None]:
    """Per node, that of its top-level window; windows that fit nothing inherit from the program's first one."""
    placed: list[Placement | None] = []
    first: Placement | None = None
    for node in nodes:
        if node.parent >= 0:
            placed.append(placed[node.parent])
            continue
        placement = place(desktop, program.pid, node.name, node.extents)
        first = first or placement
        placed.append(placement or (first if node.role in POPS_UP else None))
    return placed


def _clipped(nodes: Sequence[Node], index: int, placement: Placement, size: tuple[int, int]) -> Box | None:
    """The part of a box inside of the screen and of everything that holds it; None when little is left."""
    full = placement.box(nodes[index].extents)
    box = _cut(full, (0, 0, *size))
    above = nodes[index].parent
    while above >= 0 and nodes[above].role not in POPS_UP | WINDOWS:
        if nodes[above].role not in HOLDS_MORE and min(nodes[above].extents[2:]) >= MIN_HOLDER:
            box = _cut(box, placement.box(nodes[above].extents))
        above = nodes[above].parent
    if min(box[2] - box[0], box[3] - box[1]) < MIN_SIDE or _area(box) < KEPT_SHARE * _area(full):
        return None
    return box


def _cut(a: Box, b: Box) -> Box:
    return max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])


def _area(box: Box) -> int:
    return max(0, box[2] - box[0]) * max(0, box[3] - box[1])


def _drawn_in(desktop: Desktop, nodes: Sequence[Node], index: int, placement: Placement, box: Box) -> int | None:
    """The window that shows nearly all of the box, when it is the element's own or a popup it may lie in."""
    left, top, right, bottom = box
    owners = desktop.owners[top:bottom, left:right]
    owner = int(desktop.owners[(top + bottom) // 2, (left + right) // 2])
    if owner < 0 or float(np.mean(owners == owner)) < SEEN_SHARE:
        return None
    if owner == placement.window:
        return owner
    window = desktop.windows[owner]
    own = window.pid == desktop.windows[placement.window].pid
    return owner if own and window.popup and _may_pop_up(nodes, nodes[index].parent) else None


def _may_pop_up(nodes: Sequence[Node], above: int) -> bool:
    while above >= 0:
        if nodes[above].role in POPS_UP:
            return True
        above = nodes[above].parent
    return False


def _without_containers(nodes: Sequence[Node], found: Sequence[Found]) -> list[Found]:
    """Leaves out menus that hold other elements, and what only repeats the element around it."""
    by_node = {id(item.node): item for item in found}
    dropped: set[int] = set()
    for item in found:
        above = item.node.parent
        while above >= 0:
            outer = by_node.get(id(nodes[above]))
            if outer is not None and _cut(outer.box, item.box) == item.box:
                if outer.node.role == "menu":
                    dropped.add(id(outer.node))
                elif outer.node.name.strip() == item.node.name.strip():
                    dropped.add(id(item.node))
            above = nodes[above].parent
    unique = {(item.box, item.node.name): item for item in reversed(found) if id(item.node) not in dropped}
    return list(reversed(unique.values()))
