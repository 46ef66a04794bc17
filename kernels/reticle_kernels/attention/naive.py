"""Dense reference attention: slow, plain, any float type; the truth that every faster form is tested against."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Keep = Callable[[Tensor, Tensor], Tensor]
"""``keep(i, j) -> bool`` for broadcastable query and key positions; True where query ``i`` may look at key ``j``."""


def positions(queries: int, keys: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Query positions [Lq, 1] and key positions [1, Lkv]; the last query stands at the last key.

    Raises ValueError when there are more queries than keys.
    """
    if queries > keys:
        raise ValueError(f"{queries} queries do not fit at the end of {keys} keys")
    i = torch.arange(keys - queries, keys, device=device).unsqueeze(1)
    return i, torch.arange(keys, device=device).unsqueeze(0)


def naive_attention(q: Tensor, k: Tensor, v: Tensor, keep: Keep | None = None, scale: float | None = None) -> Tensor:
    """Softmax attention by its definition.

    Args:
        q: [..., Hq, Lq, D].
        k: [..., Hkv, Lkv, D]; Hq must be a multiple of Hkv (grouped queries), Lq <= Lkv.
        v: [..., Hkv, Lkv, Dv].
        keep: which pairs count; all when None. A query that keeps nothing gives zeros.
        scale: D ** -0.5 when None.

    Returns:
        [..., Hq, Lq, Dv] in the type of ``q``; half types are computed in float32.
    """
    heads, groups = q.shape[-3], k.shape[-3]
    if heads % groups:
        raise ValueError(f"{heads} query heads cannot share {groups} key heads")
    wide = torch.promote_types(q.dtype, torch.float32)
    keys, values = (t.to(wide).repeat_interleave(heads // groups, dim=-3) for t in (k, v))
    scores = q.to(wide) @ keys.transpose(-1, -2) * (q.shape[-1] ** -0.5 if scale is None else scale)
    i, j = positions(q.shape[-2], k.shape[-2], q.device)
    allowed = torch.ones_like(i + j, dtype=torch.bool) if keep is None else keep(i, j).expand(i.shape[0], j.shape[1])
    weights = scores.masked_fill(~allowed, float("-inf")).softmax(-1)
    weights = weights.masked_fill(~allowed, 0.0)
    return (weights @ values).to(q.dtype)
