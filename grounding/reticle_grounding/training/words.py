"""Interface vocabulary: labels as programs show them, and made-up ones in the same manner."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from random import Random
from typing import cast

CONSONANTS, VOWELS = "bcdfghjklmnprstvwz", "aeiou"
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Word lists by use; ``menus`` maps a menu's title to its entries."""

    menus: dict[str, list[str]]
    lists: dict[str, list[str]]

    def phrases(self) -> list[str]:
        """Every label of every list, in a fixed order."""
        entries = [entry for title, items in self.menus.items() for entry in (title, *items)]
        return entries + [word for words in self.lists.values() for word in words]


@lru_cache(maxsize=1)
def vocabulary() -> Vocabulary:
    """The vocabulary shipped with the package."""
    text = resources.files("reticle_grounding.training.data").joinpath("vocabulary.json").read_text("utf-8")
    data = cast("dict[str, object]", json.loads(text))
    menus = cast("dict[str, list[str]]", data.pop("menus"))
    return Vocabulary(menus, cast("dict[str, list[str]]", data))


def pick(rng: Random, name: str) -> str:
    """One label of the list called ``name``."""
    return rng.choice(vocabulary().lists[name])


def made_up_word(rng: Random) -> str:
    """A pronounceable word that is in no list; keeps reading from becoming word guessing."""
    word = "".join(rng.choice(CONSONANTS) + rng.choice(VOWELS) for _ in range(rng.randint(1, 3)))
    word += rng.choice(CONSONANTS) if rng.random() < 0.6 else ""
    return word.capitalize() if rng.random() < 0.5 else word


def number(rng: Random) -> str:
    """A number, amount, date, time, percentage, size or code."""
    kind = rng.randrange(8)
    if kind == 0:
        return f"{rng.randint(1, 28):02d}/{rng.randint(1, 12):02d}/{rng.randint(1998, 2027)}"
    if kind == 1:
        return f"{rng.randint(0, 23):02d}:{rng.randint(0, 59):02d}"
    if kind == 2:
        return f"{rng.choice('$€£')}{rng.randint(1, 9999):,}"
    if kind == 3:
        return f"{rng.randint(0, 100)}%"
    if kind == 4:
        return f"{rng.randint(1, 999)}.{rng.randint(0, 9)} {rng.choice(('KB', 'MB', 'GB', 'KiB', 'MiB', 'kB'))}"
    if kind == 5:
        return f"{rng.randint(1, 28)} {rng.choice(MONTHS)} {rng.randint(2015, 2027)}"
    if kind == 6:
        return f"#{rng.randint(100, 99999)}"
    return str(rng.randint(0, 10 ** rng.randint(1, 5)))


def person(rng: Random) -> str:
    return f"{pick(rng, 'first_names')} {pick(rng, 'last_names')}"


def file_name(rng: Random) -> str:
    stem = pick(rng, "nouns") if rng.random() < 0.7 else made_up_word(rng).lower()
    if rng.random() < 0.4:
        stem += rng.choice(("_", "-", " ")) + rng.choice((pick(rng, "nouns"), str(rng.randint(1, 2026))))
    return f"{stem}.{pick(rng, 'extensions')}"


def compound(rng: Random) -> str:
    """A label made of two or three words, such as "Export invoices" or "Golden drone"."""
    head = pick(rng, "verbs") if rng.random() < 0.6 else pick(rng, "adjectives")
    noun = pick(rng, "nouns")
    noun = noun + "s" if rng.random() < 0.3 else noun
    label = f"{head} {noun}"
    if rng.random() < 0.25:
        label = f"{head} {pick(rng, 'adjectives').lower()} {noun}"
    return label.title() if rng.random() < 0.3 else label


def label(rng: Random, name: str, known: float = 0.6) -> str:
    """A label for a widget: from the list ``name``, or with probability 1 - ``known`` a composed one."""
    if rng.random() < known:
        return pick(rng, name)
    draw = rng.random()
    if draw < 0.55:
        return compound(rng)
    if draw < 0.75:
        return pick(rng, "nouns").capitalize()
    if draw < 0.85:
        return f"{made_up_word(rng).capitalize()} {pick(rng, 'nouns')}"
    return made_up_word(rng).capitalize()


def value(rng: Random) -> str:
    """What a table cell or an entry may hold."""
    makers = (number, number, person, file_name, compound, lambda r: pick(r, "cities"), made_up_word)
    return rng.choice(makers)(rng)


def sentence(rng: Random, words: int) -> str:
    """Running text of about ``words`` words."""
    chosen = [
        pick(rng, "prose") if rng.random() < 0.6 else rng.choice((pick(rng, "nouns"), made_up_word(rng).lower()))
        for _ in range(words)
    ]
    chosen[0] = chosen[0].capitalize()
    return " ".join(chosen) + rng.choice((".", ".", ".", ";", ":", ""))
