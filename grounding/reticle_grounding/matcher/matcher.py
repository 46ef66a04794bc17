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

from .crops import cut

if TYPE_CHECKING:
    from .judge import Judge

Vectors = npt.NDArray[np.float32]
"""[n, DIM], rows of norm 1 (or 0 where nothing is known)."""
BATCH = 64
CALLED, LEAST_CALLED = 2, 0.15
"""Most names of a drawing, and the least agreement with one."""
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

    def called(self, seen: Vectors) -> list[tuple[str, ...]]:
        """What each thing seen looks like, in words, the best first; empty where nothing fits."""
        ...

    def judge(self, instruction: str, captions: Sequence[str]) -> list[float]:
        """Log-odds that each caption is what the instruction means."""
        ...

    @property
    def judges(self) -> bool:
        """Whether :meth:`judge` knows anything."""
        ...


class NoMatcher:
    """Knows nothing: every agreement is 0."""

    def see(self, image: npt.NDArray[np.uint8], rects: Sequence[Rect]) -> Vectors:
        return np.zeros((len(rects), 1), np.float32)

    def say(self, phrases: Sequence[str]) -> Vectors:
        return np.zeros((len(phrases), 1), np.float32)

    ask = say

    def called(self, seen: Vectors) -> list[tuple[str, ...]]:
        return [() for _ in seen]

    def judge(self, instruction: str, captions: Sequence[str]) -> list[float]:
        return [0.0] * len(captions)

    @property
    def judges(self) -> bool:
        return False


class TrainedMatcher:
    """The trained towers; opened at first use. Use from one thread at a time."""

    def __init__(self, folder: Path) -> None:
        """Raises CheckpointError when the folder's weights cannot be used."""
        from .sentences import Tokens
        from .store import load

        self._net, self._tokens = load(folder), Tokens.of(folder)
        self._folder = folder
        self._names: tuple[tuple[str, ...], Vectors] | None = None
        self._judge: Judge | None = None
        self._said: OrderedDict[str, npt.NDArray[np.float32]] = OrderedDict()

    def see(self, image: npt.NDArray[np.uint8], rects: Sequence[Rect]) -> Vectors:
        import torch

        parts = []
        with torch.inference_mode():
            for at in range(0, len(rects), BATCH):
                parts.append(self._net.see(cut(image, rects[at : at + BATCH])).numpy())
        return cast(Vectors, np.concatenate(parts)) if parts else np.zeros((0, 1), np.float32)

    def say(self, phrases: Sequence[str]) -> Vectors:
        """As in :class:`Matcher`; the last :data:`KEPT` phrases are kept, because screens repeat their texts."""
        import torch

        if not phrases:
            return np.zeros((0, 1), np.float32)
        new = list(dict.fromkeys(p for p in phrases if p not in self._said))
        if new:
            with torch.inference_mode():
                self._said |= zip(new, self._net.say(self._tokens, new).numpy(), strict=True)
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

    def called(self, seen: Vectors) -> list[tuple[str, ...]]:
        from .store import NAMES, load_names

        if not len(seen) or not (self._folder / NAMES).is_file():
            return [() for _ in seen]
        if self._names is None:
            stored, looks = load_names(self._folder)
            self._names = stored, looks.numpy()
        names, vectors = self._names
        scores = seen @ vectors.T
        best = np.argsort(-scores, axis=1, kind="stable")[:, :CALLED]
        return [tuple(names[i] for i in row if s[i] >= LEAST_CALLED) for row, s in zip(best, scores, strict=True)]

    @property
    def judges(self) -> bool:
        from .judge import FILE

        return (self._folder / FILE).is_file()

    def judge(self, instruction: str, captions: Sequence[str]) -> list[float]:
        if self._judge is None:
            from .judge import load

            self._judge = load(self._folder, self._net.words)
        return self._judge(instruction, captions)


@lru_cache(maxsize=2)
def open_matcher(folder: Path) -> Matcher:
    """The folder's matcher, or one that knows nothing where the folder holds none."""
    from .store import FILE

    return TrainedMatcher(folder) if (folder / FILE).is_file() else NoMatcher()
