"""One screen of Tk: a main window over the whole of it, at times a dialog before it, at times an open menu."""

from __future__ import annotations

import os
import tkinter as tk
from dataclasses import dataclass
from random import Random
from tkinter import ttk
from typing import Any

from PIL import Image, ImageGrab

from reticle_app.drawn_screens import Row
from reticle_grounding.training import words

from . import parts
from .boxes import Placed, box_of, entries_of, placed, uncovered
from .kit import Kit
from .look import TkLook, put_on, random_look

SIZES = ((1024, 768), (1280, 720), (1280, 800), (1280, 1024), (1366, 768), (1440, 900), (1600, 900), (1920, 1080))
LARGEST = (1920, 1080)
"""Of the display that the screens are drawn on."""
BARS = (("#3b4252", "#ffffff"), ("#2f6fb0", "#ffffff"), ("#dddddd", "#111111"), ("#1e1e1e", "#eeeeee"))
"""Title bars and what is written on them."""
SETTLED = 3
"""Rounds of events after which everything is drawn."""


@dataclass(frozen=True, slots=True)
class TkScreen:
    """A drawn screen with everything visible on it."""

    image: Image.Image
    placed: list[Placed]
    look: TkLook
    app: str

    def row(self) -> Row:
        """As a row of ``screens.jsonl``, less what its file tells."""
        return {
            "app": self.app,
            "toolkit": "tk-generated",
            "theme": self.look.name,
            "dark": self.look.dark,
            "icon_theme": "",
            "font": self.look.family,
            "font_pt": self.look.points,
            "scale": 1,
            "elements": [p.row() for p in sorted(self.placed, key=lambda p: (p.box[1], p.box[0]))],
        }


def make_screen(seed: int) -> TkScreen:
    """The screen of a seed, drawn on ``$DISPLAY``, which must be at least :data:`LARGEST` and should be nobody's."""
    rng = Random(f"tk screen {seed}")
    root = tk.Tk(className="Reticle-screens")
    try:
        return _drawn(rng, root, rng.choice(SIZES))
    finally:
        root.destroy()


def _drawn(rng: Random, root: tk.Tk, size: tuple[int, int]) -> TkScreen:
    root.overrideredirect(True)
    root.geometry(f"{size[0]}x{size[1]}+0+0")
    look = random_look(rng, root)
    put_on(look, root)
    kit = Kit(rng, look)
    title = words.label(rng, "titles")
    _title(rng, root, title)
    menus: list[tuple[tk.Menubutton, parts.Entries]] = []
    if rng.random() < 0.7:
        bar, menus = parts.menus(kit, root)
        bar.pack(fill="x")
    if rng.random() < 0.6:
        parts.tools(kit, root).pack(fill="x")
    if rng.random() < 0.4:
        parts.finish(kit, root).pack(side="bottom", anchor=rng.choice(("e", "w", "center")))
    _body(kit, root)
    _settle(root)
    found = placed(kit.told, box_of(root))
    if rng.random() < 0.3:
        over = _dialog(rng, root, look, size)
        found = uncovered(found, box_of(over.top)) + placed(over.kit.told, box_of(over.top))
    elif menus and rng.random() < 0.5:
        button, opened = rng.choice(menus)
        opened.menu.post(button.winfo_rootx(), button.winfo_rooty() + button.winfo_height())
        _settle(root)
        entries, whole = entries_of(opened)
        found = uncovered(found, whole) + [e for e in entries if e.box[3] <= size[1] and e.box[2] <= size[0]]
    image = ImageGrab.grab(bbox=(0, 0, *size), xdisplay=os.environ["DISPLAY"]).convert("RGB")
    return TkScreen(image, found, look, f"tkgen-{title.lower().replace(' ', '-')}")


def _title(rng: Random, top: Any, title: str) -> None:
    """A title bar as a window manager draws it; not every screen has one."""
    if rng.random() < 0.8:
        back, ink = rng.choice(BARS)
        bar = tk.Frame(top, background=back)
        tk.Label(bar, text=title, background=back, foreground=ink).pack(pady=2)
        bar.pack(fill="x")


def _body(kit: Kit, parent: tk.Misc) -> None:
    rng = kit.rng
    body = kit.make(parent, "Frame")
    body.pack(fill="both", expand=True)
    if rng.random() < 0.3:
        book = ttk.Notebook(body)
        names = [kit.name("tabs") for _ in range(rng.randint(2, 6))]
        shown = rng.randrange(len(names))
        for number, name in enumerate(names):
            page = kit.make(book, "Frame")
            if number == shown:
                _fill(kit, page, 3)
            book.add(page, text=name)
        book.select(shown)  # type: ignore[no-untyped-call]
        book.pack(fill="both", expand=True, padx=5, pady=5)
        kit.tell(book, "tabs", parts=tuple(names))
        return
    for side in rng.choice((("left", "left"), ("left", "left", "left"), ("top", "top"))):
        pane = kit.make(body, "Frame")
        _fill(kit, pane, rng.randint(1, 4))
        pane.pack(side=side, anchor="n", fill="both", expand=rng.random() < 0.5)


def _fill(kit: Kit, parent: tk.Misc, count: int) -> None:
    kinds = (parts.plain_form, parts.plain_form, parts.grouped_form, parts.ticks, parts.listed, parts.table, parts.text)
    for _ in range(count):
        made = kit.rng.choice(kinds)(kit, parent)
        side, fill = kit.rng.choice(("top", "top", "left")), kit.rng.choice(("x", "none", "both"))
        made.pack(side=side, anchor="nw", padx=6, pady=4, fill=fill)


@dataclass(frozen=True, slots=True)
class _Over:
    """A dialog before the window."""

    top: tk.Toplevel
    kit: Kit


def _dialog(rng: Random, root: tk.Tk, look: TkLook, size: tuple[int, int]) -> _Over:
    top = tk.Toplevel(root, background=look.ground, borderwidth=1, relief="solid")
    top.overrideredirect(True)
    kit = Kit(rng, look)
    _title(rng, top, words.label(rng, "titles"))
    parts.finish(kit, top).pack(side="bottom", anchor=rng.choice(("e", "center")))
    _fill(kit, top, rng.randint(1, 2))
    _settle(root)
    wide, high = min(top.winfo_reqwidth(), size[0]), min(top.winfo_reqheight(), size[1])
    top.geometry(f"+{rng.randint(0, size[0] - wide)}+{rng.randint(0, size[1] - high)}")
    top.lift()
    _settle(root)
    return _Over(top, kit)


def _settle(root: tk.Tk) -> None:
    for _ in range(SETTLED):
        root.update_idletasks()
        root.update()
