"""Batches for the trainer, cut ahead of time in a thread (decoding and resizing release the interpreter lock)."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random

import numpy as np
import torch
from torch import Tensor

from reticle_grounding.geometry import Size
from reticle_grounding.model.processor import ImageProcessor

from . import crops
from .crops import Crop
from .instructions import Target, requests
from .scenes import Scene, SceneFile, endless

REQUESTS = 24
"""Instructions without a place that go with a batch of reading."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """One shape of batch."""

    weight: float
    """How often, relative to the others."""
    batch: int
    instructions: int
    """At most so many per picture; 0 is reading alone, on collages where there are any."""
    size: Size | None
    """Pixels of a crop; None takes whole screens as inference sees them."""
    limit: int = 1366 * 768
    """Pixels of the largest screen that is taken whole; attention over all patches grows with their square."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Which shapes are trained until a share of the whole time has passed."""

    until: float
    buckets: tuple[Bucket, ...]
    mix: tuple[tuple[str, float], ...]
    """Sources of pictures with their weights; a source that a run does not have is passed over."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Pictures of one size with labels and instructions."""

    pixels: Tensor
    grid: Tensor
    """[B, 3]."""
    characters: Tensor
    icons: Tensor
    roles: Tensor
    size: Size
    crops: list[Crop]
    requests: list[Target]
    """Instructions without a place, for a batch that has no others."""


def stack(cut: list[Crop], processor: ImageProcessor, requests: Sequence[Target] = ()) -> Batch:
    """Crops of one size as one batch."""
    patches = [processor(c.image) for c in cut]
    return Batch(
        pixels=torch.from_numpy(np.concatenate([p.pixels for p in patches])),
        grid=torch.tensor([p.grid for p in patches]),
        characters=torch.from_numpy(np.concatenate([c.characters for c in cut])),
        icons=torch.from_numpy(np.concatenate([c.icons for c in cut])),
        roles=torch.from_numpy(np.concatenate([c.roles for c in cut])),
        size=patches[0].size,
        crops=cut,
        requests=list(requests),
    )


class Feed:
    """Cuts batches of the stage that :attr:`progress` is in, a few ahead of the trainer.

    Args:
        sources: stored screens by name of source; empty ones are ignored.
        per_scene: crops taken from a screen each time it is opened.
        rank: number of the worker; workers get different pictures, but shapes that take equally long.
    """

    def __init__(
        self,
        sources: Mapping[str, list[SceneFile]],
        stages: tuple[Stage, ...],
        processor: ImageProcessor,
        seed: int,
        per_scene: int = 6,
        rank: int = 0,
    ) -> None:
        self.stages, self.processor, self.per_scene = stages, processor, per_scene
        self.shapes, self.rng = Random(seed), Random(f"{seed} {rank}")
        self.sources = {name: endless(files, self.rng) for name, files in sources.items() if files}
        self.progress = 0.0
        self._ready: queue.Queue[Batch | BaseException] = queue.Queue(maxsize=3)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Feed:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        while self._thread.is_alive():
            self._drain()
            self._thread.join(timeout=0.1)

    def _drain(self) -> None:
        while not self._ready.empty():
            self._ready.get_nowait()

    def __iter__(self) -> Iterator[Batch]:
        while True:
            item = self._ready.get()
            if isinstance(item, BaseException):
                raise item
            yield item

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                self._ready.put(self.cut())
        except BaseException as error:
            self._ready.put(error)

    def cut(self) -> Batch:
        """The next batch."""
        stage = next(s for s in self.stages if self.progress < s.until or s is self.stages[-1])
        bucket = self.shapes.choices(stage.buckets, [b.weight for b in stage.buckets])[0]
        wanted = (("collage", 1.0),) if bucket.instructions == 0 else stage.mix
        mix = {name: weight for name, weight in wanted if name in self.sources} or dict.fromkeys(self.sources, 1.0)
        source = self.sources[self.rng.choices(list(mix), list(mix.values()))[0]]
        cut: list[Crop] = []
        while len(cut) < bucket.batch:
            scene = next(source).open()
            cut += self._from(scene, bucket, min(self.per_scene, bucket.batch - len(cut)))
        return stack(cut, self.processor, requests(self.rng, REQUESTS) if bucket.instructions == 0 else ())

    def _from(self, scene: Scene, bucket: Bucket, count: int) -> list[Crop]:
        height, width = scene.pixels.shape[:2]
        if bucket.size is None:
            if width * height > bucket.limit:
                return []
            size = self.processor.target_size(Size(width, height))
            return [crops.whole(scene, self.rng, size, bucket.instructions)]
        if bucket.size.width * 1.04 > width or bucket.size.height * 1.04 > height:
            return []
        return [crops.crop(scene, self.rng, bucket.size, bucket.instructions) for _ in range(count)]
