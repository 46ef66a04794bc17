"""Writes down what programs use remembered icons for (``data/spoken/uses.jsonl``) beside a model's remembered icons.

Those keep vectors, not names. A name is found again by its own vector: the code of the name as a phrase is the one that
was kept for it.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from reticle_grounding.errors import BadInput
from reticle_grounding.matcher.icons import FILE, counts, save_uses
from reticle_grounding.matcher.quantised import quantise
from reticle_grounding.matcher.sentences import SentenceTower, Tokens, say
from reticle_grounding.matcher.store import load

from .spoken import icon_uses

MEANING_PLACES = 32
"""Bytes for a wording."""
SURE = 0.75
"""Least share of the bytes of a code by which a name is found again."""


def as_wording(name: str) -> str:
    """The name of an icon as the first of its wordings."""
    return name.replace(" symbolic", "")


def numbers_of(names: Sequence[str], vectors: Tensor, stored: Mapping[str, Tensor]) -> dict[str, int]:
    """The numbers that remembered icons have for names; those that are not among them are left out.

    Args:
        vectors: [names, DIM] what the phrase tower says of the names.
        stored: the tensors of the remembered icons.
    """
    words, book = stored["words"].long(), stored["meanings.book"].float()
    order = torch.argsort(words[:, 0], stable=True)
    firsts = order[torch.searchsorted(words[order, 0].contiguous(), torch.arange(int(words[:, 0].max()) + 1))]
    kept = stored["meanings"][words[firsts, 1]]  # a name's first wording is the name
    parts = torch.split(vectors.float(), book.shape[2], dim=1)
    codes = torch.stack([torch.cdist(part, own).argmin(1) for part, own in zip(parts, book, strict=True)], dim=1)
    found = {}
    for name, code in zip(names, codes.to(torch.uint8), strict=True):
        shared = (kept == code).float().mean(dim=1)
        if float(shared.max()) >= SURE:
            found[name] = int(shared.argmax())
    return found


@torch.inference_mode()
def write(folder: Path, tower: SentenceTower, tokens: Tokens, numbers: Mapping[str, int]) -> dict[str, int]:
    """Writes the uses of these names (name -> its number) beside the remembered icons of ``folder``; returns counts.

    Raises BadInput where of none of them uses are told.
    """
    told = [(number, icon_uses()[name]) for name, number in numbers.items() if name in icon_uses()]
    kept = coded(tower, tokens, told)
    if not kept:
        raise BadInput(f"of none of the icons that {folder / FILE} remembers is told what it is used for")
    save_uses(folder, kept, counts(load_file(folder / FILE)))
    return {"names": len(told), "uses": len(kept["meanings"])}


def coded(tower: SentenceTower, tokens: Tokens, told: Sequence[tuple[int, Sequence[str]]]) -> dict[str, Tensor]:
    """What ``Wordings.of`` reads: ``meanings`` [wordings, MEANING_PLACES], their book, and ``words`` [pairs, 2] of a
    name and a wording. Empty where there are no wordings.

    Args:
        told: numbers of names, each with its wordings.
    """
    place = {words: i for i, words in enumerate(dict.fromkeys(words for _, said in told for words in said))}
    if not place:
        return {}
    small = quantise(say(tower, tokens, list(place)), MEANING_PLACES)
    pairs = sorted((number, place[words]) for number, said in told for words in said)
    words = torch.tensor(pairs, dtype=torch.int32)
    return {"meanings": small.codes, "meanings.book": small.book, "words": words}


def main() -> None:
    """Writes what the remembered icons of a model are used for."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("folder", type=Path, help="model folder with remembered icons, where the file is written")
    folder: Path = parser.parse_args().folder
    tower, tokens, names = load(folder).words, Tokens.of(folder), list(icon_uses())
    with torch.inference_mode():
        vectors = say(tower, tokens, [as_wording(name) for name in names])
    about = write(folder, tower, tokens, numbers_of(names, vectors, load_file(folder / FILE)))
    sys.stdout.write(json.dumps(about) + "\n")


if __name__ == "__main__":
    main()
