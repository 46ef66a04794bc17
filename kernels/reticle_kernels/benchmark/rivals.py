"""What the sparse kernels are measured against: dense attention by every kernel at hand, and FlexAttention."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.attention.flex_attention import BlockMask, flex_attention

from reticle_kernels.attention.boundaries import SamePatch
from reticle_kernels.attention.coverage import SparsePattern, compile_plan
from reticle_kernels.attention.plan import CHUNK, SparsePlan, spread
from reticle_kernels.attention.shapes import Grid, Triangle
from reticle_kernels.attention.sparse import dense_attention

Attention = Callable[[Tensor, Tensor, Tensor], Tensor]
"""q [1, Hq, Lq, D], k and v [1, Hkv, Lkv, D] -> [1, Hq, Lq, D]."""
TILE = 128
"""Side of FlexAttention's blocks."""
JUDGED = 1 << 12
"""Blocks looked at a time when those without a mask are found."""
MOST = 1 << 28
"""Entries of the table of blocks from which on FlexAttention is left out, as its lists would not fit."""


def dense_rivals(device: str) -> dict[str, Attention]:
    """Causal attention by torch's own choice, on CUDA also by cuDNN, by torch's FlashAttention and by the packages."""
    found: dict[str, Attention] = {"SDPA": dense_attention}
    if device == "cuda":
        found["SDPA by cuDNN"] = _pinned(SDPBackend.CUDNN_ATTENTION)
        found["SDPA by FlashAttention"] = _pinned(SDPBackend.FLASH_ATTENTION)
        for module, name in (("flash_attn", "FlashAttention 2"), ("flash_attn_interface", "FlashAttention 3")):
            if importlib.util.find_spec(module) is not None:
                found[name] = _package(importlib.import_module(module))
    return found


def _pinned(backend: SDPBackend) -> Attention:
    def run(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        with sdpa_kernel(backend):
            return functional.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)

    return run


