"""Where attention comes from: a pointer model, or (for text evidence alone) nowhere in particular.

Importing this module loads no model library.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias, runtime_checkable

import numpy as np
from PIL import Image

from .geometry import Size, Transform
from .reading import Reading, Vectors
from .regions import RegionRank
from .types import FloatMap

if TYPE_CHECKING:
    from .model.pointer_model import EncodedScreen, PointerModel


Say: TypeAlias = Callable[[Sequence[str]], Vectors]
"""Phrases -> vectors of what they mean, the same that a reading is made of."""


class Look(Protocol):
    """One screenshot as a source of attention sees it."""

    @property
    def transform(self) -> Transform:
        """capture -> model -> patch."""
        ...

    @property
    def timings_ms(self) -> Mapping[str, float]:
        """``process``, ``vision``, ``prefill`` once, ``suffix`` of the latest instruction."""
        ...

    @property
    def region_rank(self) -> RegionRank:
        """What the regions of its maps are ordered by."""
        ...

    def attend(self, instruction: str) -> FloatMap:
        """[n_h, n_w], non-negative, sums to 1."""
        ...


class AttentionSource(Protocol):
    """What the grounder needs of a model."""

    @property
    def name(self) -> str: ...

    def look(self, image: Image.Image) -> Look: ...

    def judge(self, crop: Image.Image, instruction: str) -> float:
        """Probability that the red circle in the crop marks what the instruction says."""
        ...


@runtime_checkable
class ReadingSource(Protocol):
    """A source whose model may have a reading channel."""

    @property
    def takes_reading(self) -> bool: ...

    def look_with(self, image: Image.Image, reading: Reading, say: Say) -> Look:
        """As ``look``, with what was read on the screenshot."""
        ...


@dataclass(frozen=True, slots=True)
class _PointerLook:
    model: PointerModel
    screen: EncodedScreen
    say: Say | None = None

    @property
    def transform(self) -> Transform:
        return self.screen.transform

    @property
    def timings_ms(self) -> Mapping[str, float]:
        return self.screen.timings_ms

    @property
    def region_rank(self) -> RegionRank:
        return self.model.region_rank

    def attend(self, instruction: str) -> FloatMap:
        return self.model.attend(self.screen, instruction, self.say([instruction]) if self.say else None)


@dataclass(frozen=True, slots=True)
class PointerSource:
    """A pointer model as :class:`AttentionSource`."""

    model: PointerModel

    @property
    def name(self) -> str:
        return self.model.name

    def look(self, image: Image.Image) -> Look:
        return _PointerLook(self.model, self.model.encode(image))

    def use_prefill(self, mode: str) -> None:
        """How the model attends to long prompts: "dense", "auto" or "sparse". Raises BadInput for another word."""
        from .model.sparse_prefill import check_mode

        self.model.use_prefill(check_mode(mode))

    @property
    def max_pixels(self) -> int:
        """Model pixels that a picture has at most."""
        return self.model.processor.max_pixels

    @property
    def takes_reading(self) -> bool:
        return self.model.channel is not None

    def look_with(self, image: Image.Image, reading: Reading, say: Say) -> Look:
        return _PointerLook(self.model, self.model.encode(image, reading), say)

    def judge(self, crop: Image.Image, instruction: str) -> float:
        return self.model.judge(crop, instruction)


@dataclass(frozen=True, slots=True)
class _EvenLook:
    transform: Transform
    rows: int
    columns: int
    timings_ms: Mapping[str, float]
    region_rank: RegionRank = "mean"

    def attend(self, instruction: str) -> FloatMap:
        return np.full((self.rows, self.columns), 1.0 / (self.rows * self.columns), dtype=np.float32)


@dataclass(frozen=True, slots=True)
class EvenAttention:
    """Attends to everything alike: grounding by text and structure alone."""

    name: str = "text evidence"
    patch_px: int = 28

    def look(self, image: Image.Image) -> Look:
        columns, rows = (max(1, round(side / self.patch_px)) for side in image.size)
        model = Size(columns * self.patch_px, rows * self.patch_px)
        return _EvenLook(Transform.for_image(Size(*image.size), model, self.patch_px), rows, columns, {})

    def judge(self, crop: Image.Image, instruction: str) -> float:
        return 0.5
