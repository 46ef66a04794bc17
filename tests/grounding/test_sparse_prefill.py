"""The registered attention: at density 1 it is SDPA in every way a model can be run, and only text layers use it."""

from __future__ import annotations

import logging

import numpy as np
import pytest
import torch
from transformers import DynamicCache, StaticCache

from reticle_grounding.errors import BadInput
from reticle_grounding.model.head_patterns import DENSE, HeadPattern, HeadPatterns
from reticle_grounding.model.pointer_model import PointerModel
from reticle_grounding.model.prefill_cost import may_pay
from reticle_grounding.model.sparse_prefill import NAME, SparsePrefill, check_mode, map_of
from reticle_kernels.attention.gate import Gate, gate_for

GRID = torch.tensor([[1, 8, 12], [1, 8, 12]])
PATCHES = 24
ALWAYS = Gate(pair=0.0, edge=0.0, column=0.0, fixed=0.0, shortest=0)
NEVER = Gate(pair=99.0, edge=99.0, column=99.0, fixed=0.0, shortest=0)
FULL = HeadPattern("a_shape", (0, 100_000))
"""Keeps every pair, but by way of the sparse executor."""


def patterns(module, *rows) -> HeadPatterns:
    layers = module.config.text_config.num_hidden_layers
    heads = module.config.text_config.num_attention_heads
    chosen = [rows[h % len(rows)] for h in range(heads)]
    return HeadPatterns("tiny", "", tuple(tuple(chosen) for _ in range(layers)))


def prompt(module) -> torch.Tensor:
    """Text, a picture, text, a picture, text."""
    pad = module.image_token_id
    start = module.config.vision_start_token_id
    ids = [*range(10, 17), start, *[pad] * PATCHES, *range(20, 31), start, *[pad] * PATCHES, *range(40, 46)]
    return torch.tensor([ids])


@pytest.fixture(params=["qwen2_vl", "qwen2_5_vl", "qwen3_vl"])
def module(request, tiny_model):
    return tiny_model(request.param if request.param != "qwen3_vl" else "focusui:qwen3_vl")


@pytest.fixture
def plain(tiny_model):
    return tiny_model("qwen2_5_vl")


def pixels(module) -> torch.Tensor:
    vision = module.config.vision_config
    width = vision.in_channels * vision.temporal_patch_size * vision.patch_size**2
    return torch.randn(2 * PATCHES * 4, width, generator=torch.Generator().manual_seed(1))


def forward(module, ids, seen=None, **options):
    kinds = (ids == module.image_token_id).int()
    return module.backbone(
        input_ids=ids, pixel_values=pixels(module), image_grid_thw=GRID, mm_token_type_ids=kinds, **options
    )


@torch.no_grad()
def test_density_one_equals_sdpa_and_the_tower_is_left_alone(module):
    ids = prompt(module)
    before = module.backbone.model.visual.config._attn_implementation
    expected = forward(module, ids).logits
    session = SparsePrefill(module.backbone.model.language_model, patterns(module, FULL), "sparse")
    torch.testing.assert_close(forward(module, ids).logits, expected, atol=1e-4, rtol=0)
    layers = module.config.text_config.num_hidden_layers
    assert session.taken == {"sparse": layers}, "one call per text layer, none of the vision tower"
    assert module.backbone.model.visual.config._attn_implementation == before
    assert "flash" not in NAME
    session.detach()
    assert module.backbone.model.language_model.config._attn_implementation == "sdpa"
    torch.testing.assert_close(forward(module, ids).logits, expected, atol=0, rtol=0)


@torch.no_grad()
@pytest.mark.parametrize("sort", ["dynamic", "static"])
def test_chunks_on_a_cache_then_decoding_equal_one_piece(plain, sort):
    ids, text = prompt(plain), plain.backbone.model.language_model
    visual = torch.randn(2 * PATCHES, 64, generator=torch.Generator().manual_seed(2))
    embeds, positions = plain.embed(ids, visual), plain.positions(ids, GRID)
    expected = plain.decode(embeds, positions)
    session = SparsePrefill(text, patterns(plain, FULL), "sparse")
    config, length = plain.config.text_config, ids.shape[1]
    cache = DynamicCache(config=config) if sort == "dynamic" else StaticCache(config=config, max_cache_len=length + 9)
    parts = []
    for begin, end in ((0, 20), (20, 47), (47, length - 2), (length - 2, length - 1), (length - 1, length)):
        parts.append(plain.decode(embeds[:, begin:end], positions[..., begin:end], cache=cache))
        if sort == "static":
            for layer in cache.layers:  # what the buffer holds behind its tokens is never read
                layer.keys[:, :, end:] = float("nan")
                layer.values[:, :, end:] = float("nan")
    torch.testing.assert_close(torch.cat(parts, 1), expected, atol=1e-4, rtol=0)
    assert session.taken == {"sparse": 3 * config.num_hidden_layers}, "single tokens pass through"
    tokens = map_of(cache)
    assert tokens.frames == [0, 1]
    assert tokens.patch().max() == PATCHES - 1
    assert (tokens.patch() >= 0).nonzero().squeeze(1).tolist() == (ids[0] == plain.image_token_id).nonzero()[
        :, 0
    ].tolist()
    assert set(tokens.strides()) == {6, PATCHES + 12}


