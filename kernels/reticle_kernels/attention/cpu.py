"""Runs a plan on the processor: gathered key pieces in batched SDPA, merged by their log-sum-exps.

Row blocks of query heads that share a key head and read the same lists are packed into one unit, so their keys are
gathered once. Long runs of neighbouring keys that need no mask are not gathered at all but attended where they lie.
The other keys of a unit are cut into pieces of up to 1024; pieces of one size from many units go through one call of
torch's fused attention. Every call gives outputs and log-sum-exps, by which the parts of a unit are merged.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple
from weakref import WeakKeyDictionary

import torch
from torch import Tensor
from torch.nn import functional

from .gate import RUN
from .plan import CHUNK, FAR, SparsePlan, spread

PIECE = 16
"""Chunks in a piece."""
MASKED = 1 << 19
"""Entries of a mask held at a time: 2 MiB, so that it stays in a core's own cache until it is read."""
GATHERED = 1 << 13
"""Keys gathered at a time."""
PARTIALS = 1 << 21
"""Numbers in unmerged outputs held at a time."""
HIDDEN = -1e30
"""Added to scores that do not count. Finite, so that a row without keys in a piece gets no weight in the merge."""

_fused = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
"""What scaled_dot_product_attention runs on the processor, but with the log-sum-exp of every row: [n, h, Lq, D] and
[n, h, Lq]. Widths of keys and values must be equal."""


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
    """Units of one size: ``heads`` [U, g] that read the same lists, the key head, and the lists' ranges.

    ``runs`` [R, 3]: unit, first key and number of keys of long runs. ``single``: other chunks whose every key is read
    by every row, short ones last. ``edge``: the chunks that rows see different parts of. Both are numbers of chunks by
    unit, with ``single_range`` and ``edge_range`` [U, 2] into them.
    """

    heads: Tensor
    kv: Tensor
    row_range: Tensor
    chunk_range: Tensor
    column_range: Tensor
    runs: Tensor
    single: Tensor
    single_range: Tensor
    edge: Tensor
    edge_range: Tensor

    def pick(self, which: Tensor, plan: SparsePlan) -> _Units:
        """The units at these numbers, with their chunks sorted by what they take."""
        heads, kv, rows = self.heads[which], self.kv[which], self.row_range[which]
        ranges, columns = self.chunk_range[which], self.column_range[which]
        runs, alone, owner = _find_runs(plan, ranges[:, :2])
        edge, edge_owner = _listed(ranges[:, 1:])
        step = torch.arange(int((rows[:, 1] - rows[:, 0]).max()))
        position = plan.rows[torch.minimum(rows[:, :1] + step, rows[:, 1:] - 1)].long() + plan.shift
        low, high = position.amin(1)[edge_owner], position.amax(1)[edge_owner]
        start, stop, reach = (t[edge].long() for t in (plan.chunk_start, plan.chunk_stop, plan.chunk_reach))
        short = (stop <= low + 1) & (high - start < reach)
        single, owner = torch.cat([alone, edge[short]]), torch.cat([owner, edge_owner[short]])
        order = torch.argsort(owner, stable=True)
        many = len(which)
        single_range, edge_range = _stretches(owner, many), _stretches(edge_owner[~short], many)
        return _Units(heads, kv, rows, ranges, columns, runs, single[order], single_range, edge[~short], edge_range)

    def pieces(self) -> Tensor:
        """[U] number of pieces, about."""
        chunks = self.chunk_range[:, 2] - self.chunk_range[:, 0]
        columns = self.column_range[:, 1] - self.column_range[:, 0]
        return 3 + chunks // PIECE + columns // (PIECE * CHUNK)


def _listed(ranges: Tensor) -> tuple[Tensor, Tensor]:
    """Ranges [U, 2] -> all numbers in them, and the unit of each."""
    many = ranges[:, 1] - ranges[:, 0]
    return spread(ranges), torch.arange(many.numel()).repeat_interleave(many)


def _stretches(owner: Tensor, units: int) -> Tensor:
    """Units of entries that are sorted by unit -> [units, 2] where each unit's entries stand."""
    many = torch.bincount(owner, minlength=units)
    end = many.cumsum(0)
    return torch.stack([end - many, end], 1)


