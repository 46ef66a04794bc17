"""The triton kernel against float64, in triton's interpreter. Run by test_sparse_triton.py in a process of its own."""

import os
import sys
from pathlib import Path

os.environ["TRITON_INTERPRET"] = "1"  # before triton is imported
sys.path.insert(0, str(Path(__file__).parent))

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from sparse_cases import many, mixed_layers, shuffled

from reticle_kernels.attention.boundaries import Boundary2D, SamePatch
from reticle_kernels.attention.coverage import compile_plan
from reticle_kernels.attention.oracle import keep_mask, masked_attention
from reticle_kernels.attention.plan import stack_plans
from reticle_kernels.attention.shapes import BlockSparse, Grid, Triangle, VerticalSlash, causal
from reticle_kernels.attention.triton_sparse import sparse_attention_triton
from reticle_kernels.benchmark.rivals import flex_rival


def tensors(heads, groups, queries, keys, width=64, batch=1, dtype=torch.float32):
    generator = torch.Generator().manual_seed(queries + keys)
    shapes = [(batch, heads, queries, width), (batch, groups, keys, width), (batch, groups, keys, width)]
    return [torch.randn(*shape, generator=generator).to(dtype) for shape in shapes]


def agrees(assignment, heads, groups, queries, keys, width=64, dtype=torch.float32, tolerance=3e-6, wide=False):
    q, k, v = tensors(heads, groups, queries, keys, width, dtype=dtype)
    expected = masked_attention(q, k, v, keep_mask(assignment, heads, queries, keys))
    actual = sparse_attention_triton(q, k, v, compile_plan(assignment, heads, queries, keys), wide=wide)
    assert actual.dtype == dtype
    torch.testing.assert_close(actual.double(), expected, atol=tolerance, rtol=tolerance)


def layer(queries, keys):
    """Eight heads of eight kinds in one launch."""
    long = torch.int64
    modality = (torch.arange(keys) // 45) % 2
    slash = VerticalSlash(torch.tensor([[5, 77, 90]]), torch.tensor([[64, 111]]))
    blocks = BlockSparse(torch.tensor([[[0, n] for n in range((keys - 1) // 64 + 1)]])[:, (keys - queries) // 64 :],
                         (keys - queries) // 64)  # fmt: skip
    frames = SamePatch(torch.tensor([9, 90]), torch.tensor([70, 70], dtype=long), 0, 1, 3, 5, keys - 3)
    table = [[Triangle(4, 20), slash], [Triangle(0, 5), frames]]
    return [
        (Triangle(4, 30), [3]), (Triangle(8, 10, keys - 20), [1]), (slash, [0]), (blocks, [4]),
        (Grid(*torch.tensor([[7], [2], [3]]), 10, keys - 5, 4, 20), [2]), (frames, [6]),
        (Boundary2D(modality, table), [5]), (causal(), [7]),
    ]  # fmt: skip


def test_eight_kinds_of_heads_in_one_launch():
    agrees(layer(170, 170), 8, 2, 170, 170, width=16)


def test_new_rows_on_a_cached_history():
    agrees(layer(40, 190), 8, 4, 40, 190, width=16)


@settings(max_examples=many(10), deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(mixed_layers(2).filter(lambda drawn: drawn[2] <= 130))
def test_layers_drawn_at_random(drawn):
    assignment, queries, keys = drawn
    agrees(assignment, 2, 1, queries, keys, width=16)


def test_the_order_of_rows_and_of_keys_in_a_list_changes_rounding_only():
    q, k, v = tensors(8, 2, 100, 170, 16)
    plan = compile_plan(layer(100, 170), 8, 100, 170)
    mixed = sparse_attention_triton(q, k, v, shuffled(plan))
    torch.testing.assert_close(mixed, sparse_attention_triton(q, k, v, plan), atol=3e-6, rtol=3e-6)


@pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")
@pytest.mark.parametrize("queries", [170, 50])
@pytest.mark.parametrize(
    "pattern",
    [
        causal(),
        Triangle(8, 30, 150),
        Grid(*torch.tensor([[7, 36], [2, -1], [3, 5]]), 10, 160, 4, 20, 165),
        SamePatch(torch.tensor([9, 90]), torch.tensor([70, 70]), 0, 1, 3, 5, 167),
    ],
    ids=["causal", "triangle", "grid", "same patch"],
)
def test_flex_attention_is_a_second_truth(pattern, queries):
    q, k, v = tensors(2, 1, queries, 170, 16)
    second = flex_rival(pattern, queries, 170, "cpu", compiled=False)(q, k, v)
    mine = sparse_attention_triton(q, k, v, compile_plan([(pattern, [0, 1])], 2, queries, 170))
    torch.testing.assert_close(mine, second, atol=3e-6, rtol=3e-6)


@pytest.mark.parametrize("width", [64, 80, 128])
def test_half_precision_and_head_widths(width):
    agrees([(Triangle(4, 30), [0, 1])], 2, 1, 70, 100, width, torch.float16, 2e-3)


def test_bfloat16_with_products_in_single_precision():
    agrees([(Triangle(4, 30), [0, 1])], 2, 1, 70, 100, 64, torch.bfloat16, 1.6e-2, wide=True)


def test_rows_without_keys_are_zero_and_unlisted_keys_are_never_read():
    q, k, v = tensors(1, 1, 70, 70, 16)
    k[:, :, 3:] = v[:, :, 3:] = float("nan")
    assignment = [(Triangle(3, 0), [0])]
    out = sparse_attention_triton(q, k, v, compile_plan(assignment, 1, 70, 70))
    expected = masked_attention(q, k, v, keep_mask(assignment, 1, 70, 70))
    torch.testing.assert_close(out.double(), expected, atol=3e-6, rtol=3e-6)
    none = sparse_attention_triton(q, k, v, compile_plan([(Triangle(0, 0), [0])], 1, 70, 70))
    assert torch.equal(none, torch.zeros_like(none))


def test_very_low_scores_are_no_empty_rows():
    q, k, v = tensors(1, 1, 70, 70, 16)
    q[..., 0], k[..., 0] = -1e4, 8.0
    assignment = [(Triangle(2, 20), [0])]
    out = sparse_attention_triton(q, k, v, compile_plan(assignment, 1, 70, 70))
    expected = masked_attention(q, k, v, keep_mask(assignment, 1, 70, 70))
    torch.testing.assert_close(out.double(), expected, atol=5e-2, rtol=5e-2)


def test_left_padding_and_strided_inputs():
    plans = [compile_plan([(Triangle(3, 20), [0]), (causal(), [1])], 2, *size) for size in ((30, 50), (60, 80))]
    q, k, v = (t.transpose(1, 2).contiguous().transpose(1, 2) for t in tensors(2, 1, 60, 80, 16, batch=2))
    k[0, :, :30] = v[0, :, :30] = float("nan")
    out = sparse_attention_triton(q, k, v, stack_plans(plans, 60, 80))
    assert torch.equal(out[0, :, :30], torch.zeros(2, 30, 16))
    for b, (rows, keys) in enumerate(((30, 50), (60, 80))):
        mask = keep_mask([(Triangle(3, 20), [0]), (causal(), [1])], 2, rows, keys)
        expected = masked_attention(q[b, :, -rows:], k[b, :, -keys:], v[b, :, -keys:], mask)
        torch.testing.assert_close(out[b, :, -rows:].double(), expected, atol=3e-6, rtol=3e-6)
