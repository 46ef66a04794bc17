"""Runs a plan on the processor: gathered key pieces in batched products, merged by their running maxima.

Row blocks of query heads that share a key head and read the same lists are packed into one unit, so their keys are
gathered once. A unit's keys are cut into pieces of up to 1024; pieces of one size from many units go through one pair
of batched products, and the pieces of a unit are merged as in online softmax. Pieces whose every pair counts take no
mask.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from .plan import CHUNK, FAR, SparsePlan, spread

PIECE = 16
"""Chunks in a piece."""
SCORES = 1 << 18
"""Scores held at a time: 1 MiB, so that they stay in a core's own cache between the passes over them."""
PARTIALS = 1 << 21
"""Numbers in unmerged outputs held at a time."""


@dataclass(frozen=True, eq=False)
class _Units:
    """Units of one size: ``heads`` [U, g] that read the same lists, the key head, and the lists' ranges."""

    heads: Tensor
    kv: Tensor
    row_range: Tensor
    chunk_range: Tensor
    column_range: Tensor

    def pick(self, which: Tensor) -> _Units:
        return _Units(
            self.heads[which], self.kv[which], self.row_range[which], self.chunk_range[which], self.column_range[which]
        )

    def pieces(self) -> Tensor:
        """[U] number of pieces, about."""
        chunks = self.chunk_range[:, 2] - self.chunk_range[:, 0]
        columns = self.column_range[:, 1] - self.column_range[:, 0]
        return 3 + chunks // PIECE + columns // (PIECE * CHUNK)


_schedules: WeakKeyDictionary[SparsePlan, dict[int, list[_Units]]] = WeakKeyDictionary()


def _schedule(plan: SparsePlan, share: int) -> list[_Units]:
    """Units by number of heads and rows, in batches that hold bounded memory. Remembered for the plan's lifetime."""
    known = _schedules.setdefault(plan, {})
    if share not in known:
        known[share] = list(_batches(plan, share))
    return known[share]


