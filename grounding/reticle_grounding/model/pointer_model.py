"""Attention over a screenshot for plain words: the picture once, then each instruction on its cached prefix."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor
from transformers import DynamicCache

from reticle_grounding.errors import CheckpointError
from reticle_grounding.geometry import Size, Transform
from reticle_grounding.types import FloatMap

from . import prompts
from .checkpoint import Checkpoint, load_checkpoint
from .processor import ImageProcessor
from .vision_speed import batch_vision_windows, embed_still_pictures


@dataclass(slots=True)
class EncodedScreen:
    """One screenshot, ready for any number of instructions. Made by :meth:`PointerModel.encode`."""

    transform: Transform
    """capture -> model -> patch."""
    map_shape: tuple[int, int]
    """Rows and columns of merged patches."""
    keys: Tensor
    """[V, d] key side of the pointer head."""
    cache: DynamicCache
    """Keys and values of the language model for [system, picture]."""
    prefix_length: int
    next_position: int
    """M-RoPE position of the first token after the prefix, the same on all three axes."""
    timings_ms: dict[str, float] = field(default_factory=dict)
    """Wall-clock milliseconds: ``process``, ``vision``, ``prefill``, and ``suffix`` of the latest instruction."""


@contextmanager
def _timed(timings: dict[str, float], phase: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    timings[phase] = (time.perf_counter() - start) * 1000


class PointerModel:
    """A checkpoint opened for inference. Not for concurrent use of one screen from several threads."""

    def __init__(self, checkpoint: Checkpoint, max_pixels: int | None = None) -> None:
        self.name = checkpoint.name
        self.module = checkpoint.model.eval()
        self.tokenizer = checkpoint.tokenizer
        self.profile = checkpoint.profile
        self.processor: ImageProcessor = checkpoint.processor.capped(max_pixels)
        self.device = next(self.module.parameters()).device
        batch_vision_windows(self.module)
        embed_still_pictures(self.module)

    @classmethod
    def open(cls, directory: Path, *, max_pixels: int | None = None, device: str = "cpu") -> PointerModel:
        """Opens a model folder; float32 on the CPU, bfloat16 elsewhere.

        Args:
            max_pixels: lowers the checkpoint's own limit of model pixels, for speed.

        Raises CheckpointError naming what does not fit, BadInput for an impossible ``max_pixels``.
        """
        dtype = torch.float32 if device == "cpu" else torch.bfloat16
        checkpoint = load_checkpoint(Path(directory), dtype)
        checkpoint.model.to(device)
        return cls(checkpoint, max_pixels)

    @torch.inference_mode()
    def encode(self, image: Image.Image) -> EncodedScreen:
        """Runs the vision tower, the head's key side and the prefix [system, picture], once.

        ``image`` is RGB in capture pixels. Raises BadInput for impossible sides, CheckpointError without a head.
        """
        head, timings = self.module.head, dict[str, float]()
        with _timed(timings, "process"):
            pixels, grid, size = self._pixels(image)
        with _timed(timings, "vision"):
            visual = self.module.vision(pixels, grid)
            keys = head.keys(visual)
        with _timed(timings, "prefill"):
            ids = self._ids(self.tokenizer.before(self.profile.prefix, visual.shape[0]))
            positions = self.module.positions(ids, grid)
            cache = DynamicCache(config=self.module.config.text_config)
            self.module.decode(self.module.embed(ids, visual), positions, cache=cache)
        return EncodedScreen(
            transform=Transform.for_image(Size(*image.size), size, self.processor.cell),
            map_shape=(size.height // self.processor.cell, size.width // self.processor.cell),
            keys=keys,
            cache=cache,
            prefix_length=ids.shape[1],
            next_position=int(positions.max()) + 1,
            timings_ms=timings,
        )

    @torch.inference_mode()
    def attend(self, screen: EncodedScreen, instruction: str) -> FloatMap:
        """Where on the screen: [rows, columns], non-negative, sums to 1. Only the instruction is computed.

        Raises BadInput for an empty or over-long instruction.
        """
        text = prompts.check_instruction(instruction)
        with _timed(screen.timings_ms, "suffix"):
            ids = self._ids(self.tokenizer.plain(text) + self.tokenizer.markup(self.profile.answer_start))
            steps = torch.arange(ids.shape[1], device=self.device) + screen.next_position
            with _restored(screen.cache, screen.prefix_length):
                states = self.module.decode(self.module.embed(ids), steps.expand(3, 1, -1), cache=screen.cache)
            logits = self.module.head.scores(self.module.pointer_queries(ids, states), screen.keys)
            return _first_map(logits, screen.map_shape)

    @torch.inference_mode()
    def attend_fresh(self, image: Image.Image, instruction: str) -> FloatMap:
        """The same map from one whole forward without any reuse; slower, for checks."""
        prompt = self.profile.prompt(prompts.check_instruction(instruction))
        pixels, grid, size = self._pixels(image)
        visual = self.module.vision(pixels, grid)
        ids = self._ids(self.tokenizer.encode(prompt, visual.shape[0]))
        states = self.module.decode(self.module.embed(ids, visual), self.module.positions(ids, grid))
        logits = self.module.head(self.module.pointer_queries(ids, states), visual)
        return _first_map(logits, (size.height // self.processor.cell, size.width // self.processor.cell))

    @torch.inference_mode()
    def judge(self, crop: Image.Image, instruction: str) -> float:
        """P(True) / (P(True) + P(False)) that the red circle in the crop marks what the instruction says.

        Only the last position's logits are computed. Raises BadInput as :meth:`attend` does.
        """
        prompt = prompts.judge_prompt(prompts.check_instruction(instruction))
        pixels, grid, _ = self._pixels(crop)
        visual = self.module.vision(pixels, grid)
        ids = self._ids(self.tokenizer.encode(prompt, visual.shape[0]))
        states = self.module.decode(self.module.embed(ids, visual), self.module.positions(ids, grid))
        logits = self.module.language_logits(states[0, -1]).float()
        yes, no = self.tokenizer.first_id("True"), self.tokenizer.first_id("False")
        if yes == no:
            raise CheckpointError(f"{self.name} cannot judge: its tokenizer starts True and False with the same token")
        return float(torch.sigmoid(logits[yes] - logits[no]))

    def _pixels(self, image: Image.Image) -> tuple[Tensor, Tensor, Size]:
        patches = self.processor(image)
        grid = torch.tensor([patches.grid], device=self.device)
        return torch.from_numpy(patches.pixels).to(self.device), grid, patches.size

    def _ids(self, ids: list[int]) -> Tensor:
        return torch.tensor([ids], device=self.device)


@contextmanager
def _restored(cache: DynamicCache, length: int) -> Iterator[None]:
    """Cuts the cache back to its first ``length`` tokens, also after a failure half-way through the layers."""
    try:
        yield
    finally:
        for layer in cache.layers:
            layer.crop(length - layer.get_seq_length())


def _first_map(logits: Tensor, shape: tuple[int, int]) -> FloatMap:
    """Softmax of the first pointer's logits as a map; further pointers are not decoded."""
    first: FloatMap = logits[0].softmax(-1).reshape(shape).float().cpu().numpy()
    return first
