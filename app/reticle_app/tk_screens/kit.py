"""Single Tk controls with believable contents, and what each of them is called."""

from __future__ import annotations

import tkinter as tk
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from tkinter import ttk
from typing import Any, TypeVar

from reticle_grounding.training import words
from reticle_grounding.training.spoken import lexicon

from .look import TkLook

VALUES: tuple[Callable[[Random], str], ...] = (
    words.number,
    words.number,
    words.person,
    words.file_name,
    words.made_up_word,
    lambda rng: words.pick(rng, "nouns"),
    lambda rng: words.pick(rng, "cities"),
)
Held = TypeVar("Held", bound=tk.Variable)
LONGEST = 34
"""Letters of the longest name of a control."""


@dataclass(frozen=True, slots=True)
class Told:
    """A widget and what accessibility would tell of it."""

    widget: Any
    role: str
    name: str
    label: str = ""
    value: str = ""
    shown: bool = False
    """Its name is written on it."""
    states: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    """What its items are called: of lists, tables (first the headings), tabs."""


class Kit:
    """Makes the controls of one window, and keeps what they are; names come from one place of software at a time."""

    def __init__(self, rng: Random, look: TkLook) -> None:
        self.rng, self.look = rng, look
        self.told: list[Told] = []
        self._names: list[str] = []
        self._kept: list[tk.Variable] = []

    def chance(self, probability: float) -> bool:
        return self.rng.random() < probability

    def name(self, pool: str = "") -> str:
        """What a control may be called; ``pool`` is a list of the vocabulary that is used at times."""
        if pool and self.chance(0.4):
            return words.pick(self.rng, pool)
        while True:
            if not self._names:
                self._names = list(self.rng.choice(lexicon()))
                self.rng.shuffle(self._names)
            name = self._names.pop().rstrip(":")
            if len(name) <= LONGEST:
                return name

    def value(self) -> str:
        return self.rng.choice(VALUES)(self.rng)

    def make(self, parent: tk.Misc, kind: str, **options: Any) -> Any:
        """A themed widget of this kind (``Entry``, ``LabelFrame``), or one of Tk's own."""
        themed = self.chance(self.look.themed)
        form = getattr(ttk, kind) if themed else getattr(tk, kind)
        return form(parent, **options)

    def tell(self, widget: Any, role: str, name: str = "", **more: Any) -> Any:
        self.told.append(Told(widget, role, name, **more))
        return widget

    def label(self, parent: tk.Misc, text: str) -> Any:
        return self.tell(self.make(parent, "Label", text=text), "label", text, shown=True)

    def button(self, parent: tk.Misc, text: str = "") -> Any:
        text = text or self.name("buttons")
        return self.tell(self.make(parent, "Button", text=text), "push button", text, shown=True)

    def entry(self, parent: tk.Misc, label: str, width: int = 0) -> Any:
        made = self.make(parent, "Entry", width=width or self.rng.randint(6, 34))
        hidden = "pass" in label.lower()
        value = self.value() if self.chance(0.6) else ""
        made.insert(0, value)
        if hidden:
            made.configure(show="*")
        role = "password text" if hidden else "text"
        return self.tell(made, role, label=label, value="" if hidden else value, states=("editable",))

    def spin(self, parent: tk.Misc, label: str) -> Any:
        made = self.make(parent, "Spinbox", from_=0, to=1000, width=self.rng.randint(3, 9))
        value = str(self.rng.randint(0, 10 ** self.rng.randint(1, 3)))
        made.delete(0, "end")
        made.insert(0, value)
        return self.tell(made, "spin button", label=label, value=value, states=("editable",))

    def combo(self, parent: tk.Misc, label: str) -> Any:
        values = [self.value() for _ in range(4)]
        made: Any
        if self.chance(max(0.3, self.look.themed)):
            made = ttk.Combobox(parent, values=values, width=self.rng.randint(8, 24))
            made.set(values[0])
            if self.chance(0.6):
                made.configure(state="readonly")
        else:
            chosen = self._keep(tk.StringVar(parent, values[0]))
            made = tk.OptionMenu(parent, chosen, *values)
        return self.tell(made, "combo box", values[0], label=label, value=values[0], shown=True, states=("has_popup",))

    def scale(self, parent: tk.Misc, label: str) -> Any:
        length = self.rng.randint(100, 260)
        made = self.make(parent, "Scale", from_=0, to=100, orient="horizontal", length=length)
        made.set(self.rng.randint(5, 95))
        return self.tell(made, "slider", label=label)

    def field(self, parent: tk.Misc, label: str) -> Any:
        """Any control that one enters or chooses a value in."""
        kinds = (self.entry, self.entry, self.entry, self.combo, self.spin, self.scale)
        return self.rng.choice(kinds)(parent, label)

    def tick(self, parent: tk.Misc, text: str, radio: bool = False, group: tk.IntVar | None = None, at: int = 1) -> Any:
        """A check box, or a radio button of a group."""
        held = group if group is not None else self._keep(tk.IntVar(parent, self.rng.randrange(2)))
        kind, more = ("Radiobutton", {"value": at}) if radio else ("Checkbutton", {})
        made = self.make(parent, kind, text=text, variable=held, **more)
        on = ("checked",) if held.get() == at else ()
        role = "radio button" if radio else "check box"
        return self.tell(made, role, text, shown=True, states=("checkable", *on))

    def choice(self, parent: tk.Misc) -> tk.IntVar:
        """What a group of radio buttons holds."""
        return self._keep(tk.IntVar(parent, 1))

    def _keep(self, held: Held) -> Held:
        """A variable of a widget, which forgets its value without."""
        self._kept.append(held)
        return held
