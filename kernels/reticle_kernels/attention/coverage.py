"""From patterns to plans: rows are grouped into blocks, blocks get key intervals and columns, intervals become chunks.

Everything here is batched over heads and row blocks; what differs per block in length is kept flat, with the block's
number beside each entry.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor

from .plan import CHUNK, ROWS, SparsePlan, ensure_sound, join_plans, spread, vouched


@dataclass(frozen=True, eq=False)
class RowBlocks:
    """Row blocks before they have keys: local ``head`` [N], ``range`` [N, 2] into ``rows``, lowest and highest
    position [N]. Rows of a block ascend."""

    queries: int
    keys: int
    rows: Tensor
    head: Tensor
    range: Tensor
    low: Tensor
    high: Tensor

    def select(self, which: Tensor) -> RowBlocks:
        """The blocks at these numbers."""
        names = ("head", "range", "low", "high")
        return replace(self, **{name: getattr(self, name)[which] for name in names})

    def __len__(self) -> int:
        return self.head.numel()


@dataclass(frozen=True, eq=False)
class Coverage:
    """Keys of row blocks. Intervals are flat: ``block``, ``start``, ``stop``, ``reach`` [E], and must not overlap
    within a block where their pairs would count twice. ``columns`` and ``near`` hold column lists;
    ``segment_block`` [S] and ``segment`` [S, 2] say which stretches of them a block reads."""

    block: Tensor
    start: Tensor
    stop: Tensor
    reach: Tensor
    columns: Tensor
    near: Tensor
    segment_block: Tensor
    segment: Tensor


class SparsePattern(Protocol):
    """Which keys each query reads, as a predicate and as lists.

    ``heads`` is the number of heads that the pattern has parameters for, or None when any head can use it.
    """

    @property
    def heads(self) -> int | None: ...

    def keep(self, i: Tensor, j: Tensor) -> Tensor:
        """Positions [Lq, 1] and [1, Lkv] -> bool [Lq, Lkv], or [heads, Lq, Lkv] when heads differ."""
        ...

    def classes(self, position: Tensor) -> Tensor:
        """Positions [Lq] -> int64 [1 or heads, Lq]: rows of one class may share a row block."""
        ...

    def cover(self, rows: RowBlocks) -> Coverage:
        """The keys of row blocks, each block within one class."""
        ...


def group_rows(classes: Tensor, keys: int) -> RowBlocks:
    """Rows sorted by class (ties in order) and cut into blocks of up to 64 rows of one class.

    Args:
        classes: [heads, Lq] int64; any values.
        keys: Lkv, at least Lq.
    """
    heads, queries = classes.shape
    device = classes.device
    order = torch.argsort(classes, dim=-1, stable=True)
    ordered = classes.gather(1, order)
    index = torch.arange(queries, device=device).expand(heads, queries)
    fresh = torch.ones_like(ordered, dtype=torch.bool)
    fresh[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    run = torch.where(fresh, index, 0).cummax(dim=-1).values
    begin = ((index - run) % ROWS == 0).flatten().nonzero().squeeze(1)
    end = torch.cat([begin[1:], begin.new_tensor([heads * queries])]) if begin.numel() else begin
    rows = order.flatten()
    shift = keys - queries
    low, high = (rows[begin] + shift, rows[end - 1] + shift) if begin.numel() else (begin, begin)
    head = begin // max(1, queries)
    return RowBlocks(queries, keys, rows, head, torch.stack([begin, end], 1), low, high)


def merge_intervals(block: Tensor, start: Tensor, stop: Tensor, span: int) -> tuple[Tensor, Tensor, Tensor]:
    """Union of intervals within each block: overlapping and touching ones become one; empty ones are dropped.

    Args:
        block, start, stop: [E] int64, in any order, 0 <= start, stop <= span.
        span: number of keys.

    Returns:
        block, start, stop of the union, sorted by block and start.
    """
    full = start < stop
    block, start, stop = block[full], start[full], stop[full]
    if not block.numel():
        return block, start, stop
    width = span + 2
    key, order = torch.sort(block * width + start)
    ends = (block * width + stop)[order]
    reached = ends.cummax(0).values
    fresh = torch.ones_like(key, dtype=torch.bool)
    fresh[1:] = key[1:] > reached[:-1]
    first = fresh.nonzero().squeeze(1)
    last = torch.cat([first[1:] - 1, first.new_tensor([key.numel() - 1])])
    owner = key[first] // width
    return owner, key[first] - owner * width, reached[last] - owner * width


def inside_intervals(block: Tensor, key: Tensor, merged: tuple[Tensor, Tensor, Tensor], span: int) -> Tensor:
    """Whether (block, key) lies in one of the merged intervals: [E] bool."""
    owner, start, stop = merged
    if not owner.numel():
        return torch.zeros_like(block, dtype=torch.bool)
    width = span + 2
    at = torch.searchsorted(owner * width + start, block * width + key, right=True) - 1
    near = at.clamp(min=0)
    return (at >= 0) & (owner[near] == block) & (key < stop[near])


def coverage(
    intervals: Sequence[tuple[Tensor, Tensor, Tensor, Tensor]],
    columns: tuple[Tensor, Tensor, Tensor, Tensor] | None = None,
) -> Coverage:
    """Puts (block, start, stop, reach) intervals together, empty ones left out, and (columns, near, block, segment)."""
    block, start, stop, reach = (torch.cat(part) for part in zip(*intervals, strict=True))
    full = start < stop
    if columns is None:
        none = block.new_zeros(0)
        columns = (none, none, none, block.new_zeros(0, 2))
    listed, near, owner, segment = columns
    used = segment[:, 0] < segment[:, 1]
    return Coverage(block[full], start[full], stop[full], reach[full], listed, near, owner[used], segment[used])


def combine(parts: Sequence[tuple[Tensor, Coverage]]) -> Coverage:
    """Coverages of sets of blocks as one: each comes with the numbers of its blocks in the whole."""
    base, segments = 0, []
    for _, part in parts:
        segments.append(part.segment + base)
        base += part.columns.numel()
    start, stop, reach, columns, near = (
        torch.cat([getattr(p, name) for _, p in parts]) for name in ("start", "stop", "reach", "columns", "near")
    )
    block = torch.cat([number[p.block] for number, p in parts])
    owner = torch.cat([number[p.segment_block] for number, p in parts])
    return Coverage(block, start, stop, reach, columns, near, owner, torch.cat(segments))


def restrict(cover: Coverage, allowed: Tensor) -> Coverage:
    """The coverage without the keys that are not ``allowed`` [Lkv] bool."""
    edge = torch.zeros(allowed.numel() + 2, dtype=torch.int64, device=allowed.device)
    edge[1:-1] = allowed
    change = edge.diff()
    opens, closes = (change == 1).nonzero().squeeze(1), (change == -1).nonzero().squeeze(1)
    first = torch.searchsorted(closes, cover.start, right=True)
    last = torch.searchsorted(opens, cover.stop)
    many = (last - first).clamp(min=0)
    stretch = spread(torch.stack([first, first + many], 1))
    block, start, stop, reach = (t.repeat_interleave(many) for t in (cover.block, cover.start, cover.stop, cover.reach))
    start, stop = torch.maximum(start, opens[stretch]), torch.minimum(stop, closes[stretch])
    wanted = allowed[cover.columns]
    before = torch.cat([wanted.new_zeros(1, dtype=torch.int64), wanted.cumsum(0)])
    segment = before[cover.segment]
    used = segment[:, 0] < segment[:, 1]
    columns, near = cover.columns[wanted], cover.near[wanted]
    return Coverage(block, start, stop, reach, columns, near, cover.segment_block[used], segment[used])


def _chunks(rows: RowBlocks, cover: Coverage) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Intervals cut into chunks, ordered by block, those that need no mask first: range [N, 3], start, stop, reach."""
    many = (cover.stop - cover.start + CHUNK - 1) // CHUNK
    step = spread(torch.stack([torch.zeros_like(many), many], 1)) * CHUNK
    block, start, stop, reach = (t.repeat_interleave(many) for t in (cover.block, cover.start, cover.stop, cover.reach))
    start = start + step
    stop = torch.minimum(start + CHUNK, stop)
    whole = (stop - start == CHUNK) & (stop - 1 <= rows.low[block]) & (rows.high[block] - start < reach)
    order = torch.argsort(block * 2 + (~whole).long(), stable=True)
    total = torch.bincount(block, minlength=len(rows))
    plain = torch.bincount(block[whole], minlength=len(rows))
    end = total.cumsum(0)
    begin = end - total
    return torch.stack([begin, begin + plain, end], 1), start[order], stop[order], reach[order]


