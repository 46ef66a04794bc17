# ruff: noqa: ANN001, ANN201, ANN202, N803
# mypy: disable-error-code="no-untyped-def, untyped-decorator"
# The kernel language has no types for tensors; capitals are its constants.
"""One launch for a whole layer: every row block of every head of a plan is one program, whatever its pattern.

Import this module only where triton is installed. Source: sparse-prefill.md, sections 1.5 and 7.3.
"""

from __future__ import annotations

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

from .plan import CHUNK, ROWS, SparsePlan

STAGES = 2
LOG2_E = 1.4426950408889634


@triton.jit
def _merge(acc, peak, total, scores, values, wide: tl.constexpr):
    """Online softmax in powers of two: one tile of scores and values into the running state.

    A row that has seen no key keeps a peak of minus infinity; the exponent then starts from 0, so nothing is NaN.
    """
    new_peak = tl.maximum(peak, tl.max(scores, 1))
    safe = tl.where(new_peak == float("-inf"), 0.0, new_peak)
    weights = tl.exp2(scores - safe[:, None])
    fade = tl.exp2(peak - safe)
    total = total * fade + tl.sum(weights, 1)
    acc = acc * fade[:, None]
    if wide:
        acc = tl.dot(weights, values.to(tl.float32), acc, input_precision="ieee")
    else:
        acc = tl.dot(weights.to(values.dtype), values, acc, input_precision="ieee")
    return acc, new_peak, total


@triton.jit
def _tile(base, place, row_stride, dim, width: tl.constexpr, padded: tl.constexpr):
    """Rows of a head at ``place``: [len(place), padded]. Addresses are 64-bit at any length."""
    pointers = base + place.to(tl.int64)[:, None] * row_stride + dim[None, :]
    if width == padded:
        return tl.load(pointers)
    return tl.load(pointers, mask=dim[None, :] < width, other=0.0)


@triton.jit
def _scores(query, keys, wide: tl.constexpr):
    if wide:
        return tl.dot(query.to(tl.float32), tl.trans(keys.to(tl.float32)), input_precision="ieee")
    return tl.dot(query, tl.trans(keys), input_precision="ieee")


