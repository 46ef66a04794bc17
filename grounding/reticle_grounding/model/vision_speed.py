"""A faster vision tower with the same results: batched windows, still pictures embedded once, fewer passes over states.

The text layers keep their SDPA.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torch.nn import functional
from transformers import AttentionInterface
from transformers.vision_utils import get_vision_window_index

from reticle_kernels.attention.windows import by_length, windowed_attention

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


def _ordered_windows(tower: Any, grid_thw: Tensor) -> dict[str, Tensor]:
    """The tower's own windows, longest first, as the keyword arguments under which it takes precomputed ones.

    Only for a single picture: the layers without windows need the tokens of each picture to stay together.
    """
    if grid_thw.shape[0] > 1 or int(grid_thw[0, 0]) > 1:
        return {}
    index, bounds = get_vision_window_index(grid_thw, tower.spatial_merge_size, tower.window_size, tower.patch_size)
    order, bounds = by_length(bounds // tower.spatial_merge_unit)
    return {"window_index": index[order.to(index.device)], "cu_window_seqlens": bounds * tower.spatial_merge_unit}


def batch_vision_windows(model: PointerModelModule) -> bool:
    """Switches the model's vision tower to batched windows; False where the family has no windows."""
    if not model.family.backbone.windowed_vision:
        return False
    AttentionInterface.register(NAME, _attention)
    model.vision_plan = _ordered_windows
    # Set past the checks of `set_attn_implementation`, which would try to import a flash attention package.
    model.backbone.model.visual.config._attn_implementation_internal = NAME
    return True


class StillPatchEmbed(nn.Module):
    """Patch embedding of pictures, whose frames are all the same: one matrix product over one frame.

    Equals the tower's convolution over all frames; ``proj`` keeps its name and its weights.
    """

    def __init__(self, proj: nn.Conv3d) -> None:
        super().__init__()
        self.proj = proj

    def forward(self, pixels: Tensor) -> Tensor:
        """[N, channels * frames * patch * patch], or the values of one frame alone -> [N, width]."""
        weight = self.proj.weight.sum(2).flatten(1)
        frame = pixels
        if pixels.shape[1] != weight.shape[1]:
            frame = pixels.view(pixels.shape[0], self.proj.in_channels, self.proj.kernel_size[0], -1)[:, :, 0]
            frame = frame.flatten(1)
        return functional.linear(frame.to(weight.dtype), weight, self.proj.bias)


def embed_still_pictures(model: PointerModelModule) -> None:
    """Replaces the tower's patch embedding; afterwards the model takes still pictures only."""
    tower = model.backbone.model.visual
    if not isinstance(tower.patch_embed, StillPatchEmbed):
        tower.patch_embed = StillPatchEmbed(tower.patch_embed.proj)


def sees_still(model: PointerModelModule) -> bool:
    """Whether the model's tower takes the values of one frame."""
    return isinstance(model.backbone.model.visual.patch_embed, StillPatchEmbed)
