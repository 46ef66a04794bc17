"""A cache that grows in place, and remembers how much each key was attended to.

transformers' own dynamic cache copies all keys and values at every step, which for a long history costs more than the
step's own tokens do. Here they lie in buffers with room at the end, and what is read is a view of the filled part.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer

from .column_memory import ColumnMemory

SLACK = 4
"""A buffer that is full grows by a quarter, so a key is copied four times in the long run however long it gets."""
LEAST = 1024
"""Tokens that a buffer grows by at least."""


class GrowingLayer(DynamicLayer):  # type: ignore[misc]
    """Keys and values [B, heads, length, width] as views of buffers with room for more."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self._buffers: tuple[Tensor, Tensor] | None = None

    @torch.inference_mode()
    def update(self, key_states: Tensor, value_states: Tensor, *_: Any, **__: Any) -> tuple[Tensor, Tensor]:
        """Appends [B, heads, n, width]; returns all keys and values."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        length = self.get_seq_length()
        end = length + key_states.shape[2]
        buffers = self._room(length, end, key_states, value_states)
        for buffer, new in zip(buffers, (key_states, value_states), strict=True):
            buffer[:, :, length:end] = new
        self.keys, self.values = (buffer[:, :, :end] for buffer in buffers)
        return self.keys, self.values

    def hold(self, keys: Tensor, values: Tensor) -> None:
        """Takes these keys and values for its own without copying them; they are never written to."""
        if not self.is_initialized:
            self.lazy_initialization(keys, values)
        self.keys, self.values, self._buffers = keys, values, None

    def _room(self, length: int, end: int, *new: Tensor) -> tuple[Tensor, Tensor]:
        """Buffers that hold what there is at their start, with room up to ``end``."""
        held = self._buffers
        if held is not None and held[0].shape[2] >= end:
            return held
        made = []
        for old, like in zip((self.keys, self.values), new, strict=True):
            fresh = like.new_empty(*like.shape[:2], end + max(LEAST, end // SLACK), like.shape[3])
            if length:
                fresh[:, :, :length] = old
            made.append(fresh)
        self._buffers = (made[0], made[1])
        return self._buffers


class GrowingCache(DynamicCache):  # type: ignore[misc]
    """The cache of a history: one prompt, layers that grow in place, and what its keys were attended to."""

    def __init__(self, layers: int) -> None:
        super().__init__()
        self.layers = [GrowingLayer() for _ in range(layers)]
        self.memory = ColumnMemory()

    def take(self, index: Tensor) -> None:
        """Leaves only the tokens at these ascending places [n]."""
        for layer in self.layers:
            place = index.to(layer.keys.device)
            layer.hold(layer.keys[:, :, place], layer.values[:, :, place])
        self.memory.take(index)

    def share(self, other: GrowingCache) -> None:
        """Lets an empty cache hold the same; neither writes to what both hold, so both copy it when they next grow."""
        for mine, theirs in zip(self.layers, other.layers, strict=True):
            if mine.get_seq_length():
                theirs.hold(mine.keys, mine.values)
                mine.hold(mine.keys, mine.values)
        other.memory = self.memory.copy()


@contextmanager
def unremembered(cache: object) -> Iterator[None]:
    """Takes back what the memory of a growing cache learns meanwhile."""
    memory = getattr(cache, "memory", None)
    if not isinstance(memory, ColumnMemory):
        yield
        return
    before = memory.copy()
    try:
        yield
    finally:
        memory.restore(before)