def _package(module: Any) -> Attention:
    def run(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        out = module.flash_attn_func(*(t.transpose(1, 2) for t in (q, k, v)), causal=True)
        mixed: Tensor = (out[0] if isinstance(out, tuple) else out).transpose(1, 2)
        return mixed

    return run


def flex_rival(pattern: SparsePattern, queries: int, keys: int, device: str, compiled: bool) -> Attention | None:
    """FlexAttention under the pattern, or None for patterns whose predicate it cannot evaluate per pair.

    Uncompiled it holds all scores, so it serves as a second truth at short lengths only.
    """
    mask = block_mask(pattern, queries, keys, device)
    if mask is None:
        return None
    plain: Callable[..., Any] = flex_attention
    call: Callable[..., Any] = torch.compile(plain, dynamic=False) if compiled else plain

    def run(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        mixed: Tensor = call(q, k, v, block_mask=mask, enable_gqa=True)
        return mixed

    return run


def block_mask(pattern: SparsePattern, queries: int, keys: int, device: str) -> BlockMask | None:
    """The pattern as FlexAttention takes it: 128 x 128 blocks without a mask, others with the predicate."""
    rule = _rule(pattern, keys - queries, keys, device)
    heads = pattern.heads or 1
    if rule is None or heads * -(-queries // TILE) * -(-keys // TILE) > MOST:
        return None
    plan = compile_plan([(pattern, range(heads))], heads, queries, keys, device)
    used = _blocks(plan)
    whole = torch.zeros_like(used)
    head, row, column = used.nonzero().unbind(1)
    lane = torch.arange(TILE, device=device)
    for first in range(0, head.numel(), JUDGED):
        at = slice(first, first + JUDGED)
        h = head[at].view(-1, 1, 1)
        i = row[at].view(-1, 1, 1) * TILE + lane.view(-1, 1)
        j = column[at].view(-1, 1, 1) * TILE + lane
        inside = (i < queries) & (j < keys)
        all_kept = (rule(h, h, i.clamp(max=queries - 1), j.clamp(max=keys - 1)) & inside).flatten(1).all(1)
        whole[head[at], row[at], column[at]] = all_kept
    lists = (*_listed(used & ~whole), *_listed(whole))
    return BlockMask.from_kv_blocks(
        *lists, BLOCK_SIZE=TILE, mask_mod=rule, seq_lengths=(queries, keys), compute_q_blocks=False
    )


def _listed(table: Tensor) -> tuple[Tensor, Tensor]:
    """[H, rows, columns] bool -> counts [1, H, rows] and columns [1, H, rows, columns], the listed ones first."""
    order = torch.argsort((~table).int(), dim=-1, stable=True)
    return table.sum(-1, dtype=torch.int32).unsqueeze(0), order.int().unsqueeze(0)


def _blocks(plan: SparsePlan) -> Tensor:
    """Which blocks of 128 x 128 a plan touches: [heads, row blocks, key blocks] bool."""
    rows, columns = -(-plan.queries // TILE), -(-plan.keys // TILE)
    table = torch.zeros(plan.heads, rows, columns, dtype=torch.bool, device=plan.device)
    for block, tile in _tiles(plan):
        for ranges, listed in (
            (plan.chunk_range, (plan.chunk_start, plan.chunk_stop - 1)),
            (plan.column_range, (plan.columns,)),
        ):
            entry = spread(ranges[block])
            many = ranges[block, -1] - ranges[block, 0]
            head, row = (t.repeat_interleave(many) for t in (plan.block_head[block].long(), tile))
            for key in listed:
                table[head, row, key[entry].long() // TILE] = True
    # Columns and edges may list keys later than every row of a tile; these blocks would be read for nothing.
    last = torch.arange(rows, device=plan.device) * TILE + TILE - 1 + plan.shift
    later = torch.arange(columns, device=plan.device) * TILE > last.unsqueeze(1)
    return table & ~later


def _tiles(plan: SparsePlan) -> Iterator[tuple[Tensor, Tensor]]:
    """(numbers of row blocks, a tile of rows each of them has rows in), until every such pair was named."""
    size = plan.row_range[:, 1] - plan.row_range[:, 0]
    before = torch.full_like(size, -1)
    for place in range(CHUNK):
        row = plan.rows[torch.minimum(plan.row_range[:, 0] + place, plan.row_range[:, 1] - 1)].long() // TILE
        fresh = ((place < size) & (row != before)).nonzero().squeeze(1)
        if fresh.numel():
            yield fresh, row[fresh]
        before = row


def _rule(pattern: SparsePattern, shift: int, keys: int, device: str) -> Callable[..., Tensor] | None:
    """``mask_mod(batch, head, query, key)`` of the patterns that are told by arithmetic and look-ups."""
    if isinstance(pattern, Triangle):
        return _triangle_rule(pattern.sinks, pattern.local, _from(pattern.dense_from, keys), shift)
    if isinstance(pattern, Grid):
        return _grid_rule(pattern, keys, shift)
    if isinstance(pattern, SamePatch):
        return _patch_rule(pattern, keys, shift, device)
    return None


def _from(dense_from: int | None, keys: int) -> int:
    return keys if dense_from is None else dense_from


def _triangle_rule(sinks: int, local: int, dense: int, shift: int) -> Callable[..., Tensor]:
    def rule(b: Tensor, h: Tensor, q: Tensor, j: Tensor) -> Tensor:
        i = q + shift
        return (j <= i) & ((j < sinks) | (i - j < local) | (i >= dense))

    return rule


def _grid_rule(pattern: Grid, keys: int, shift: int) -> Callable[..., Tensor]:
    stride, row, column = pattern.stride, pattern.row_phase, pattern.column_phase
    start, stop = pattern.start, pattern.stop
    frame = _triangle_rule(pattern.sinks, pattern.local, _from(pattern.dense_from, keys), shift)

    def rule(b: Tensor, h: Tensor, q: Tensor, j: Tensor) -> Tensor:
        i = q + shift
        rows = (i >= start) & (i < stop) & (i % stride[h] == row[h])
        columns = (j >= start) & (j < stop) & (j % stride[h] == column[h])
        return frame(b, h, q, j) | ((j <= i) & (rows | columns))

    return rule


def _patch_rule(pattern: SamePatch, keys: int, shift: int, device: str) -> Callable[..., Tensor]:
    position = torch.arange(keys, device=device)
    frame = torch.full_like(position, -1)
    chunk = torch.zeros_like(position)
    for number, (start, length) in enumerate(zip(pattern.starts.tolist(), pattern.lengths.tolist(), strict=True)):
        frame[start : start + length] = number
        chunk[start : start + length] = torch.arange(length, device=device) // CHUNK
    sinks, local, radius = pattern.sinks, pattern.local, pattern.radius
    own = keys if pattern.own is None else pattern.own
    dense = _from(pattern.dense_from, keys)

    def rule(b: Tensor, h: Tensor, q: Tensor, j: Tensor) -> Tensor:
        i = q + shift
        f, g, apart = frame[i], frame[j], chunk[i] - chunk[j]
        always = (j < sinks) | (g < 0) | (i >= dense) | ((f < 0) & (i - j < local))
        patches = (g >= 0) & (((f == g) & (apart < own)) | ((g < f) & (apart.abs() <= radius)))
        return (j <= i) & (always | patches)

    return rule
