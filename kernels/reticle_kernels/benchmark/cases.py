"""What is measured: sizes of models, random inputs with a planted grid, and the patterns of the papers at that size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from reticle_kernels.attention import estimate
from reticle_kernels.attention.boundaries import QBoundary, SamePatch
from reticle_kernels.attention.coverage import SparsePattern
from reticle_kernels.attention.shapes import Triangle, VerticalSlash

ShapeName = Literal["embedded", "3b", "7b"]


@dataclass(frozen=True, slots=True)
class Shape:
    """Sizes of a language model, and of the screenshots it reads.

    Attributes:
        hidden, inner: widths of the states and inside the MLP.
        heads, groups, width: query heads, key heads, head width.
        frame, text: tokens of a screenshot, and of the words and delimiters of a step.
        row: tokens in a row of a screenshot.
    """

    name: str
    layers: int
    hidden: int
    inner: int
    heads: int
    groups: int
    width: int
    frame: int
    text: int
    row: int


SHAPES: dict[ShapeName, Shape] = {
    "embedded": Shape("embedded model", 2, 256, 512, 4, 2, 64, 1008, 48, 36),
    "3b": Shape("Qwen2.5-VL-3B", 36, 2048, 11_008, 16, 2, 128, 4641, 152, 91),
    "7b": Shape("Qwen2.5-VL-7B", 28, 3584, 18_944, 28, 4, 128, 4641, 152, 91),
}
"""Source of the Qwen sizes and of 4641 tokens for 2560 x 1440: sparse-prefill.md, sections 5.1 and 5.2."""


@dataclass(frozen=True, slots=True)
class Case:
    """A pattern at one length.

    Attributes:
        find: q [Hq, Lq, D], k [Hkv, Lkv, D] -> the pattern.
        online: whether every layer must find it anew, so that finding it and listing its keys belong to the time.
            Other patterns are known from the lengths alone, and one plan serves all layers.
    """

    name: str
    find: Callable[[Tensor, Tensor], SparsePattern]
    online: bool = False


def inputs(shape: Shape, length: int, device: str, dtype: torch.dtype, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Random q [1, Hq, L, D], k and v [1, Hkv, L, D]; every ``shape.row``-th key draws all queries, a planted grid."""
    generator = torch.Generator(device).manual_seed(seed)

    def drawn(heads: int) -> Tensor:
        return torch.randn(1, heads, length, shape.width, generator=generator, device=device, dtype=dtype)

    q, k, v = drawn(shape.heads), drawn(shape.groups), drawn(shape.groups)
    q[..., 0] += 5
    k[:, :, 5 :: shape.row, 0] += 5
    return q, k, v


def cases(shape: Shape, length: int, device: str) -> list[Case]:
    """The patterns of sparse-prefill.md, sections 1.2, 1.6, 2.10, 3.1 and 5.4, that make sense at this length."""
    local, blocks = (256, 16) if shape.name == "embedded model" else (1024, 100)
    found = [
        Case("A-shape 128 + 1024", lambda q, k: Triangle(128, 1024)),
        Case("triangle 8 + 512, last 128", lambda q, k: Triangle(8, 512, length - 128)),
        Case("vertical-slash 512 + band of 1024", _slash, online=True),
        Case(f"block-sparse {blocks}", lambda q, k: estimate.block_sparse(q, k, blocks), online=True),
        Case(f"grid {shape.row}, 64 + {local}", lambda q, k: _grid(shape, local, q, k), online=True),
    ]
    if length >= 2 * 5120:
        found.insert(1, Case("A-shape 1024 + 4096", lambda q, k: Triangle(1024, 4096)))
    starts = torch.arange(length // (shape.frame + shape.text), device=device) * (shape.frame + shape.text) + shape.text
    if starts.numel() >= 2:
        lengths = torch.full_like(starts, shape.frame)
        modality = torch.zeros(length, dtype=torch.int64, device=device)
        modality[(starts.unsqueeze(1) + torch.arange(shape.frame, device=device)).flatten()] = 1
        dense = length - 256
        found += [
            Case("same patch r=1, own frame", lambda q, k: SamePatch(starts, lengths, dense_from=dense)),
            Case("same patch r=1, own 8 chunks", lambda q, k: SamePatch(starts, lengths, own=8, dense_from=dense)),
            Case("Q-boundary: text A-shape, image slash", lambda q, k: _by_modality(modality, q, k), online=True),
        ]
    return found


def _slash(q: Tensor, k: Tensor, rows: Tensor | None = None) -> VerticalSlash:
    """The distances are a band: random inputs have no diagonals, and scattered ones would be dense."""
    return estimate.vertical_slash(q, k, 512, 1024, rows, recent=1024)


def _grid(shape: Shape, local: int, q: Tensor, k: Tensor) -> SparsePattern:
    strides = [shape.row, shape.row + 7, shape.frame + shape.text]
    last = k.shape[1] - 64
    return estimate.grid(q, k, strides, 0, last, sinks=64, local=local, dense_from=last)[0]


def _by_modality(modality: Tensor, q: Tensor, k: Tensor) -> SparsePattern:
    rows = estimate.last_rows(modality, 1, q.shape[1])
    return QBoundary(modality, [Triangle(128, 1024), _slash(q, k, rows)])
