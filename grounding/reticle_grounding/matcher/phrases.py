"""Phrases as hashed features: whole words, pairs of neighbours and the letters inside words. No torch here."""

from __future__ import annotations

import zlib
from functools import lru_cache
from importlib import resources
from itertools import pairwise

from reticle_grounding.words import tokens

BUCKETS = 16_384
"""Rows of the phrase table; different features may share one."""
MAX_WORDS = 24
NGRAMS = (3, 4)
SENSES = 20_001
"""Rows of the table of senses; row 0 is that of unknown words."""


def features(phrase: str) -> list[int]:
    """Bucket numbers (0..BUCKETS-1) of a phrase; never empty."""
    words = tokens(phrase)[:MAX_WORDS]
    found = [f for word in words for f in _word(word)]
    found += [_bucket(f"2 {a} {b}") for a, b in pairwise(words)]
    return found or [_bucket("nothing")]


def senses(phrase: str) -> list[int]:
    """Rows of the table of senses (0..SENSES-1) of a phrase's known words, also of their stems; never empty."""
    known = vocabulary()
    found = [known[form] for word in tokens(phrase)[:MAX_WORDS] if (form := _known_form(word)) is not None]
    return found or [0]


def _known_form(word: str) -> str | None:
    known = vocabulary()
    forms = (word, word.removesuffix("s"), word.removesuffix("ing"), word.removesuffix("ed"), f"{word}s")
    return next((form for form in forms if form in known), None)


@lru_cache(maxsize=1)
def vocabulary() -> dict[str, int]:
    """Words with a sense and their rows, from ``data/sense_words.txt``."""
    text = resources.files("reticle_grounding").joinpath("data/sense_words.txt").read_text("utf-8")
    return {word: row for row, word in enumerate(text.split(), start=1)}


@lru_cache(maxsize=32_768)
def _word(word: str) -> tuple[int, ...]:
    marked = f"<{word}>"
    grams = {marked[i : i + n] for n in NGRAMS for i in range(len(marked) - n + 1)} - {marked}
    return (_bucket(f"w {word}"), *(_bucket(f"g {g}") for g in sorted(grams)))


def _bucket(feature: str) -> int:
    return zlib.crc32(feature.encode("utf-8")) % BUCKETS
