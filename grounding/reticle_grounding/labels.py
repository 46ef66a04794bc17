"""What a detection says without the drawing in front of it: a tick or a radio button is often read as part of it."""

from __future__ import annotations

from dataclasses import replace

from .geometry import Rect
from .ocr import TextBox, Word

PUNCTUATION = frozenset("\"'([{<.,:;-–—_#@$€£&%+*/\\~!?=^|“”‘’…>)]}")
"""Signs that begin texts of their own right."""
SQUARE = 0.95
"""Width of a mark in front of a label in heights of the line."""


def without_symbol(box: TextBox) -> TextBox | None:
    """The detection less a misread drawing at its beginning; None when it seems to begin with none.

    Such are a sign that is neither letter nor punctuation, a lone capital other than A and I, an O glued to a capital.
    """
    first, rest = box.words[0], box.words[1:]
    if len(first.text) == 1 and rest and (_sign(first.text) or (first.text.isupper() and first.text not in "AI")):
        return _of(box, rest)
    glued = len(first.text) > 2 and (_sign(first.text[0]) or _ring(first.text))
    cut = first.rect.left + SQUARE * first.rect.height
    if not glued or cut >= first.rect.right:
        return None
    return _of(box, (Word(first.text[1:], replace(first.rect, left=cut)), *rest))


def _sign(char: str) -> bool:
    return not char.isalnum() and char not in PUNCTUATION


def _ring(word: str) -> bool:
    """A radio button read as O: ``ORight``."""
    return word[0] == "O" and word[1].isupper() and word[2].islower()


def _of(box: TextBox, words: tuple[Word, ...]) -> TextBox:
    rect = Rect(words[0].rect.left, box.rect.top, box.rect.right, box.rect.bottom)
    return TextBox(" ".join(w.text for w in words), rect, box.score, words)
