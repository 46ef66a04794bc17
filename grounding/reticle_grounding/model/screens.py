"""What every family does alike: a picture through the vision tower, its prefix into a cache, instructions after it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor
from transformers import DynamicCache

from reticle_grounding.geometry import Size, Transform
from reticle_grounding.reading import NOTHING_READ, Reading
from reticle_grounding.types import FloatMap

from .channel import ReadingChannel, on_patches
from .families import DeepStack, PointerModelModule, Sight
from .growing_cache import unremembered
from .processor import ImageProcessor
from .prompts import PromptProfile
from .tokens import PromptTokenizer
from .towers import Tower, WholeTower
from .vision_speed import sees_still

Timings = dict[str, float]


@dataclass(frozen=True, slots=True)
class View:
    """One picture after the vision tower."""

    sight: Sight
    grid: Tensor
    """[1, 3] frames, rows and columns of raw patches."""
    pixels: npt.NDArray[np.uint8]
    """[height, width, 3] model pixels."""
    transform: Transform
    """capture -> model -> patch."""
    map_shape: tuple[int, int]
    """Rows and columns of merged patches."""
    kept: Tensor | None = None
    """[V] true for the patches that ``sight`` holds; None when it holds all."""
    received: Tensor | None = None
    """[2, V] attention that patches received in the vision tower, where it was watched."""


@dataclass(slots=True)
class EncodedScreen:
    """One screenshot, ready for any number of instructions. Made by ``PointerModel.encode``."""

    transform: Transform
    """capture -> model -> patch."""
    map_shape: tuple[int, int]
    """Rows and columns of merged patches."""
    cache: DynamicCache
    """Keys and values of the language model for the part of the prompt that does not depend on the instruction."""
    prefix_length: int
    next_position: int
    """M-RoPE position of the first token after the prefix, the same on all three axes."""
    timings_ms: Timings = field(default_factory=dict)
    """Wall-clock milliseconds: ``process``, ``vision``, ``prefill``, and ``suffix`` of the latest instruction."""


class Method(Protocol):
    """How a family turns words and a picture into attention over patches."""

    def screen(self, view: View, timings: Timings) -> EncodedScreen:
        """Everything that does not depend on the instruction."""
        ...

    def attend(self, screen: EncodedScreen, words: str, asked: Tensor | None = None) -> Tensor:
        """[V] attention for one instruction; the cache of the screen is left as it was.

        ``asked`` [1, d] is added to the embedding of the pointer token; only GUI-Actor knows it.
        """
        ...

    def attend_fresh(self, view: View, words: str) -> Tensor:
        """The same from one whole forward without any reuse."""
        ...


class Append(Protocol):
    """Runs the next tokens of a history on its cache and keeps them."""

    def __call__(self, wanted: Tensor | None = None, rows: object = None) -> Tensor:
        """``wanted`` and ``rows`` as for ``decode``. Post-norm states [1, n, d]."""
        ...


class Remembering(Protocol):
    """A method whose screens can stand behind others in one growing prompt."""

    def seen(self, ids: Tensor, view: View, before: int, append: Append) -> dict[str, Any]:
        """Appends a screenshot; what its screen holds beside the fields that all have.

        ``ids`` [1, n] end with its last patch; ``before`` tokens are cached already.
        """
        ...

    def settled(self, screen: EncodedScreen, ids: Tensor, append: Append) -> Tensor:
        """Appends an instruction with its answer, ``ids`` [1, n]; [V] attention over the newest screenshot."""
        ...

    def screen_type(self) -> type[EncodedScreen]:
        """Of its screens."""
        ...


class Runner:
    """A checkpoint's language model, fed with parts of its prompt."""

    def __init__(
        self,
        module: PointerModelModule,
        tokenizer: PromptTokenizer,
        profile: PromptProfile,
        channel: ReadingChannel | None = None,
        tower: Tower | None = None,
    ) -> None:
        self.module, self.tokenizer, self.profile, self.channel = module, tokenizer, profile, channel
        self.tower = tower or WholeTower(module)
        self.device = next(module.parameters()).device

    def view(
        self,
        image: Image.Image,
        processor: ImageProcessor,
        timings: Timings,
        reading: Reading | None = None,
        tower: Tower | None = None,
    ) -> View:
        """RGB capture pixels through processor and vision tower, and what was read on them through the channel.

        ``tower`` takes the place of the runner's own for this picture.

        Raises BadInput for impossible sides.
        """
        with timed(timings, "process"):
            patches = processor(image)
            grid = torch.tensor([patches.grid], device=self.device)
            pixels = torch.from_numpy(patches.still if sees_still(self.module) else patches.pixels)
            pixels = pixels.flatten(1).to(self.device)
        with timed(timings, "vision"):
            seen = (tower or self.tower)(patches, pixels, grid)
        transform = Transform.for_image(Size(*image.size), patches.size, processor.cell)
        shape = (patches.size.height // processor.cell, patches.size.width // processor.cell)
        sight = seen.sight
        if self.channel is not None:
            with timed(timings, "channel"):
                read = on_patches(reading or NOTHING_READ, transform, shape).to(self.device)
                read = read if seen.kept is None else read.taken(seen.kept)
                sight = Sight(self.channel(sight.merged.float(), read).to(sight.merged), sight.levels)
        return View(sight, grid, patches.picture, transform, shape, seen.kept, seen.received)

    def ids(self, ids: list[int]) -> Tensor:
        return torch.tensor([ids], device=self.device)

    def question(self, words: str) -> list[int]:
        """What follows the picture: its end, the instruction, and the start of the answer up to the pointer."""
        start = self.tokenizer.markup(self.profile.picture_end)
        return start + self.tokenizer.plain(words) + self.tokenizer.markup(self.profile.answer_start)

    def opening(self, patches: int) -> list[int]:
        """System turn and picture, up to its last patch."""
        return self.tokenizer.before(self.profile.opening, patches)

    def whole(self, ids: Tensor, view: View) -> Tensor:
        """Post-norm states [1, L, d] of a whole prompt."""
        embeds = self.module.embed(ids, view.sight.merged)
        return self.module.decode(embeds, self.module.positions(ids, view.grid), deep=self.deep(ids, view.sight))

    def deep(self, ids: Tensor, sight: Sight) -> DeepStack | None:
        """Where the patches of a picture stand in ``ids`` [1, L]; None where there are no levels."""
        return DeepStack(ids == self.module.image_token_id, sight.levels) if sight.levels else None

    def cached(
        self, ids: Tensor, view: View, tap: AbstractContextManager[None] | None = None, wanted: Tensor | None = None
    ) -> DynamicCache:
        """The keys and values of a prefix that holds the whole picture; ``wanted`` as for ``decode``."""
        cache = self.empty()
        embeds, positions = self.module.embed(ids, view.sight.merged), self.module.positions(ids, view.grid)
        with tap or nullcontext():
            self.module.decode(embeds, positions, cache=cache, deep=self.deep(ids, view.sight), wanted=wanted)
        return cache

    def cached_text(self, ids: Tensor, wanted: Tensor | None = None) -> DynamicCache:
        """The keys and values of text at the start of a prompt; ``wanted`` as for ``decode``."""
        cache = self.empty()
        steps = torch.arange(ids.shape[1], device=self.device)
        self.module.decode(self.module.embed(ids), steps.expand(3, 1, -1), cache=cache, wanted=wanted)
        return cache

    def empty(self) -> DynamicCache:
        return DynamicCache(config=self.module.config.text_config)

    def after(
        self,
        screen: EncodedScreen,
        ids: Tensor,
        rows: object = None,
        asked: Tensor | None = None,
        wanted: Tensor | None = None,
    ) -> Tensor:
        """Post-norm states [1, n, d] of a suffix without pictures on a screen's cache, which is restored.

        ``asked`` [1, d] is added to the embeddings of pointer tokens; ``wanted`` as for ``decode``.
        """
        steps = torch.arange(ids.shape[1], device=self.device) + screen.next_position
        embeds = self.module.embed(ids)
        if asked is not None:
            embeds = embeds + (ids == self.module.pointer_pad_id)[..., None] * asked.to(embeds)
        with restored(screen.cache, screen.prefix_length):
            return self.module.decode(embeds, steps.expand(3, 1, -1), cache=screen.cache, rows=rows, wanted=wanted)


@contextmanager
def timed(timings: Timings, phase: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    timings[phase] = (time.perf_counter() - start) * 1000


@contextmanager
def restored(cache: DynamicCache, length: int) -> Iterator[None]:
    """Cuts the cache back to its first ``length`` tokens, also after a failure half-way through the layers."""
    try:
        with unremembered(cache):
            yield
    finally:
        for layer in cache.layers:
            layer.crop(length - layer.get_seq_length())


def as_map(attention: Tensor, shape: tuple[int, int]) -> FloatMap:
    """[V] as [rows, columns]."""
    grid: FloatMap = attention.reshape(shape).float().cpu().numpy()
    return grid