def _batches(plan: SparsePlan, share: int) -> Iterator[_Units]:
    kv = plan.block_head.long() // share
    lists = torch.cat([kv.unsqueeze(1), plan.row_range, plan.chunk_range, plan.column_range], 1)
    _, unit, members = torch.unique(lists, dim=0, return_inverse=True, return_counts=True)
    order = torch.argsort(unit, stable=True)
    end = members.cumsum(0)
    begin = end - members
    rows = plan.row_range[:, 1] - plan.row_range[:, 0]
    chunks = plan.chunk_range[:, 1] - plan.chunk_range[:, 0]
    for count in members.unique_consecutive().unique().tolist():
        first = begin[members == count]
        block = order[first.unsqueeze(1) + torch.arange(count)]
        lead = block[:, 0]
        # Blocks of like height and length lie together, so that little of a batch is padding.
        height = rows[lead].double().log2().ceil().long()
        lead_order = torch.argsort(height * (int(chunks.max()) + 1) + chunks[lead])
        block, lead, height = block[lead_order], lead[lead_order], height[lead_order]
        units = _Units(
            plan.block_head.long()[block], kv[lead], plan.row_range[lead], plan.chunk_range[lead],
            plan.column_range[lead],
        )  # fmt: skip
        limit = max(1, PARTIALS // (count * CHUNK * 64))
        batch = units.pieces().cumsum(0) // limit + height * (int(units.pieces().sum()) + 1)
        for part in torch.split(
            torch.arange(batch.numel()), torch.unique_consecutive(batch, return_counts=True)[1].tolist()
        ):
            yield units.pick(part)


@dataclass(frozen=True, eq=False)
class _Batch:
    """What all pieces of a batch of units share. ``position`` [U, rows], ``low`` [U], ``q`` [U, g * rows, D]."""

    plan: SparsePlan
    units: _Units
    q: Tensor
    k: Tensor
    v: Tensor
    position: Tensor
    low: Tensor

    def attend(
        self, unit: Tensor, key: Tensor, near: Tensor | None = None, reach: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """One piece each for some units: key positions [n, T] -> running maximum, sum [n, g * rows], values [.., Dv].

        ``near`` and ``reach`` [n, T] bound the distance from below and above; no mask at all when both are None.
        """
        n, width = key.shape
        place = (key + (self.units.kv[unit] * self.plan.keys).unsqueeze(1)).flatten()
        keys = self.k.index_select(0, place).view(n, width, -1)
        values = self.v.index_select(0, place).view(n, width, -1)
        if keys.dtype != self.q.dtype:
            keys, values = keys.to(self.q.dtype), values.to(self.q.dtype)
        scores = torch.bmm(self.q.index_select(0, unit), keys.transpose(1, 2))
        if near is not None:
            rows = self.position.shape[1]
            distance = self.position[unit].unsqueeze(2) - key.unsqueeze(1)
            hidden = distance < near.unsqueeze(1)
            if reach is not None:
                hidden |= distance >= reach.unsqueeze(1)
            scores.view(n, -1, rows, width).masked_fill_(hidden.unsqueeze(1), float("-inf"))
        peak = scores.amax(-1, keepdim=True)
        if near is not None:
            peak = peak.clamp_(min=torch.finfo(peak.dtype).min)
        weights = scores.sub_(peak).exp_()
        return peak.squeeze(2), weights.sum(-1), torch.bmm(weights, values)

    def slab(self, chunks: int) -> int:
        """Pieces of this many chunks that go together."""
        return max(1, SCORES // (self.q.shape[1] * chunks * CHUNK))

    def whole_chunks(self) -> Iterator[tuple[Tensor, tuple[Tensor, Tensor, Tensor]]]:
        """Chunks without a mask."""
        for unit, first, size in _cut(self.units.chunk_range[:, 0], self.units.chunk_range[:, 1], 1, self):
            start = self.plan.chunk_start[first.unsqueeze(1) + torch.arange(size)].long()
            yield unit, self.attend(unit, (start.unsqueeze(2) + torch.arange(CHUNK)).flatten(1))

    def masked_chunks(self) -> Iterator[tuple[Tensor, tuple[Tensor, Tensor, Tensor]]]:
        """Chunks at an edge. Keys past a chunk's end are never read: they repeat its last key and are masked."""
        for unit, first, size in _cut(self.units.chunk_range[:, 1], self.units.chunk_range[:, 2], 1, self):
            at = first.unsqueeze(1) + torch.arange(size)
            start, stop, reach = (
                t[at].long().unsqueeze(2) for t in (self.plan.chunk_start, self.plan.chunk_stop, self.plan.chunk_reach)
            )
            key = start + torch.arange(CHUNK)
            near = torch.where(key < stop, 0, FAR)
            banded = bool((reach < FAR).any())
            far = reach.expand(-1, -1, CHUNK).flatten(1) if banded else None
            yield unit, self.attend(unit, torch.minimum(key, stop - 1).flatten(1), near.flatten(1), far)

    def gathered_columns(self) -> Iterator[tuple[Tensor, tuple[Tensor, Tensor, Tensor]]]:
        """Columns; a mask only where a list ends or a column is nearer than all rows allow."""
        begin, end = self.units.column_range[:, 0], self.units.column_range[:, 1]
        for unit, first, size in _cut(begin, end, CHUNK, self):
            at = first.unsqueeze(1) + torch.arange(size * CHUNK)
            inside = at < end[unit].unsqueeze(1)
            at = torch.minimum(at, end[unit].unsqueeze(1) - 1)
            key, near = self.plan.columns[at].long(), self.plan.column_near[at].long()
            near = torch.where(inside, near, FAR)
            free = bool((key + near <= self.low[unit].unsqueeze(1)).all())
            yield unit, self.attend(unit, key, None if free else near)


def _cut(begin: Tensor, end: Tensor, unit_size: int, batch: _Batch) -> Iterator[tuple[Tensor, Tensor, int]]:
    """Ranges cut into pieces of up to ``PIECE * unit_size``: (units [n], first entries [n], chunks in a piece)."""
    most = PIECE * unit_size
    many = (end - begin + most - 1) // most
    step = spread(torch.stack([torch.zeros_like(many), many], 1))
    unit = torch.arange(begin.numel()).repeat_interleave(many)
    first = begin[unit] + step * most
    left = end[unit] - first
    size = ((left + unit_size - 1) // unit_size).clamp(max=PIECE)
    # Full pieces before last ones: slabs of full pieces of columns then need no mask.
    order = torch.argsort(size * 2 + (left <= most).long(), stable=True)
    unit, first, size = unit[order], first[order], size[order]
    sizes, counts = torch.unique_consecutive(size, return_counts=True)
    at = 0
    for s, count in zip(sizes.tolist(), counts.tolist(), strict=True):
        width = batch.slab(s)
        for a in range(at, at + count, width):
            b = min(a + width, at + count)
            yield unit[a:b], first[a:b], s
        at += count


def _merge(parts: list[tuple[Tensor, tuple[Tensor, Tensor, Tensor]]], units: int) -> Tensor | None:
    """Pieces of units -> normalised output [units, rows, Dv]; rows without keys give zeros. None without pieces."""
    if not parts:
        return None
    unit = torch.cat([u for u, _ in parts])
    peak, total, mixed = (torch.cat([part[n] for _, part in parts]) for n in range(3))
    top = torch.full((units, peak.shape[1]), torch.finfo(peak.dtype).min, dtype=peak.dtype)
    top.scatter_reduce_(0, unit.unsqueeze(1).expand_as(peak), peak, "amax")
    weight = (peak - top[unit]).exp_()
    whole = torch.zeros_like(top).index_add_(0, unit, total * weight)
    out = mixed.new_zeros(units, *mixed.shape[1:]).index_add_(0, unit, mixed.mul_(weight.unsqueeze(2)))
    return out.div_(whole.masked_fill_(whole == 0, 1.0).unsqueeze(2))


def sparse_attention_cpu(q: Tensor, k: Tensor, v: Tensor, plan: SparsePlan, scale: float | None = None) -> Tensor:
    """Attention over the pairs of a plan. Half types are computed in float32.

    Args:
        q: [B, Hq, Lq, D]. k: [B, Hkv, Lkv, D]. v: [B, Hkv, Lkv, Dv]. Any strides.
        plan: for this batch, heads and lengths.
        scale: D ** -0.5 when None.

    Returns:
        [B, Hq, Lq, Dv] in the type of ``q``; rows that read nothing are zero. Keys in no list are never read.
    """
    batch, heads, queries, width = q.shape
    wide = torch.promote_types(q.dtype, torch.float32)
    flat_q, flat_k, flat_v = q.reshape(-1, width), k.reshape(-1, width), v.reshape(-1, v.shape[3])
    out = torch.zeros(batch * heads * queries, v.shape[3], dtype=q.dtype)
    for units in _schedule(plan, heads // k.shape[1]):
        size = units.row_range[:, 1] - units.row_range[:, 0]
        step = torch.arange(int(size.max()))
        listed = step < size.unsqueeze(1)
        row = plan.rows[torch.minimum(units.row_range[:, :1] + step, units.row_range[:, 1:] - 1)].long()
        place = units.heads.unsqueeze(2) * queries + row.unsqueeze(1)
        packed = flat_q[place.flatten()].view(len(row), -1, width).to(wide)
        packed *= width**-0.5 if scale is None else scale
        position = row + plan.shift
        work = _Batch(plan, units, packed, flat_k, flat_v, position, position.amin(1))
        mixed = _merge([*work.whole_chunks(), *work.masked_chunks(), *work.gathered_columns()], len(row))
        if mixed is not None:
            written = listed.unsqueeze(1).expand_as(place)
            out[place[written]] = mixed.view(*place.shape, -1)[written].to(out.dtype)
    return out.view(batch, heads, queries, -1)
