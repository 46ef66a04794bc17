"""Closed word lists, written as text."""

from __future__ import annotations


def word_set(text: str) -> frozenset[str]:
    """The words of ``text``, split at white space."""
    return frozenset(text.split())


def phrases(text: str) -> list[tuple[str, ...]]:
    """Comma-separated phrases as tuples of words, in order."""
    return [tuple(phrase.split()) for phrase in text.split(",")]
