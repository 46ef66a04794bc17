"""The truth that sparse executors are held to: float64 attention under any boolean mask."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from .coverage import SparsePattern
from .naive import positions


def keep_mask(assignment: Sequence[tuple[SparsePattern, Sequence[int]]], heads: int, queries: int, keys: int) -> Tensor:
    """The predicates of a layer's patterns as one mask: [heads, queries, keys] bool."""
    mask = torch.zeros(heads, queries, keys, dtype=torch.bool)
    i, j = positions(queries, keys, torch.device("cpu"))
    for pattern, chosen in assignment:
        if len(chosen):
            mask[list(chosen)] = pattern.keep(i, j).expand(len(chosen), queries, keys)
    return mask


def masked_attention(q: Tensor, k: Tensor, v: Tensor, mask: Tensor, scale: float | None = None) -> Tensor:
    """Softmax attention by its definition in float64; a row without any key gives zeros, never NaN.

    Args:
        q: [..., Hq, Lq, D]. k, v: [..., Hkv, Lkv, D or Dv], Hq a multiple of Hkv.
        mask: bool, broadcastable to [..., Hq, Lq, Lkv]; what is masked is never read, so it may hold NaN.
        scale: D ** -0.5 when None.

    Returns:
        [..., Hq, Lq, Dv] float64.
    """
    share, rest = divmod(q.shape[-3], k.shape[-3])
    if rest:
        raise ValueError(f"{q.shape[-3]} query heads cannot share {k.shape[-3]} key heads")
    wide_k, wide_v = (t.double().repeat_interleave(share, dim=-3) for t in (k, v))
    scores = q.double() @ wide_k.transpose(-1, -2) * (q.shape[-1] ** -0.5 if scale is None else scale)
    scores = scores.masked_fill(~mask, float("-inf"))
    peak = scores.amax(-1, keepdim=True)
    weights = (scores - peak.masked_fill(peak == float("-inf"), 0.0)).exp()
    total = weights.sum(-1, keepdim=True)
    used = mask.expand(scores.shape).any(-2).unsqueeze(-1)
    mixed = weights @ torch.where(used, wide_v, 0.0)
    return torch.where(total > 0, mixed / total.clamp(min=torch.finfo(torch.float64).tiny), 0.0)
