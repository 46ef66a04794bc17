"""Which characters an answer may hold, and the beginnings of their UTF-8.

Control, format, unassigned and private characters hide what a text says, and line separators break a line unseen, so
none of them can be written. Characters above U+2FFFF are left out (rare ideographs and tags).
"""

from __future__ import annotations

import unicodedata
from functools import cache

END = 0x30000
_HIDDEN = frozenset({"Zl", "Zp"})


@cache
def _visible() -> bytes:
    """1 for every code point that may stand in an answer."""
    kinds = map(unicodedata.category, map(chr, range(END)))
    return bytes(kind[0] != "C" and kind not in _HIDDEN for kind in kinds)


def visible(character: str) -> bool:
    """Whether a single character may stand in an answer."""
    number = ord(character)
    return number < END and bool(_visible()[number])


@cache
def beginnings() -> frozenset[bytes]:
    """Every proper beginning of the UTF-8 of a character of more than one byte that may be written."""
    found: set[bytes] = set()
    for number, shown in enumerate(_visible()):
        if shown and number >= 0x80:
            coded = chr(number).encode()
            found.update(coded[:end] for end in range(1, len(coded)))
    return frozenset(found)


def whole(coded: bytes) -> str | None:
    """The visible character with exactly this UTF-8; None when there is none."""
    try:
        character = coded.decode()
    except UnicodeDecodeError:
        return None
    return character if len(character) == 1 and visible(character) else None


def missing(begun: bytes) -> int:
    """Bytes that a begun character lacks."""
    first = begun[0]
    return (2 if first < 0xE0 else 3 if first < 0xF0 else 4) - len(begun)
