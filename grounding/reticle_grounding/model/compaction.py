"""What a history can do without: patches that a later screenshot shows unchanged, then whole old steps."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from .token_map import TokenMap

Pixels = npt.NDArray[np.uint8]


def unchanged_patches(before: Pixels | None, after: Pixels, shape: tuple[int, int]) -> Tensor:
    """[rows * columns] bool: patches with the very pixels of the screenshot before; none where the sizes differ.

    Args:
        before, after: [height, width, 3] model pixels.
        shape: rows and columns of patches of ``after``.
    """
    rows, columns = shape
    if before is None or before.shape != after.shape:
        return torch.zeros(rows * columns, dtype=torch.bool)
    cell = after.shape[0] // rows
    same = (before == after).reshape(rows, cell, columns, cell * after.shape[2])
    return torch.from_numpy(same.all(axis=(1, 3)).reshape(-1))


def stale_tokens(tokens: TokenMap, stale: Tensor, unchanged: Tensor) -> Tensor:
    """[L] bool: what was stale before, and the patches of the newest frame that ``unchanged`` [patches] names."""
    frames = tokens.frames
    if not frames or not bool(unchanged.any()):
        return stale
    patch = tokens.patch()
    newest = tokens.visual & (tokens.step == frames[-1])
    return stale | (newest & unchanged[patch.clamp(min=0, max=unchanged.numel() - 1)])


def wanted_tokens(tokens: TokenMap, stale: Tensor, limit: int, first_kept: int) -> Tensor:
    """[L] bool: what stays so that at most ``limit`` tokens are left, as far as that can be reached.

    All stale patches go first; then the oldest steps, screenshot and words, up to step ``first_kept``, which stays with
    all later ones. What stands before the first screenshot always stays.
    """
    wanted = ~stale
    for step in torch.unique_consecutive(tokens.step[wanted]).tolist():
        if int(wanted.sum()) <= limit:
            break
        if 0 <= step < first_kept:
            wanted &= tokens.step != step
    return wanted


def latest_steps(tokens: TokenMap, most: int | None) -> Tensor:
    """[L] bool: what belongs to the last ``most`` steps, or stands before the first; all without a limit."""
    if most is None:
        return torch.ones(len(tokens), dtype=torch.bool)
    steps = torch.unique(tokens.step[tokens.step >= 0])
    first = int(steps[-most]) if steps.numel() > most else 0
    return (tokens.step < 0) | (tokens.step >= first)
