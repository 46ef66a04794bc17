"""Pointer head and patch scorer as published code writes them, for the other side: plain modules of torch."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

_HEADS = 8


def _two_layers(width: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Linear(width, width))


class PlainPointerHead(nn.Module):
    """Queries [K, d] against patches [V, d] (GUI-Actor, section 3.2)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.projection_enc, self.projection_dec = _two_layers(width), _two_layers(width)
        self.self_attention = nn.MultiheadAttention(width, _HEADS, batch_first=True)
        self.layer_norm = nn.LayerNorm(width)

    def forward(self, queries: Tensor, patches: Tensor) -> Tensor:
        """[K, V], rows summing to 1."""
        batch = patches[None]
        mixed, _ = self.self_attention(batch, batch, batch, need_weights=False)
        keys = self.projection_enc(self.layer_norm(patches + mixed[0]))
        logits = self.projection_dec(queries) @ keys.T / math.sqrt(patches.shape[-1])
        return torch.softmax(logits, dim=-1)


class _PlainEnhancer(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.attn = nn.MultiheadAttention(width, _HEADS, batch_first=True)
        self.layer_norm = nn.LayerNorm(width)
        self.mlp = _two_layers(width)

    def forward(self, rows: Tensor) -> Tensor:
        batch = rows[None]
        mixed, _ = self.attn(batch, batch, batch, need_weights=False)
        out: Tensor = self.mlp(self.layer_norm(rows + mixed[0]))
        return functional.normalize(out.tanh(), dim=-1)


class PlainScorer(nn.Module):
    """Patches [V, d] and words [T, d] -> mean cosines [V] (FocusUI, section 3.2)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.vision_enhancer, self.text_enhancer = _PlainEnhancer(width), _PlainEnhancer(width)

    def forward(self, patches: Tensor, words: Tensor) -> Tensor:
        similarity: Tensor = self.vision_enhancer(patches) @ self.text_enhancer(words).T
        return similarity.mean(dim=1)
