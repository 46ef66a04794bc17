"""Counts and durations in words or digits."""

from __future__ import annotations

import re

from .wordlists import phrases

_WORDS = phrases(
    "zero,one,two,three,four,five,six,seven,eight,nine,ten,eleven,twelve,thirteen,fourteen,fifteen,sixteen,seventeen,"
    "eighteen,nineteen,twenty"
)
NUMBER_WORDS = {word: n for n, (word,) in enumerate(_WORDS)} | {"a": 1, "an": 1}
_UNITS = {
    "ms": 0.001,
    "msec": 0.001,
    "millisecond": 0.001,
    "s": 1.0,
    "sec": 1.0,
    "second": 1.0,
    "moment": 1.0,
    "min": 60.0,
    "minute": 60.0,
}
_DURATION = re.compile(r"(half(?: an?)?|an?|[a-z]+|[\d.]+(?:e[+-]?\d+)?)\s*([a-z]*)")


def read_count(word: str) -> int | None:
    """``3``, ``three`` or ``a``; None for anything else."""
    return int(word) if word.isdecimal() and len(word) < 7 else NUMBER_WORDS.get(word.lower())


def read_seconds(text: str) -> float | None:
    """``2 seconds``, ``500ms``, ``half a second``, ``a minute``, ``2``; None for anything else."""
    match = _DURATION.fullmatch(text.strip().lower())
    if match is None:
        return None
    amount, unit = match[1], match[2]
    factor = _UNITS.get(unit, _UNITS.get(unit.removesuffix("s"))) if unit else 1.0
    value = 0.5 if amount.startswith("half") else _number(amount)
    return None if factor is None or value is None else value * factor


def _number(text: str) -> float | None:
    if text in NUMBER_WORDS:
        return float(NUMBER_WORDS[text])
    try:
        return float(text)
    except ValueError:
        return None
