"""The matcher at work: vectors of proposals and of words, and how well they agree."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

import numpy as np
import numpy.typing as npt

from reticle_grounding.geometry import Rect

if TYPE_CHECKING:
    from .icons import Recalled
    from .wishes import KnownTexts

Vectors = npt.NDArray[np.float32]
"""[n, DIM], rows of norm 1 (or 0 where nothing is known)."""
BATCH = 64
KEPT = 4096
"""Phrases whose vectors are kept (1.5 kB each)."""


class Matcher(Protocol):
    """Anything that compares looks and words; the product of two vectors is their agreement, -1..1."""

    def see(self, image: npt.NDArray[np.uint8], rects: Sequence[Rect]) -> Vectors:
        """Vectors of parts of a [height, width, 3] picture."""
        ...

    def say(self, phrases: Sequence[str]) -> Vectors:
        """Vectors of phrases, to be compared with other phrases."""
        ...

    def ask(self, phrases: Sequence[str]) -> Vectors:
        """Vectors of phrases, to be compared with what was seen."""
        ...

    def recall(self, image: npt.NDArray[np.uint8], rects: Sequence[Rect]) -> Recalled | None:
        """What parts of a [height, width, 3] picture are known as; None where nothing is known by heart."""
        ...

    def named(self, recalled: Recalled, said: Vectors) -> npt.NDArray[np.float32]:
        """[parts] how well what each part is known as agrees with phrases, as :meth:`say` gives them."""
        ...

    def used(self, recalled: Recalled, said: Vectors) -> npt.NDArray[np.float32]:
        """[parts] the same for what programs use such drawings for; 0 where that is not told."""
        ...

    def known(self, read: Vectors) -> KnownTexts | None:
        """What people say who want the texts that were read, which are given as :meth:`say` gives them; None where no
        wishes are known by heart."""
        ...


class NoMatcher:
    """Knows nothing: every agreement is 0."""

    def see(self, image: npt.NDArray[np.uint8], rects: Sequence[Rect]) -> Vectors:
        return np.zeros((len(rects), 1), np.float32)

    def say(self, phrases: Sequence[str]) -> Vectors:
        return np.zeros((len(phrases), 1), np.float32)

    ask = say

    def recall(self, image: npt.NDArray[np.uint8], rects: Sequence[Rect]) -> Recalled | None:
        return None

    def named(self, recalled: Recalled, said: Vectors) -> npt.NDArray[np.float32]:
        return np.zeros(len(recalled.names), np.float32)

    used = named

    def known(self, read: Vectors) -> KnownTexts | None:
        return None


class TrainedMatcher:
    """The trained towers; opened at first use. Use from one thread at a time."""

    def __init__(self, folder: Path) -> None:
        """Raises CheckpointError when the folder's weights cannot be used."""
        from . import icons, wishes
        from .sentences import Tokens
        from .store import load

        self._net, self._tokens = load(folder), Tokens.of(folder)
        self._icons = icons.load(folder) if (folder / icons.FILE).is_file() else None
        self._wishes = wishes.load(folder) if (folder / wishes.FILE).is_file() else None
        self._said: OrderedDict[str, npt.NDArray[np.float32]] = OrderedDict()

    def see(self, image: npt.NDArray[np.uint8], rects: Sequence[Rect]) -> Vectors:
        import torch

        parts = []
        with torch.inference_mode():
            for at in range(0, len(rects), BATCH):
                parts.append(self._net.look_at(image, rects[at : at + BATCH]).numpy())
        return cast(Vectors, np.concatenate(parts)) if parts else np.zeros((0, 1), np.float32)

    def say(self, phrases: Sequence[str]) -> Vectors:
        """As in :class:`Matcher`; the last :data:`KEPT` phrases are kept, because screens repeat their texts."""
        import torch

        if not phrases:
            return np.zeros((0, 1), np.float32)
        new = list(dict.fromkeys(p for p in phrases if p not in self._said))
        if new:
            with torch.inference_mode():
                said = self._net.say(self._tokens, new).numpy()
            self._said |= {phrase: row.copy() for phrase, row in zip(new, said, strict=True)}
        for phrase in phrases:
            self._said.move_to_end(phrase)
        found = np.stack([self._said[phrase] for phrase in phrases])
        while len(self._said) > KEPT:
            self._said.popitem(last=False)
        return found

    def ask(self, phrases: Sequence[str]) -> Vectors:
        import torch

        if not phrases:
            return np.zeros((0, 1), np.float32)
        with torch.inference_mode():
            return cast(Vectors, self._net.ask(torch.from_numpy(self.say(phrases))).numpy())

    def recall(self, image: npt.NDArray[np.uint8], rects: Sequence[Rect]) -> Recalled | None:
        return None if self._icons is None else self._icons.recall(image, rects)

    def named(self, recalled: Recalled, said: Vectors) -> npt.NDArray[np.float32]:
        """As in :class:`Matcher`; 0 everywhere where nothing is known by heart."""
        return np.zeros(len(recalled.names), np.float32) if self._icons is None else self._icons.named(recalled, said)

    def used(self, recalled: Recalled, said: Vectors) -> npt.NDArray[np.float32]:
        """As in :class:`Matcher`."""
        return np.zeros(len(recalled.names), np.float32) if self._icons is None else self._icons.used(recalled, said)

    def known(self, read: Vectors) -> KnownTexts | None:
        """As in :class:`Matcher`."""
        return None if self._wishes is None or not len(read) else self._wishes.known(read)


@lru_cache(maxsize=2)
def open_matcher(folder: Path) -> Matcher:
    """The folder's matcher, or one that knows nothing where the folder holds none."""
    from .store import FILE

    return TrainedMatcher(folder) if (folder / FILE).is_file() else NoMatcher()
