"""A prefill of a whole language model with random weights, in plain torch: times without a checkpoint."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from .cases import Shape

SLAB = 32_768
"""Rows of the MLP at a time, so that its inner states stay small at any length."""
BASE = 1e6
"""Base of the rotary frequencies. With text alone the three sections of M-RoPE are one position, as here."""


class RandomDecoder:
    """Layers in the shape of Qwen2.5-VL's language model: RMS norm, biased q, k and v, rotation, attention, SwiGLU.

    One layer's random weights serve all layers: the arithmetic is that of different ones, the memory is not. Keys and
    values are not kept after a layer.
    """

    def __init__(self, shape: Shape, device: str, dtype: torch.dtype, seed: int) -> None:
        self._shape, self._device, self._dtype = shape, device, dtype
        self._generator = torch.Generator(device).manual_seed(seed)
        wide, narrow = shape.heads * shape.width, shape.groups * shape.width
        self._qkv = self._weights(wide + 2 * narrow, shape.hidden)
        self._bias = self._weights(wide + 2 * narrow, 1).squeeze(1)
        self._out = self._weights(shape.hidden, wide)
        self._gate, self._up = self._weights(shape.inner, shape.hidden), self._weights(shape.inner, shape.hidden)
        self._down = self._weights(shape.hidden, shape.inner)

    def _weights(self, rows: int, columns: int) -> Tensor:
        drawn = torch.randn(rows, columns, generator=self._generator, device=self._device, dtype=torch.float32)
        return (drawn / math.sqrt(columns)).to(self._dtype)

    def states(self, length: int) -> Tensor:
        """Random states of a prompt: [L, hidden]."""
        size = (length, self._shape.hidden)
        drawn: Tensor = torch.randn(size, generator=self._generator, device=self._device, dtype=self._dtype)
        return drawn

    @torch.no_grad()
    def prefill(self, states: Tensor, attention: Callable[[Tensor, Tensor, Tensor], Tensor]) -> Tensor:
        """All layers over states [L, hidden] -> [L, hidden].

        Args:
            attention: q [1, Hq, L, D], k and v [1, Hkv, L, D] -> [1, Hq, L, D], causal.
        """
        states = states.clone()
        turn = _rotation(len(states), self._shape.width, states.device)
        for _ in range(self._shape.layers):
            mixed = attention(*self._project(_norm(states), turn))
            states += mixed.transpose(1, 2).reshape(len(states), -1) @ self._out.T
            for first in range(0, len(states), SLAB):
                part = states[first : first + SLAB]
                x = _norm(part)
                part += (functional.silu(x @ self._gate.T) * (x @ self._up.T)) @ self._down.T
        return states

    def _project(self, x: Tensor, turn: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        s = self._shape
        joint = torch.addmm(self._bias, x, self._qkv.T).view(1, len(x), -1, s.width).transpose(1, 2)
        keys = s.heads + s.groups
        q, k, v = joint[:, : s.heads], joint[:, s.heads : keys], joint[:, keys:]
        return _turned(q, turn), _turned(k, turn), v


def _norm(x: Tensor) -> Tensor:
    return functional.rms_norm(x, x.shape[-1:], eps=1e-6)


def _rotation(length: int, width: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Cosines and sines [L, width / 2] float32."""
    frequency = BASE ** (-torch.arange(0, width, 2, device=device, dtype=torch.float32) / width)
    angle = torch.arange(length, device=device, dtype=torch.float32).unsqueeze(1) * frequency
    return angle.cos(), angle.sin()


def _turned(x: Tensor, turn: tuple[Tensor, Tensor]) -> Tensor:
    """Rotary positions applied to [1, H, L, D], halves against each other."""
    cos, sin = (t.to(x.dtype) for t in turn)
    one, other = x.chunk(2, dim=-1)
    return torch.cat([one * cos - other * sin, other * cos + one * sin], dim=-1)
