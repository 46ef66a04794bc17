"""Writes down by heart how people ask for labels (``data/spoken``: places, names, concepts and wishes) beside a model.

What is kept of the tables for measuring and for the fit of probabilities is not taken: kept wordings of concepts, kept
places, and what was written for screens. (Some of it was written for another place, too, and so is known.)
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import torch
from torch import Tensor

from reticle_grounding.errors import BadInput
from reticle_grounding.geometry import Rect
from reticle_grounding.labels import as_said
from reticle_grounding.matcher.quantised import Quantised, quantise
from reticle_grounding.matcher.sentences import SentenceTower, Tokens, say
from reticle_grounding.matcher.store import load
from reticle_grounding.matcher.wishes import LEAN, projected, save
from reticle_grounding.ocr import TextBox, proportional_words

from .concepts import concepts
from .spoken import label_wishes, lexicon, wordings_of_names

LABELS = 3
"""Labels of a concept that its wordings ask for."""
LABEL_PLACES, WISH_PLACES = 64, 32
"""Bytes for a label and for a wish."""
SAMPLE = 24_000
"""Phrases that tell where vectors differ most."""
ANYWHERE = Rect(0, 0, 100, 20)
"""Where a label stands whose words alone count (pixels)."""


def told() -> Iterator[tuple[str, Sequence[str]]]:
    """Labels with wishes for them; a label may come more than once."""
    for place in lexicon():
        yield from place.items()
    yield from wordings_of_names().items()
    yield from label_wishes()
    for concept in concepts():
        yield from ((label, concept.phrases) for label in concept.labels[:LABELS])


def said_label(label: str) -> str:
    """A label as somebody would say it, without dots, keys and signs."""
    return as_said(TextBox(label, ANYWHERE, 1.0, proportional_words(label, ANYWHERE)))


def by_label() -> dict[str, list[str]]:
    """Each label as somebody would say it -> all different wishes for it."""
    found: dict[str, tuple[str, dict[str, None]]] = {}
    for label, wishes in told():
        said = said_label(label)
        _, known = found.setdefault(said.casefold(), (said, {}))
        known |= dict.fromkeys(wishes)
    return {said: list(wishes) for said, wishes in found.values() if wishes}


@torch.inference_mode()
def write(folder: Path, tower: SentenceTower, tokens: Tokens, known: dict[str, list[str]]) -> dict[str, int]:
    """Writes labels and wishes beside the matcher of ``folder``; returns counts. Raises BadInput without any label."""
    if not known:
        raise BadInput(f"there is no label whose wishes could be written to {folder}")
    wishes = [words for said in known.values() for words in said]
    different = list(dict.fromkeys(wishes))
    place = {words: number for number, words in enumerate(different)}
    said, labels = say(tower, tokens, different), say(tower, tokens, list(known))
    basis = basis_of(torch.cat([said, labels])).to(torch.bfloat16)
    small = quantise(projected(said, basis.float()), WISH_PLACES)
    rows = torch.tensor([place[words] for words in wishes])
    counts = [len(own) for own in known.values()]
    kept = quantise(projected(labels, basis.float()), LABEL_PLACES)
    save(folder, basis, kept, Quantised(small.codes[rows], small.book), counts)
    return {"labels": len(known), "wishes": len(wishes)}


def basis_of(said: Tensor) -> Tensor:
    """[n, DIM] -> [DIM, LEAN]: where vectors differ most, turned at random so that all parts of a code tell as much."""
    draw = torch.Generator().manual_seed(0)
    sample = said[torch.randperm(len(said), generator=draw)[:SAMPLE]]
    directions: Tensor = torch.linalg.svd(sample, full_matrices=False).Vh[:LEAN].T
    turn: Tensor = torch.linalg.qr(torch.randn(LEAN, LEAN, generator=draw)).Q
    return directions @ turn


def main() -> None:
    """Writes what people say who want labels that are known by heart."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("folder", type=Path, help="model folder with a matcher, where the file is written")
    parser.add_argument("--limit", type=int, default=None, help="at most so many labels, for a rehearsal")
    chosen = parser.parse_args()
    folder: Path = chosen.folder
    known = dict(islice(by_label().items(), chosen.limit))
    about = write(folder, load(folder).words, Tokens.of(folder), known)
    sys.stdout.write(json.dumps(about) + "\n")


if __name__ == "__main__":
    main()
