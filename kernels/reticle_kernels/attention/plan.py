"""One representation for every sparse pattern: which keys each block of query rows reads.

A plan lists *row blocks*. A row block names one head, up to 64 query rows in any order (so a pattern can put the rows
together that read the same keys), the *chunks* of up to 64 neighbouring keys by token offset that it reads, and single
*columns* that are gathered. All lists lie end to end in flat arrays; blocks point into them by ranges, so that heads
of one static pattern, and blocks of one column list, share storage. Source: sparse-prefill.md, sections 1.4 and 7.3.

Positions: row ``r`` of ``queries`` stands at position ``keys - queries + r``; the last row stands at the last key. A
pair of position ``i`` and key ``j`` counts in a chunk when ``start <= j < stop``, ``j <= i`` and ``i - j < reach``, and
in a column when ``i - j >= near`` and ``j <= i``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any
from weakref import WeakSet

import torch
from torch import Tensor

ROWS = 64
"""Most query rows in a row block."""
CHUNK = 64
"""Most keys in a chunk."""
FAR = 2**31 - 1
"""The reach of a chunk without a band: every distance is within it."""


@dataclass(frozen=True, eq=False)
class SparsePlan:
    """Row blocks of a whole layer. ``N`` row blocks, heads numbered ``batch index * heads + head``.

    ``block_head``: [N] int32. ``row_range``: [N, 2] int64 into ``rows`` [.] int32, query rows of the block.
    ``chunk_range``: [N, 3] int64 (begin, split, end) into ``chunk_start``, ``chunk_stop``, ``chunk_reach`` [.] int32;
    chunks before ``split`` hold exactly 64 keys that every row of the block reads, so they need no mask.
    ``column_range``: [N, 2] int64 into ``columns``, ``column_near`` [.] int32.
    ``padding``: [batch] int64, keys at the left of each prompt that are none.
    Rows in no block, and rows whose block lists nothing, read nothing: their output is zero.
    """

    batch: int
    heads: int
    queries: int
    keys: int
    block_head: Tensor
    row_range: Tensor
    rows: Tensor
    chunk_range: Tensor
    chunk_start: Tensor
    chunk_stop: Tensor
    chunk_reach: Tensor
    column_range: Tensor
    columns: Tensor
    column_near: Tensor
    padding: Tensor

    @property
    def shift(self) -> int:
        """Position of the first query row."""
        return self.keys - self.queries

    @property
    def device(self) -> torch.device:
        return self.rows.device

    def to(self, device: torch.device | str) -> SparsePlan:
        """The same plan on another device."""
        named = {f.name: getattr(self, f.name) for f in fields(self)}
        moved: dict[str, Any] = {name: t.to(device) for name, t in named.items() if isinstance(t, Tensor)}
        copy = replace(self, **moved)
        return vouched(copy) if self in _sound else copy

    def listed_keys(self) -> Tensor:
        """[N] int64: keys each block loads, chunks counted whole and columns rounded up to 64."""
        chunks = self.chunk_range[:, 2] - self.chunk_range[:, 0]
        columns = self.column_range[:, 1] - self.column_range[:, 0]
        return chunks * CHUNK + (columns + CHUNK - 1) // CHUNK * CHUNK

    def areas(self) -> tuple[int, int, int]:
        """Query-key pairs that an executor computes: in chunks without mask, in chunks with one, and in columns."""
        rows = self.row_range[:, 1] - self.row_range[:, 0]
        begin, split, end = self.chunk_range.unbind(1)
        whole, edge = ((b - a) * CHUNK * rows for a, b in ((begin, split), (split, end)))
        columns = (self.listed_keys() - (end - begin) * CHUNK) * rows
        return int(whole.sum()), int(edge.sum()), int(columns.sum())

    def scattered_area(self, run: int) -> int:
        """Query-key pairs in chunks without mask that do not lie in a row of ``run`` neighbours or more."""
        begin, split, _ = self.chunk_range.unbind(1)
        rows = self.row_range[:, 1] - self.row_range[:, 0]
        many = split - begin
        block = torch.arange(many.numel(), device=many.device).repeat_interleave(many)
        start = self.chunk_start[spread(torch.stack([begin, split], 1))].long()
        fresh = torch.ones_like(start, dtype=torch.bool)
        fresh[1:] = (start.diff() != CHUNK) | (block.diff() != 0)
        first = fresh.nonzero().squeeze(1)
        length = torch.diff(first, append=first.new_tensor([start.numel()]))
        short = length < run
        return int((length[short] * rows[block[first[short]]]).sum()) * CHUNK

    def area(self) -> int:
        """Query-key pairs that an executor computes over all batches and heads, masked ones included."""
        return sum(self.areas())

    def causal_area(self) -> int:
        """Query-key pairs of dense causal attention over all batches and heads."""
        one = self.queries * self.shift + self.queries * (self.queries + 1) // 2
        return one * self.batch * self.heads

    def density(self) -> float:
        """Computed area beside causal area; can exceed 1 where blocks are computed whole."""
        return self.area() / max(1, self.causal_area())


_sound: WeakSet[SparsePlan] = WeakSet()


def vouched(plan: SparsePlan) -> SparsePlan:
    """Marks a plan as sound because its maker sees to it, so that no time goes into checking it."""
    _sound.add(plan)
    return plan


def ensure_sound(plan: SparsePlan) -> None:
    """Checks a plan once in its life, and not at all when it is vouched for. Raises ValueError as ``check_plan``."""
    if plan not in _sound:
        check_plan(plan)
        _sound.add(plan)


def _ranges_fit(ranges: Tensor, length: int) -> bool:
    if not ranges.numel():
        return True
    return bool((ranges.diff(dim=1) >= 0).all() and (ranges[:, 0] >= 0).all() and (ranges[:, -1] <= length).all())


def _inside(values: Tensor, low: int, high: int) -> bool:
    return not values.numel() or bool((values >= low).all() and (values <= high).all())


def check_plan(plan: SparsePlan) -> None:
    """Raises ValueError naming the first thing that is wrong: ranges that fall, indices outside, rows listed twice."""
    if plan.queries > plan.keys:
        raise ValueError(f"{plan.queries} queries do not fit at the end of {plan.keys} keys")
    _check_layout(plan)
    _check_entries(plan)


def _check_layout(plan: SparsePlan) -> None:
    """Shapes and ranges."""
    blocks = plan.block_head.numel()
    shapes = {"row_range": 2, "chunk_range": 3, "column_range": 2}
    for name, width in shapes.items():
        if tuple(getattr(plan, name).shape) != (blocks, width):
            raise ValueError(f"{name} has shape {tuple(getattr(plan, name).shape)}, expected {(blocks, width)}")
    if tuple(plan.padding.shape) != (plan.batch,) or not _inside(plan.padding, 0, plan.keys):
        raise ValueError(f"padding must be [batch] numbers of keys within 0..{plan.keys}")
    if not plan.chunk_start.shape == plan.chunk_stop.shape == plan.chunk_reach.shape:
        raise ValueError("chunk_start, chunk_stop and chunk_reach differ in length")
    if plan.columns.shape != plan.column_near.shape:
        raise ValueError("columns and column_near differ in length")
    lengths = {"row_range": plan.rows, "chunk_range": plan.chunk_start, "column_range": plan.columns}
    for name, target in lengths.items():
        if not _ranges_fit(getattr(plan, name), target.numel()):
            raise ValueError(f"{name} is not monotone within 0..{target.numel()}")


def _check_entries(plan: SparsePlan) -> None:
    """What the lists hold."""
    heads = plan.batch * plan.heads
    if not _inside(plan.block_head, 0, heads - 1):
        raise ValueError(f"block_head names heads outside 0..{heads - 1}")
    if not _inside(plan.rows, 0, plan.queries - 1) or not _inside(plan.row_range.diff(dim=1), 0, ROWS):
        raise ValueError(f"rows lie outside 0..{plan.queries - 1} or a block has more than {ROWS}")
    if not _inside(plan.chunk_stop - plan.chunk_start, 1, CHUNK):
        raise ValueError(f"a chunk is empty or longer than {CHUNK} keys")
    if not _inside(plan.chunk_start, 0, plan.keys - 1) or not _inside(plan.chunk_stop, 1, plan.keys):
        raise ValueError(f"chunks lie outside the {plan.keys} keys")
    if not _inside(plan.columns, 0, plan.keys - 1) or not _inside(plan.column_near, 0, FAR):
        raise ValueError(f"columns lie outside the {plan.keys} keys")
    sizes = plan.row_range.diff(dim=1).squeeze(1)
    owner = plan.block_head.long().repeat_interleave(sizes) * max(1, plan.queries) + plan.rows[spread(plan.row_range)]
    if bool((owner.sort().values.diff() == 0).any()):
        raise ValueError("a query row of one head is listed by more than one row block")


def spread(ranges: Tensor) -> Tensor:
    """[N, 2+] ranges (first and last column are the bounds) -> all indices inside them, one range after the other."""
    sizes = ranges[:, -1] - ranges[:, 0]
    ends = sizes.cumsum(0)
    total = int(ends[-1]) if ends.numel() else 0
    return torch.arange(total, device=ranges.device) + (ranges[:, 0] - (ends - sizes)).repeat_interleave(sizes)


def pair_counts(plan: SparsePlan) -> Tensor:
    """How often each pair is covered: [batch, heads, queries, keys] int32, for tests and small sizes.

    Written block by block from the definition in this module's text, so that it shares nothing with the executors.
    """
    out = torch.zeros(plan.batch * plan.heads, plan.queries, plan.keys, dtype=torch.int32)
    key = torch.arange(plan.keys)
    for n in range(plan.block_head.numel()):
        head = int(plan.block_head[n])
        rows = plan.rows[int(plan.row_range[n, 0]) : int(plan.row_range[n, 1])].long().cpu()
        distance = (rows + plan.shift).unsqueeze(1) - key
        for c in range(int(plan.chunk_range[n, 0]), int(plan.chunk_range[n, 2])):
            inside = (key >= int(plan.chunk_start[c])) & (key < int(plan.chunk_stop[c]))
            if c >= int(plan.chunk_range[n, 1]):
                inside = inside & (distance >= 0) & (distance < int(plan.chunk_reach[c]))
            out[head, rows] += inside.expand(len(rows), plan.keys).int()
        for c in range(int(plan.column_range[n, 0]), int(plan.column_range[n, 1])):
            column = int(plan.columns[c])
            far_enough = distance[:, column] >= int(plan.column_near[c])
            out[head, rows, column] += far_enough.int()
    return out.view(plan.batch, plan.heads, plan.queries, plan.keys)


def stack_plans(plans: Sequence[SparsePlan], queries: int, keys: int) -> SparsePlan:
    """One plan for a batch of left-padded prompts from one plan per prompt, each in its own positions.

    Prompt ``b`` occupies the last ``plans[b].queries`` of ``queries`` rows and the last ``plans[b].keys`` of ``keys``.
    Padding rows are in no block and come out as zeros; padding keys are in no list.

    Raises ValueError when a prompt is longer than the batch, head counts differ, or there is no plan.
    """
    if not plans:
        raise ValueError("no plans to stack")
    if len({p.heads for p in plans}) > 1:
        raise ValueError(f"plans differ in heads: {sorted({p.heads for p in plans})}")
    parts: list[SparsePlan] = []
    first = 0
    for p in plans:
        if p.queries > queries or p.keys > keys:
            raise ValueError(f"a prompt of {p.queries} rows, {p.keys} keys does not fit into {queries}, {keys}")
        dk = keys - p.keys
        moved = replace(
            p,
            block_head=p.block_head + first * p.heads,
            rows=p.rows + (queries - p.queries),
            chunk_start=p.chunk_start + dk,
            chunk_stop=p.chunk_stop + dk,
            columns=p.columns + dk,
            padding=p.padding + dk,
        )
        parts.append(vouched(moved) if p in _sound else moved)
        first += p.batch
    return join_plans(parts, torch.cat([p.padding for p in parts]), plans[0].heads, queries, keys)


def join_plans(parts: Sequence[SparsePlan], padding: Tensor, heads: int, queries: int, keys: int) -> SparsePlan:
    """Lays the lists of several plans end to end, the blocks with most keys first (the last to end sets the time)."""

    def moved(name: str, target: str) -> Tensor:
        base, out = 0, []
        for p in parts:
            out.append(getattr(p, name) + base)
            base += int(getattr(p, target).numel())
        return torch.cat(out)

    def joined(name: str) -> Tensor:
        return torch.cat([getattr(p, name) for p in parts])

    whole = SparsePlan(
        padding.numel(), heads, queries, keys,
        joined("block_head"), moved("row_range", "rows"), joined("rows"),
        moved("chunk_range", "chunk_start"), joined("chunk_start"), joined("chunk_stop"), joined("chunk_reach"),
        moved("column_range", "columns"), joined("columns"), joined("column_near"),
        padding,
    )  # fmt: skip
    order = torch.argsort(whole.listed_keys(), descending=True, stable=True)
    names = ("block_head", "row_range", "chunk_range", "column_range")
    joint = replace(whole, **{name: getattr(whole, name)[order] for name in names})
    return vouched(joint) if all(p in _sound for p in parts) else joint
