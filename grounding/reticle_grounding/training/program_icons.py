"""Remembers the icons of programs, as captured screens show them, under the names that the programs give them.

Icon sets name what a drawing shows; programs tell what it does there, and many programs show the same drawings. Taken
are the training applications of folders of captured screens, without those that measure or serve the fit of
probabilities (``fitting_apps``). How people ask for such an icon comes from the tables of wishes for labels, and from
what was written for it on these screens.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor

from reticle_grounding.errors import BadInput
from reticle_grounding.geometry import Rect
from reticle_grounding.images import load_image
from reticle_grounding.looks import worth_a_look
from reticle_grounding.matcher import icons
from reticle_grounding.matcher.crops import cut
from reticle_grounding.matcher.icons import FILE, IconTower, as_input, counts, save_programs
from reticle_grounding.matcher.quantised import quantise
from reticle_grounding.matcher.sentences import SentenceTower, Tokens
from reticle_grounding.matcher.store import load
from reticle_grounding.ocr import RgbArray
from reticle_grounding.proposals import find_elements

from .canvas import Box
from .harvested import MAX_NAME, Row, as_element, fitting_apps, harvested_rows
from .icon_memory import SAME_PICTURE
from .icon_uses import coded
from .label_wishes import by_label, said_label
from .spoken import spoken_on

PLACES = 48
"""Bytes for a remembered picture; there are few of them."""
MARGIN, SLACK = 6, 2
"""What is looked at around a control, and how far a drawing may reach over its edge (pixels)."""
LEAST_SHARE, MOST_DRAWINGS = 0.3, 4
"""Longer side of a drawing in shorter sides of its control, and drawings that are taken of one."""

Name: TypeAlias = tuple[str, str]
"""What a program calls an icon, and its description."""


@dataclass(frozen=True, slots=True)
class Icon:
    """One control without words on a captured screen."""

    name: Name
    box: Box
    asked: tuple[str, ...]
    """What was written for it."""


def icons_on(folder: Path, row: Row) -> list[Icon]:
    """The controls of a screen that show no words but have a name."""
    asked = defaultdict(list)
    for spoken in spoken_on(folder.resolve().name).get(row["image"], ()):
        asked[spoken.box].append(spoken.instruction)
    found = []
    for told in row["elements"]:
        element = as_element(told)
        if element is None or element.kind != "icon":
            continue
        named = " ".join((told.get("name") or told.get("label") or "").split())
        described = " ".join((told.get("description") or "").split())[:MAX_NAME]
        found.append(Icon((named, described), element.box, tuple(asked[element.box])))
    return found


def drawings_in(image: RgbArray, box: Box) -> list[Rect]:
    """The drawings on a control of a [height, width, 3] picture."""
    left, top, right, bottom = box
    at = max(0, left - MARGIN), max(0, top - MARGIN)
    part = image[at[1] : bottom + MARGIN, at[0] : right + MARGIN]
    least, within = LEAST_SHARE * min(right - left, bottom - top), Rect(*map(float, box)).grown(SLACK)
    seen = [r.shifted(*at) for r in worth_a_look(find_elements(np.ascontiguousarray(part), []))]
    fits = [r for r in seen if max(r.width, r.height) >= least and within.intersection(r) == r]
    return fits[:MOST_DRAWINGS]


@dataclass(slots=True)
class Met:
    """What is remembered under one name."""

    vectors: list[Tensor]
    """[CODE] each, norm 1; no two are the same picture."""
    asked: dict[str, None]
    """What was written for it, in order."""


@torch.inference_mode()
def meet(tower: IconTower, folders: Sequence[Path]) -> dict[Name, Met]:
    """Every icon of the training applications once for each of its names. Raises BadInput for a bad folder."""
    met: dict[Name, Met] = defaultdict(lambda: Met([], {}))
    for folder in folders:
        for row in _training(folder):
            found = icons_on(folder, row)
            if not found:
                continue
            image = np.asarray(load_image(folder / row["image"]))
            shown = [(icon, rect) for icon in found for rect in drawings_in(image, icon.box)]
            if not shown:
                continue
            vectors = tower(as_input(cut(image, [rect for _, rect in shown])))
            for (icon, _), vector in zip(shown, vectors, strict=True):
                known = met[icon.name]
                known.asked |= dict.fromkeys(icon.asked)
                if not any(float(vector @ other) > SAME_PICTURE for other in known.vectors):
                    known.vectors.append(vector)
    return dict(met)


def _training(folder: Path) -> Iterator[Row]:
    rows, _ = harvested_rows(folder)
    kept = fitting_apps(rows)
    yield from (row for row in rows if row["app"] not in kept)


def uses_of(met: Mapping[Name, Met]) -> list[list[str]]:
    """How people ask for each name: what was written for it, and the wishes known for its label or its description."""
    wishes = {label.casefold(): known for label, known in by_label().items()}
    told = []
    for name, known in met.items():
        said = dict.fromkeys(known.asked)
        for words in name:
            said |= dict.fromkeys(wishes.get(said_label(words).casefold(), ()) if words else ())
        told.append(list(said))
    return told


@torch.inference_mode()
def write(folder: Path, words: SentenceTower, tokens: Tokens, met: Mapping[Name, Met]) -> dict[str, int]:
    """Writes them beside the remembered icons of ``folder``; returns counts. Raises BadInput where there are none."""
    if not met:
        raise BadInput(f"the captured screens show no icon that could be remembered in {folder}")
    pictures = quantise(torch.stack([v for known in met.values() for v in known.vectors]), PLACES)
    named = [number for number, known in enumerate(met.values()) for _ in known.vectors]
    called, uses = [[w for w in name if w] for name in met], uses_of(met)
    kept = {"pictures": pictures.codes, "pictures.book": pictures.book, "named": torch.tensor(named, dtype=torch.int32)}
    kept |= coded(words, tokens, list(enumerate(called)))
    kept |= {f"uses.{part}": tensor for part, tensor in coded(words, tokens, list(enumerate(uses))).items()}
    save_programs(folder, kept, counts(load_file(folder / FILE)))
    return {"pictures": len(named), "names": len(met), "uses": sum(map(len, uses))}


def main() -> None:
    """Remembers the icons of programs on captured screens beside the icons that a model knows by heart."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("folder", type=Path, help="model folder with remembered icons, where the file is written")
    parser.add_argument("--captured", type=Path, action="append", required=True, help="folder of captured screens")
    chosen = parser.parse_args()
    folder: Path = chosen.folder
    met = meet(icons.load(folder).tower, chosen.captured)
    sys.stdout.write(json.dumps(write(folder, load(folder).words, Tokens.of(folder), met)) + "\n")


if __name__ == "__main__":
    main()
