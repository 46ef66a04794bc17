"""The basic sparse patterns: A-shape and triangle, vertical-slash, block-sparse and grid.

``i`` is a query position, ``j`` a key position. Every predicate includes ``j <= i``. Source: sparse-prefill.md,
sections 1.2-1.6, 2.3 and 3.1. Where a pattern has parameters per head, all heads are held in one object.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .coverage import Coverage, RowBlocks, coverage, inside_intervals, merge_intervals
from .plan import CHUNK, FAR, ROWS, spread

SLAB = 1 << 22
"""Columns and runs that are laid out at a time, so that index building needs little memory at any length."""


def band(rows: RowBlocks, block: Tensor, sinks: int, local: int) -> list[tuple[Tensor, Tensor, Tensor, Tensor]]:
    """Intervals of ``j < sinks or i - j < local`` for the row blocks numbered ``block``; no pair twice."""
    low, high = rows.low[block], rows.high[block]
    zero = torch.zeros_like(low)
    near = (low - local + 1).clamp(min=sinks) if local > 0 else high + 1
    return [
        (block, zero, (high + 1).clamp(max=sinks), zero + FAR),
        (block, near, high + 1, zero + min(local, FAR)),
    ]


def everything(rows: RowBlocks, block: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Intervals of dense causal rows."""
    zero = torch.zeros_like(block)
    return block, zero, rows.high[block] + 1, zero + FAR


def _at_least(value: int, least: int, what: str) -> None:
    if value < least:
        raise ValueError(f"{what} is {value}, must be at least {least}")


@dataclass(frozen=True)
class Triangle:
    """A-shape, Tri-shape and TriangleMix's triangle: sinks, a local band, and dense rows from a position on.

    Keeps ``j < sinks or i - j < local or i >= dense_from``. A-shape has no dense rows (``dense_from`` None). Tri-shape
    and the triangle of TriangleMix have ``dense_from = keys - last``; TriangleMix is this pattern in all layers from
    its first sparse layer on and :func:`causal` below.
    """

    sinks: int
    local: int
    dense_from: int | None = None

    def __post_init__(self) -> None:
        _at_least(self.sinks, 0, "sinks")
        _at_least(self.local, 0, "local")

    @property
    def heads(self) -> int | None:
        return None

    def keep(self, i: Tensor, j: Tensor) -> Tensor:
        kept = (j < self.sinks) | (i - j < self.local)
        if self.dense_from is not None:
            kept = kept | (i >= self.dense_from)
        return kept & (j <= i)

    def classes(self, position: Tensor) -> Tensor:
        dense = position >= self.dense_from if self.dense_from is not None else torch.zeros_like(position)
        return dense.long().unsqueeze(0)

    def cover(self, rows: RowBlocks) -> Coverage:
        dense = torch.zeros_like(rows.low, dtype=torch.bool) if self.dense_from is None else rows.low >= self.dense_from
        sparse = (~dense).nonzero().squeeze(1)
        return coverage(
            [*band(rows, sparse, self.sinks, self.local), everything(rows, dense.nonzero().squeeze(1))],
        )


def causal() -> Triangle:
    """Dense causal attention as a pattern."""
    return Triangle(0, 0, dense_from=0)