def _columns(rows: RowBlocks, cover: Coverage) -> tuple[Tensor, Tensor, Tensor]:
    """Column ranges [N, 2], columns and their distances: shared where each block reads one stretch, else laid out."""
    owner, segment = cover.segment_block, cover.segment
    per_block = torch.bincount(owner, minlength=len(rows))
    if not per_block.numel() or int(per_block.max()) <= 1:
        ranges = segment.new_zeros(len(rows), 2)
        ranges[owner] = segment
        return ranges, cover.columns, cover.near
    order = torch.argsort(owner, stable=True)
    owner, segment = owner[order], segment[order]
    taken = spread(segment)
    length = torch.zeros_like(per_block).index_add_(0, owner, segment[:, 1] - segment[:, 0])
    end = length.cumsum(0)
    return torch.stack([end - length, end], 1), cover.columns[taken], cover.near[taken]


def _local_plan(pattern: SparsePattern, queries: int, keys: int, device: torch.device) -> tuple[SparsePlan, int]:
    """The plan of one pattern over its own heads, and how many those are."""
    position = torch.arange(keys - queries, keys, device=device)
    classes = pattern.classes(position)
    rows = group_rows(classes, keys)
    cover = pattern.cover(rows)
    ranges, start, stop, reach = _chunks(rows, cover)
    column_range, columns, near = _columns(rows, cover)
    heads = classes.shape[0]
    plan = SparsePlan(
        1, heads, queries, keys, rows.head.int(), rows.range, rows.rows.int(), ranges, start.int(), stop.int(),
        reach.int(), column_range, columns.int(), near.int(), rows.low.new_zeros(1),
    )  # fmt: skip
    return plan, heads


