"""What people say: instructions written for elements of captured screens, and wordings for names of controls.

``data/spoken/FOLDER.jsonl`` goes with the captured screens of that folder's name: image, box, instruction, and whether
it avoids the name that can be read. ``data/spoken/names.json`` has wordings for names of the training applications, and
``data/spoken/lexicon`` for controls of many kinds of software, written without any screen; ``data/spoken/icons.jsonl``
tells how people ask for icons, by what they do and by what they show, and ``data/spoken/uses.jsonl`` all that programs
use such a drawing for; ``data/spoken/symbols.jsonl`` is for characters that stand on buttons like icons.
``data/spoken/wishes.jsonl`` has more ways to ask for the labels that programs share; they are known by heart.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import cast

from .canvas import Box, Element
from .instructions import Target


@dataclass(frozen=True, slots=True)
class Spoken:
    """One instruction for one element."""

    box: Box
    instruction: str
    indirect: bool
    """Does not say the main words of the name."""


def spoken_on(folder: str) -> Mapping[str, Sequence[Spoken]]:
    """Instructions by picture (``images/00001.webp``) of a folder of captured screens; empty where there are none."""
    return _by_image(folder)


def spoken_targets(folder: Path, image: str, elements: Sequence[Element]) -> list[Target]:
    """What was written for a picture of a folder, for those of its elements that still stand where they stood."""
    by_box = {e.box: e for e in elements}
    told = [(s, by_box[s.box]) for s in spoken_on(folder.resolve().name).get(image, ()) if s.box in by_box]
    return [Target(s.instruction, s.box, e.kind, e.label, s.indirect) for s, e in told]


@lru_cache(maxsize=8)
def _by_image(folder: str) -> Mapping[str, Sequence[Spoken]]:
    file = _data().joinpath(f"{folder}.jsonl")
    if not file.is_file():
        return {}
    found: defaultdict[str, list[Spoken]] = defaultdict(list)
    for line in file.read_text("utf-8").splitlines():
        row = json.loads(line)
        found[row["image"]].append(Spoken(cast("Box", tuple(row["bbox"])), row["instruction"], bool(row["indirect"])))
    return dict(found)


@lru_cache(maxsize=1)
def wordings_of_names() -> Mapping[str, tuple[str, ...]]:
    """Name of a control -> ways to ask for it without its words."""
    raw = cast("dict[str, list[str]]", json.loads(_data().joinpath("names.json").read_text("utf-8")))
    return {name: tuple(wordings) for name, wordings in raw.items()}


@dataclass(frozen=True, slots=True)
class IconWords:
    """How people ask for an icon."""

    does: tuple[str, ...]
    """By what it does."""
    shows: tuple[str, ...]
    """By what is drawn on it."""
    label: str
    """What a program calls it."""

    def all(self) -> tuple[str, ...]:
        return (*self.does, *self.shows, self.label)


@lru_cache(maxsize=1)
def icon_words() -> Mapping[str, IconWords]:
    """Name of an icon as icon sets have it, or of a sign -> how people ask for it."""
    found: dict[str, IconWords] = {}
    for line in _data().joinpath("icons.jsonl").read_text("utf-8").splitlines():
        row = json.loads(line)
        found[str(row["name"])] = IconWords(tuple(row["does"]), tuple(row["shows"]), str(row["label"]))
    for sign in signs():
        own = sign.words
        known = found.get(sign.name, IconWords((), (), own.label))
        found[sign.name] = IconWords(
            tuple(dict.fromkeys((*known.does, *own.does))),
            tuple(dict.fromkeys((*known.shows, *own.shows))),
            known.label,
        )
    return found


@lru_cache(maxsize=1)
def icon_uses() -> Mapping[str, tuple[str, ...]]:
    """Name of an icon as icon sets have it -> what programs use such a drawing for: labels and wishes."""
    rows = map(json.loads, _data().joinpath("uses.jsonl").read_text("utf-8").splitlines())
    return {str(row["name"]): tuple(row["uses"]) for row in rows}


@dataclass(frozen=True, slots=True)
class Sign:
    """A character that stands on a button like an icon."""

    char: str
    name: str
    """As icon sets call such a drawing, where one has it."""
    words: IconWords


@lru_cache(maxsize=1)
def signs() -> Sequence[Sign]:
    """Characters that programs and pages show instead of icons: operators, arrows, ticks, transport keys."""
    rows = map(json.loads, _data().joinpath("symbols.jsonl").read_text("utf-8").splitlines())
    return [Sign(r["char"], r["name"], IconWords(tuple(r["does"]), tuple(r["shows"]), r["label"])) for r in rows]


@lru_cache(maxsize=1)
def label_wishes() -> Sequence[tuple[str, tuple[str, ...]]]:
    """Labels that programs share, each with ways to ask for it without its words; nothing is trained on them."""
    rows = map(json.loads, _data().joinpath("wishes.jsonl").read_text("utf-8").splitlines())
    return [(str(row["label"]), tuple(row["wishes"])) for row in rows]


Place = Mapping[str, tuple[str, ...]]
"""Names of the controls that stand together, each with ways to ask for it without its words."""
KEPT_PLACES = "kept.jsonl"


@lru_cache(maxsize=1)
def lexicon() -> Sequence[Place]:
    """Places of many kinds of software, real or likely."""
    files = sorted(_data().joinpath("lexicon").iterdir(), key=lambda f: f.name)
    return [
        place for file in files if file.name.endswith(".jsonl") and file.name != KEPT_PLACES for place in _places(file)
    ]


@lru_cache(maxsize=1)
def kept_places() -> Sequence[Place]:
    """Such places that nothing is trained on: for measuring."""
    return _places(_data().joinpath("lexicon", KEPT_PLACES))


def _places(file: resources.abc.Traversable) -> list[Place]:
    rows = (cast("dict[str, list[str]]", json.loads(line)["controls"]) for line in file.read_text("utf-8").splitlines())
    return [{name: tuple(wordings) for name, wordings in row.items()} for row in rows]


def _data() -> resources.abc.Traversable:
    return resources.files("reticle_grounding.training.data").joinpath("spoken")
