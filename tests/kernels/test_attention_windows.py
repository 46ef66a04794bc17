import time
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from reticle_kernels.attention.naive import naive_attention
from reticle_kernels.attention.windows import by_length, windowed_attention


def one_by_one(q, k, v, bounds):
    parts = [functional.scaled_dot_product_attention(q[:, a:b], k[:, a:b], v[:, a:b]) for a, b in pairwise(bounds)]
    return torch.cat(parts, dim=1)


def packed(lengths, heads=2, width=8, dtype=torch.float64):
    generator = torch.Generator().manual_seed(sum(lengths))
    q, k, v = (torch.randn(heads, sum(lengths), width, generator=generator, dtype=dtype) for _ in range(3))
    return q, k, v, torch.tensor([0, *lengths]).cumsum(0)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 9), min_size=1, max_size=12).filter(lambda lengths: sum(lengths) > 0))
def test_equals_the_dense_reference_under_a_block_diagonal(lengths):
    q, k, v, bounds = packed(lengths)
    window = torch.repeat_interleave(torch.arange(len(lengths)), torch.tensor(lengths))
    expected = naive_attention(q, k, v, lambda i, j: window[i] == window[j])
    torch.testing.assert_close(windowed_attention(q, k, v, bounds), expected, atol=1e-12, rtol=1e-12)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 9), min_size=1, max_size=12).filter(lambda lengths: sum(lengths) > 0))
def test_ordering_windows_by_length_only_moves_them(lengths):
    q, k, v, bounds = packed(lengths)
    order, sorted_bounds = by_length(bounds)
    assert sorted_bounds.diff().tolist() == sorted(lengths, reverse=True)
    moved = windowed_attention(q[:, order], k[:, order], v[:, order], sorted_bounds)
    torch.testing.assert_close(moved, windowed_attention(q, k, v, bounds)[:, order], atol=1e-12, rtol=1e-12)


def test_equals_one_call_per_window_in_single_precision():
    lengths = [64] * 20 + [32] * 5 + [16]
    q, k, v, bounds = packed(lengths, heads=4, width=32, dtype=torch.float32)
    torch.testing.assert_close(
        windowed_attention(q, k, v, bounds), one_by_one(q, k, v, bounds.tolist()), atol=1e-5, rtol=0
    )


def test_gradients_flow_as_in_one_call_per_window():
    q, k, v, bounds = packed([4, 6, 4, 3])
    leaves = [t.clone().requires_grad_() for t in (q, k, v)]
    others = [t.clone().requires_grad_() for t in (q, k, v)]
    windowed_attention(*leaves, bounds).square().sum().backward()
    one_by_one(*others, bounds.tolist()).square().sum().backward()
    for mine, theirs in zip(leaves, others, strict=True):
        torch.testing.assert_close(mine.grad, theirs.grad, atol=1e-12, rtol=1e-12)


@pytest.mark.parametrize("bounds", [[0, 3], [1, 5], [0, 4, 2, 5], []])
def test_bounds_that_do_not_cover_the_sequence_are_refused(bounds):
    q = torch.zeros(1, 5, 4)
    with pytest.raises(ValueError, match="do not cover"):
        windowed_attention(q, q, q, torch.tensor(bounds, dtype=torch.int64))


def test_many_equal_windows_are_faster_than_one_call_each():
    q, k, v, bounds = packed([16] * 1500, heads=2, width=16, dtype=torch.float32)
    steps = bounds.tolist()

    def best(run):
        times = []
        for _ in range(3):
            start = time.perf_counter()
            run()
            times.append(time.perf_counter() - start)
        return min(times)

    assert best(lambda: windowed_attention(q, k, v, bounds)) < best(lambda: one_by_one(q, k, v, steps))
