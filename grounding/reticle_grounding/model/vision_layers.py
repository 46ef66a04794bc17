"""The vision tower's layers in fewer passes over their states, for inference in float32 on a processor.

Products and attention are as they were. What lies around them is most of what can be saved: angles are applied where
attention will read, activations and norms work in place, and factors ride in the products. Anything else (training,
other numbers) takes the layers' own way.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from reticle_kernels.attention.windows import windowed_attention

from .families import PointerModelModule

QUICK = 1.702
"""The factor in Qwen2-VL's activation, x * sigmoid(1.702 x)."""
_QUICK_NAME = "quick_gelu"


def speed_up_layers(model: PointerModelModule) -> None:
    """Gives every layer of the tower its faster way; weights and names stay as they are."""
    activation = str(model.config.vision_config.hidden_act)
    for block in model.backbone.model.visual.blocks:
        _replace(block.attn, _attention)
        if hasattr(block.mlp, "gate_proj") and activation == "silu":
            _replace(block.mlp, _gated)
        elif hasattr(block.mlp, "fc1") and activation == _QUICK_NAME:
            _replace(block.mlp, _quick)
        for norm in (block.norm1, block.norm2):
            if hasattr(norm, "variance_epsilon"):
                _replace(norm, _rms)


def _replace(layer: nn.Module, fast: Callable[..., Tensor]) -> None:
    if "forward" in vars(layer):  # done before, by another who opened this model
        return
    whole = layer.forward

    def forward(states: Tensor, *given: Any, **named: Any) -> Tensor:
        if torch.is_grad_enabled() or states.dtype != torch.float32 or states.device.type != "cpu":
            out: Tensor = whole(states, *given, **named)
            return out
        return fast(layer, states, *given, **named)

    layer.forward = forward


def _attention(
    layer: Any, states: Tensor, cu_seqlens: Tensor, position_embeddings: tuple[Tensor, Tensor], **_: object
) -> Tensor:
    """[n, d] -> [n, d] within windows ``cu_seqlens``; cosines and sines [n, D] of a head's width."""
    count, heads = states.shape[0], layer.num_heads
    mixed_in = layer.qkv(states).view(count, 3, heads, -1)
    width = mixed_in.shape[-1]
    turned = states.new_empty(2, heads, count, width)
    _rotate(mixed_in[:, :2], turned.permute(2, 0, 1, 3), position_embeddings)
    mixed = windowed_attention(turned[0], turned[1], mixed_in[:, 2].transpose(0, 1), cu_seqlens, scale=layer.scaling)
    out: Tensor = layer.proj(mixed.transpose(0, 1).reshape(count, -1))
    return out


def _rotate(given: Tensor, into: Tensor, rope: tuple[Tensor, Tensor]) -> None:
    """Writes [n, 2, H, D] turned by its tokens' angles: half a head's width at a time, without copies of either."""
    half = given.shape[-1] // 2
    cosines, sines = (part.float()[:, None, None] for part in rope)
    first, second = given[..., :half], given[..., half:]
    torch.mul(first, cosines[..., :half], out=into[..., :half]).addcmul_(second, sines[..., :half], value=-1)
    torch.mul(second, cosines[..., half:], out=into[..., half:]).addcmul_(first, sines[..., half:])


def _quick(layer: Any, states: Tensor) -> Tensor:
    """x * sigmoid(1.702 x) is silu(1.702 x) / 1.702, and either factor rides in the product beside it."""
    wide = torch.addmm(layer.fc1.bias, states, layer.fc1.weight.T, beta=QUICK, alpha=QUICK)
    wide = functional.silu(wide, inplace=True)
    return torch.addmm(layer.fc2.bias, wide, layer.fc2.weight.T, alpha=1 / QUICK)


def _gated(layer: Any, states: Tensor) -> Tensor:
    out: Tensor = layer.down_proj(functional.silu(layer.gate_proj(states), inplace=True).mul_(layer.up_proj(states)))
    return out


def _rms(layer: Any, states: Tensor) -> Tensor:
    lengths = torch.linalg.vector_norm(states, dim=-1, keepdim=True)
    scales = lengths.square_().div_(states.shape[-1]).add_(layer.variance_epsilon).rsqrt_()
    out: Tensor = (states * scales).mul_(layer.weight)
    return out
