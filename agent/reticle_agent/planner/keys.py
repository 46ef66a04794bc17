"""Key names people use, and the canonical names of :class:`reticle_agent.actions.Hotkey`."""

from __future__ import annotations

import re

MODIFIERS = frozenset({"ctrl", "shift", "alt", "altgr", "super"})

_SYNONYMS = {
    "ctrl": "control ctl",
    "shift": "",
    "alt": "option opt",
    "altgr": "alt_gr alt-gr",
    "super": "win windows meta cmd command",
    "escape": "esc",
    "enter": "return",
    "tab": "tabulator",
    "space": "spacebar space_bar",
    "backspace": "back_space bksp",
    "delete": "del",
    "insert": "ins",
    "home": "",
    "end": "",
    "pageup": "page_up page-up pgup",
    "pagedown": "page_down page-down pgdn pgdown",
    "up": "up_arrow arrow_up arrow-up cursor_up",
    "down": "down_arrow arrow_down arrow-down cursor_down",
    "left": "left_arrow arrow_left arrow-left cursor_left",
    "right": "right_arrow arrow_right arrow-right cursor_right",
    "capslock": "caps_lock caps-lock caps",
    "numlock": "num_lock num-lock",
    "scrolllock": "scroll_lock scroll-lock",
    "printscreen": "print_screen prtsc prtscr",
    "pause": "",
    "menu": "context_menu",
    "+": "plus",
    "-": "minus hyphen dash",
    "*": "asterisk",
    "/": "slash",
    "\\": "backslash",
    "=": "equals equal",
    ",": "comma",
    ".": "period dot",
    ";": "semicolon",
    ":": "colon",
    "?": "question_mark",
    "!": "exclamation_mark",
    "#": "hash",
}


def _names() -> dict[str, str]:
    names = {f"f{n}": f"f{n}" for n in range(1, 25)}
    for canonical, others in _SYNONYMS.items():
        names[canonical] = canonical
        names.update({other.replace("_", " "): canonical for other in others.split()})
    return names


KEY_NAMES = _names()
"""Every name understood (lower case) -> canonical name; single characters are keys of their own besides."""
_LONG_NAMES = "|".join(sorted((re.escape(n) for n in KEY_NAMES if len(n) > 1), key=len, reverse=True))
_KEY = re.compile(rf"(?:{_LONG_NAMES})(?=$|[\s+,-])|\S(?=$|[\s+,-])", re.IGNORECASE)
_JOIN = re.compile(r"\s*\+\s*(?=\S)")
_MODIFIER_JOIN = re.compile(r"\s*-\s*(?=\S)|\s+and\s+|\s+plus\s+(?=\S)|\s+", re.IGNORECASE)
_NEXT = re.compile(r"\s*,\s*(?:and\s+|then\s+)?|\s+(?:and\s+|then\s+)?", re.IGNORECASE)


def read_keys(text: str) -> tuple[tuple[str, ...], ...] | None:
    """The chords ``text`` names, in order, or None when it is not made of key names alone.

    ``Ctrl+S``, ``ctrl shift t`` and ``Alt and F4`` are one chord; ``Tab, Tab and Enter`` are three.
    """
    text, at = text.strip(), 0
    chords: list[tuple[str, ...]] = []
    chord: list[str] = []
    while at < len(text):
        match = _KEY.match(text, at)
        if match is None:
            return None
        chord.append(KEY_NAMES.get(match[0].lower(), match[0].lower()))
        at = match.end()
        modifiers_only = MODIFIERS.issuperset(chord)
        join = _JOIN.match(text, at) or (modifiers_only and _MODIFIER_JOIN.match(text, at)) or None
        if join is None:
            chords.append(tuple(chord))
            chord = []
            join = _NEXT.match(text, at)
        at = join.end() if join else at
    return None if chord or not chords else tuple(chords)


def spell(keys: tuple[str, ...]) -> str:
    """One chord in words that :func:`read_keys` reads back."""
    return "+".join(keys)
