"""Two towers into one space: a residual convolutional one for crops, a small BERT encoder for phrases."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from reticle_grounding.geometry import Rect

from . import sentences
from .crops import CLOSER, Crops, cut
from .sentences import DIM, VOCABULARY, SentenceTower, Tokens

WIDTHS = (48, 96, 160)
BLOCKS = (0, 1, 2)


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
        return F.normalize(self.out(F.relu(self.where(pooled))).float(), dim=-1)


class LookWords(nn.Module):
    """What a phrase means [n, DIM] -> what that looks like [n, DIM]; begins as the identity."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden, self.out = nn.Linear(DIM, DIM), nn.Linear(DIM, DIM)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, x: Tensor) -> Tensor:
        return F.normalize(x + self.out(F.gelu(self.hidden(x))), dim=-1)


class MatcherNet(nn.Module):
    """Both towers, what leads from meanings to looks, and the sharpness of the agreement of crops with phrases."""

    def __init__(self, vocabulary: int = VOCABULARY) -> None:
        super().__init__()
        self.looks = LookTower()
        self.look_words = LookWords()
        self.words = SentenceTower(vocabulary)
        self.sharpness = nn.Parameter(torch.tensor(2.5))

    @property
    def scale(self) -> Tensor:
        return self.sharpness.exp().clamp(max=60.0)

    def see(self, crops: Crops) -> Tensor:
        """[n, SIDE, SIDE, 3] uint8 -> [n, DIM]."""
        pixels = torch.from_numpy(np.ascontiguousarray(crops.transpose(0, 3, 1, 2))).float() / 255
        return cast(Tensor, self.looks(pixels.contiguous(memory_format=torch.channels_last)))

    def look_at(self, image: npt.NDArray[np.uint8], rects: Sequence[Rect]) -> Tensor:
        """Parts of a [height, width, 3] picture -> [n, DIM]: the mean of a wide and a close crop of each, which agrees
        with the right phrase more often than either alone."""
        both = self.see(cut(image, rects)) + self.see(cut(image, rects, CLOSER))
        return F.normalize(both, dim=-1)

    def say(self, tokens: Tokens, phrases: Sequence[str]) -> Tensor:
        """Phrases -> [n, DIM], to be compared with other phrases."""
        return sentences.say(self.words, tokens, phrases)

    def ask(self, said: Tensor) -> Tensor:
        """What :meth:`say` gave -> [n, DIM], to be compared with crops."""
        return cast(Tensor, self.look_words(said))
