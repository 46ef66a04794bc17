"""What controls mean: labels programs show, names of their icons, wordings people use; read from ``data/concepts``."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import cast

from .icon_library import plain_name
from .icons import icon_functions
from .instructions import plain


@dataclass(frozen=True, slots=True)
class Concept:
    """One thing that a control can do or be."""

    name: str
    labels: tuple[str, ...]
    icons: tuple[str, ...]
    """Icon names without style, words separated by blanks."""
    phrases: tuple[str, ...]
    """Wordings that the matcher is trained with."""
    unheard: tuple[str, ...] = ()
    """Wordings kept from its training: for validation, and for fitting probabilities that hold for new wordings."""


KEPT_SHARE = 8
"""One wording in so many is kept from training."""


def _parted(phrases: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Wordings for training and those kept, by a sum over their letters."""
    kept = [p for p in phrases if zlib.crc32(p.encode("utf-8")) % KEPT_SHARE == 0]
    return tuple(p for p in phrases if p not in kept), tuple(kept)


@lru_cache(maxsize=1)
def concepts() -> tuple[Concept, ...]:
    """All concepts of the shipped tables, and the icon functions that the tables lack."""
    rows: dict[str, Concept] = {}
    folder = resources.files("reticle_grounding.training.data").joinpath("concepts")
    for file in sorted(folder.iterdir(), key=lambda f: f.name):
        if not file.name.endswith(".json"):
            continue
        table = cast("dict[str, dict[str, list[str]]]", json.loads(file.read_text("utf-8")))
        for name, row in table.items():
            icons = tuple(dict.fromkeys(plain_name(i) for i in row["icons"]))
            made = Concept(name, tuple(row["labels"]), icons, *_parted(row["phrases"]))
            rows[name] = _merged(rows[name], made) if name in rows else made
    known = {plain(label) for concept in rows.values() for label in concept.labels}
    for function in icon_functions():
        if plain(function.name) not in known:
            icons = tuple(plain_name(n) for n in (*function.files, *function.glyphs))
            rows[f"icon {function.name}"] = Concept(function.name, (function.name,), icons, *_parted(function.phrases))
    return tuple(rows.values())


def _merged(a: Concept, b: Concept) -> Concept:
    def both(x: tuple[str, ...], y: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(x + y))

    return Concept(
        a.name, both(a.labels, b.labels), both(a.icons, b.icons), both(a.phrases, b.phrases), both(a.unheard, b.unheard)
    )


@lru_cache(maxsize=1)
def by_icon() -> dict[str, tuple[int, ...]]:
    """Icon name -> numbers of the concepts that use it."""
    found: dict[str, tuple[int, ...]] = {}
    for number, concept in enumerate(concepts()):
        for icon in concept.icons:
            found[icon] = (*found.get(icon, ()), number)
    return found


@lru_cache(maxsize=1)
def by_label() -> dict[str, int]:
    """Plain label -> number of the only concept that has it; labels of several concepts are left out."""
    found: dict[str, list[int]] = {}
    for number, concept in enumerate(concepts()):
        for label in {plain(text) for text in concept.labels}:
            found.setdefault(label, []).append(number)
    return {label: numbers[0] for label, numbers in found.items() if len(numbers) == 1}


@lru_cache(maxsize=1)
def kin() -> dict[str, frozenset[str]]:
    """Concept name -> it and all that share a label or a wording with it: no proof that a picture means the other."""
    holders: dict[str, set[str]] = {}
    for concept in concepts():
        for text in {plain(t) for t in (*concept.labels, *concept.phrases)}:
            holders.setdefault(text, set()).add(concept.name)
    found: dict[str, set[str]] = {concept.name: {concept.name} for concept in concepts()}
    for names in holders.values():
        for name in names:
            found[name] |= names
    return {name: frozenset(names) for name, names in found.items()}
