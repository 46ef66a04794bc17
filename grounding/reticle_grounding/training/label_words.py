"""Writes the words that :mod:`reticle_grounding.words_known` holds, from the tables written for this project:
``python -m reticle_grounding.training.label_words FILE``."""

from __future__ import annotations

import argparse
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from .concepts import concepts
from .spoken import lexicon, wordings_of_names

_WORD = re.compile(r"[a-z]{3,}")


def labels() -> Iterable[str]:
    """Labels of concepts, of controls in places of software, and of training applications."""
    yield from (label for concept in concepts() for label in concept.labels)
    yield from (label for place in lexicon() for label in place)
    yield from wordings_of_names()


def wordings() -> Iterable[str]:
    """How people ask for them."""
    yield from (words for place in lexicon() for said in place.values() for words in said)


def words_file(named: Iterable[str], said: Iterable[str]) -> str:
    """Words of more than one label, an empty line, and all other words, each in small letters on a line of its own."""
    counts = Counter(w for label in named for w in set(_WORD.findall(label.casefold())))
    common = {w for w, number in counts.items() if number > 1}
    others = {*counts, *(w for words in said for w in _WORD.findall(words.casefold()))} - common
    return "\n\n".join("\n".join(sorted(part)) for part in (common, others)) + "\n"


def main() -> None:
    """Writes the file, one word a line."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("out", type=Path)
    chosen = parser.parse_args()
    chosen.out.write_text(words_file(labels(), wordings()), encoding="utf-8")


if __name__ == "__main__":
    main()
