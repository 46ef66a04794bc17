"""HiPrune (arXiv 2508.00553): patches chosen by attention inside the vision tower, without training and without words.

Three kinds are kept: *anchors*, which a middle layer looks at most; *buffers*, their neighbours; *registers*, which the
last layer looks at most, until the budget is spent. The published settings for Qwen2.5-VL are a tenth of the budget for
anchors with their buffers and the 16th of 32 layers, which is one of its four layers without windows; here it is the
middle one of the layers without windows, whatever the depth.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

ALPHA = 0.1
"""Share of the budget for anchors and buffers together."""
CLUSTER = 5
"""An anchor and its four neighbours."""


def watched_layers(full: Sequence[int]) -> tuple[int, int]:
    """The middle and the last of the layers without windows."""
    ordered = sorted(full)
    return ordered[(len(ordered) - 1) // 2], ordered[-1]


def hiprune(received: Tensor, shape: tuple[int, int], count: int) -> Tensor:
    """[V] true for ``count`` patches of a [rows, columns] grid.

    Args:
        received: [2, V] attention that every patch gets in the middle and in the last watched layer.
    """
    middle, last = received
    kept = torch.zeros(middle.shape[0], dtype=torch.bool, device=middle.device)
    anchors = max(1, int(ALPHA * count / CLUSTER))
    kept[torch.sort(middle, descending=True, stable=True).indices[:anchors]] = True
    grid = kept.view(shape)
    near = grid.clone()
    near[1:] |= grid[:-1]
    near[:-1] |= grid[1:]
    near[:, 1:] |= grid[:, :-1]
    near[:, :-1] |= grid[:, 1:]
    buffers = (near & ~grid).flatten().nonzero().flatten()
    best = buffers[torch.sort(middle[buffers], descending=True, stable=True).indices]
    kept[best[: max(0, count - anchors)]] = True
    rest = torch.sort(last.masked_fill(kept, -torch.inf), descending=True, stable=True).indices
    kept[rest[: max(0, count - int(kept.sum()))]] = True
    return kept


def every_nth(patches: int, count: int) -> Tensor:
    """[V] true for ``count`` patches spread evenly in reading order: what choosing blindly gives."""
    number = torch.arange(patches + 1) * count // patches
    return number[1:] > number[:-1]
