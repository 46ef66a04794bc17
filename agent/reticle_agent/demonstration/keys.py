"""What a pressed key means: a character that it types, or a key by its name (X11)."""

from __future__ import annotations

from dataclasses import dataclass

from reticle_agent.keyboard import LATIN_ROWS, LEVEL_COLUMNS, LOCK_MASK, NAMED_KEYS, UNICODE_KEYSYM
from reticle_agent.x11 import X11

CHORD = ("ctrl", "alt", "super")
"""Modifiers that make a key a command instead of a character."""
MODIFIERS = {
    0xFFE1: "shift", 0xFFE2: "shift", 0xFFE3: "ctrl", 0xFFE4: "ctrl", 0xFFE9: "alt", 0xFFEA: "alt", 0xFFE7: "alt",
    0xFFE8: "alt", 0xFFEB: "super", 0xFFEC: "super", 0xFE03: "altgr", 0xFE11: "altgr", 0xFF7E: "altgr",
}  # fmt: skip
"""Keysym -> modifier."""
LOCKS = frozenset({0xFFE5, 0xFF7F, 0xFF14, 0xFE08, 0xFE0A})
"""Caps Lock, Num Lock, Scroll Lock and keys that change the layout: no input of their own."""
KEYPAD = {
    **{0xFFB0 + n: str(n) for n in range(10)},
    0xFFAA: "*", 0xFFAB: "+", 0xFFAC: ",", 0xFFAD: "-", 0xFFAE: ".", 0xFFAF: "/", 0xFFBD: "=", 0xFF80: " ",
}  # fmt: skip
KEYPAD_NAMES = {
    0xFF8D: "enter", 0xFF95: "home", 0xFF96: "left", 0xFF97: "up", 0xFF98: "right", 0xFF99: "down", 0xFF9A: "pageup",
    0xFF9B: "pagedown", 0xFF9C: "end", 0xFF9E: "insert", 0xFF9F: "delete", 0xFE20: "tab",
}  # fmt: skip
NUM_LOCK = 1 << 4


@dataclass(frozen=True, slots=True)
class Key:
    """One press."""

    text: str | None
    """The character it types; None for a key that types none."""
    name: str
    """Canonical name, as in ``actions.Hotkey``."""
    held: tuple[str, ...]
    """Modifiers held with it, in the order of a chord."""

    @property
    def types(self) -> bool:
        """Whether it puts a character into what has the focus."""
        return self.text is not None and not any(m in self.held for m in CHORD)

    @property
    def chord(self) -> tuple[str, ...]:
        """As a hotkey; Shift stands in it only where it did not already make another character."""
        held = tuple(m for m in ("ctrl", "alt", "super", "shift") if m in self.held)
        return (*(m for m in held if m != "shift" or self.text is None or self.name.isalpha()), self.name)


class KeyReader:
    """Follows the modifiers through the presses and releases, so that a late look at the keyboard changes nothing."""

    def __init__(self, connection: X11) -> None:
        self._x = connection
        self._held: dict[int, str] = {}

    def released(self, code: int) -> None:
        self._held.pop(code, None)

    def pressed(self, code: int) -> Key | None:
        """None for a modifier, a lock, and a key without a known meaning."""
        row, state = self._row(code), self._x.modifiers()
        first = row[0] if row else 0
        if first in MODIFIERS:
            self._held[code] = MODIFIERS[first]
            return None
        if not row or first in LOCKS:
            return None
        return meaning(row, state, frozenset(self._held.values()), code)

    def _row(self, code: int) -> tuple[int, ...]:
        with self._x.exchange() as raw:
            return tuple(int(keysym) for keysym in raw.get_keyboard_mapping(code, 1)[0])


def meaning(row: tuple[int, ...], state: int, held: frozenset[str], code: int) -> Key | None:
    """The key of a row of the core map.

    Args:
        row: keysyms by level and group.
        state: core state mask; only locks and the group are taken from it.
        held: names of the modifiers held.
    """
    columns = LEVEL_COLUMNS.get(state >> 13 & 3, LEVEL_COLUMNS[0])
    if not any(row[c] for c in columns if c < len(row)):
        columns = LEVEL_COLUMNS[0]
    low, high = _at(row, columns[0]), _at(row, columns[1])
    shifted = "shift" in held
    if state & LOCK_MASK and _text(low) is not None and (_text(low) or "").isalpha():
        shifted = not shifted
    if state & NUM_LOCK and high in KEYPAD:
        shifted = not shifted
    level3 = 2 if "altgr" in held else 0
    keysym = _at(row, columns[level3 + shifted]) or _at(row, columns[level3]) or low
    order = tuple(m for m in ("ctrl", "alt", "super", "shift") if m in held)
    text = _text(keysym)
    if text is not None and text != " " and any(m in held for m in CHORD):
        plain = _text(low)
        return Key(text, (plain or _latin(code) or text).lower(), order)
    name = _name(keysym) or _name(low)
    if text is not None:
        return Key(text, "space" if text == " " else text, order)
    return Key(None, name, order) if name else None


def _at(row: tuple[int, ...], column: int) -> int:
    return row[column] if column < len(row) else 0


def _text(keysym: int) -> str | None:
    if keysym in KEYPAD:
        return KEYPAD[keysym]
    if 0x20 <= keysym < 0x7F or 0xA0 <= keysym < 0x100:
        return chr(keysym)
    if keysym & 0xFF000000 == UNICODE_KEYSYM:
        char = chr(keysym & 0xFFFFFF) if keysym & 0xFFFFFF < 0x110000 else ""
        return char if char and char.isprintable() else None
    return "\u20ac" if keysym == 0x20AC else None


def _name(keysym: int) -> str | None:
    from Xlib import XK

    if keysym in KEYPAD_NAMES:
        return KEYPAD_NAMES[keysym]
    names = {int(XK.string_to_keysym(own)): name for name, own in NAMED_KEYS.items()}
    return names.get(keysym) if keysym else None


def _latin(code: int) -> str | None:
    """By its place, as shortcuts go where the layout has no Latin letters."""
    return next((row[code - first] for first, row in LATIN_ROWS if 0 <= code - first < len(row)), None)
