"""The pointer head of GUI-Actor (arXiv 2506.03143, section 3.2): one query against all patches of the picture.

The key side reads the merged vision embeddings only, so it does not depend on the instruction and may be computed once
per screenshot (:meth:`PointerHead.keys`); the query side is one post-norm state per pointer token.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

HEADS = 8
DROPOUT = 0.1
INIT_STD = 0.02


class PatchSelfAttention(nn.Module):
    """Multi-head self-attention over patches with stacked q, k, v; parameters named as in ``nn.MultiheadAttention``."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.in_proj_weight = nn.Parameter(torch.empty(3 * width, width))
        self.in_proj_bias = nn.Parameter(torch.empty(3 * width))
        self.out_proj = nn.Linear(width, width)

    def forward(self, patches: Tensor) -> Tensor:
        """[..., N, d] -> [..., N, d]; no mask, no positions."""
        lead, width = patches.shape[:-1], patches.shape[-1]
        stacked = functional.linear(patches, self.in_proj_weight, self.in_proj_bias)
        q, k, v = stacked.reshape(*lead, 3, self.heads, width // self.heads).movedim(-3, 0).transpose(-2, -3)
        drop = self.dropout if self.training else 0.0
        if not lead[:-1]:  # the fast kernels want a batch
            q, k, v = q[None], k[None], v[None]
        mixed = functional.scaled_dot_product_attention(q, k, v, dropout_p=drop)
        out: Tensor = self.out_proj(mixed.transpose(-2, -3).reshape(*lead, width))
        return out


class PointerHead(nn.Module):
    """Scores every patch for every pointer token.

    Args:
        width: hidden size ``d`` of the language model; must be divisible by 8.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        if width % HEADS:
            raise ValueError(f"the pointer head needs a width divisible by {HEADS}, not {width}")
        self.width = width
        self.projection_enc = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Linear(width, width))
        self.projection_dec = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Linear(width, width))
        self.self_attention = PatchSelfAttention(width, HEADS, DROPOUT)
        self.layer_norm = nn.LayerNorm(width, eps=1e-5)
        self.dropout = nn.Dropout(DROPOUT)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Linears N(0, 0.02) with zero bias, stacked projection Xavier-uniform, LayerNorm 1 and 0."""
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, std=INIT_STD)
                nn.init.zeros_(module.bias)
        nn.init.xavier_uniform_(self.self_attention.in_proj_weight)
        nn.init.zeros_(self.self_attention.in_proj_bias)
        nn.init.ones_(self.layer_norm.weight)
        nn.init.zeros_(self.layer_norm.bias)

    def keys(self, patches: Tensor) -> Tensor:
        """Merged vision embeddings [..., N, d] -> projected keys [..., N, d]; independent of the instruction."""
        mixed = self.layer_norm(patches + self.dropout(self.self_attention(patches)))
        out: Tensor = self.projection_enc(mixed)
        return out

    def scores(self, queries: Tensor, keys: Tensor) -> Tensor:
        """Post-norm states [..., K, d] and keys [..., N, d] -> logits [..., K, N], at least float32."""
        projected: Tensor = self.projection_dec(queries)
        wide = torch.promote_types(projected.dtype, torch.float32)
        return projected.to(wide) @ keys.to(wide).transpose(-1, -2) / math.sqrt(self.width)

    def forward(self, queries: Tensor, patches: Tensor) -> Tensor:
        """Logits [..., K, N]; ``softmax(-1)`` of them is the attention map."""
        return self.scores(queries, self.keys(patches))


def pointer_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """KL of the softmax of ``logits`` [K, N] from ``labels`` normalised to sum 1, averaged over the K pointers.

    A row of zero labels adds nothing (and no gradient).
    """
    target = labels.to(logits.dtype)
    target = target / (target.sum(-1, keepdim=True) + 1e-8)
    log_attention = torch.log_softmax(logits, dim=-1)
    return functional.kl_div(log_attention, target, reduction="sum") / logits.shape[0]
