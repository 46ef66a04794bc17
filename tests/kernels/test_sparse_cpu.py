"""The CPU executor against float64 attention under the pattern's mask."""

import sys
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from sparse_cases import ALL, many, mixed_layers, shuffled, sizes

from reticle_kernels.attention import cpu
from reticle_kernels.attention.coverage import compile_plan, repeat_plan
from reticle_kernels.attention.cpu import sparse_attention_cpu
from reticle_kernels.attention.oracle import keep_mask, masked_attention
from reticle_kernels.attention.plan import pair_counts, stack_plans
from reticle_kernels.attention.shapes import BlockSparse, Grid, Triangle, VerticalSlash, causal


def tensors(heads, groups, queries, keys, width=64, batch=1, dtype=torch.float64, seed=0):
    generator = torch.Generator().manual_seed(seed)
    q = torch.randn(batch, heads, queries, width, generator=generator, dtype=torch.float64)
    k, v = (torch.randn(batch, groups, keys, width, generator=generator, dtype=torch.float64) for _ in range(2))
    return q.to(dtype), k.to(dtype), v.to(dtype)


@pytest.mark.parametrize("kind", sorted(ALL))
@settings(max_examples=many(12), deadline=None)
@given(data=st.data())
def test_every_pattern_gives_what_its_mask_gives(kind, data):
    queries, keys = data.draw(sizes())
    assignment = [(data.draw(ALL[kind](queries, keys, 2)), [0, 1])]
    q, k, v = tensors(2, 1, queries, keys, width=16)
    expected = masked_attention(q, k, v, keep_mask(assignment, 2, queries, keys))
    actual = sparse_attention_cpu(q, k, v, compile_plan(assignment, 2, queries, keys))
    torch.testing.assert_close(actual, expected, atol=1e-12, rtol=1e-12)


@settings(max_examples=many(25), deadline=None)
@given(layer=mixed_layers(4), groups=st.sampled_from([1, 2, 4]))
def test_mixed_heads_share_key_heads(layer, groups):
    assignment, queries, keys = layer
    q, k, v = tensors(4, groups, queries, keys, width=8)
    expected = masked_attention(q, k, v, keep_mask(assignment, 4, queries, keys))
    actual = sparse_attention_cpu(q, k, v, compile_plan(assignment, 4, queries, keys))
    torch.testing.assert_close(actual, expected, atol=1e-12, rtol=1e-12)


@settings(max_examples=many(25), deadline=None)
@given(layer=mixed_layers(4), seed=st.integers(0, 99))
def test_the_order_of_rows_and_of_keys_in_a_list_changes_rounding_only(layer, seed):
    assignment, queries, keys = layer
    q, k, v = tensors(4, 2, queries, keys, width=8)
    plan = compile_plan(assignment, 4, queries, keys)
    other = sparse_attention_cpu(q, k, v, shuffled(plan, seed))
    torch.testing.assert_close(other, sparse_attention_cpu(q, k, v, plan), atol=1e-12, rtol=1e-12)


@pytest.mark.parametrize("share", [1, 2, 7, 8])
def test_groups_of_every_size(share):
    assignment = [(Triangle(3, 40, 170), list(range(share)))]
    q, k, v = tensors(share, 1, 110, 200)
    expected = masked_attention(q, k, v, keep_mask(assignment, share, 110, 200))
    torch.testing.assert_close(sparse_attention_cpu(q, k, v, compile_plan(assignment, share, 110, 200)), expected)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 2e-6), (torch.float16, 1e-3), (torch.bfloat16, 8e-3)])
@pytest.mark.parametrize("width", [64, 80, 96, 128])
def test_types_and_head_widths(dtype, tolerance, width):
    slash = VerticalSlash(torch.tensor([[5, 77], [120, 9]]), torch.tensor([[64], [111]]))
    assignment = [(slash, [0, 1])]
    q, k, v = tensors(2, 1, 150, 200, width, dtype=dtype)
    expected = masked_attention(q, k, v, keep_mask(assignment, 2, 150, 200))
    actual = sparse_attention_cpu(q, k, v, compile_plan(assignment, 2, 150, 200))
    assert actual.dtype == dtype
    torch.testing.assert_close(actual.double(), expected, atol=tolerance, rtol=tolerance)


def test_long_lists_are_cut_into_pieces_and_merged(monkeypatch):
    keys = 700
    assignment = [(causal(), [0]), (Grid(*torch.tensor([[2], [-1], [1]]), 0, 700, 4, 70), [1])]
    q, k, v = tensors(2, 1, keys, keys, width=16)
    expected = masked_attention(q, k, v, keep_mask(assignment, 2, keys, keys))
    for piece, scores, partials in ((1, 1, 1), (2, 1 << 14, 1 << 15), (16, 1 << 18, 1 << 21)):
        monkeypatch.setattr(cpu, "PIECE", piece)
        monkeypatch.setattr(cpu, "MASKED", scores)
        monkeypatch.setattr(cpu, "PARTIALS", partials)
        actual = sparse_attention_cpu(q, k, v, compile_plan(assignment, 2, keys, keys))
        torch.testing.assert_close(actual, expected, atol=1e-12, rtol=1e-12)