@torch.no_grad()
@pytest.mark.parametrize("mode", ["dense", "sparse"])
def test_left_padding_and_padding_anywhere(plain, mode, caplog):
    ids, text = prompt(plain), plain.backbone.model.language_model
    visual = torch.randn(2 * PATCHES, 64, generator=torch.Generator().manual_seed(2))
    embeds, positions = plain.embed(ids, visual), plain.positions(ids, GRID)
    expected = plain.decode(embeds, positions)
    SparsePrefill(text, patterns(plain, FULL), mode)
    extra = 5
    both = torch.nn.functional.pad(embeds, (0, 0, extra, 0), value=3.0).repeat(2, 1, 1)
    both[1] = torch.nn.functional.pad(embeds[0], (0, 0, extra, 0))[0:]
    mask = torch.ones(2, ids.shape[1] + extra, dtype=torch.int64)
    mask[:, :extra] = 0
    at = torch.nn.functional.pad(positions, (extra, 0), value=1).repeat(1, 2, 1)
    out = plain.decode(both, at, attention_mask=mask)
    torch.testing.assert_close(out[:, extra:], expected.expand(2, -1, -1), atol=1e-4, rtol=0)
    assert torch.isfinite(out).all()
    right = torch.nn.functional.pad(embeds, (0, 0, 0, extra))
    behind = plain.decode(
        right, torch.nn.functional.pad(positions, (0, extra), value=1), attention_mask=mask[:1].flip(1)
    )
    torch.testing.assert_close(behind[:, :-extra], expected, atol=1e-4, rtol=0)
    assert torch.isfinite(behind).all()
    assert "padding lies between" in caplog.text
    empty = plain.decode(both, at, attention_mask=torch.zeros_like(mask))
    assert torch.isfinite(empty).all(), "a prompt that is nothing but padding gives no NaN"


@torch.no_grad()
def test_a_mask_made_by_the_caller_is_obeyed(plain):
    ids, text = prompt(plain), plain.backbone.model.language_model
    embeds, positions = plain.embed(ids, torch.randn(2 * PATCHES, 64)), plain.positions(ids, GRID)
    mask = torch.ones(ids.shape[1], ids.shape[1], dtype=torch.bool).tril()
    mask[30:, 8:20] = False
    expected = plain.decode(embeds, positions, attention_mask=mask[None, None])
    SparsePrefill(text, patterns(plain, FULL), "sparse")
    torch.testing.assert_close(
        plain.decode(embeds, positions, attention_mask=mask[None, None]), expected, atol=1e-5, rtol=0
    )


@pytest.mark.parametrize("static", [False, True])
def test_generate(plain, static):
    ids = prompt(plain)
    kinds = (ids == plain.image_token_id).int()
    given = {"input_ids": ids, "pixel_values": pixels(plain), "image_grid_thw": GRID, "mm_token_type_ids": kinds}
    options = {"max_new_tokens": 6, "do_sample": False, "eos_token_id": None, "pad_token_id": 0}
    expected = plain.backbone.generate(**given, **options)
    session = SparsePrefill(plain.backbone.model.language_model, patterns(plain, FULL), "sparse")
    more = {"cache_implementation": "static", "disable_compile": True} if static else {}
    assert torch.equal(plain.backbone.generate(**given, **options, **more), expected)
    assert session.taken["sparse"] == plain.config.text_config.num_hidden_layers


def test_gradients_flow_while_training(plain):
    ids = prompt(plain)
    embeds = plain.embed(ids, torch.randn(2 * PATCHES, 64)).detach().requires_grad_()
    positions = plain.positions(ids, GRID)
    (expected,) = torch.autograd.grad(plain.decode(embeds, positions).square().sum(), embeds)
    SparsePrefill(plain.backbone.model.language_model, patterns(plain, FULL), "sparse")
    (ours,) = torch.autograd.grad(plain.decode(embeds, positions).square().sum(), embeds)
    torch.testing.assert_close(ours, expected, atol=1e-3, rtol=1e-4)


