"""Two small towers: a residual convolutional one for crops, a bag of hashed features for phrases."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from .crops import Crops
from .phrases import BUCKETS, features

WIDTHS = (48, 96, 160)
BLOCKS = (0, 1, 2)
PHRASE_WIDTH = 160
DIM = 128
"""Length of the vectors; all have norm 1."""


class Block(nn.Module):
    """Two 3x3 convolutions around which the input is added."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm_first = nn.BatchNorm2d(width)
        self.second = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm_second = nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:
        inner = F.relu(self.norm_first(self.first(x)))
        return F.relu(x + self.norm_second(self.second(inner)))


class LookTower(nn.Module):
    """[n, 3, SIDE, SIDE] in 0..1 -> [n, DIM]."""

    def __init__(self) -> None:
        super().__init__()
        parts: list[nn.Module] = []
        before = 3
        for i, (width, blocks) in enumerate(zip(WIDTHS, BLOCKS, strict=True)):
            kernel = 5 if i == 0 else 3
            parts += [nn.Conv2d(before, width, kernel, stride=2, padding=kernel // 2, bias=False)]
            parts += [nn.BatchNorm2d(width), nn.ReLU(), *(Block(width) for _ in range(blocks))]
            before = width
        self.body = nn.Sequential(*parts)
        self.where = nn.Linear(before * 4, 256)
        self.out = nn.Linear(256, DIM)

    def forward(self, x: Tensor) -> Tensor:
        """The last map is pooled to 2x2, so that left and right, above and below stay apart."""
        pooled = F.adaptive_avg_pool2d(self.body((x - 0.5) * 4), 2).flatten(1)
        return F.normalize(self.out(F.relu(self.where(pooled))), dim=-1)


class PhraseTower(nn.Module):
    """Bags of features -> [n, DIM]; every feature has a vector and a weight."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(BUCKETS, PHRASE_WIDTH)
        self.gate = nn.Embedding(BUCKETS, 1)
        nn.init.normal_(self.table.weight, std=0.1)
        nn.init.zeros_(self.gate.weight)
        self.norm = nn.LayerNorm(PHRASE_WIDTH)
        self.hidden = nn.Linear(PHRASE_WIDTH, 256)
        self.out = nn.Linear(256, DIM)
        self.straight = nn.Linear(PHRASE_WIDTH, DIM, bias=False)

    def forward(self, ids: Tensor, starts: Tensor) -> Tensor:
        """``ids`` holds all features one after the other, ``starts`` where each phrase begins."""
        weights = self.gate(ids).squeeze(-1).exp()
        bags = F.embedding_bag(ids, self.table.weight, starts, mode="sum", per_sample_weights=weights)
        x = self.norm(bags)
        return F.normalize(self.straight(x) + self.out(F.gelu(self.hidden(x))), dim=-1)


class MatcherNet(nn.Module):
    """Both towers and the sharpness of their agreement."""

    def __init__(self) -> None:
        super().__init__()
        self.looks = LookTower()
        self.phrases = PhraseTower()
        self.sharpness = nn.Parameter(torch.tensor(2.5))

    @property
    def scale(self) -> Tensor:
        return self.sharpness.exp().clamp(max=60.0)

    def see(self, crops: Crops) -> Tensor:
        """[n, SIDE, SIDE, 3] uint8 -> [n, DIM]."""
        pixels = torch.from_numpy(np.ascontiguousarray(crops.transpose(0, 3, 1, 2))).float() / 255
        return cast(Tensor, self.looks(pixels.contiguous(memory_format=torch.channels_last)))

    def say(self, phrases: Sequence[str]) -> Tensor:
        """Phrases -> [n, DIM]."""
        bags = [features(p) for p in phrases]
        starts = torch.tensor([0, *np.cumsum([len(b) for b in bags])[:-1].tolist()])
        return cast(Tensor, self.phrases(torch.tensor([i for b in bags for i in b]), starts))
