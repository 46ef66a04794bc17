"""Parts of Tk windows: forms, groups of check boxes, lists, tables, texts, tool bars and menus."""

from __future__ import annotations

import tkinter as tk
from dataclasses import dataclass
from tkinter import ttk
from typing import Any

from reticle_grounding.training import words

from .kit import Kit

FINISHING = (
    ("OK", "Cancel"), ("Apply", "Close", "Help"), ("Save", "Discard"), ("Yes", "No"), ("Start", "Stop", "Pause"),
    ("Cancel", "OK"), ("Close",), ("< Back", "Next >", "Cancel"), ("Defaults", "OK", "Cancel"),
)  # fmt: skip
SEARCHED = ("Find", "Search", "Go to", "Filter", "Line", "Path", "Address", "Zoom", "Name")
BESIDE = ("Browse...", "...", "Reset", "Choose...", "Edit", "Clear")


@dataclass(frozen=True, slots=True)
class Entries:
    """A menu and what stands in it: number of the entry, its text, its role."""

    title: str
    menu: tk.Menu
    entries: tuple[tuple[int, str, str], ...]


def form(kit: Kit, parent: tk.Misc, rows: int) -> Any:
    """Labels with their fields beside or below them."""
    rng = kit.rng
    frame = kit.make(parent, "Frame")
    mark, above = rng.choice(("", ":", ":")), kit.chance(0.15)
    side, stretch, gap = rng.choice("ewww"), rng.choice(("w", "we")), rng.choice((1, 2, 2, 4))
    for row in range(rows):
        name = kit.name("fields")
        kit.label(frame, name + mark).grid(row=2 * row, column=0, sticky="w" if above else side, padx=4, pady=gap)
        field = kit.field(frame, name)
        field.grid(row=2 * row + above, column=1 - above, sticky=stretch, padx=4, pady=gap)
        if not above and kit.chance(0.15):
            kit.button(frame, rng.choice(BESIDE)).grid(row=2 * row, column=2, padx=2)
    return frame


def group(kit: Kit, parent: tk.Misc) -> Any:
    """A frame with a title."""
    title = kit.name("sections")
    return ttk.Labelframe(parent, text=title) if kit.chance(kit.look.themed) else tk.LabelFrame(parent, text=title)


def grouped_form(kit: Kit, parent: tk.Misc) -> Any:
    frame = group(kit, parent)
    form(kit, frame, kit.rng.randint(2, 6)).pack(padx=5, pady=4, anchor="w", fill="x")
    return frame


def plain_form(kit: Kit, parent: tk.Misc) -> Any:
    return form(kit, parent, kit.rng.randint(2, 7))


def ticks(kit: Kit, parent: tk.Misc) -> Any:
    """Check boxes or radio buttons, one below the other or side by side."""
    frame = group(kit, parent) if kit.chance(0.6) else kit.make(parent, "Frame")
    radio, across = kit.chance(0.4), kit.chance(0.25)
    held = kit.choice(frame) if radio else None
    for number in range(1, kit.rng.randint(3, 6)):
        made = kit.tick(frame, kit.name("checks"), radio, held, number)
        made.pack(side="left" if across else "top", anchor="w", padx=4, pady=1)
    return frame


def listed(kit: Kit, parent: tk.Misc) -> Any:
    """A list with its scroll bar."""
    frame = kit.make(parent, "Frame")
    box = tk.Listbox(frame, height=kit.rng.randint(4, 12), width=kit.rng.randint(16, 36))
    items = [kit.name() if kit.chance(0.5) else kit.value() for _ in range(15)]
    for item in items:
        box.insert("end", item)
    if kit.chance(0.5):
        box.selection_set(kit.rng.randrange(4))
    box.pack(side="left", fill="both", expand=True)
    bar = kit.make(frame, "Scrollbar", command=box.yview)
    bar.pack(side="left", fill="y")
    box.configure(yscrollcommand=bar.set)
    kit.tell(box, "list", parts=tuple(items))
    return frame


