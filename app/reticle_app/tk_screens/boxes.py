"""Boxes of what is visible of Tk widgets, with roles and names in the words of AT-SPI."""

from __future__ import annotations

import tkinter as tk
from collections.abc import Sequence
from dataclasses import dataclass, replace
from tkinter import font as fonts
from tkinter import ttk
from typing import Any

from reticle_app.drawn_screens import Row, element_row

from .kit import Told
from .parts import Entries

Box = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels of the screen, the last two exclusive."""
WHOLE = 0.9
"""Share of the size it asks for that a control must have; Tk cuts off what has no room."""
NARROWEST = 5
PADDING = 6
"""Pixels beside what is written in a cell."""
TABS_HIGH = 60
"""Pixels below the upper edge of a notebook in which its tabs are looked for."""


@dataclass(frozen=True, slots=True)
class Placed:
    """An element on the screen."""

    role: str
    name: str
    box: Box
    shown: bool
    label: str = ""
    value: str = ""
    states: tuple[str, ...] = ()

    def row(self) -> Row:
        """As in captured screens."""
        states = ("enabled", "sensitive", *self.states)
        return element_row(self.role, self.name, self.box, states, self.shown, label=self.label, value=self.value)


def placed(told: Sequence[Told], area: Box) -> list[Placed]:
    """Everything that is wholly visible inside ``area``."""
    found = [p for one in told if one.widget.winfo_viewable() for p in _parts(one)]
    return [p for p in found if _within(p.box, area) and _large(p.box)]


def _parts(told: Told) -> list[Placed]:
    widget = told.widget
    if told.role == "list":
        return _items(told)
    if told.role == "table":
        return _cells(told)
    if told.role == "tabs":
        return _tabs(told)
    wide, high = widget.winfo_width(), widget.winfo_height()
    if wide < WHOLE * widget.winfo_reqwidth() or high < WHOLE * widget.winfo_reqheight():
        return []
    made = Placed(told.role, told.name, box_of(widget), told.shown, told.label, told.value, told.states)
    if told.role not in ("check box", "radio button", "label"):
        return [made]
    # what is wider than it has to be stands in its middle, or at its left
    spare = max(0, wide - widget.winfo_reqwidth())
    left = spare // 2 if _centred(widget) else 0
    x = made.box[0] + left
    return [replace(made, box=(x, made.box[1], x + min(wide, widget.winfo_reqwidth()), made.box[3]))]


def _centred(widget: Any) -> bool:
    return not isinstance(widget, ttk.Widget) and str(widget.cget("anchor")) == "center"


def box_of(widget: Any) -> Box:
    """Where a widget that is drawn stands on the screen."""
    x, y = widget.winfo_rootx(), widget.winfo_rooty()
    return x, y, x + widget.winfo_width(), y + widget.winfo_height()


def _items(told: Told) -> list[Placed]:
    left, top, right, bottom = box_of(told.widget)
    found = []
    for number, name in enumerate(told.parts):
        at = told.widget.bbox(number)
        if at and top + at[1] + at[3] <= bottom:
            box = (left, top + at[1], right, top + at[1] + at[3])
            found.append(Placed("list item", name, box, left + at[0] + at[2] <= right, states=("selectable",)))
    return found


def _cells(told: Told) -> list[Placed]:
    view, columns = told.widget, int(told.value)
    left, top, right, bottom = box_of(view)
    names, cells = told.parts[:columns], told.parts[columns:]
    found: list[Placed] = []
    for row, item in enumerate(view.get_children("")):
        for column in range(columns):
            at = view.bbox(item, f"#{column}")
            if not at:
                continue
            box = (left + at[0], top + at[1], left + at[0] + at[2], top + at[1] + at[3])
            if row == 0:
                found.append(Placed("table column header", names[column], (box[0], top, box[2], box[1]), True))
            if box[3] <= bottom:
                found.append(Placed("table cell", cells[row * columns + column], box, True, states=("selectable",)))
    written = fonts.Font(view, font=ttk.Style(view).lookup("Treeview", "font"))
    whole = [p for p in found if written.measure(p.name) + PADDING <= p.box[2] - p.box[0]]
    return [p for p in whole if p.box[2] <= right]


def _tabs(told: Told) -> list[Placed]:
    """Tk tells which tab stands at a point, not where a tab stands."""
    book: ttk.Notebook = told.widget
    left, top, _, _ = box_of(book)
    spots: dict[int, list[tuple[int, int]]] = {}
    for x in range(0, book.winfo_width(), 2):
        for y in range(0, TABS_HIGH, 2):
            number = _tab_at(book, x, y)
            if number is not None:
                spots.setdefault(number, []).append((x, y))
    current = int(book.index("current"))  # type: ignore[no-untyped-call]
    found = []
    for number, points in spots.items():
        across, down = [x for x, _ in points], [y for _, y in points]
        box = (left + min(across), top + min(down), left + max(across) + 2, top + max(down) + 2)
        chosen = ("selected",) if number == current else ()
        found.append(Placed("page tab", told.parts[number], box, True, states=("selectable", *chosen)))
    return found


def _tab_at(book: ttk.Notebook, x: int, y: int) -> int | None:
    try:
        return int(book.index(f"@{x},{y}"))  # type: ignore[no-untyped-call]
    except tk.TclError:
        return None


def entries_of(opened: Entries) -> tuple[list[Placed], Box]:
    """The entries of an open menu, and the menu's own box."""
    menu = opened.menu
    whole = box_of(menu)
    last = int(menu.index("end") or 0)
    found = []
    for number, name, role in opened.entries:
        top = whole[1] + menu.yposition(number)
        bottom = whole[1] + menu.yposition(number + 1) if number < last else whole[3] - 2
        found.append(Placed(role, name, (whole[0], top, whole[2], bottom), True, states=("selectable",)))
    return found, whole


def uncovered(found: Sequence[Placed], cover: Box) -> list[Placed]:
    """Those that a box over them leaves free."""
    left, top, right, bottom = cover
    return [
        p for p in found if p.box[2] <= left or p.box[0] >= right or p.box[3] <= top or p.box[1] >= bottom
    ]  # fmt: skip


def _within(box: Box, area: Box) -> bool:
    return box[0] >= area[0] and box[1] >= area[1] and box[2] <= area[2] and box[3] <= area[3]


def _large(box: Box) -> bool:
    return min(box[2] - box[0], box[3] - box[1]) >= NARROWEST
