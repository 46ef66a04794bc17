"""How a checkpoint behaves on a device in bfloat16, beside float32 on the processor."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
import torch

from reticle_grounding.geometry import Size
from reticle_grounding.model.checkpoint import load_checkpoint
from reticle_grounding.model.vision_speed import batch_vision_windows

from . import crops
from .scenes import Scene
from .screens import generate_screen
from .validate import attention_maps

RUNS = 3


@dataclass(frozen=True, slots=True)
class DeviceReport:
    """Differences of attention maps and the time of one screen with its instructions."""

    device: str
    maps: int
    same_best_patch: float
    """Share of maps whose best patch is the same."""
    largest_difference: float
    """Of any attention value, relative to the largest value of its map."""
    reference_ms: float
    device_ms: float


def compare_devices(directory: Path, device: str, *, screens: int = 3, per_screen: int = 16) -> DeviceReport:
    """Grounds the same instructions on generated screens in both ways."""
    reference, other = load_checkpoint(directory), load_checkpoint(directory, torch.bfloat16)
    for checkpoint in (reference, other):
        batch_vision_windows(checkpoint.model)
    other.model.to(device)
    same, differences, times = [], [], ([0.0], [0.0])
    for seed in range(screens):
        screen = generate_screen(seed, size=(1280, 800))
        scene = Scene(np.asarray(screen.image), screen.labels, screen.elements, complete=True)
        crop = crops.whole(scene, Random(seed), reference.processor.target_size(Size(1280, 800)), per_screen)
        maps = []
        for checkpoint, spent in zip((reference, other), times, strict=True):
            for _ in range(RUNS):
                before = time.perf_counter()
                found = attention_maps(checkpoint, crop)
                spent.append(time.perf_counter() - before)
            maps.append(found)
        for exact, rough in zip(*maps, strict=True):
            same.append(int(exact.argmax()) == int(rough.argmax()))
            differences.append(float(abs(exact - rough).max() / exact.max()))
    slow, fast = (1000 * sorted(spent)[len(spent) // 2] for spent in times)
    return DeviceReport(device, len(same), sum(same) / max(1, len(same)), max(differences, default=0.0), slow, fast)
