"""Runs a plan on the processor: gathered key pieces in batched products, merged by their running maxima.

Row blocks of query heads that share a key head and read the same lists are packed into one unit, so their keys are
gathered once. A unit's keys are cut into pieces of up to 1024; pieces of one size from many units go through one pair
of batched products, and the pieces of a unit are merged as in online softmax. Pieces whose every pair counts take no
mask.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple
from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from .plan import CHUNK, FAR, SparsePlan, spread

PIECE = 16
"""Chunks in a piece."""
SCORES = 1 << 19
"""Scores held at a time: 2 MiB, so that they stay in a core's own cache between the passes over them."""
GATHERED = 1 << 13
"""Keys gathered at a time."""
PARTIALS = 1 << 21
"""Numbers in unmerged outputs held at a time."""


class _Space:
    """Buffers that are used again: fresh memory of these sizes costs more than the products that fill it."""

    def __init__(self, dtype: torch.dtype) -> None:
        self._dtype = dtype
        self._flat: dict[str, Tensor] = {}

    def take(self, name: str, *shape: int, dtype: torch.dtype | None = None) -> Tensor:
        """An uninitialised tensor of this shape, valid until the name is taken again."""
        size = 1
        for n in shape:
            size *= n
        flat = self._flat.get(name)
        if flat is None or flat.numel() < size:
            flat = self._flat[name] = torch.empty(size, dtype=dtype or self._dtype)
        return flat[:size].view(shape)


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


class _Slab(NamedTuple):
    """Pieces that go together: ``unit`` [n], first entry of each in its list [n], chunks in each."""

    unit: Tensor
    first: Tensor
    size: int


