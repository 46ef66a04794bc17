"""How much memory a model will take per type of number, told from the headers of its files alone.

Counted are the weights and the key-value cache of the language model. Not counted: activations, which depend on the
picture, the libraries themselves (some hundred MB), and the largest tensor once more while the model is being opened.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from .headers import TensorHeader

NumberType: TypeAlias = Literal["float32", "bfloat16", "int8", "int4"]
TYPES: tuple[NumberType, ...] = ("float32", "bfloat16", "int8", "int4")
SCREEN_TOKENS = 8192
"""A full-HD to 4K screenshot at the published limit of pixels (some 7,300 merged patches) with its prompt."""
GROUP = 128
"""Numbers that share a scale and a zero point in int4."""
_LAYERS = ".layers."
"""Only the decoder has these; the vision tower has blocks."""
FULL: frozenset[NumberType] = frozenset({"float32", "int8"})
"""In these, what is no matrix of the decoder is float32."""
_KEYS_AND_VALUES = (".self_attn.k_proj.weight", ".self_attn.v_proj.weight")
_OUTPUT = "lm_head.weight"


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes."""

    parameters: int
    stored: int
    """Of all tensors, in the types of the files."""
    weights: dict[NumberType, int]
    cache: dict[NumberType, int]
    """Keys and values of :data:`SCREEN_TOKENS` tokens."""
    largest: int
    """The largest tensor, in the type of the files: held once more while opening."""

    def total(self, kind: NumberType) -> int:
        return self.weights[kind] + self.cache[kind]

    def opening(self, kind: NumberType) -> int:
        """At the most: int8 is made from the weights as they are stored."""
        return max(self.total(kind), self.stored if kind == "int8" else 0) + self.largest


def predict(tensors: Iterable[TensorHeader], *, tied: bool = False) -> Memory:
    """The memory of a model with these tensors.

    float32 and bfloat16 hold every number in 4 or 2 bytes. int8, as ``--dtype int8`` runs on the processor, holds the
    matrices of the decoder's layers so, with a float32 scale and a zero point of one byte per row, and everything else
    (vision tower, embeddings, norms, heads) and the cache in float32. int4 is told for comparison: half bytes for the
    same matrices with a bfloat16 scale and zero point per :data:`GROUP` numbers of a row, the rest in bfloat16.

    Args:
        tied: the output embedding is the input embedding, so a stored copy of it takes no memory.
    """
    kept = [t for t in tensors if not (tied and t.name.endswith(_OUTPUT))]
    width = sum(t.shape[0] for t in kept if t.name.endswith(_KEYS_AND_VALUES) and t.shape)
    numbers = width * SCREEN_TOKENS
    return Memory(
        parameters=sum(t.numbers for t in kept if t.floating),
        stored=sum(t.stored_bytes for t in kept),
        weights={kind: sum(_held(t, kind) for t in kept) for kind in TYPES},
        cache={kind: numbers * (4 if kind in FULL else 2) for kind in TYPES},
        largest=max((t.stored_bytes for t in kept), default=0),
    )


def _held(tensor: TensorHeader, kind: NumberType) -> int:
    if not tensor.floating:
        return tensor.stored_bytes
    if kind == "float32":
        return tensor.numbers * 4
    matrix = len(tensor.shape) == 2 and tensor.name.endswith(".weight") and _LAYERS in tensor.name
    if kind == "bfloat16" or not matrix:
        return tensor.numbers * (4 if kind in FULL else 2)
    rows, columns = tensor.shape
    if kind == "int8":
        return rows * (columns + 4 + 1)
    return rows * (math.ceil(columns / 2) + 4 * math.ceil(columns / GROUP))


def machine_memory() -> int | None:
    """Bytes of memory this machine has; None where it does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None
