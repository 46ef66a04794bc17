"""Puts batched window attention under the vision tower of transformers; the text layers keep their SDPA."""

from __future__ import annotations

from reticle_kernels.attention.windows import windowed_attention
from torch import Tensor, nn
from transformers import AttentionInterface

from .families import PointerModelModule

NAME = "reticle_flash_windows"
"""Holds "flash" because the vision tower hands over its window bounds only to attention functions named so."""


def _attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    scaling: float | None = None,
    cu_seq_lens_q: Tensor,
    **_: object,
) -> tuple[Tensor, None]:
    """The signature of transformers: [1, H, L, D] in, [1, L, H, D] out. Dropout does not exist in these towers."""
    mixed = windowed_attention(query[0], key[0], value[0], cu_seq_lens_q, scale=scaling)
    return mixed.transpose(0, 1).unsqueeze(0), None


def batch_vision_windows(model: PointerModelModule) -> bool:
    """Switches the model's vision tower to batched windows; False where the family has no windows."""
    if not model.family.windowed_vision:
        return False
    AttentionInterface.register(NAME, _attention)
    # Set past the checks of `set_attn_implementation`, which would try to import a flash attention package.
    model.backbone.model.visual.config._attn_implementation_internal = NAME
    return True
