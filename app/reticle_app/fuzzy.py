"""How well what is typed fits the words of a command: parts of words, initials, letters left out, slips."""

from __future__ import annotations

import unicodedata

from rapidfuzz import fuzz

WHOLE, START, INSIDE, INITIALS, LETTERS, SLIP = 110.0, 100.0, 80.0, 70.0, 50.0, 30.0
"""Worth of each way to fit, best first; a longer text loses up to ``LENGTH`` of it."""
LENGTH = 9.0
LONG_ENOUGH, ALIKE = 4, 80.0
"""Slips are only looked for in words of so many letters, which must be so much alike (0 to 100)."""
SPREAD = 3
"""Letters that are left out may spread the typed ones over so many times their number."""


def plain(text: str) -> str:
    """Lower case without accents, so that a keyboard without them reaches everything."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in apart if not unicodedata.combining(c))


def fit(wanted: str, text: str) -> float | None:
    """Worth of the fit, larger is better; None when a typed word fits nowhere. Nothing typed fits everything alike."""
    typed, held = plain(wanted).split(), plain(text)
    if not typed:
        return 0.0
    worths = [_fit_one(part, held) for part in typed]
    found = [worth for worth in worths if worth is not None]
    return sum(found) / len(found) - LENGTH * min(1.0, len(held) / 80) if len(found) == len(worths) else None


def _fit_one(part: str, text: str) -> float | None:
    words = [word for word in text.replace("-", " ").split() if word[0].isalnum()]
    if part in words:
        return WHOLE
    if any(word.startswith(part) for word in words):
        return START
    if part in text:
        return INSIDE
    if len(part) > 1 and part in "".join(word[0] for word in words):
        return INITIALS
    span = _span(part, text)
    if span is not None and span <= SPREAD * len(part):
        return LETTERS - 10 * (span - len(part)) / len(part)
    if len(part) >= LONG_ENOUGH:
        alike = max((fuzz.ratio(part, word[: len(part) + 1]) for word in words), default=0.0)
        if alike >= ALIKE:
            return SLIP * alike / 100
    return None


def _span(part: str, text: str) -> int | None:
    """Length of the shortest stretch of text that holds the letters in their order; None where there is none."""
    best: int | None = None
    for start in (i for i, c in enumerate(text) if c == part[0]):
        at = start
        for letter in part[1:]:
            at = text.find(letter, at + 1)
            if at < 0:
                return best
        best = min(best or len(text), at - start + 1)
    return best
