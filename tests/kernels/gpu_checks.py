"""Checks of the kernel at sizes that want a GPU. At small sizes they run on the processor, so that they are tested."""

import torch

from reticle_kernels.attention.coverage import compile_plan
from reticle_kernels.attention.oracle import masked_attention
from reticle_kernels.attention.shapes import Triangle
from reticle_kernels.attention.sparse import dense_attention, sparse_attention
from reticle_kernels.benchmark.clock import median_ms


def last_rows_agree(device, dtype, tolerance, *, heads, groups, keys, width, rows=8):
    """The last head's last rows of a whole prompt against float64: addresses beyond 2**31 entries must not wrap."""
    generator = torch.Generator(device).manual_seed(0)

    def drawn(many):
        return torch.randn(1, many, keys, width, generator=generator, device=device, dtype=dtype)

    q, k, v = drawn(heads), drawn(groups), drawn(groups)
    pattern = Triangle(64, 128)
    plan = compile_plan([(pattern, range(heads))], heads, keys, keys, device)
    out = sparse_attention(q, k, v, plan, mode="sparse")
    assert bool(out[:, -1].isfinite().all())
    position = torch.arange(keys - rows, keys, device=device)
    mask = pattern.keep(position.unsqueeze(1), torch.arange(keys, device=device).unsqueeze(0))
    for head in (0, heads - 1):
        group = head * groups // heads
        expected = masked_attention(
            q[0, head : head + 1, -rows:], k[0, group : group + 1], v[0, group : group + 1], mask.unsqueeze(0)
        )
        torch.testing.assert_close(out[0, head : head + 1, -rows:].double(), expected, atol=tolerance, rtol=tolerance)


def times(device, dtype, *, heads, groups, keys, width, mode="sparse", local=1024):
    """Milliseconds of dense attention and of ours under a plain A-shape, in one run."""
    q = torch.randn(1, heads, keys, width, device=device, dtype=dtype)
    k, v = (torch.randn(1, groups, keys, width, device=device, dtype=dtype) for _ in range(2))
    plan = compile_plan([(Triangle(128, local), range(heads))], heads, keys, keys, device)
    dense = median_ms(lambda: dense_attention(q, k, v), device, 5)
    return dense, median_ms(lambda: sparse_attention(q, k, v, plan, mode=mode), device, 5)
