"""Two small towers: a residual convolutional one for crops, a bag of hashed features for phrases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from .crops import Crops
from .phrases import BUCKETS, SENSES, features, senses

WIDTHS = (48, 96, 160)
BLOCKS = (0, 1, 2)
PHRASE_WIDTH, SENSE_WIDTH = 160, 96
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
    """Bags of features -> [n, DIM]; every feature has a vector and a weight, and every known word a sense.

    Senses are fixed vectors of what company a word keeps in running text; they carry over to wordings never trained on.
    """

    senses: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("senses", torch.zeros(SENSES, SENSE_WIDTH, dtype=torch.int8))
        self.sense_gate = nn.Embedding(SENSES, 1)
        nn.init.zeros_(self.sense_gate.weight)
        self.sense_norm = nn.LayerNorm(SENSE_WIDTH)
        self.sense_hidden = nn.Linear(SENSE_WIDTH, 256)
        self.sense_out = nn.Linear(256, DIM)
        self.table = nn.Embedding(BUCKETS, PHRASE_WIDTH)
        self.gate = nn.Embedding(BUCKETS, 1)
        nn.init.normal_(self.table.weight, std=0.1)
        nn.init.zeros_(self.gate.weight)
        self.norm = nn.LayerNorm(PHRASE_WIDTH)
        self.hidden = nn.Linear(PHRASE_WIDTH, 256)
        self.out = nn.Linear(256, DIM)
        self.straight = nn.Linear(PHRASE_WIDTH, DIM, bias=False)

    def forward(self, spelled: Bags, known: Bags, spell: Tensor | None = None) -> Tensor:
        """``spelled`` holds hashed features, ``known`` numbers of senses (0 is none).

        ``spell`` [n] multiplies what the spelling says; training sets it to 0 for some phrases, so that senses alone
        must do.
        """
        x = self.norm(_weighed(spelled, self.table.weight, self.gate))
        by_spelling = self.straight(x) + self.out(F.gelu(self.hidden(x)))
        if spell is not None:
            by_spelling = by_spelling * spell[:, None]
        y = self.sense_norm(_weighed(known, self.senses.float() / 64, self.sense_gate))
        by_sense = self.sense_out(F.gelu(self.sense_hidden(y)))
        return F.normalize(by_spelling + by_sense, dim=-1)


@dataclass(frozen=True, slots=True)
class Bags:
    """Numbers of all phrases one after the other, and where each phrase begins."""

    ids: Tensor
    starts: Tensor

    @classmethod
    def of(cls, bags: Sequence[Sequence[int]]) -> Bags:
        starts = [0, *np.cumsum([len(b) for b in bags])[:-1].tolist()]
        return cls(torch.tensor([i for b in bags for i in b]), torch.tensor(starts))


def _weighed(bags: Bags, table: Tensor, gate: nn.Embedding) -> Tensor:
    weights = gate(bags.ids).squeeze(-1).exp()
    return F.embedding_bag(bags.ids, table, bags.starts, mode="sum", per_sample_weights=weights)


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

    def say(self, phrases: Sequence[str], spell: Tensor | None = None) -> Tensor:
        """Phrases -> [n, DIM]; ``spell`` as in :class:`PhraseTower`."""
        spelled, known = Bags.of([features(p) for p in phrases]), Bags.of([senses(p) for p in phrases])
        return cast(Tensor, self.phrases(spelled, known, spell))
