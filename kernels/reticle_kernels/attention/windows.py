"""Block-diagonal attention over windows of one packed sequence.

A vision tower cuts its tokens into windows that see only themselves. Most windows have the same length, so all windows
of one length go through one batched call instead of one call each; the result is the same, only the launches differ.
Where windows are ordered by length (:func:`by_length`), nothing has to be gathered.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise

import torch
from torch import Tensor
from torch.nn import functional


@lru_cache(maxsize=64)
def _plan(bounds: tuple[int, ...]) -> tuple[tuple[int, tuple[int, ...]], ...]:
    """(length, starts) for every window length, longest first; empty windows are left out."""
    groups: dict[int, list[int]] = {}
    for start, end in pairwise(bounds):
        if end > start:
            groups.setdefault(end - start, []).append(start)
    return tuple((length, tuple(groups[length])) for length in sorted(groups, reverse=True))


@lru_cache(maxsize=64)
def _runs(bounds: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
    """(start, window length) of every run of windows of one length, in order, and the end as a last entry."""
    filled = [(a, b - a) for a, b in pairwise(bounds) if b > a]
    first = [w for n, w in enumerate(filled) if not n or filled[n - 1][1] != w[1]]
    return (*first, (bounds[-1], 0))


def windowed_attention(q: Tensor, k: Tensor, v: Tensor, cu_seqlens: Tensor, scale: float | None = None) -> Tensor:
    """Softmax attention in which every token sees exactly the tokens of its own window.

    Args:
        q, k, v: [H, L, D].
        cu_seqlens: [windows + 1] rising bounds from 0 to L; window ``w`` is ``cu_seqlens[w]:cu_seqlens[w + 1]``.
        scale: D ** -0.5 when None.

    Returns:
        [H, L, D]. Raises ValueError when the bounds do not cover the sequence.
    """
    bounds = tuple(int(b) for b in cu_seqlens.tolist())
    if not bounds or bounds[0] != 0 or bounds[-1] != q.shape[1] or any(b < a for a, b in pairwise(bounds)):
        raise ValueError(f"window bounds {bounds[:1]}..{bounds[-1:]} do not cover {q.shape[1]} tokens in order")
    runs = list(pairwise(_runs(bounds)))
    plan = _plan(bounds)
    if len(runs) == len(plan):
        parts = [_equal_windows(q[:, a:b], k[:, a:b], v[:, a:b], n, scale) for (a, n), (b, _) in runs]
        return torch.cat(parts, dim=1) if len(parts) > 1 else parts[0]
    out = torch.empty_like(q)
    for length, starts in plan:
        index = (torch.tensor(starts, device=q.device).unsqueeze(1) + torch.arange(length, device=q.device)).flatten()
        part = _equal_windows(q[:, index], k[:, index], v[:, index], length, scale)
        out = out.index_copy(1, index, part)
    return out


def _equal_windows(q: Tensor, k: Tensor, v: Tensor, length: int, scale: float | None) -> Tensor:
    """[H, n * length, D] of back-to-back windows -> the same shape, all windows in one call."""
    heads, total, width = q.shape
    qs, ks, vs = (t.reshape(heads, total // length, length, width).transpose(0, 1) for t in (q, k, v))
    mixed = functional.scaled_dot_product_attention(qs, ks, vs, scale=scale)
    return mixed.transpose(0, 1).reshape(heads, total, width)


def by_length(cu_seqlens: Tensor) -> tuple[Tensor, Tensor]:
    """An order of windows in which equal lengths lie together, longest first, ties in their given order.

    Returns the token order (``old[order]`` is the new sequence) and the new bounds.
    """
    lengths = cu_seqlens.diff()
    windows = torch.argsort(lengths, descending=True, stable=True)
    order = torch.cat([torch.arange(int(cu_seqlens[w]), int(cu_seqlens[w + 1])) for w in windows.tolist()])
    bounds = torch.cat([cu_seqlens[:1], lengths[windows].cumsum(0).to(cu_seqlens.dtype)])
    return order.to(cu_seqlens.device), bounds
