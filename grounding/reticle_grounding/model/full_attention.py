"""One layer of a windowed vision tower whose attention spans the whole picture, with what the tower's own lacks.

Keys may stand for several patches, keys and values of patches that are not computed may come from before, and the
attention that patches receive may be taken out. In each case no map of all patches against all is held.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

BLOCK = 64
"""Rows of attention that are held at once where the received attention is wanted."""
ALIGNED = 8
"""Widths of heads are kept multiples of this, as fast attention wants them."""


@dataclass(slots=True)
class LayerMemory:
    """Keys (rotated) and values of a layer for all tokens of a picture, each [H, L, D]."""

    keys: Tensor
    values: Tensor


@dataclass(slots=True, kw_only=True)
class FullLayer:
    """How such a layer is run."""

    log_counts: Tensor | None = None
    """[n] logarithm of how many tokens each token stands for."""
    memory: LayerMemory | None = None
    """Keys and values of all L tokens; those of ``tokens`` are replaced."""
    tokens: Tensor | None = None
    """[n] where the computed tokens stand among the L."""
    watch: bool = False
    """Give the received attention, too."""

    def __call__(self, block: Any, states: Tensor, rope: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor | None]:
        """States [n, d] -> [n, d], and the attention [n] that each token receives (mean over heads and queries).

        ``rope`` holds cosines and sines [n, D].
        """
        attention = block.attn
        heads, scale = attention.num_heads, float(attention.scaling)
        mixed_in = attention.qkv(block.norm1(states)).reshape(states.shape[0], 3, heads, -1).permute(1, 2, 0, 3)
        q, k, v = rotated(mixed_in[0], rope), rotated(mixed_in[1], rope), mixed_in[2]
        if self.memory is not None and self.tokens is not None:
            self.memory.keys[:, self.tokens], self.memory.values[:, self.tokens] = k, v
            k, v = self.memory.keys, self.memory.values
        received = None
        if self.watch:
            mixed, received = watched_attention(q, k, v, scale)
        elif self.log_counts is not None:
            mixed = counted_attention(q, k, v, self.log_counts, scale)
        else:
            mixed = functional.scaled_dot_product_attention(q[None], k[None], v[None], scale=scale)[0]
        states = states + attention.proj(mixed.transpose(0, 1).reshape(states.shape[0], -1))
        return states + block.mlp(block.norm2(states)), received


def rotated(x: Tensor, rope: tuple[Tensor, Tensor]) -> Tensor:
    """[H, n, D] turned by its tokens' angles, computed in float32 as in the tower."""
    cosines, sines = (part.float() for part in rope)
    first, second = x.float().chunk(2, dim=-1)
    return (x.float() * cosines + torch.cat([-second, first], dim=-1) * sines).to(x.dtype)


def counted_attention(q: Tensor, k: Tensor, v: Tensor, log_counts: Tensor, scale: float) -> Tensor:
    """Softmax attention [H, n, D] in which each key counts as often as the exponential of ``log_counts`` [m] says.

    The logarithms ride in one more column of queries and keys; as a bias they would need a table of n x m.
    """
    room = -(-(q.shape[-1] + 1) // ALIGNED) * ALIGNED - q.shape[-1]
    wide_q, wide_k, wide_v = (functional.pad(t, (0, room)) for t in (q, k, v))
    wide_q[..., q.shape[-1]] = 1 / scale
    wide_k[..., q.shape[-1]] = log_counts.to(k.dtype)
    mixed = functional.scaled_dot_product_attention(wide_q[None], wide_k[None], wide_v[None], scale=scale)[0]
    return mixed[..., : q.shape[-1]]


def watched_attention(q: Tensor, k: Tensor, v: Tensor, scale: float) -> tuple[Tensor, Tensor]:
    """Softmax attention [H, n, D] and the share of it that each key gets [m], mean over heads and queries."""
    out = torch.empty_like(q)
    received = torch.zeros(k.shape[1], dtype=torch.float32, device=q.device)
    for start in range(0, q.shape[1], BLOCK):
        shares = torch.softmax((q[:, start : start + BLOCK] @ k.transpose(1, 2) * scale).float(), dim=-1)
        received += shares.sum((0, 1))
        out[:, start : start + BLOCK] = shares.to(v.dtype) @ v
    return out, received / (q.shape[0] * q.shape[1])
