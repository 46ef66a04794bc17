"""How well a checkpoint's attention alone points, on whole screens with known boxes."""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from random import Random

import torch

from reticle_grounding.geometry import Point, Rect, Size, Space, Transform
from reticle_grounding.model.checkpoint import Checkpoint, load_checkpoint
from reticle_grounding.model.vision_speed import batch_vision_windows
from reticle_grounding.regions import find_regions
from reticle_grounding.types import FloatMap

from . import crops
from .crops import CELL, Crop
from .feed import stack
from .instructions import Target
from .packing import Packer
from .scenes import SceneFile

TOP = 3


@dataclass(frozen=True, slots=True)
class KindScore:
    """Shares of targets whose box holds the point of the best region, or of one of the best three."""

    n: int
    hit_at_1: float
    hit_at_3: float


@dataclass(frozen=True, slots=True)
class Score:
    """Result of :func:`validate`; ``kinds`` has text, icon, field as far as they occur, and all."""

    kinds: dict[str, KindScore]
    screens: int
    seconds_per_screen: float
    """Vision and all its instructions together."""


def validate(directory: Path, scenes: list[SceneFile], *, per_screen: int = 24, seed: int = 0) -> Score:
    """Runs the checkpoint in ``directory`` over whole screens; verifier and text evidence are not used."""
    checkpoint = load_checkpoint(directory)
    batch_vision_windows(checkpoint.model)
    hits: defaultdict[str, list[tuple[bool, bool]]] = defaultdict(list)
    screens, seconds = 0, 0.0
    for file in scenes:
        scene = file.open()
        height, width = scene.pixels.shape[:2]
        size = checkpoint.processor.target_size(Size(width, height))
        crop = crops.whole(scene, Random(f"{seed} {file.name}"), size, per_screen)
        if not crop.targets:
            continue
        before = time.monotonic()
        maps = attention_maps(checkpoint, crop)
        seconds, screens = seconds + time.monotonic() - before, screens + 1
        for target, attention in zip(crop.targets, maps, strict=True):
            for kind in (target.kind, "all"):
                hits[kind].append(_hits(attention, target, size))
    kinds = {kind: _score(found) for kind, found in sorted(hits.items())}
    return Score(kinds, screens, seconds / max(1, screens))


def _score(found: list[tuple[bool, bool]]) -> KindScore:
    first, third = (sum(column) / len(found) for column in zip(*found, strict=True))
    return KindScore(len(found), round(first, 4), round(third, 4))


@torch.inference_mode()
def attention_maps(checkpoint: Checkpoint, crop: Crop) -> list[FloatMap]:
    """One [rows, columns] map per target of the crop, all from one forward."""
    model = checkpoint.model
    batch = stack([crop], checkpoint.processor)
    visual = model.vision(batch.pixels, batch.grid)
    grid = (batch.size.height // CELL, batch.size.width // CELL)
    packer = Packer(model, checkpoint.tokenizer.markup, checkpoint.profile)
    packed = packer.pack([[t.instruction for t in crop.targets]], grid, visual.device)
    states = model.decode(model.embed(packed.ids, visual), packed.positions, packed.mask)
    queries = states[0, packed.queries[0]]
    maps = model.head(queries, visual).softmax(-1).float().cpu().numpy()
    return [row.reshape(grid) for row in maps]


def _hits(attention: FloatMap, target: Target, size: Size) -> tuple[bool, bool]:
    link = Transform.for_image(size, size, CELL)
    box = Rect(*map(float, target.bbox or (0, 0, 0, 0)))
    points: list[Point] = [r.mapped(link, Space.CAPTURE).point for r in find_regions(attention)[:TOP]]
    inside = [box.contains(point) for point in points]
    return bool(inside[:1] and inside[0]), any(inside)