def test_very_low_and_very_high_scores_do_not_overflow():
    assignment = [(Triangle(2, 20), [0])]
    plan = compile_plan(assignment, 1, 150, 150)
    for size in (1e4, -1e4):
        q, k, v = tensors(1, 1, 150, 150, dtype=torch.float32)
        q[..., 0] = size
        k[..., 0] = 8 + k[..., 0].abs()
        expected = masked_attention(q, k, v, keep_mask(assignment, 1, 150, 150))
        torch.testing.assert_close(sparse_attention_cpu(q, k, v, plan).double(), expected, atol=5e-2, rtol=5e-2)


def test_rows_without_keys_are_zero_and_unlisted_keys_are_never_read():
    assignment = [(Triangle(3, 0), [0])]
    q, k, v = tensors(1, 1, 100, 100, dtype=torch.float32)
    k[:, :, 3:] = v[:, :, 3:] = float("nan")
    actual = sparse_attention_cpu(q, k, v, compile_plan(assignment, 1, 100, 100))
    assert actual.isfinite().all()
    none = sparse_attention_cpu(q, k, v, compile_plan([(Triangle(0, 0), [0])], 1, 100, 100))
    assert torch.equal(none, torch.zeros_like(none))


def test_strided_inputs_and_a_cache_with_a_tail_that_holds_nothing():
    assignment = [(Triangle(3, 40), [0, 1, 2, 3])]
    q, k, v = tensors(4, 2, 60, 130)
    expected = sparse_attention_cpu(q, k, v, compile_plan(assignment, 4, 60, 130))
    strided = q.transpose(1, 2).contiguous().transpose(1, 2)
    buffers = [torch.full((1, 2, 256, 64), float("nan"), dtype=torch.float64) for _ in range(2)]
    for buffer, part in zip(buffers, (k, v), strict=True):
        buffer[:, :, :130] = part
    views = [buffer[:, :, :130] for buffer in buffers]
    torch.testing.assert_close(sparse_attention_cpu(strided, *views, compile_plan(assignment, 4, 60, 130)), expected)


def test_left_padded_prompts_equal_each_prompt_alone():
    lengths = [(70, 90), (100, 130)]
    plans = [compile_plan([(Triangle(3, 20), [0]), (causal(), [1])], 2, *size) for size in lengths]
    q, k, v = tensors(2, 1, 100, 130, batch=2)
    q[0, :, :30], k[0, :, :40], v[0, :, :40] = (float("nan"),) * 3
    out = sparse_attention_cpu(q, k, v, stack_plans(plans, 100, 130))
    assert torch.equal(out[0, :, :30], torch.zeros(2, 30, 64, dtype=torch.float64))
    for b, (rows, keys) in enumerate(lengths):
        alone = sparse_attention_cpu(
            q[b : b + 1, :, -rows:], k[b : b + 1, :, -keys:], v[b : b + 1, :, -keys:], plans[b]
        )
        torch.testing.assert_close(out[b, :, -rows:], alone[0])


def test_prompts_of_one_length_share_a_plan():
    plan = compile_plan([(Triangle(3, 20), [0, 1])], 2, 100, 130)
    q, k, v = tensors(2, 2, 100, 130, batch=3)
    out = sparse_attention_cpu(q, k, v, repeat_plan(plan, 3))
    mask = pair_counts(plan)[0].bool()
    torch.testing.assert_close(out, masked_attention(q, k, v, mask), atol=1e-12, rtol=1e-12)


def test_full_density_equals_dense_attention():
    q, k, v = tensors(4, 2, 300, 300, dtype=torch.float32)
    dense = torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)
    actual = sparse_attention_cpu(q, k, v, compile_plan([(causal(), range(4))], 4, 300, 300))
    torch.testing.assert_close(actual, dense, atol=2e-6, rtol=2e-6)


def test_values_of_another_width_than_keys():
    assignment = [(Triangle(3, 40), [0, 1])]
    q, k, _ = tensors(2, 1, 100, 200)
    for width in (8, 96):
        other = torch.randn(1, 1, 200, width, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
        expected = masked_attention(q, k, other, keep_mask(assignment, 2, 100, 200))
        actual = sparse_attention_cpu(q, k, other, compile_plan(assignment, 2, 100, 200))
        torch.testing.assert_close(actual, expected, atol=1e-12, rtol=1e-12)


@pytest.mark.parametrize("least", [1, 3, 1000])
def test_runs_in_place_give_what_gathered_chunks_give(least, monkeypatch):
    monkeypatch.setattr(cpu, "RUN", least)
    blocks = torch.tensor([[[0, 1, 2, 5, 7, 8, 9, 10]] * 12] * 2)
    assignment = [(causal(), [0]), (BlockSparse(blocks), [1, 2]), (Triangle(70, 500), [3])]
    q, k, v = tensors(4, 2, 750, 750, width=8)
    expected = masked_attention(q, k, v, keep_mask(assignment, 4, 750, 750))
    actual = sparse_attention_cpu(q, k, v, compile_plan(assignment, 4, 750, 750))
    torch.testing.assert_close(actual, expected, atol=1e-12, rtol=1e-12)
