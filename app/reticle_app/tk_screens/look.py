"""How the widgets of one screen look: colours, font, and whether they are Tk's own or themed ones."""

from __future__ import annotations

import tkinter as tk
from dataclasses import dataclass
from random import Random
from tkinter import font as fonts
from tkinter import ttk

FAMILIES = (
    "DejaVu Sans", "DejaVu Sans", "Liberation Sans", "Noto Sans", "Roboto", "Lato", "Cantarell", "FreeSans",
    "Open Sans", "Inter", "DejaVu Serif", "Liberation Serif", "Hack",
)  # fmt: skip
SIZES = (8, 9, 9, 10, 10, 10, 11, 12, 14)
THEMES = ("clam", "alt", "default", "classic")
SHADES = (
    ("#d9d9d9", "#000000", "#ffffff", "#000000"),
    ("#d9d9d9", "#000000", "#ffffff", "#000000"),
    ("#ececec", "#111111", "#ffffff", "#111111"),
    ("#f5f5f0", "#222222", "#fffff8", "#111111"),
    ("#dcdad5", "#000000", "#ffffff", "#000000"),
    ("#c8d4e0", "#102030", "#f4f8ff", "#102030"),
    ("#2b2b2b", "#e6e6e6", "#1e1e1e", "#f0f0f0"),
    ("#3c3f41", "#bbbbbb", "#45494a", "#dddddd"),
    ("#24283b", "#c0caf5", "#1a1b26", "#c0caf5"),
)
"""Ground, its ink, ground of fields, its ink."""
DARK = 6
"""The first dark one."""


@dataclass(frozen=True, slots=True)
class TkLook:
    """One manner of widgets."""

    ground: str
    ink: str
    base: str
    base_ink: str
    dark: bool
    family: str
    points: int
    themed: float
    """Share of controls that are themed ones."""
    theme: str
    """Of themed controls."""

    @property
    def name(self) -> str:
        return self.theme if self.themed else "tk"

    def font(self, family: str = "") -> tuple[str, int]:
        return family or self.family, self.points


def random_look(rng: Random, root: tk.Misc) -> TkLook:
    """A look with a font that this machine has."""
    number = rng.randrange(len(SHADES))
    known = set(fonts.families(root))
    families = [name for name in FAMILIES if name in known] or ["TkDefaultFont"]
    themed = rng.choice((0.0, 0.0, 0.5, 1.0, 1.0))
    return TkLook(*SHADES[number], number >= DARK, rng.choice(families), rng.choice(SIZES), themed, rng.choice(THEMES))


def put_on(look: TkLook, root: tk.Tk) -> None:
    """Makes the widgets that ``root`` gets from now on look so."""
    root.configure(background=look.ground)
    root.option_add("*font", look.font())
    root.option_add("*Menu.font", look.font())
    colours = {
        "background": look.ground,
        "foreground": look.ink,
        "activeBackground": look.ground,
        "activeForeground": look.ink,
        "highlightBackground": look.ground,
        "troughColor": look.base,
        "selectColor": look.base,
    }
    for name, colour in colours.items():
        root.option_add(f"*{name}", colour)
    for kind in ("Entry", "Text", "Listbox", "Spinbox"):
        root.option_add(f"*{kind}.background", look.base)
        root.option_add(f"*{kind}.foreground", look.base_ink)
    for kind in ("TEntry", "TCombobox", "TSpinbox"):
        root.option_add(f"*{kind}.font", look.font())
    style = ttk.Style(root)
    style.theme_use(look.theme)
    style.configure(".", background=look.ground, foreground=look.ink, font=look.font(), fieldbackground=look.base)
    style.configure(".", troughcolor=look.base, insertcolor=look.base_ink)
    for kind in ("TEntry", "TCombobox", "TSpinbox"):
        style.configure(kind, foreground=look.base_ink)
        style.map(kind, fieldbackground=[("readonly", look.base)], foreground=[("readonly", look.base_ink)])
    for kind in ("TButton", "TCheckbutton", "TRadiobutton", "TNotebook.Tab"):
        style.map(kind, background=[("active", look.ground), ("selected", look.ground)])
    high = fonts.Font(root, font=look.font()).metrics("linespace")
    style.configure("Treeview", background=look.base, foreground=look.base_ink, rowheight=high + 4)
