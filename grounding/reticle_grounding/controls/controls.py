"""Kinds of controls at work: which place may be what, and what an instruction means."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from reticle_grounding.ocr import RgbArray
from reticle_grounding.proposals import Elements

from .kinds import KINDS, NO_KINDS, NO_WISH, Kinds, Shares
from .menus import open_menus
from .places import places_of

if TYPE_CHECKING:
    from reticle_grounding.looks import Looks
    from reticle_grounding.matcher.matcher import Vectors


class Controls(Protocol):
    """Anything that tells kinds of controls."""

    def kinds(self, image: RgbArray, elements: Elements, looks: Looks) -> Kinds:
        """What each place of a [height, width, 3] picture may be; made once per screenshot."""
        ...

    def wished(self, said: Vectors) -> Shares:
        """[2, kinds] how likely each kind is meant, from the vector [1, DIM] of an instruction, and how likely it is
        whatever is said; the last kind is a button without words. [2, 0] where nothing is known."""
        ...


class NoControls:
    """Knows nothing of kinds."""

    def kinds(self, image: RgbArray, elements: Elements, looks: Looks) -> Kinds:
        return NO_KINDS

    def wished(self, said: Vectors) -> Shares:
        return NO_WISH


class TrainedControls:
    """The trained nets. Use from one thread at a time."""

    def __init__(self, folder: Path) -> None:
        """Raises CheckpointError when the folder's weights cannot be used."""
        from .net import load

        self._nets = load(folder)

    def kinds(self, image: RgbArray, elements: Elements, looks: Looks) -> Kinds:
        import torch

        places = places_of(image, looks.texts, elements, looks.rects, looks.read, looks.seen)
        if not len(places.rects):
            return NO_KINDS
        with torch.inference_mode():
            told = self._nets.screen.told(places)
            shares, whole = told[:, : len(KINDS)].softmax(1).numpy(), told[:, -1].sigmoid().numpy()
        return Kinds(places.rects, places.sorts, shares, whole, open_menus(places.rects, places.sorts, shares))

    def wished(self, said: Vectors) -> Shares:
        import torch

        with torch.inference_mode():
            meant = self._nets.wish(torch.from_numpy(said[:1]))[0].softmax(0).numpy()
        return np.stack([meant, self._nets.usual.numpy()])


@lru_cache(maxsize=2)
def open_controls(folder: Path) -> Controls:
    """What the folder knows of kinds, or nothing where it holds no such weights. Raises CheckpointError."""
    from .net import FILE

    return TrainedControls(folder) if (folder / FILE).is_file() else NoControls()
