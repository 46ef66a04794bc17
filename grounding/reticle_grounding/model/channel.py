"""The reading channel: what was read and seen on a screenshot, added to the patches it lies on.

Not part of a published architecture, and optional: a checkpoint folder that holds ``channel.safetensors`` has it. The
merged patches that the language model and the pointer head receive become ``gain * patch + channel(reading)``, and the
pointer token's embedding gets the vector of the whole instruction; everything after that is GUI-Actor as published.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast, get_args

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from reticle_grounding.errors import CheckpointError
from reticle_grounding.geometry import Rect, Space, Transform
from reticle_grounding.proposals import Sort
from reticle_grounding.reading import Reading, Vectors

FILE = "channel.safetensors"
SENSE = 384
"""Length of the vectors of texts, drawings and instructions."""
SORTS: tuple[str, ...] = get_args(Sort)
WAVES = 6
"""Frequencies of the places of patches, in both directions: 1, 2, 4 ... half waves per screen."""
MARKS = len(SORTS) + 3 + 2 * (1 + 2 * WAVES)
GAIN = 0.03
"""What the merged patches are multiplied with at first; those of a small vision tower are large and say little."""
ASKED = 2.0
"""By so much the instruction's vector begins stronger than those of the patches, over the pointer token's own."""
SOFT = 0.1
"""Share of a patch that must be covered for a vector to count in full, about."""


@dataclass(frozen=True, slots=True)
class PatchReading:
    """A reading on a grid of V patches."""

    said: Tensor
    """[V, SENSE] mean of the texts that lie on each patch, by the area they take."""
    looks: Tensor
    """[V, SENSE] the same of drawings."""
    named: Tensor
    """[V, SENSE] the labels of entries, tracks and check marks."""
    marks: Tensor
    """[V, MARKS] shares covered by each sort of shape, by text, by label; height of the text; place on the screen."""

    def to(self, device: torch.device) -> PatchReading:
        return PatchReading(*(t.to(device) for t in (self.said, self.looks, self.named, self.marks)))

    def taken(self, cells: Tensor) -> PatchReading:
        """Only the patches of a mask [V]."""
        return PatchReading(*(t[cells] for t in (self.said, self.looks, self.named, self.marks)))


class ReadingChannel(nn.Module):
    """Joins a patch reading with merged patches [V, width], and turns an instruction's vector into [width]."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.said = nn.Linear(SENSE, width, bias=False)
        self.looks = nn.Linear(SENSE, width, bias=False)
        self.named = nn.Linear(SENSE, width, bias=False)
        self.asked = nn.Linear(SENSE, width, bias=False)
        self.marks = nn.Sequential(nn.Linear(MARKS, width), nn.GELU(), nn.Linear(width, width))
        shared = torch.empty(width, SENSE)
        nn.init.orthogonal_(shared)
        for layer in (self.said, self.looks, self.named, self.asked):
            layer.weight.data.copy_(shared * math.sqrt(width) * (ASKED if layer is self.asked else 1.0))
        self.gain = nn.Parameter(torch.tensor(GAIN))

    def forward(self, merged: Tensor, reading: PatchReading) -> Tensor:
        out: Tensor = self.said(reading.said) + self.looks(reading.looks) + self.named(reading.named)
        return self.gain * merged + out + cast(Tensor, self.marks(reading.marks))


def on_patches(reading: Reading, transform: Transform, shape: tuple[int, int]) -> PatchReading:
    """Lays a reading (capture pixels) on the [rows, columns] patches of ``transform``."""
    to_patch = transform.affine(Space.CAPTURE, Space.PATCH)

    def covered(rects: Sequence[Rect]) -> Tensor:
        return torch.from_numpy(_covered([to_patch.rect(r) for r in rects], shape))

    def mean(shares: Tensor, vectors: Tensor) -> Tensor:
        return (shares @ vectors) / (shares.sum(1, keepdim=True) + SOFT)

    texts, looks = covered(reading.texts), covered(reading.looks)
    named = covered([rect for rect, _ in reading.named])
    said = torch.from_numpy(np.ascontiguousarray(reading.text_vectors)).float().view(-1, SENSE)
    seen = torch.from_numpy(np.ascontiguousarray(reading.look_vectors)).float().view(-1, SENSE)
    labels = said[torch.tensor([number for _, number in reading.named], dtype=torch.long)]
    sorts = [covered([s.rect for s in reading.shapes if s.sort == sort]).sum(1, keepdim=True) for sort in SORTS]
    heights = torch.tensor([[to_patch.rect(r).height] for r in reading.texts], dtype=torch.float32).view(-1, 1)
    told = [texts.sum(1, keepdim=True), named.sum(1, keepdim=True), mean(texts, heights)]
    marks = torch.cat([torch.cat([*sorts, *told], dim=1).clamp(max=1.5), _places(shape)], dim=1)
    return PatchReading(mean(texts, said), mean(looks, seen), mean(named, labels), marks.float())


def _covered(rects: Sequence[Rect], shape: tuple[int, int]) -> Vectors:
    """[V, rects] share of each patch that each rectangle (in patches) covers."""
    rows, columns = shape
    if not rects:
        return np.zeros((rows * columns, 0), np.float32)
    table = np.array([r.as_tuple() for r in rects], np.float32)
    x, y = np.arange(columns, dtype=np.float32)[:, None], np.arange(rows, dtype=np.float32)[:, None]
    across = np.clip(np.minimum(table[:, 2], x + 1) - np.maximum(table[:, 0], x), 0, None)
    down = np.clip(np.minimum(table[:, 3], y + 1) - np.maximum(table[:, 1], y), 0, None)
    both: Vectors = (down[:, None, :] * across[None, :, :]).reshape(rows * columns, len(rects)).astype(np.float32)
    return both


def _places(shape: tuple[int, int]) -> Tensor:
    """[V, 2 * (1 + 2 * WAVES)] where each patch is, from 0 to 1 down and across, and waves of it."""
    rows, columns = shape
    y, x = torch.meshgrid((torch.arange(rows) + 0.5) / rows, (torch.arange(columns) + 0.5) / columns, indexing="ij")
    at = torch.stack([y.flatten(), x.flatten()], dim=1)
    waves = math.pi * at[..., None] * 2.0 ** torch.arange(WAVES)
    return torch.cat([at, waves.sin().flatten(1), waves.cos().flatten(1)], dim=1)


def load_channel(directory: Path, width: int) -> ReadingChannel | None:
    """The folder's channel, or None where it has none. Raises CheckpointError naming what does not fit."""
    path = directory / FILE
    if not path.is_file():
        return None
    channel = ReadingChannel(width)
    try:
        channel.load_state_dict({k: v.float() for k, v in load_file(path).items()})
    except (OSError, SafetensorError, RuntimeError) as error:
        raise CheckpointError(f"{path} does not fit this model: {' '.join(str(error).split())[:300]}") from error
    return channel.eval()


def save_channel(channel: ReadingChannel, directory: Path) -> Path:
    path = directory / FILE
    save_file({k: v.detach().to("cpu", torch.bfloat16).contiguous() for k, v in channel.state_dict().items()}, path)
    return path