def compile_plan(
    assignment: Sequence[tuple[SparsePattern, Sequence[int]]],
    heads: int,
    queries: int,
    keys: int,
    device: torch.device | str = "cpu",
) -> SparsePlan:
    """One plan for a layer whose heads follow different patterns.

    Args:
        assignment: patterns and the heads that follow them; every head exactly once. A pattern with parameters for
            ``n`` heads takes ``n`` of them, in order.
        heads: query heads of the layer.
        queries, keys: rows of the prompt that are new, and keys in all (the rows are the last of them).
        device: where the lists are built; the tensors of the patterns must lie there.

    Raises ValueError when heads are missing or named twice, a pattern has another number of heads, or sizes do not fit.
    """
    named = sorted(h for _, chosen in assignment for h in chosen)
    if named != list(range(heads)):
        raise ValueError(f"patterns are assigned to heads {named}, expected each of 0..{heads - 1} once")
    if not 0 < queries <= keys:
        raise ValueError(f"{queries} queries do not fit at the end of {keys} keys")
    parts = []
    for pattern, chosen in assignment:
        if not len(chosen):
            continue
        if pattern.heads not in (None, len(chosen)):
            raise ValueError(f"{type(pattern).__name__} holds {pattern.heads} heads but is given {len(chosen)}")
        plan, local = _local_plan(pattern, queries, keys, torch.device(device))
        target = torch.tensor(list(chosen), dtype=torch.int32, device=plan.device)
        if local == 1:
            copies = len(chosen)
            repeated = {
                name: getattr(plan, name).repeat(copies, 1) for name in ("row_range", "chunk_range", "column_range")
            }
            plan = replace(plan, block_head=target.repeat_interleave(plan.block_head.numel()), **repeated)
        else:
            plan = replace(plan, block_head=target[plan.block_head.long()])
        parts.append(vouched(plan))
    return join_plans(parts, parts[0].padding, heads, queries, keys)


def repeat_plan(plan: SparsePlan, batch: int) -> SparsePlan:
    """The plan of one prompt for ``batch`` prompts of the same length; lists are shared, only ranges are repeated."""
    if plan.batch != 1 or batch < 1:
        raise ValueError(f"a plan for {plan.batch} prompts cannot be repeated {batch} times")
    first = torch.arange(batch, dtype=torch.int32, device=plan.device) * plan.heads
    names = ("row_range", "chunk_range", "column_range")
    head = (plan.block_head + first.unsqueeze(1)).flatten()
    many = replace(
        plan,
        batch=batch,
        block_head=head,
        padding=plan.padding.repeat(batch),
        **{n: getattr(plan, n).repeat(batch, 1) for n in names},
    )
    ensure_sound(plan)
    return vouched(many)