def _find_runs(plan: SparsePlan, ranges: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Ranges [U, 2] of chunks without mask -> long runs, the other chunks, and the units of these."""
    chunk, unit = _listed(ranges)
    start = plan.chunk_start[chunk].long()
    fresh = torch.ones_like(start, dtype=torch.bool)
    fresh[1:] = (start.diff() != CHUNK) | (unit.diff() != 0)
    first = fresh.nonzero().squeeze(1)
    length = torch.diff(first, append=first.new_tensor([start.numel()]))
    long = length >= RUN
    lead = first[long]
    runs = torch.stack([unit[lead], start[lead], length[long] * CHUNK], 1)
    alone = ~long.repeat_interleave(length)
    return runs, chunk[alone], unit[alone]


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
            plan.column_range[lead], *(lead[:0],) * 5,
        )  # fmt: skip
        limit = max(1, PARTIALS // (count * CHUNK * 64))
        batch = units.pieces().cumsum(0) // limit + height * (int(units.pieces().sum()) + 1)
        for part in torch.split(
            torch.arange(batch.numel()), torch.unique_consecutive(batch, return_counts=True)[1].tolist()
        ):
            yield units.pick(part, plan)


class _Slab(NamedTuple):
    """Pieces that go together: ``unit`` [n], first entry of each in its list [n], chunks in each."""

    unit: Tensor
    first: Tensor
    size: int


@dataclass(frozen=True, eq=False)
class _Batch:
    """What all pieces of a batch of units share. ``position`` [U, rows] int32, ``low`` [U], ``q`` [U, g * rows, D].

    ``base`` [key heads of all prompts]: where each one's keys begin in ``k`` and ``v`` [any, D].

    Each piece leaves its log-sum-exp [pieces, g * rows] and its own result [pieces, g * rows, Dv].
    """

    plan: SparsePlan
    units: _Units
    space: _Space
    q: Tensor
    k: Tensor
    v: Tensor
    base: Tensor
    position: Tensor
    low: Tensor

    def run(self) -> Tensor | None:
        """Normalised output [units, rows, Dv]; rows without keys give zeros. None when no unit has any key."""
        columns = self.units.column_range
        runs = self.units.runs
        whole = self._cut(self.units.single_range[:, 0], self.units.single_range[:, 1], 1)
        edge = self._cut(self.units.edge_range[:, 0], self.units.edge_range[:, 1], 1)
        single = self._cut(columns[:, 0], columns[:, 1], CHUNK)
        slabs = [*whole, *edge, *single]
        unit = torch.cat([*(s.unit for s in slabs), runs[:, 0]])
        if not unit.numel():
            return None
        rows = self.q.shape[1]
        total = self.space.take("total", unit.numel(), rows)
        mixed = self.space.take("mixed", unit.numel(), rows, self.v.shape[1])
        begin = 0
        for number, slab in enumerate(slabs):
            end = begin + slab.unit.numel()
            out = (total[begin:end], mixed[begin:end])
            if number < len(whole):
                self._whole_chunks(slab, out)
            elif number < len(whole) + len(edge):
                self._edge_chunks(slab, out)
            else:
                self._columns(slab, out)
            begin = end
        self._runs(total[begin:], mixed[begin:])
        return self._merge(unit, total, mixed)

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
            width = max(1, min(MASKED // (self.position.shape[1] * keys), GATHERED // keys))
            slabs += [_Slab(unit[part], first[part], chunks) for part in torch.split(group, width)]
        return slabs

    def _attend(
        self,
        unit: Tensor,
        key: Tensor,
        out: tuple[Tensor, Tensor],
        absent: Tensor | None = None,
        near: Tensor | None = None,
        reach: Tensor | None = None,
    ) -> None:
        """Key positions [n, T] of n pieces -> their log-sum-exps and normalised values in ``out``.

        ``absent`` [n, T] says which keys only fill a piece up. Where rows see different keys, ``near`` and ``reach``
        [n, T] bound the distance from below and above instead.
        """
        n, width = key.shape
        place = (key + self.base[self.units.kv[unit]].unsqueeze(1)).flatten()
        keys, values = (
            self._gather(name, source, place).view(n, 1, width, -1) for name, source in (("k", self.k), ("v", self.v))
        )
        queries = self.space.take("queries", n, *self.q.shape[1:])
        torch.index_select(self.q, 0, unit, out=queries)
        total, mixed = out
        if near is None:
            bare = None if absent is None else (absent * torch.tensor(HIDDEN, dtype=self.q.dtype)).view(n, 1, 1, width)
            found, sums = _fused(queries.unsqueeze(1), keys, values, 0.0, False, attn_mask=bare, scale=1.0)
            mixed.copy_(found.squeeze(1))
            total.copy_(sums.squeeze(1))
            return
        rows = self.position.shape[1]
        distance = self.space.take("distance", n, rows, width, dtype=torch.int32)
        torch.sub(self.position[unit].unsqueeze(2), key.int().unsqueeze(1), out=distance)
        hidden = distance < near.unsqueeze(1)
        if reach is not None:
            hidden |= distance >= reach.unsqueeze(1)
        mask = self.space.take("mask", n, rows, width)
        torch.mul(hidden, HIDDEN, out=mask)
        heads = self.units.heads.shape[1]
        shared = (t.expand(-1, heads, -1, -1) for t in (keys, values))
        split = queries.view(n, heads, rows, -1)
        found, sums = _fused(split, *shared, 0.0, False, attn_mask=mask.unsqueeze(1), scale=1.0)
        mixed.view(n, heads, rows, -1).copy_(found)
        total.view(n, heads, rows).copy_(sums)

    def _runs(self, total: Tensor, mixed: Tensor) -> None:
        """Long runs of keys, one call each, without gathering."""
        for number, (unit, start, length) in enumerate(self.units.runs.tolist()):
            begin = int(self.base[self.units.kv[unit]]) + start
            keys, values = (t[begin : begin + length].to(self.q.dtype)[None, None] for t in (self.k, self.v))
            found, sums = _fused(self.q[unit][None, None], keys, values, 0.0, False, scale=1.0)
            mixed[number] = found[0, 0]
            total[number] = sums[0, 0]

    def _gather(self, name: str, source: Tensor, place: Tensor) -> Tensor:
        picked = self.space.take(f"{name} as given", place.numel(), source.shape[1], dtype=source.dtype)
        torch.index_select(source, 0, place, out=picked)
        if source.dtype == self.q.dtype:
            return picked
        return self.space.take(name, *picked.shape).copy_(picked)

    def _whole_chunks(self, slab: _Slab, out: tuple[Tensor, Tensor]) -> None:
        """Chunks that every row reads in full; short ones are filled up with their last key."""
        at = self.units.single[slab.first.unsqueeze(1) + torch.arange(slab.size)]
        start, stop = (t[at].long().unsqueeze(2) for t in (self.plan.chunk_start, self.plan.chunk_stop))
        key = start + torch.arange(CHUNK)
        absent = (key >= stop).flatten(1) if bool((stop - start < CHUNK).any()) else None
        self._attend(slab.unit, torch.minimum(key, stop - 1).flatten(1), out, absent)

    def _edge_chunks(self, slab: _Slab, out: tuple[Tensor, Tensor]) -> None:
        """Chunks at an edge. Keys past a chunk's end are never read: they repeat its last key and are masked."""
        at = self.units.edge[slab.first.unsqueeze(1) + torch.arange(slab.size)]
        start, stop = (t[at].long().unsqueeze(2) for t in (self.plan.chunk_start, self.plan.chunk_stop))
        reach = self.plan.chunk_reach[at].unsqueeze(2)
        key = start + torch.arange(CHUNK)
        near = torch.where(key < stop, 0, FAR).int().flatten(1)
        far = reach.expand(-1, -1, CHUNK).flatten(1) if bool((reach < FAR).any()) else None
        self._attend(slab.unit, torch.minimum(key, stop - 1).flatten(1), out, None, near, far)

    def _columns(self, slab: _Slab, out: tuple[Tensor, Tensor]) -> None:
        """Columns; a mask for each pair only where a column is nearer than all rows allow."""
        end = self.units.column_range[slab.unit, 1:]
        at = slab.first.unsqueeze(1) + torch.arange(slab.size * CHUNK)
        absent = at >= end
        near = self.plan.column_near[torch.minimum(at, end - 1)]
        key = self.plan.columns[torch.minimum(at, end - 1)].long()
        if bool((absent | (key + near <= self.low[slab.unit].unsqueeze(1))).all()):
            self._attend(slab.unit, key, out, absent if bool(absent.any()) else None)
        else:
            self._attend(slab.unit, key, out, None, near.masked_fill(absent, FAR))

    def _merge(self, unit: Tensor, total: Tensor, mixed: Tensor) -> Tensor:
        """Parts weighted by their share of the whole sum; rows that no part saw become zeros."""
        units = self.q.shape[0]
        top = torch.full((units, total.shape[1]), HIDDEN, dtype=total.dtype)
        top.scatter_reduce_(0, unit.unsqueeze(1).expand_as(total), total, "amax")
        weight = total.sub_(top[unit]).exp_()
        whole = torch.zeros_like(top).index_add_(0, unit, weight)
        out = self.space.take("merged", units, *mixed.shape[1:]).zero_()
        out.index_add_(0, unit, mixed.mul_(weight.unsqueeze(2)))
        out.div_(whole.clamp_(min=1.0).unsqueeze(2))
        return out.masked_fill_((top < HIDDEN / 2).unsqueeze(2), 0.0)


def _flat(x: Tensor, width: int) -> Tensor:
    """[B, H, L, D] -> [B * H * L, width], filled up with zeros."""
    flat = x.reshape(-1, x.shape[3])
    return flat if x.shape[3] == width else functional.pad(flat, (0, width - x.shape[3]))


def _rows_in_place(k: Tensor, v: Tensor) -> tuple[Tensor, Tensor, Tensor] | None:
    """Keys and values [B, H, L, D] as rows [any, D] where they lie, and where each head begins [B * H].

    None where rows are not evenly spaced, or keys and values lie differently. So a part of a larger buffer, which a
    cache with room at its end hands over, is not copied.
    """
    batch, heads, length, width = k.shape
    row = k.stride(2)
    if k.shape != v.shape or k.stride() != v.stride() or k.stride(3) != 1 or row < width:
        return None
    if k.stride(0) % row or k.stride(1) % row:
        return None
    steps = torch.arange(batch).unsqueeze(1) * (k.stride(0) // row) + torch.arange(heads) * (k.stride(1) // row)
    base = steps.flatten()
    size = (int(base[-1]) + length, width)
    return k.as_strided(size, (row, 1)), v.as_strided(size, (row, 1)), base


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
    width_v = v.shape[3]
    common = max(width, width_v)
    flat_q = _flat(q, common)
    lying = _rows_in_place(k, v)
    if lying is None:
        base = torch.arange(batch * k.shape[1]) * k.shape[2]
        lying = _flat(k, common), _flat(v, common), base
    space = _Space(wide)
    out = torch.zeros(batch * heads * queries, width_v, dtype=q.dtype)
    for units in _schedule(plan, heads // k.shape[1]):
        size = units.row_range[:, 1] - units.row_range[:, 0]
        step = torch.arange(int(size.max()))
        listed = step < size.unsqueeze(1)
        row = plan.rows[torch.minimum(units.row_range[:, :1] + step, units.row_range[:, 1:] - 1)].long()
        place = units.heads.unsqueeze(2) * queries + row.unsqueeze(1)
        packed = flat_q[place.flatten()].view(len(row), -1, common).to(wide)
        packed *= width**-0.5 if scale is None else scale
        position = (row + plan.shift).int()
        mixed = _Batch(plan, units, space, packed, *lying, position, position.amin(1)).run()
        if mixed is not None:
            written = listed.unsqueeze(1).expand_as(place)
            out[place[written]] = mixed.view(*place.shape, -1)[written][:, :width_v].to(out.dtype)
    return out.view(batch, heads, queries, -1)
