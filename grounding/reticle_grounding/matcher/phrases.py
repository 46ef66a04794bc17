"""Phrases as hashed features: whole words, pairs of neighbours and the letters inside words. No torch here."""

from __future__ import annotations

import zlib
from functools import lru_cache
from itertools import pairwise

from reticle_grounding.words import tokens

BUCKETS = 16_384
"""Rows of the phrase table; different features may share one."""
MAX_WORDS = 24
NGRAMS = (3, 4)


def features(phrase: str) -> list[int]:
    """Bucket numbers (0..BUCKETS-1) of a phrase; never empty."""
    words = tokens(phrase)[:MAX_WORDS]
    found = [f for word in words for f in _word(word)]
    found += [_bucket(f"2 {a} {b}") for a, b in pairwise(words)]
    return found or [_bucket("nothing")]


@lru_cache(maxsize=32_768)
def _word(word: str) -> tuple[int, ...]:
    marked = f"<{word}>"
    grams = {marked[i : i + n] for n in NGRAMS for i in range(len(marked) - n + 1)} - {marked}
    return (_bucket(f"w {word}"), *(_bucket(f"g {g}") for g in sorted(grams)))


def _bucket(feature: str) -> int:
    return zlib.crc32(feature.encode("utf-8")) % BUCKETS
