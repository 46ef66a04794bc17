"""The decoder's last layer for some rows alone.

What only fills a cache leaves keys and values, and those of the last layer come from its input: attention, output
projection and feed-forward part of that layer are wanted only where somebody reads the final states. Of a decoder with
three layers that is much, of one with 28 or 36 little.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from .attention_rows import record_rows
from .families import PointerModelModule


def trim_last_layer(model: PointerModelModule) -> None:
    """Lets ``model.decode(..., wanted=rows)`` give right states for those rows only; else nothing changes.

    For one sequence without padding and without sliding windows.
    """
    record_rows(model)
    layer = model.backbone.model.language_model.layers[-1]
    whole = type(layer).forward

    def forward(hidden_states: Tensor, *, wanted: Tensor | None = None, **options: Any) -> Tensor:
        if wanted is None:
            out: Tensor = whole(layer, hidden_states, **options)
            return out
        mixed, _ = layer.self_attn(hidden_states=layer.input_layernorm(hidden_states), only=wanted, **options)
        rows = hidden_states[:, wanted] + mixed[:, wanted]
        rows = rows + layer.mlp(layer.post_attention_layernorm(rows))
        return hidden_states.index_copy(1, wanted, rows)

    layer.forward = forward


def no_rows(device: torch.device) -> Tensor:
    """For ``wanted``: the cache alone is to be filled."""
    return torch.empty(0, dtype=torch.long, device=device)
