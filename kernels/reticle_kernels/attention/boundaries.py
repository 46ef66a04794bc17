"""Patterns that change with the modality of a token: Q-boundary, K-boundary and 2D-boundary, and same-patch lines.

A modality map gives each position a small number (say 0 text, 1 image). Source: sparse-prefill.md, sections 2.2, 2.5
and 5.4.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .coverage import Coverage, RowBlocks, SparsePattern, combine, coverage, restrict
from .plan import CHUNK, FAR, spread
from .shapes import band, everything


def _together(parts: Sequence[Tensor]) -> Tensor:
    """Classes [1 or heads, Lq] of several groupings -> the grouping that keeps apart what any of them keeps apart."""
    number = torch.zeros_like(parts[0])
    for part in parts:
        pair = number * (int(part.max()) - int(part.min()) + 1) + part - part.min()
        number = torch.unique(pair, return_inverse=True)[1]
    return number


@dataclass(frozen=True, eq=False)
class Boundary2D:
    """A pattern for each pair of query and key modality: keeps ``table[m[i]][m[j]].keep(i, j)``.

    Rows are ordered by query modality (the row permutation of the plan), keys stay where they are; all key modalities
    of a row block run into one softmax.

    Attributes:
        modality: [Lkv] int64, numbers into the table.
        table: one row of patterns per query modality, one pattern per key modality.
    """

    modality: Tensor
    table: Sequence[Sequence[SparsePattern]]

    def __post_init__(self) -> None:
        kinds = len(self.table)
        if not kinds or any(len(row) != kinds for row in self.table):
            raise ValueError(f"the pattern table must be square, its rows have {[len(row) for row in self.table]}")
        if self.modality.ndim != 1:
            raise ValueError(f"the modality map has shape {tuple(self.modality.shape)}, expected [keys]")
        if self.modality.numel() and not 0 <= int(self.modality.min()) <= int(self.modality.max()) < kinds:
            raise ValueError(f"the modality map names modalities outside 0..{kinds - 1}")
        counts = {p.heads for row in self.table for p in row} - {None}
        if len(counts) > 1:
            raise ValueError(f"the patterns of one table hold different numbers of heads: {sorted(counts, key=str)}")

    @property
    def heads(self) -> int | None:
        return next((p.heads for row in self.table for p in row if p.heads is not None), None)

    def _check(self, keys: int) -> None:
        if keys != self.modality.numel():
            raise ValueError(f"the modality map covers {self.modality.numel()} positions, the prompt has {keys}")

    def keep(self, i: Tensor, j: Tensor) -> Tensor:
        self._check(j.shape[1])
        kept = torch.zeros(self.heads or 1, i.shape[0], j.shape[1], dtype=torch.bool, device=i.device)
        for a, row in enumerate(self.table):
            for b, pattern in enumerate(row):
                kept |= (self.modality[i] == a) & (self.modality[j] == b) & pattern.keep(i, j)
        return kept if self.heads is not None else kept[0]

    def classes(self, position: Tensor) -> Tensor:
        mine = self.modality[position]
        parts = [mine.unsqueeze(0)]
        for a, row in enumerate(self.table):
            for pattern in row:
                split = pattern.classes(position)
                parts.append(torch.where(mine == a, split - split.min(), 0))
        return _together(parts)

    def cover(self, rows: RowBlocks) -> Coverage:
        self._check(rows.keys)
        mine = self.modality[rows.low]
        parts = []
        for a, row in enumerate(self.table):
            number = (mine == a).nonzero().squeeze(1)
            for b, pattern in enumerate(row):
                parts.append((number, restrict(pattern.cover(rows.select(number)), self.modality == b)))
        return combine(parts)


@dataclass(frozen=True, eq=False)
class _OneSided:
    """Patterns for the modalities of one side, told by the table of :class:`Boundary2D` that says the same."""

    modality: Tensor
    """[keys] modality of every position."""
    patterns: Sequence[SparsePattern]
    """One for each modality. Raises ValueError as :class:`Boundary2D` does when they do not fit."""

    def __post_init__(self) -> None:
        self._table()

    def _table(self) -> Boundary2D:
        raise NotImplementedError

    @property
    def heads(self) -> int | None:
        return self._table().heads

    def keep(self, i: Tensor, j: Tensor) -> Tensor:
        return self._table().keep(i, j)


@dataclass(frozen=True, eq=False)
class QBoundary(_OneSided):
    """A pattern for each query modality: keeps ``patterns[m[i]].keep(i, j)``; the keys of all modalities are read."""

    def _table(self) -> Boundary2D:
        return Boundary2D(self.modality, [[p] * len(self.patterns) for p in self.patterns])

    def classes(self, position: Tensor) -> Tensor:
        return self._table().classes(position)

    def cover(self, rows: RowBlocks) -> Coverage:
        self._table()._check(rows.keys)
        mine = self.modality[rows.low]
        numbers = [(mine == a).nonzero().squeeze(1) for a in range(len(self.patterns))]
        return combine([(n, p.cover(rows.select(n))) for n, p in zip(numbers, self.patterns, strict=True)])


@dataclass(frozen=True, eq=False)
class KBoundary(_OneSided):
    """A pattern for each key modality: keeps ``patterns[m[j]].keep(i, j)``; rows are not broken by modality."""

    def _table(self) -> Boundary2D:
        return Boundary2D(self.modality, [list(self.patterns)] * len(self.patterns))

    def classes(self, position: Tensor) -> Tensor:
        return _together([p.classes(position) for p in self.patterns])

    def cover(self, rows: RowBlocks) -> Coverage:
        self._table()._check(rows.keys)
        number = torch.arange(len(rows), device=rows.low.device)
        return combine([(number, restrict(p.cover(rows), self.modality == b)) for b, p in enumerate(self.patterns)])


@dataclass(frozen=True, eq=False)
class SamePatch:
    """Lines between the same patches of the screenshots of a trace, by the list of frame starts and not by a modulus.

    Each frame is cut into 64-token raster chunks from its own start; ``c(p)`` is the chunk of position ``p``. Tokens
    outside frames are text (delimiters too). Keeps ``j <= i`` and any of:

    * ``j < sinks`` or ``i >= dense_from``;
    * ``j`` is text;
    * ``i`` and ``j`` in one frame and ``c(i) - c(j) < own`` (all of the frame when ``own`` is None);
    * ``i`` in a later frame than ``j`` and ``|c(i) - c(j)| <= radius``;
    * ``i`` is text and ``i - j < local``.

    Attributes:
        starts, lengths: [frames] int64, ascending and without overlap.
        radius: chunks to either side; at 64 tokens a chunk of a wide screenshot is less than a row.
    """

    starts: Tensor
    lengths: Tensor
    radius: int = 1
    own: int | None = None
    sinks: int = 64
    local: int = 256
    dense_from: int | None = None

    def __post_init__(self) -> None:
        if self.starts.ndim != 1 or self.starts.shape != self.lengths.shape:
            raise ValueError("frame starts and lengths must both be [frames]")
        ends = self.starts + self.lengths
        apart = bool((self.starts[1:] >= ends[:-1]).all()) if self.starts.numel() else True
        if not apart or bool((self.lengths < 1).any()) or bool((self.starts < 0).any()):
            raise ValueError("frames must ascend without overlap and hold at least one token each")
        smallest = {"radius": self.radius, "sinks": self.sinks, "local": self.local - 1}
        if min(smallest.values()) < 0 or (self.own is not None and self.own < 1):
            raise ValueError("radius and sinks must be at least 0, local and own at least 1")

    @property
    def heads(self) -> int | None:
        return None

    def _frame(self, position: Tensor) -> Tensor:
        """Frame of each position, -1 for text."""
        if not self.starts.numel():
            return torch.full_like(position, -1)
        at = torch.searchsorted(self.starts, position.contiguous(), right=True) - 1
        near = at.clamp(min=0)
        return torch.where((at >= 0) & (position < self.starts[near] + self.lengths[near]), at, -1)

    def _chunk(self, position: Tensor, frame: Tensor) -> Tensor:
        if not self.starts.numel():
            return torch.zeros_like(position)
        return (position - self.starts[frame.clamp(min=0)]) // CHUNK

    def keep(self, i: Tensor, j: Tensor) -> Tensor:
        f, g = self._frame(i), self._frame(j)
        c, e = self._chunk(i, f), self._chunk(j, g)
        kept = (j < self.sinks) | (g < 0) | ((f < 0) & (i - j < self.local))
        own = (f >= 0) & (f == g)
        kept = kept | (own if self.own is None else own & (c - e < self.own))
        kept = kept | ((g >= 0) & (g < f) & ((c - e).abs() <= self.radius))
        if self.dense_from is not None:
            kept = kept | (i >= self.dense_from)
        return kept & (j <= i)

    def _kind(self, position: Tensor, frame: Tensor) -> Tensor:
        """0 text, 1 visual, 2 dense."""
        kind = (frame >= 0).long()
        return kind if self.dense_from is None else torch.where(position >= self.dense_from, 2, kind)

    def classes(self, position: Tensor) -> Tensor:
        frame = self._frame(position)
        kind = self._kind(position, frame)
        # A stretch of text is one class, so that its band stays narrow; a raster chunk of a frame is one class.
        after = torch.searchsorted(self.starts, position, right=True) if self.starts.numel() else torch.zeros_like(kind)
        chunk = torch.where(kind == 1, self._chunk(position, frame), 0)
        width = int(chunk.max()) + 1 if chunk.numel() else 1
        return torch.where(kind == 2, -1, (after * 2 + kind) * width + chunk).unsqueeze(0)

    def cover(self, rows: RowBlocks) -> Coverage:
        frame = self._frame(rows.low)
        kind = self._kind(rows.low, frame)
        text, visual, dense = ((kind == n).nonzero().squeeze(1) for n in range(3))
        key = torch.arange(rows.keys, device=rows.low.device)
        columns = ((self._frame(key) < 0) & (key >= self.sinks)).nonzero().squeeze(1)
        sparse = torch.cat([text, visual])
        both = torch.cat([columns, columns])
        near = torch.cat([torch.full_like(columns, self.local), torch.zeros_like(columns)])
        limit = torch.cat([rows.high[text] - self.local, rows.high[visual]])
        begin = torch.cat([torch.zeros_like(text), torch.full_like(visual, columns.numel())])
        end = begin + torch.searchsorted(columns, limit, right=True)
        return coverage(
            [*band(rows, text, self.sinks, self.local), *self._lines(rows, visual, frame), everything(rows, dense)],
            (both, near, sparse, torch.stack([begin, end], 1)),
        )

    def _lines(self, rows: RowBlocks, block: Tensor, frame: Tensor) -> list[tuple[Tensor, Tensor, Tensor, Tensor]]:
        """Sinks, the own frame and the same patches of earlier frames for visual row blocks; no pair twice."""
        mine, high = frame[block], rows.high[block]
        chunk = self._chunk(rows.low[block], mine)
        earlier = spread(torch.stack([torch.zeros_like(mine), mine + 1], 1))
        each = torch.arange(block.numel(), device=block.device).repeat_interleave(mine + 1)
        own = earlier == mine[each]
        whole = torch.zeros_like(each) if self.own is None else chunk[each] - self.own + 1
        low = torch.where(own, whole, chunk[each] - self.radius).clamp(min=0)
        up = torch.where(own, chunk[each], chunk[each] + self.radius) + 1
        base, size = self.starts[earlier], self.lengths[earlier]
        start = (base + low * CHUNK).clamp(min=self.sinks)
        stop = torch.minimum(base + torch.minimum(up * CHUNK, size), high[each] + 1)
        zero = torch.zeros_like(block)
        return [
            (block, zero, (high + 1).clamp(max=self.sinks), zero + FAR),
            (block[each], start, stop, torch.full_like(each, FAR)),
        ]