@triton.jit
def sparse_forward(
    q, k, v, out, block_head, row_range, rows, chunk_range, chunk_start, chunk_stop, chunk_reach, column_range,
    columns, column_near, q_batch, q_head, q_row, k_batch, k_head, k_row, v_batch, v_head, v_row, o_batch, o_head,
    o_row, heads, share, shift, scale, WIDTH: tl.constexpr, PADDED: tl.constexpr, WIDTH_V: tl.constexpr,
    PADDED_V: tl.constexpr, ROWS: tl.constexpr, CHUNK: tl.constexpr, WIDE: tl.constexpr,
):  # fmt: skip
    """One row block: its chunks without mask, its chunks with mask, then its gathered columns, into one softmax."""
    block = tl.program_id(0).to(tl.int64)
    number = tl.load(block_head + block)
    batch = (number // heads).to(tl.int64)
    head = (number % heads).to(tl.int64)
    group = head // share
    k += batch * k_batch + group * k_head
    v += batch * v_batch + group * v_head
    q += batch * q_batch + head * q_head
    out += batch * o_batch + head * o_head

    first = tl.load(row_range + 2 * block)
    last = tl.load(row_range + 2 * block + 1)
    at = first + tl.arange(0, ROWS)
    listed = at < last
    row = tl.load(rows + at, mask=listed, other=0)
    position = tl.where(listed, row + shift, -1)
    dim = tl.arange(0, PADDED)
    dim_v = tl.arange(0, PADDED_V)
    inside = listed[:, None] & (dim[None, :] < WIDTH)
    query = tl.load(q + row.to(tl.int64)[:, None] * q_row + dim[None, :], mask=inside, other=0.0)

    peak = tl.full([ROWS], float("-inf"), tl.float32)
    total = tl.zeros([ROWS], tl.float32)
    acc = tl.zeros([ROWS, PADDED_V], tl.float32)
    lane = tl.arange(0, CHUNK)

    begin = tl.load(chunk_range + 3 * block)
    split = tl.load(chunk_range + 3 * block + 1)
    end = tl.load(chunk_range + 3 * block + 2)
    for c in range(begin, split):
        key = tl.load(chunk_start + c) + lane
        scores = _scores(query, _tile(k, key, k_row, dim, WIDTH, PADDED), WIDE) * scale
        acc, peak, total = _merge(acc, peak, total, scores, _tile(v, key, v_row, dim_v, WIDTH_V, PADDED_V), WIDE)
    for c in range(split, end):
        key = tl.load(chunk_start + c) + lane
        stop = tl.load(chunk_stop + c)
        # A key past the chunk's end may not exist: the last one is read in its place, and masked.
        real = tl.minimum(key, stop - 1)
        distance = position[:, None] - key[None, :]
        kept = (key[None, :] < stop) & (distance >= 0) & (distance < tl.load(chunk_reach + c))
        scores = _scores(query, _tile(k, real, k_row, dim, WIDTH, PADDED), WIDE) * scale
        scores = tl.where(kept, scores, float("-inf"))
        acc, peak, total = _merge(acc, peak, total, scores, _tile(v, real, v_row, dim_v, WIDTH_V, PADDED_V), WIDE)

    begin = tl.load(column_range + 2 * block)
    end = tl.load(column_range + 2 * block + 1)
    for c in range(begin, end, CHUNK):
        entry = c + lane
        real = tl.minimum(entry, end - 1)
        key = tl.load(columns + real)
        distance = position[:, None] - key[None, :]
        kept = (entry < end)[None, :] & (distance >= 0) & (distance >= tl.load(column_near + real)[None, :])
        scores = _scores(query, _tile(k, key, k_row, dim, WIDTH, PADDED), WIDE) * scale
        scores = tl.where(kept, scores, float("-inf"))
        acc, peak, total = _merge(acc, peak, total, scores, _tile(v, key, v_row, dim_v, WIDTH_V, PADDED_V), WIDE)

    result = acc / tl.where(total > 0, total, 1.0)[:, None]
    pointers = out + row.to(tl.int64)[:, None] * o_row + dim_v[None, :]
    tl.store(pointers, result.to(out.dtype.element_ty), mask=listed[:, None] & (dim_v[None, :] < WIDTH_V))


def padded(width: int) -> int:
    """Head width as the kernel holds it: a power of two, at least 16."""
    return max(16, 1 << (width - 1).bit_length())


def warps(width: int, width_v: int) -> int:
    """Warps per program: with four, rows of 128 spill on compute capability 8.0."""
    return 4 if max(padded(width), padded(width_v)) <= 64 else 8


def constants(width: int, width_v: int, wide: bool) -> dict[str, Any]:
    """The compile-time arguments of :func:`sparse_forward`."""
    return {
        "WIDTH": width, "PADDED": padded(width), "WIDTH_V": width_v, "PADDED_V": padded(width_v), "ROWS": ROWS,
        "CHUNK": CHUNK, "WIDE": wide,
    }  # fmt: skip


@torch.no_grad()
def sparse_attention_triton(
    q: Tensor, k: Tensor, v: Tensor, plan: SparsePlan, scale: float | None = None, wide: bool = False
) -> Tensor:
    """Attention over the pairs of a plan by one launch, without gradients.

    Args:
        q: [B, Hq, Lq, D]. k: [B, Hkv, Lkv, D]. v: [B, Hkv, Lkv, Dv]. Any strides, but neighbouring last entries.
        plan: for this batch, heads and lengths, on the device of ``q``.
        scale: D ** -0.5 when None.
        wide: multiply in float32 whatever the type (slow; for tests where half products are not exact).

    Returns:
        [B, Hq, Lq, Dv] in the type of ``q``; rows that read nothing are zero. Keys in no list are never read.
    """
    q, k, v = (t if t.stride(3) == 1 else t.contiguous() for t in (q, k, v))
    batch, heads, queries, width = q.shape
    out = torch.zeros(batch, heads, queries, v.shape[3], dtype=q.dtype, device=q.device)
    if plan.block_head.numel():
        strides = [s for t in (q, k, v, out) for s in t.stride()[:3]]
        factor = (width**-0.5 if scale is None else scale) * LOG2_E
        sparse_forward[(plan.block_head.numel(),)](
            q, k, v, out, plan.block_head, plan.row_range, plan.rows, plan.chunk_range, plan.chunk_start,
            plan.chunk_stop, plan.chunk_reach, plan.column_range, plan.columns, plan.column_near, *strides, heads,
            heads // k.shape[1], plan.shift, factor, **constants(width, v.shape[3], wide),
            num_warps=warps(width, v.shape[3]), num_stages=STAGES,
        )  # fmt: skip
    return out
