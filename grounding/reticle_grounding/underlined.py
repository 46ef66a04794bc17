"""Words with a letter that was misread because a line is drawn under it.

Menus and dialogs underline the letter that a key chooses; where the line touches it, ``File`` is read as ``Eile``,
``Tools`` as ``Iools``, ``Settings`` as ``≦ettings`` and ``Encoding`` as ``Ençoding``. Only what is no word that is
known, and becomes one that labels use by the letter that such a line hides, is read anew.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from string import ascii_uppercase
from typing import TYPE_CHECKING

from .words_known import common_words, known_words

if TYPE_CHECKING:
    from .ocr import TextBox, Word

LEAST = 4
"""Shorter words are left as they were read."""
HIDDEN = {"E": "F", "I": "T", "≦": "S", "≤": "S", "Σ": "S"}
"""What a letter with a line under it is read as, and what it is."""
_BELOW = re.compile("[\u0323-\u0328\u032d\u0331\u0332]")
"""Marks under letters."""
_WORD = re.compile(r"(?P<first>\S)(?P<rest>[a-z]+)(?P<end>[.,:;!?…]*)")


def reread(texts: Sequence[TextBox]) -> list[TextBox]:
    """The detections with such words as they are; their rectangles stay."""
    return [_reread(box) for box in texts]


def _reread(box: TextBox) -> TextBox:
    text = re.sub(r"\S+", lambda found: meant(found[0]), box.text)
    return box if text == box.text else replace(box, text=text, words=tuple(_meant(w) for w in box.words))


def _meant(word: Word) -> Word:
    return replace(word, text=meant(word.text))


def meant(word: str) -> str:
    """The word as it is written on the screen, or as it was read where nothing speaks against that."""
    bare = unicodedata.normalize("NFC", _BELOW.sub("", unicodedata.normalize("NFD", word)))
    found = _WORD.fullmatch(bare)
    if found is None or len(found["rest"]) < LEAST - 1:
        return word
    if bare != word:
        return bare if (found["first"] + found["rest"]).casefold() in common_words() else word
    first, rest = found["first"], found["rest"]
    common, known = common_words(), known_words()
    if (first + rest).casefold() in known:
        return word
    hidden = HIDDEN.get(first)
    if hidden is None and rest not in common and not _latin(first):  # an icon before a word is a sign, too
        fitting = [letter for letter in ascii_uppercase if letter.lower() + rest in common]
        hidden = fitting[0] if len(fitting) == 1 else None
    if hidden is None or hidden.lower() + rest not in common:
        return word
    return hidden + rest + found["end"]


def _latin(letter: str) -> bool:
    """Whether it is a letter of English, with or without a mark of another language."""
    return unicodedata.normalize("NFKD", letter)[0].isascii()
