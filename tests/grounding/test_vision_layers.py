"""Layers of the vision tower in fewer passes, and attention without a mask: the same numbers as the plain ways."""

from __future__ import annotations

import pytest
import torch

from reticle_grounding.model.attention_rows import _attention
from reticle_grounding.model.families import PointerModelModule
from reticle_grounding.model.pointer_model import PointerModel
from reticle_grounding.model.vision_layers import speed_up_layers
from reticle_grounding.model.vision_speed import sees_still

KINDS = ("qwen2_vl", "qwen2_5_vl", "focusui:qwen3_vl")


def pixels_of(model: PointerModelModule, rows: int, columns: int) -> tuple[torch.Tensor, torch.Tensor]:
    config = model.config.vision_config
    values = 3 * config.temporal_patch_size * config.patch_size**2
    torch.manual_seed(3)
    return torch.randn(rows * columns, values), torch.tensor([[1, rows, columns]])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("grid", [(4, 4), (10, 14)])
def test_faster_layers_see_the_same(tiny_model, kind, grid):
    plain, fast = tiny_model(kind), tiny_model(kind)
    speed_up_layers(fast)
    pixels, shape = pixels_of(plain, *grid)
    with torch.inference_mode():
        expected, ours = plain.sight(pixels, shape), fast.sight(pixels, shape)
    spread = float(expected.merged.max() - expected.merged.min())
    assert spread > 0.1
    torch.testing.assert_close(ours.merged, expected.merged, atol=3e-6 * spread, rtol=0)
    assert len(ours.levels) == len(expected.levels)
    for one, other in zip(ours.levels, expected.levels, strict=True):
        torch.testing.assert_close(one, other, atol=3e-6 * float(other.abs().max()), rtol=0)


@pytest.mark.parametrize("kind", KINDS)
def test_training_and_other_numbers_take_the_layers_own_way(tiny_model, kind):
    plain, fast = tiny_model(kind), tiny_model(kind)
    speed_up_layers(fast)
    pixels, shape = pixels_of(plain, 4, 6)
    torch.testing.assert_close(fast.vision(pixels, shape), plain.vision(pixels, shape), atol=0, rtol=0)
    fast.vision(pixels, shape).sum().backward()
    assert all(p.grad is not None for p in fast.backbone.model.visual.blocks.parameters())
    with torch.inference_mode():
        one, other = (model.bfloat16().vision(pixels, shape) for model in (fast, plain))
    torch.testing.assert_close(one, other, atol=0, rtol=0)


def test_speeding_up_twice_is_speeding_up_once(tiny_model):
    model = tiny_model("qwen2_5_vl")
    speed_up_layers(model)
    first = model.backbone.model.visual.blocks[0].attn.forward
    speed_up_layers(model)
    assert model.backbone.model.visual.blocks[0].attn.forward is first


@pytest.mark.parametrize("kind", KINDS)
def test_one_frame_is_enough(tiny_folder, small_screen, kind):
    model = PointerModel.open(tiny_folder(kind))
    assert sees_still(model.module)
    patches = model.processor(small_screen)
    whole, still = torch.from_numpy(patches.pixels), torch.from_numpy(patches.still).flatten(1)
    assert whole.shape[1] == patches.frames * still.shape[1]
    grid = torch.tensor([patches.grid])
    with torch.inference_mode():
        torch.testing.assert_close(
            model.module.vision(still, grid), model.module.vision(whole, grid), atol=1e-6, rtol=0
        )


@pytest.mark.parametrize(("before", "tokens"), [(0, 9), (3, 9), (8, 9), (9, 9), (40, 9)])
@pytest.mark.parametrize("shared", [1, 2, 4])
def test_attention_on_a_cache_needs_no_mask(before, tokens, shared):
    """Also where most of the sequence is in the cache, where a mask is taken."""
    torch.manual_seed(before + tokens)
    module = torch.nn.Module()
    module.num_key_value_groups = 4 // shared
    module.is_causal = True
    query, everything = torch.randn(1, 4, tokens, 8), before + tokens
    key, value = torch.randn(1, shared, everything, 8), torch.randn(1, shared, everything, 8)
    seen = torch.arange(everything) <= torch.arange(tokens)[:, None] + before
    mask = seen[None, None]
    plain, _ = _attention(module, query, key, value, mask, scaling=0.3)
    ours, _ = _attention(module, query, key, value, mask, scaling=0.3, causal=True)
    assert ours.shape == (1, tokens, 4, 8)
    torch.testing.assert_close(ours, plain, atol=2e-6, rtol=0)