@torch.no_grad()
@pytest.mark.parametrize(
    "pattern",
    [
        DENSE,
        HeadPattern("a_shape", (2, 9)),
        HeadPattern("tri_shape", (2, 9)),
        HeadPattern("vertical_slash", (4, 8)),
        HeadPattern("q_boundary", (4, 8)),
        HeadPattern("block_sparse", (1,)),
        HeadPattern("grid", (2, 9)),
        HeadPattern("same_patch", (0, 1, 2, 9, 1)),
    ],
    ids=lambda p: p.name,
)
def test_every_pattern_runs_and_the_gate_decides(plain, pattern):
    ids, text = prompt(plain), plain.backbone.model.language_model
    embeds, positions = plain.embed(ids, torch.randn(2 * PATCHES, 64)), plain.positions(ids, GRID)
    expected, layers = plain.decode(embeds, positions), plain.config.text_config.num_hidden_layers
    mixed = patterns(plain, pattern, FULL)
    for gate, path in ((ALWAYS, "sparse"), (NEVER, "dense")):
        session = SparsePrefill(text, mixed, "auto", gate)
        out = plain.decode(embeds, positions)
        assert session.taken == {path: layers}
        assert torch.isfinite(out).all()
        if path == "dense" or pattern == DENSE:
            torch.testing.assert_close(out, expected, atol=1e-4, rtol=0)
        elif pattern.name != "vertical_slash" and pattern.name != "q_boundary" and pattern.name != "block_sparse":
            assert (out - expected).abs().max() > 1e-3, "it leaves something out"
        session.detach()
    session = SparsePrefill(text, mixed, "auto")
    plain.decode(embeds, positions)
    assert session.taken == {"dense": layers}, "the shipped gate takes dense for short prompts"


def test_patterns_that_do_not_fit_leave_attention_dense_with_a_warning(plain, caplog):
    text, ids = plain.backbone.model.language_model, prompt(plain)
    embeds, positions = plain.embed(ids, torch.randn(2 * PATCHES, 64)), plain.positions(ids, GRID)
    narrow = HeadPatterns("other", "", tuple((FULL,) for _ in range(3)))
    with torch.no_grad(), caplog.at_level(logging.WARNING):
        session = SparsePrefill(text, narrow, "sparse")
        plain.decode(embeds, positions)
        assert session.taken == {"dense": 3}
        assert "for 1 heads, not 4" in caplog.text
        session.detach()
        SparsePrefill(text, None, "sparse")
        assert "no pattern is known" in caplog.text


@pytest.mark.parametrize("family", ["gui_aima:qwen2_5_vl", "focusui:qwen2_5_vl", "focusui:qwen3_vl"])
def test_families_that_need_rows_or_drop_patches_answer_as_before(family, tiny_folder, small_screen):
    keep = 0.5 if family.startswith("focusui") else None
    model = PointerModel.open(tiny_folder(family), keep_ratio=keep)
    expected = model.attend(model.encode(small_screen), "save the file")
    config = model.module.config.text_config
    full = HeadPatterns("tiny", model.language_fingerprint, ((FULL,) * 4,) * config.num_hidden_layers)
    for mode in ("dense", "sparse"):
        session = model.use_prefill(mode, full)
        attention = model.attend(model.encode(small_screen), "save the file")
        np.testing.assert_allclose(attention, expected, atol=1e-4)
        assert set(session.taken) == {mode}


def test_unknown_modes_are_refused():
    with pytest.raises(BadInput, match=r"'fast'.*dense, auto or sparse"):
        check_mode("fast")


def test_places_are_not_looked_for_where_they_cannot_pay():
    """Cost of the shipped kind of pattern: dense for short histories, sparse for long ones, and never for questions."""
    heads = [HeadPattern("q_boundary", (1408, 100))] * 4
    gate = gate_for("cpu", cached=True)
    paying = [n for n in range(2, 60) if may_pay(heads, gate, 547, 547 * n)]
    assert paying == list(range(paying[0], 60)), "once it pays, it pays for all longer histories"
    assert 8 < paying[0] < 30
    assert not may_pay(heads, gate, 40, 40_000), "a question is short"
    assert may_pay([HeadPattern("same_patch", (1, 0, 64, 256, 3))] * 4, gate, 547, 547 * 8)


def test_what_a_memory_spares_counts():
    """Many rows against few columns: scoring all keys is what costs then, and a memory scores a bounded number."""
    gate = gate_for("cpu", cached=True)
    heads = [HeadPattern("vertical_slash", (64, 64))] * 4
    paying = [
        [n for n in range(1, 200) if may_pay(heads, gate, 96, 547 * n, remembered=remembered)]
        for remembered in (False, True)
    ]
    assert not paying[0], "each further key costs more to score than dense attention pays for it"
    assert paying[1] == list(range(paying[1][0], 200))
    scattered = [HeadPattern("vertical_slash", (64, 500))] * 4
    assert not any(may_pay(scattered, gate, 96, 547 * n, remembered=True) for n in range(1, 200)), "all keys are scored"
