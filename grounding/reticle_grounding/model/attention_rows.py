"""SDPA in the decoder that can also hand out some rows of its attention, without ever forming the whole map."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from .families import PointerModelModule

NAME = "reticle_rows"


@dataclass(slots=True)
class Rows:
    """Which rows and columns are wanted, and what came: give it to ``decode`` as ``rows``."""

    tokens: Sequence[int]
    """Positions within the tokens that are decoded now."""
    columns: slice
    """Positions within the whole sequence."""
    layers: list[Tensor] = field(default_factory=list)
    """[H, tokens, columns] of each layer: shares of the attention over everything before, at least float32."""

    def take(self, query: Tensor, key: Tensor, scaling: float) -> None:
        """``query`` [1, H, n, D] and ``key`` [1, H / groups, S, D], both rotated; the latter n of S are the former."""
        wanted = torch.as_tensor(self.tokens, device=query.device)
        wide = torch.promote_types(query.dtype, torch.float32)
        heads, shared = query.shape[1], key.shape[1]
        asking = query[0, :, wanted].to(wide).view(shared, heads // shared, len(self.tokens), -1)
        logits = (asking @ key[0, :, None].to(wide).transpose(-1, -2)).flatten(0, 1) * scaling
        last = wanted + key.shape[2] - query.shape[2]
        later = torch.arange(key.shape[2], device=query.device) > last[:, None]
        self.layers.append(logits.masked_fill(later, -torch.inf).softmax(-1)[..., self.columns])


def _attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    scaling: float,
    rows: Rows | None = None,
    only: Tensor | None = None,
    wanted: Tensor | None = None,
    causal: bool = False,
    **options: object,
) -> tuple[Tensor, None]:
    """``only`` [n] names the queries that are computed, the others give 0; ``wanted`` is the last layer's affair.

    ``causal`` says that ``attention_mask`` is that of one sequence without padding."""
    if rows is not None:
        rows.take(query, key, scaling)
    if only is not None:
        return some_queries(module, query, key, value, only, scaling), None
    if causal and attention_mask is not None and 2 * query.shape[2] > key.shape[2]:
        return _latter_queries(module, query, key, value, scaling), None
    mixed: Tensor = sdpa_attention_forward(module, query, key, value, attention_mask, scaling=scaling, **options)[0]
    return mixed, None


def some_queries(module: nn.Module, query: Tensor, key: Tensor, value: Tensor, only: Tensor, scaling: float) -> Tensor:
    """[1, n, H, D], 0 but for some rows; ``query`` [1, H, n, D] are the last of the tokens of ``key`` [1, h, S, D]."""
    heads, tokens, width = query.shape[1:]
    mixed = value.new_zeros(1, tokens, heads, width)
    if only.numel():
        before = key.shape[2] - tokens
        seen = torch.arange(key.shape[2], device=query.device) <= only[:, None] + before
        some = sdpa_attention_forward(module, query[:, :, only], key, value, seen[None, None], scaling=scaling)[0]
        mixed[:, only] = some
    return mixed


def _latter_queries(module: nn.Module, query: Tensor, key: Tensor, value: Tensor, scaling: float) -> Tensor:
    """[1, n, H, D] of ``query`` [1, H, n, D], the last of the tokens of ``key`` [1, h, S, D], without a mask.

    The fast kernels skip what a token cannot see only where queries and keys begin together. Queries of no meaning
    before the others, few and short-sighted, cost less than half of the whole square.
    """
    before = key.shape[2] - query.shape[2]
    padded = functional.pad(query, (0, 0, before, 0))
    mixed: Tensor = sdpa_attention_forward(module, padded, key, value, None, scaling=scaling, is_causal=True)[0]
    return mixed[:, before:]


def record_rows(model: PointerModelModule) -> None:
    """Lets ``model.decode(..., rows=Rows(...))`` fill the rows of every layer; else nothing changes.

    For one sequence without padding and without sliding windows.
    """
    AttentionInterface.register(NAME, _attention)
    AttentionMaskInterface.register(NAME, sdpa_mask)
    model.backbone.model.language_model.config._attn_implementation_internal = NAME
