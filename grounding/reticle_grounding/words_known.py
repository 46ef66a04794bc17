"""Words that programs and their users say, made from the tables of labels and wordings written for this project."""

from __future__ import annotations

from functools import lru_cache
from importlib import resources

WORDS_FILE = "label-words.txt"


@lru_cache(maxsize=1)
def label_words() -> tuple[frozenset[str], frozenset[str]]:
    """Words that labels use more than once, and all words that are known; of three letters and more, in small letters.
    Made by :mod:`.training.label_words`."""
    text = (resources.files(__package__) / "data" / WORDS_FILE).read_text("utf-8")
    return frozenset(text.partition("\n\n")[0].split()), frozenset(text.split())