@dataclass(frozen=True, eq=False)
class VerticalSlash:
    """Single columns, and diagonals in 64-row steps.

    Keeps ``j in verticals`` and, for each slash distance d, the keys with ``(j + d) // 64 == i // 64``: the 64-wide
    range that a row block of positions [64 m, 64 m + 64) reads. Distance 0 is always kept, so no row is without keys.

    Attributes:
        verticals: [heads, any] int64 key positions; negative entries and repeats are ignored.
        slashes: [heads, any] int64 distances; negative entries and repeats are ignored.
    """

    verticals: Tensor
    slashes: Tensor

    def __post_init__(self) -> None:
        if self.verticals.ndim != 2 or self.slashes.ndim != 2 or self.verticals.shape[0] != self.slashes.shape[0]:
            raise ValueError(
                f"verticals {tuple(self.verticals.shape)} and slashes {tuple(self.slashes.shape)} must be [heads, any]"
            )

    @property
    def heads(self) -> int | None:
        return self.verticals.shape[0]

    def keep(self, i: Tensor, j: Tensor) -> Tensor:
        heads = self.verticals.shape[0]
        size = (heads, i.shape[0], j.shape[1])
        # A slash d counts where low <= d < low + 64. Listed distances are sorted, so that two look-ups count them.
        low = i // ROWS * ROWS - j
        listed = torch.where(self.slashes < 0, FAR, self.slashes).sort(dim=1).values
        wanted = low.expand(size).reshape(heads, -1)
        first = torch.searchsorted(listed, wanted.clamp(min=0))
        last = torch.searchsorted(listed, (wanted + ROWS).clamp(min=0))
        kept = (i // ROWS == j // ROWS) | (last > first).view(size)
        span = int(j.max()) + 1 if j.numel() else 0
        single = torch.zeros(heads, span, dtype=torch.bool, device=j.device)
        for one, columns in zip(single, self.verticals, strict=True):
            one[columns[(columns >= 0) & (columns < span)].long()] = True
        return (kept | single[:, j.flatten()].unsqueeze(1)) & (j <= i)

    def classes(self, position: Tensor) -> Tensor:
        return (position // ROWS).expand(self.verticals.shape[0], -1)

    def cover(self, rows: RowBlocks) -> Coverage:
        head = rows.head
        owner_head, least, most = slash_runs(self.slashes)
        runs = torch.bincount(owner_head, minlength=self.slashes.shape[0])
        begin = runs.cumsum(0) - runs
        points = self.verticals.sort(dim=1).values
        repeated = torch.zeros_like(points, dtype=torch.bool)
        repeated[:, 1:] = points[:, 1:] == points[:, :-1]
        points = points.masked_fill(repeated, -1)
        if bool((runs == 1).all()):
            return self._band_and_prefixes(rows, most, points)
        intervals, owners, listed = [], [], []
        step = max(1, SLAB // max(1, int(runs.max()) + points.shape[1]))
        for first in range(0, max(1, len(rows)), step):
            block = torch.arange(first, min(first + step, len(rows)), device=head.device)
            high = rows.high[block].unsqueeze(1)
            mine = head[block]
            run = spread(torch.stack([begin[mine], begin[mine] + runs[mine]], 1))
            owner = block.repeat_interleave(runs[mine])
            base = rows.low[owner] // ROWS * ROWS
            start = (base - most[run]).clamp(min=0)
            stop = torch.minimum(base + ROWS - least[run], rows.high[owner] + 1)
            some = start < stop
            merged = owner[some], start[some], stop[some]
            key = points[head[block]]
            free = (key >= 0) & (key <= high)
            owner, key = block.unsqueeze(1).expand_as(key)[free], key[free]
            free = ~inside_intervals(owner, key, merged, rows.keys)
            intervals.append((*merged, torch.full_like(merged[0], FAR)))
            owners.append(owner[free])
            listed.append(key[free])
        return coverage(intervals, lists_per_block(torch.cat(owners), torch.cat(listed), len(rows)))

    def _band_and_prefixes(self, rows: RowBlocks, most: Tensor, points: Tensor) -> Coverage:
        """Where each head's slashes are one run from 0 to ``most`` [heads], all row blocks share its column list.

        A row block then reads the columns before its range: a prefix of the sorted list.
        """
        head = rows.head
        base = rows.low // ROWS * ROWS
        start = (base - most[head]).clamp(min=0)
        real = (points >= 0) & (points < rows.keys)
        many = real.sum(1)
        begin = many.cumsum(0) - many
        columns = points[real].long()
        owner = torch.arange(many.numel(), device=head.device).repeat_interleave(many)
        end = torch.searchsorted(owner * rows.keys + columns, head * rows.keys + start)
        block = torch.arange(len(rows), device=head.device)
        stop = torch.minimum(base + ROWS, rows.high + 1)
        return coverage(
            [(block, start, stop, torch.full_like(block, FAR))],
            (columns, torch.zeros_like(columns), block, torch.stack([begin[head], end], 1)),
        )


def slash_runs(slashes: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Distances [heads, any] -> head, least and most distance of runs whose 64-wide ranges overlap or touch: [R] each.

    Distance 0 is added. Within a head the longest distances come first, so that the ranges of a row block ascend and
    none touches the next: the lists of all row blocks need no merging of their own.
    """
    heads = slashes.shape[0]
    listed = torch.cat([slashes.new_zeros(heads, 1), slashes.clamp(min=0)], 1).long()
    listed = listed.sort(dim=1, descending=True).values
    fresh = torch.ones_like(listed, dtype=torch.bool)
    fresh[:, 1:] = listed[:, :-1] - listed[:, 1:] > ROWS
    first = fresh.flatten().nonzero().squeeze(1)
    last = torch.cat([first[1:], first.new_tensor([listed.numel()])]) - 1
    flat = listed.flatten()
    return first // listed.shape[1], flat[last], flat[first]


def lists_per_block(owner: Tensor, columns: Tensor, blocks: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Columns sorted by block -> (columns, distances 0, block, stretch) with one stretch per block."""
    many = torch.bincount(owner, minlength=blocks)
    end = many.cumsum(0)
    block = torch.arange(blocks, device=owner.device)
    return columns, torch.zeros_like(columns), block, torch.stack([end - many, end], 1)


@dataclass(frozen=True, eq=False)
class BlockSparse:
    """64-key blocks chosen for each 64-row block.

    Keeps ``j // 64 in blocks[head, i // 64 - first]``. A row block without entries reads nothing.

    Attributes:
        blocks: [heads, row blocks, any] int64 key block numbers; negative entries and repeats are ignored.
        first: number of the row block that ``blocks[:, 0]`` belongs to, ``(keys - queries) // 64``.
    """

    blocks: Tensor
    first: int = 0

    def __post_init__(self) -> None:
        if self.blocks.ndim != 3:
            raise ValueError(f"blocks have shape {tuple(self.blocks.shape)}, expected [heads, row blocks, any]")

    @property
    def heads(self) -> int | None:
        return self.blocks.shape[0]

    def _row_block(self, position: Tensor) -> Tensor:
        at = position // ROWS - self.first
        if at.numel() and (int(at.min()) < 0 or int(at.max()) >= self.blocks.shape[1]):
            raise ValueError(
                f"blocks cover row blocks {self.first}..{self.first + self.blocks.shape[1] - 1}, but rows stand in "
                f"{int(at.min()) + self.first}..{int(at.max()) + self.first}"
            )
        return at

    def keep(self, i: Tensor, j: Tensor) -> Tensor:
        chosen = self.blocks[:, self._row_block(i).squeeze(1)]
        kept = torch.zeros(chosen.shape[0], i.shape[0], j.shape[1], dtype=torch.bool, device=i.device)
        for n in range(chosen.shape[2]):
            kept |= chosen[:, :, n : n + 1] == j // CHUNK
        return kept & (j <= i)

    def classes(self, position: Tensor) -> Tensor:
        return (position // ROWS).expand(self.blocks.shape[0], -1)

    def cover(self, rows: RowBlocks) -> Coverage:
        chosen = self.blocks[rows.head, self._row_block(rows.low)]
        block = torch.arange(len(rows), device=chosen.device).unsqueeze(1).expand_as(chosen)
        start = (chosen * CHUNK).clamp(min=0)
        stop = torch.minimum(start + CHUNK, rows.high.unsqueeze(1) + 1).masked_fill(chosen < 0, 0)
        merged = merge_intervals(block.flatten(), start.flatten(), stop.flatten(), rows.keys)
        return coverage([(*merged, torch.full_like(merged[0], FAR))])


@dataclass(frozen=True, eq=False)
class Grid:
    """Evenly spaced rows and columns inside a region, in a frame of sinks, local band and dense last rows.

    Keeps ``j < sinks or i - j < local or i >= dense_from``, rows ``i`` in [start, stop) with ``i % stride`` equal to
    the row phase, and columns ``j`` in [start, stop) with ``j % stride`` equal to the column phase.

    Attributes:
        stride: [heads] int64, at least 1.
        row_phase, column_phase: [heads] int64, below the stride; -1 leaves the rows or the columns out.
        start, stop: the region, usually the visual tokens.
        dense_from: position from which rows are dense, None for no dense rows.
    """

    stride: Tensor
    row_phase: Tensor
    column_phase: Tensor
    start: int
    stop: int
    sinks: int = 64
    local: int = 1024
    dense_from: int | None = None

    def __post_init__(self) -> None:
        _at_least(self.sinks, 0, "sinks")
        _at_least(self.local, 0, "local")
        if not self.stride.shape == self.row_phase.shape == self.column_phase.shape or self.stride.ndim != 1:
            raise ValueError("stride, row_phase and column_phase must all be [heads]")
        if bool((self.stride < 1).any()):
            raise ValueError(f"strides must be at least 1, got {self.stride.tolist()}")
        for phase in (self.row_phase, self.column_phase):
            if bool((phase >= self.stride).any()):
                raise ValueError(f"phases {phase.tolist()} must lie below their strides {self.stride.tolist()}")
        if not 0 <= self.start <= self.stop:
            raise ValueError(f"the region [{self.start}, {self.stop}) is not a range of positions")

    @property
    def heads(self) -> int | None:
        return self.stride.numel()

    def _dense(self, position: Tensor, stride: Tensor, phase: Tensor) -> Tensor:
        inside = (position >= self.start) & (position < self.stop) & (position % stride == phase)
        return inside if self.dense_from is None else inside | (position >= self.dense_from)

    def keep(self, i: Tensor, j: Tensor) -> Tensor:
        stride, row, column = (t.view(-1, 1, 1) for t in (self.stride, self.row_phase, self.column_phase))
        kept = self._dense(i, stride, row) | (j < self.sinks) | (i - j < self.local)
        kept = kept | ((j >= self.start) & (j < self.stop) & (j % stride == column))
        return kept & (j <= i)

    def classes(self, position: Tensor) -> Tensor:
        return self._dense(position, self.stride.unsqueeze(1), self.row_phase.unsqueeze(1)).long()

    def cover(self, rows: RowBlocks) -> Coverage:
        head = rows.head
        dense = self._dense(rows.low, self.stride[head], self.row_phase[head])
        sparse = (~dense).nonzero().squeeze(1)
        least = max(self.start, self.sinks)
        first = least + (self.column_phase - least) % self.stride
        stop = min(self.stop, rows.keys)
        many = ((stop - first + self.stride - 1) // self.stride).clamp(min=0).masked_fill(self.column_phase < 0, 0)
        end = many.cumsum(0)
        owner = torch.arange(many.numel(), device=many.device).repeat_interleave(many)
        place = torch.arange(owner.numel(), device=many.device) - (end - many)[owner]
        columns = first[owner] + place * self.stride[owner]
        mine = head[sparse]
        reached = (rows.high[sparse] - self.local - first[mine]) // self.stride[mine] + 1
        reached = torch.minimum(reached.clamp(min=0), many[mine])
        begin = (end - many)[mine]
        segment = torch.stack([begin, begin + reached], 1)
        return coverage(
            [*band(rows, sparse, self.sinks, self.local), everything(rows, dense.nonzero().squeeze(1))],
            (columns, torch.full_like(columns, self.local), sparse, segment),
        )
