"""What the present keyboard layout can type, and where its keys are (X11).

Keys are found by what they produce, never by their place on a US keyboard, so a German or French layout types what was
asked for. Key codes are X key codes (8-255).
"""

from __future__ import annotations

from dataclasses import dataclass

from reticle_grounding.errors import BadInput

from .x11 import X11

NAMED_KEYS = {
    "ctrl": "Control_L",
    "shift": "Shift_L",
    "alt": "Alt_L",
    "altgr": "ISO_Level3_Shift",
    "super": "Super_L",
    "escape": "Escape",
    "enter": "Return",
    "tab": "Tab",
    "space": "space",
    "backspace": "BackSpace",
    "delete": "Delete",
    "insert": "Insert",
    "home": "Home",
    "end": "End",
    "pageup": "Prior",
    "pagedown": "Next",
    "up": "Up",
    "down": "Down",
    "left": "Left",
    "right": "Right",
    "capslock": "Caps_Lock",
    "numlock": "Num_Lock",
    "scrolllock": "Scroll_Lock",
    "printscreen": "Print",
    "pause": "Pause",
    "menu": "Menu",
    **{f"f{n}": f"F{n}" for n in range(1, 25)},
}
"""Canonical key name (see ``actions.Hotkey``) -> X keysym name."""
KEY_CODES_MISSING_FROM_XK = {"ISO_Level3_Shift": 0xFE03}
CONTROL_CHARACTERS = {"\n": 0xFF0D, "\t": 0xFF09}
LATIN_ROWS = ((24, "qwertyuiop"), (38, "asdfghjkl"), (52, "zxcvbnm"))
"""First key code of each row (evdev numbering): with a layout without Latin letters, shortcuts go by place."""
UNICODE_KEYSYM = 0x01000000
EURO = 0x20AC
LEVEL_COLUMNS = {0: (0, 1, 4, 5), 1: (2, 3, 6, 7)}
"""Keyboard group -> columns of the core map that hold levels 1-4 (plain, Shift, AltGr, AltGr+Shift)."""
LOCK_MASK = 1 << 1


@dataclass(frozen=True, slots=True)
class Stroke:
    """One key with the modifiers that must be held, all as key codes."""

    code: int
    modifiers: tuple[int, ...] = ()


def check_keys(keys: tuple[str, ...]) -> None:
    """Raises BadInput naming the first key that does not exist."""
    for key in keys:
        if len(key) != 1 and key not in NAMED_KEYS:
            raise BadInput(
                f"there is no key '{key}'; keys are single characters or {', '.join(list(NAMED_KEYS)[:12])} ..."
            )


def check_text(text: str) -> None:
    """Raises BadInput for control characters that no key types (line breaks and tabs are fine)."""
    for char in text:
        if (ord(char) < 32 and char not in "\n\t\r") or 0x7F <= ord(char) < 0xA0 or 0xD800 <= ord(char) < 0xE000:
            raise BadInput(f"the text holds the control character U+{ord(char):04X}, which cannot be typed")


def keysyms_of(char: str) -> tuple[int, ...]:
    """The keysyms that stand for a character, most usual first."""
    if char in CONTROL_CHARACTERS:
        return (CONTROL_CHARACTERS[char],)
    code = ord(char)
    if code == EURO:
        return (EURO, UNICODE_KEYSYM | code)
    return (code,) if code < 0x100 else (UNICODE_KEYSYM | code,)


class Layout:
    """The layout at the moment of the call to :meth:`read`."""

    def __init__(self, rows: list[tuple[int, ...]], first: int, group: int, caps: bool) -> None:
        self._rows, self._first, self._caps = rows, first, caps
        self._columns = LEVEL_COLUMNS.get(group, LEVEL_COLUMNS[0])
        self._shift = self.code_of(_keysym("Shift_L"))
        self._level3 = self.code_of(_keysym("ISO_Level3_Shift"))

    @classmethod
    def read(cls, connection: X11) -> Layout:
        state = connection.modifiers()
        with connection.exchange() as raw:
            first, last = raw.display.info.min_keycode, raw.display.info.max_keycode
            rows = [tuple(int(s) for s in row) for row in raw.get_keyboard_mapping(first, last - first + 1)]
        return cls(rows, int(first), state >> 13 & 3, bool(state & LOCK_MASK))

    def code_of(self, keysym: int) -> int | None:
        """The key that produces a keysym without modifiers in the present group, else on any level at all."""
        plain = self._columns[0]
        exact = (i for i, row in enumerate(self._rows) if plain < len(row) and row[plain] == keysym)
        anywhere = (i for i, row in enumerate(self._rows) if keysym in row)
        index = next(exact, None)
        index = next(anywhere, None) if index is None else index
        return None if index is None else index + self._first

    def key(self, name: str) -> Stroke:
        """The key of a canonical name or character; signs that need Shift or AltGr come with it, letters do not.

        Raises BadInput when this keyboard has no such key.
        """
        if len(name) == 1 and not name.isalpha() and (stroke := self.stroke(name)):
            return stroke
        keysyms = keysyms_of(name.lower()) if len(name) == 1 else (_keysym(NAMED_KEYS[name]),)
        code = next((c for s in keysyms if (c := self.code_of(s)) is not None), None)
        if code is None:
            code = next((first + row.index(name) for first, row in LATIN_ROWS if name in row), None)
        if code is None:
            raise BadInput(f"this keyboard layout has no key '{name}'")
        return Stroke(code)

    def stroke(self, char: str) -> Stroke | None:
        """How to type a character, or None when the layout cannot without dead keys or input methods."""
        for keysym in keysyms_of(char):
            for level, column in enumerate(self._columns):
                for i, row in enumerate(self._rows):
                    if column < len(row) and row[column] == keysym and (found := self._at(i, row, level)):
                        return found
        return None

    def _at(self, index: int, row: tuple[int, ...], level: int) -> Stroke | None:
        shifted = level in (1, 3) and row[self._columns[level]] != row[self._columns[level - 1]]
        if self._caps and _is_letter_key(row, self._columns):
            shifted = not shifted
        wanted = ([self._shift] if shifted else []) + ([self._level3] if level >= 2 else [])
        held = tuple(code for code in wanted if code is not None)
        return Stroke(index + self._first, held) if len(held) == len(wanted) else None


def _is_letter_key(row: tuple[int, ...], columns: tuple[int, ...]) -> bool:
    low, high = row[columns[0]], row[columns[1]]
    if low == high or max(low, high) >= 0x100:
        return False
    return chr(low).upper() == chr(high)


def _keysym(name: str) -> int:
    from Xlib import XK

    return KEY_CODES_MISSING_FROM_XK.get(name) or int(XK.string_to_keysym(name))
