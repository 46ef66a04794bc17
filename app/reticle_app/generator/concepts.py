"""What icons and commands mean: labels, picture names and phrasings by concept, from the shipped tables."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import cast

from reticle_grounding.errors import BadInput

DATA = "reticle_grounding.training.data"


@dataclass(frozen=True, slots=True)
class Concept:
    """A function with the labels programs give it, the names of its pictures and how people describe it."""

    key: str
    labels: tuple[str, ...]
    icons: tuple[str, ...]
    phrases: tuple[str, ...]


@lru_cache(maxsize=1)
def concepts() -> tuple[Concept, ...]:
    """All concepts that have a label, in a fixed order; the table of icon functions where there are none yet."""
    folder = resources.files(DATA).joinpath("concepts")
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".json")), key=lambda f: f.name)
    if not folder.is_dir() or not files:
        return _icon_functions()
    found: dict[str, Concept] = {}
    for file in files:
        for key, row in _table(file.name, file.read_text("utf-8")).items():
            if row.get("labels"):
                found.setdefault(key, Concept(key, *(tuple(row.get(f, ())) for f in ("labels", "icons", "phrases"))))
    return tuple(found.values())


def _table(name: str, text: str) -> dict[str, dict[str, list[str]]]:
    try:
        return cast("dict[str, dict[str, list[str]]]", json.loads(text))
    except ValueError as error:
        raise BadInput(f"the concept table {name} is not valid JSON: {error}") from error


def _icon_functions() -> tuple[Concept, ...]:
    text = resources.files(DATA).joinpath("icon_functions.json").read_text("utf-8")
    rows = _table("icon_functions.json", text)
    return tuple(
        Concept(name, (name,), (*row["files"], *row["glyphs"]), tuple(row["phrases"])) for name, row in rows.items()
    )