@dataclass(frozen=True, eq=False)
class _Batch:
    """What all pieces of a batch of units share. ``position`` [U, rows] int32, ``low`` [U], ``q`` [U, g * rows, D].

    Each piece leaves its running maximum and sum [pieces, g * rows] and its unmerged values [pieces, g * rows, Dv].
    """

    plan: SparsePlan
    units: _Units
    space: _Space
    q: Tensor
    k: Tensor
    v: Tensor
    position: Tensor
    low: Tensor

    def run(self) -> Tensor | None:
        """Normalised output [units, rows, Dv]; rows without keys give zeros. None when no unit has any key."""
        chunks, columns = self.units.chunk_range, self.units.column_range
        whole = self._cut(chunks[:, 0], chunks[:, 1], 1)
        edge = self._cut(chunks[:, 1], chunks[:, 2], 1)
        single = self._cut(columns[:, 0], columns[:, 1], CHUNK)
        slabs = [*whole, *edge, *single]
        if not slabs:
            return None
        unit = torch.cat([s.unit for s in slabs])
        rows = self.q.shape[1]
        peak, total = (self.space.take(name, unit.numel(), rows) for name in ("peak", "total"))
        mixed = self.space.take("mixed", unit.numel(), rows, self.v.shape[1])
        begin = 0
        for number, slab in enumerate(slabs):
            end = begin + slab.unit.numel()
            out = (peak[begin:end], total[begin:end], mixed[begin:end])
            if number < len(whole):
                self._whole_chunks(slab, out)
            elif number < len(whole) + len(edge):
                self._edge_chunks(slab, out)
            else:
                self._columns(slab, out)
            begin = end
        return self._merge(unit, peak, total, mixed)

    def _cut(self, begin: Tensor, end: Tensor, entries: int) -> list[_Slab]:
        """Ranges cut into pieces of up to ``PIECE`` chunks of ``entries`` entries, pieces of one size together."""
        most = PIECE * entries
        many = (end - begin + most - 1) // most
        step = spread(torch.stack([torch.zeros_like(many), many], 1))
        unit = torch.arange(begin.numel()).repeat_interleave(many)
        first = begin[unit] + step * most
        left = end[unit] - first
        size = ((left + entries - 1) // entries).clamp(max=PIECE)
        # Full pieces before last ones: slabs of full pieces of columns then need no mask.
        order = torch.argsort(size * 2 + (left <= most).long(), stable=True)
        sizes, counts = torch.unique_consecutive(size[order], return_counts=True)
        slabs = []
        groups = zip(sizes.tolist(), torch.split(order, counts.tolist()), strict=True)
        for chunks, group in groups:
            keys = chunks * CHUNK
            width = max(1, min(SCORES // (self.q.shape[1] * keys), GATHERED // keys))
            slabs += [_Slab(unit[part], first[part], chunks) for part in torch.split(group, width)]
        return slabs

    def _attend(
        self,
        unit: Tensor,
        key: Tensor,
        out: tuple[Tensor, Tensor, Tensor],
        near: Tensor | None = None,
        reach: Tensor | None = None,
    ) -> None:
        """Key positions [n, T] of n pieces -> their maxima, sums and values in ``out``.

        ``near`` and ``reach`` [n, T] bound the distance from below and above; no mask at all when both are None.
        """
        n, width = key.shape
        place = (key + (self.units.kv[unit] * self.plan.keys).unsqueeze(1)).flatten()
        keys, values = self._gather("keys", self.k, place), self._gather("values", self.v, place)
        queries = self.space.take("queries", n, *self.q.shape[1:])
        torch.index_select(self.q, 0, unit, out=queries)
        scores = self.space.take("scores", n, self.q.shape[1], width)
        torch.bmm(queries, keys.view(n, width, -1).transpose(1, 2), out=scores)
        peak, total, mixed = out
        if near is not None:
            rows = self.position.shape[1]
            distance = self.space.take("distance", n, rows, width, dtype=torch.int32)
            torch.sub(self.position[unit].unsqueeze(2), key.int().unsqueeze(1), out=distance)
            hidden = distance < near.unsqueeze(1)
            if reach is not None:
                hidden |= distance >= reach.unsqueeze(1)
            scores.view(n, -1, rows, width).masked_fill_(hidden.unsqueeze(1), float("-inf"))
        torch.amax(scores, -1, out=peak)
        if near is not None:
            peak.clamp_(min=torch.finfo(peak.dtype).min)
        weights = scores.sub_(peak.unsqueeze(2)).exp_()
        torch.sum(weights, -1, out=total)
        torch.bmm(weights, values.view(n, width, -1), out=mixed)

    def _gather(self, name: str, source: Tensor, place: Tensor) -> Tensor:
        picked = self.space.take(f"{name} as given", place.numel(), source.shape[1], dtype=source.dtype)
        torch.index_select(source, 0, place, out=picked)
        if source.dtype == self.q.dtype:
            return picked
        return self.space.take(name, *picked.shape).copy_(picked)

    def _whole_chunks(self, slab: _Slab, out: tuple[Tensor, Tensor, Tensor]) -> None:
        """Chunks without a mask."""
        start = self.plan.chunk_start[slab.first.unsqueeze(1) + torch.arange(slab.size)].long()
        self._attend(slab.unit, (start.unsqueeze(2) + torch.arange(CHUNK)).flatten(1), out)

    def _edge_chunks(self, slab: _Slab, out: tuple[Tensor, Tensor, Tensor]) -> None:
        """Chunks at an edge. Keys past a chunk's end are never read: they repeat its last key and are masked."""
        at = slab.first.unsqueeze(1) + torch.arange(slab.size)
        start, stop = (t[at].long().unsqueeze(2) for t in (self.plan.chunk_start, self.plan.chunk_stop))
        reach = self.plan.chunk_reach[at].unsqueeze(2)
        key = start + torch.arange(CHUNK)
        near = torch.where(key < stop, 0, FAR).int().flatten(1)
        far = reach.expand(-1, -1, CHUNK).flatten(1) if bool((reach < FAR).any()) else None
        self._attend(slab.unit, torch.minimum(key, stop - 1).flatten(1), out, near, far)

    def _columns(self, slab: _Slab, out: tuple[Tensor, Tensor, Tensor]) -> None:
        """Columns; a mask only where a list ends or a column is nearer than all rows allow."""
        end = self.units.column_range[slab.unit, 1:]
        at = slab.first.unsqueeze(1) + torch.arange(slab.size * CHUNK)
        near = self.plan.column_near[torch.minimum(at, end - 1)].masked_fill(at >= end, FAR)
        key = self.plan.columns[torch.minimum(at, end - 1)].long()
        free = bool((key + near <= self.low[slab.unit].unsqueeze(1)).all())
        self._attend(slab.unit, key, out, None if free else near)

    def _merge(self, unit: Tensor, peak: Tensor, total: Tensor, mixed: Tensor) -> Tensor:
        units = self.q.shape[0]
        top = torch.full((units, peak.shape[1]), torch.finfo(peak.dtype).min, dtype=peak.dtype)
        top.scatter_reduce_(0, unit.unsqueeze(1).expand_as(peak), peak, "amax")
        weight = peak.sub_(top[unit]).exp_()
        whole = torch.zeros_like(top).index_add_(0, unit, total.mul_(weight))
        out = self.space.take("merged", units, *mixed.shape[1:]).zero_()
        out.index_add_(0, unit, mixed.mul_(weight.unsqueeze(2)))
        return out.div_(whole.masked_fill_(whole == 0, 1.0).unsqueeze(2))


@torch.no_grad()
def sparse_attention_cpu(q: Tensor, k: Tensor, v: Tensor, plan: SparsePlan, scale: float | None = None) -> Tensor:
    """Attention over the pairs of a plan, without gradients. Half types are computed in float32.

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
    space = _Space(wide)
    out = torch.zeros(batch * heads * queries, v.shape[3], dtype=q.dtype)
    for units in _schedule(plan, heads // k.shape[1]):
        size = units.row_range[:, 1] - units.row_range[:, 0]
        step = torch.arange(int(size.max()))
        listed = step < size.unsqueeze(1)
        row = plan.rows[torch.minimum(units.row_range[:, :1] + step, units.row_range[:, 1:] - 1)].long()
        place = units.heads.unsqueeze(2) * queries + row.unsqueeze(1)
        packed = flat_q[place.flatten()].view(len(row), -1, width).to(wide)
        packed *= width**-0.5 if scale is None else scale
        position = (row + plan.shift).int()
        mixed = _Batch(plan, units, space, packed, flat_k, flat_v, position, position.amin(1)).run()
        if mixed is not None:
            written = listed.unsqueeze(1).expand_as(place)
            out[place[written]] = mixed.view(*place.shape, -1)[written].to(out.dtype)
    return out.view(batch, heads, queries, -1)