def table(kit: Kit, parent: tk.Misc) -> Any:
    """Rows of cells under headings."""
    names = tuple(kit.name("columns") for _ in range(kit.rng.randint(1, 5)))
    columns = [str(n) for n in range(1, len(names))]
    view = ttk.Treeview(parent, columns=columns, height=kit.rng.randint(4, 10), show="headings tree")  # type: ignore[arg-type]
    cells = []
    for number, name in enumerate(names):
        view.heading(f"#{number}", text=name, anchor="w")
        view.column(f"#{number}", width=kit.rng.randint(90, 170))
    for _ in range(9):
        row = [kit.value() for _ in names]
        view.insert("", "end", text=row[0], values=row[1:])
        cells += row
    return kit.tell(view, "table", parts=(*names, *cells), value=str(len(names)))


def text(kit: Kit, parent: tk.Misc) -> Any:
    """Some lines of text or code."""
    rng = kit.rng
    family = rng.choice(("", "DejaVu Sans Mono"))
    box = tk.Text(parent, height=rng.randint(4, 14), width=rng.randint(30, 70), font=kit.look.font(family))
    lines = [" ".join(words.pick(rng, "prose") for _ in range(rng.randint(3, 10))) for _ in range(9)]
    box.insert("1.0", "\n".join(lines))
    return kit.tell(box, "text", value=lines[0], states=("editable", "multi_line"))


def tools(kit: Kit, parent: tk.Misc) -> Any:
    """A bar of buttons, often with an entry to search or to go somewhere."""
    rng = kit.rng
    bar = tk.Frame(parent, borderwidth=1, relief=rng.choice(("raised", "flat", "groove")))
    for _ in range(rng.randint(2, 6)):
        kit.button(bar).pack(side="left", padx=1, pady=1)
    for _ in range(rng.choice((0, 1, 1, 2))):
        name = rng.choice(SEARCHED)
        kit.label(bar, name + rng.choice(("", ":"))).pack(side="left", padx=3)
        kit.entry(bar, name, rng.randint(6, 22)).pack(side="left")
        if kit.chance(0.5):
            kit.button(bar, rng.choice(("Next", "Prev", "Go", "Clear", "Find"))).pack(side="left", padx=2)
    return bar


def finish(kit: Kit, parent: tk.Misc) -> Any:
    """The buttons that end a dialog."""
    frame = kit.make(parent, "Frame")
    for name in kit.rng.choice(FINISHING):
        kit.button(frame, name).pack(side="left", padx=5, pady=4)
    return frame


def menus(kit: Kit, parent: tk.Misc) -> tuple[Any, list[tuple[tk.Menubutton, Entries]]]:
    """A bar of menus, File first and Help last."""
    rng, known = kit.rng, words.vocabulary().menus
    middle = rng.sample([t for t in known if t not in ("File", "Help")], rng.randint(1, 6))
    bar, made = tk.Frame(parent, borderwidth=1, relief=rng.choice(("raised", "flat"))), []
    torn = kit.chance(0.3)
    for title in ("File", *middle, "Help"):
        button = tk.Menubutton(bar, text=title)
        button.pack(side="left", padx=rng.choice((0, 2, 4)))
        kit.tell(button, "menu", title, shown=True, states=("selectable",))
        made.append((button, _menu(kit, button, title, torn)))
    return bar, made


def _menu(kit: Kit, parent: tk.Misc, title: str, torn: bool) -> Entries:
    rng = kit.rng
    menu, entries = tk.Menu(parent, tearoff=torn), []
    names = words.vocabulary().menus[title]
    for name in dict.fromkeys([*rng.sample(names, min(len(names), rng.randint(3, 9))), kit.name()]):
        role = rng.choices(("menu item", "check menu item", "menu"), (8, 1, 1))[0]
        if role == "check menu item":
            menu.add_checkbutton(label=name)
        elif role == "menu":
            menu.add_cascade(label=name, menu=tk.Menu(menu))
        else:
            menu.add_command(label=name, accelerator=f"Ctrl+{rng.choice('ABCDEFGHJK')}" if kit.chance(0.4) else "")
        entries.append((int(menu.index("end") or 0), name, role))
        if kit.chance(0.2):
            menu.add_separator()
    return Entries(title, menu, tuple(entries))
