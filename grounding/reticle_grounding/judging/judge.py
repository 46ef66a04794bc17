"""The trained verifier at work."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from reticle_grounding.evidence import Scene
from reticle_grounding.geometry import Size
from reticle_grounding.looks import Looks
from reticle_grounding.matcher.matcher import Matcher
from reticle_grounding.ocr import RgbArray
from reticle_grounding.verifier import Place

from .inputs import Items, items_of, marked, question_of

FILE = "verifier.safetensors"
WEIGHT = 0.05
"""What a verdict of these weights counts beside one of a published verifier; chosen on validation applications."""


class Judge(Protocol):
    """Weights that tell true from false."""

    def log_odds(
        self, pixels: RgbArray, items: Items, instruction: str, scene: Scene, looks: Looks, places: Sequence[Place]
    ) -> list[float]:
        """One number per place."""
        ...


class TrainedJudge:
    """The network with the matcher that its inputs come from. Use from one thread at a time."""

    def __init__(self, folder: Path, matcher: Matcher) -> None:
        """Raises CheckpointError when the folder's weights cannot be used."""
        from .net import load

        self._net, self._matcher = load(folder), matcher

    def log_odds(
        self, pixels: RgbArray, items: Items, instruction: str, scene: Scene, looks: Looks, places: Sequence[Place]
    ) -> list[float]:
        import torch

        from .net import batch_of

        if not places:
            return []
        question = question_of(instruction, scene, looks, self._matcher)
        with torch.inference_mode():
            found = self._net(batch_of([(items, question, marked(pixels, items, self._matcher, places))]))
        return [float(value) for value in found]


class MarkVerifier:
    """:class:`reticle_grounding.verifier.Verifier` for one instruction's scene on one screenshot."""

    def __init__(self, judge: Judge, pixels: RgbArray, scene: Scene, looks: Looks, budget: int = 5) -> None:
        """Places beyond ``budget`` get 0.5 unasked."""
        self._judge, self._pixels, self._scene, self._looks, self._budget = judge, pixels, scene, looks, budget
        self._items = items_of(scene, looks, Size(pixels.shape[1], pixels.shape[0]))

    def judge(self, instruction: str, places: Sequence[Place]) -> list[float]:
        """One score in 0..1 per place: how likely it is what the instruction means."""
        asked = places[: self._budget]
        odds = self._judge.log_odds(self._pixels, self._items, instruction, self._scene, self._looks, asked)
        return [1 / (1 + math.exp(-max(-30.0, min(30.0, z)))) for z in odds] + [0.5] * (len(places) - len(asked))


def open_judge(folder: Path, matcher: Matcher) -> TrainedJudge | None:
    """The folder's verifier, or None where it holds none. Raises CheckpointError."""
    return TrainedJudge(folder, matcher) if (folder / FILE).is_file() else None
