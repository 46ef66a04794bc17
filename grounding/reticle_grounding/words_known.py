"""Words that programs and their users say, made from the tables of labels and wordings written for this project."""

from __future__ import annotations

from functools import lru_cache
from importlib import resources

WORDS_FILE = "label-words.txt"


@lru_cache(maxsize=1)
def common_words() -> frozenset[str]:
    """Words that more than one label uses, of three letters and more, in small letters."""
    return frozenset(_text().partition("\n\n")[0].split())


@lru_cache(maxsize=1)
def known_words() -> frozenset[str]:
    """These, and all other words of labels and wordings."""
    return frozenset(_text().split())


def _text() -> str:
    """Made by :mod:`.training.label_words`: the common words, an empty line, the others."""
    return (resources.files(__package__) / "data" / WORDS_FILE).read_text("utf-8")
