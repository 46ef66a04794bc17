import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from reticle_kernels.attention import patterns
from reticle_kernels.attention.naive import naive_attention


def rand(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@settings(max_examples=40, deadline=None)
@given(
    groups=st.integers(1, 3),
    share=st.integers(1, 3),
    queries=st.integers(1, 17),
    extra=st.integers(0, 13),
    width=st.sampled_from([1, 3, 8, 16]),
    name=st.sampled_from(["dense", "causal"]),
)
def test_agrees_with_torch_for_grouped_heads_and_odd_lengths(groups, share, queries, extra, width, name):
    q = rand(2, groups * share, queries, width, seed=1)
    k, v = rand(2, groups, queries + extra, width, seed=2), rand(2, groups, queries + extra, width, seed=3)
    mask = None
    if name == "causal":
        mask = torch.ones(queries, queries + extra, dtype=torch.bool).tril(extra)
    expected = functional.scaled_dot_product_attention(q, k, v, attn_mask=mask, enable_gqa=True)
    actual = naive_attention(q, k, v, patterns.pattern(name).keep)
    torch.testing.assert_close(actual, expected, atol=1e-12, rtol=1e-12)


def test_a_query_that_keeps_nothing_gives_zeros_and_leaves_others_alone():
    q, k, v = rand(1, 2, 4, 8), rand(1, 2, 6, 8, seed=1), rand(1, 2, 6, 8, seed=2)
    out = naive_attention(q, k, v, lambda i, j: (i != 3) & (j >= 0))
    assert torch.equal(out[:, :, 1], torch.zeros(1, 2, 8, dtype=torch.float64))
    torch.testing.assert_close(out[:, :, [0, 2, 3]], naive_attention(q, k, v)[:, :, [0, 2, 3]])


def test_half_precision_is_computed_wide_and_returned_narrow():
    q, k, v = rand(1, 5, 8), rand(1, 5, 8, seed=1), rand(1, 5, 8, seed=2)
    narrow = naive_attention(*(t.bfloat16() for t in (q, k, v)))
    assert narrow.dtype == torch.bfloat16
    torch.testing.assert_close(narrow.double(), naive_attention(q, k, v), atol=2e-2, rtol=2e-2)


def test_more_queries_than_keys_and_uneven_groups_are_refused():
    with pytest.raises(ValueError, match="5 queries"):
        naive_attention(rand(1, 5, 4), rand(1, 3, 4), rand(1, 3, 4))
    with pytest.raises(ValueError, match="3 query heads"):
        naive_attention(rand(3, 2, 4), rand(2, 3, 4), rand(2, 3, 4))


def test_patterns_are_found_by_name_and_names_are_unique():
    assert {"dense", "causal"} <= set(patterns.names())
    with pytest.raises(KeyError, match="causal"):
        patterns.pattern("nowhere")
    with pytest.raises(ValueError, match="already"):
        patterns.register(patterns.CAUSAL)
