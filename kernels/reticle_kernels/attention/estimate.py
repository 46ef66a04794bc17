"""Finding a pattern's positions online from the last query rows. Source: sparse-prefill.md, 1.3, 1.6, 2.3, 5.4.

All heads are estimated together; the rows of query heads that share a key head meet it in one product.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from .plan import CHUNK, ROWS
from .shapes import BlockSparse, Grid, VerticalSlash

LAST = 64
"""Query rows that an estimate looks at."""


def _check(q: Tensor, k: Tensor) -> None:
    if q.ndim != 3 or k.ndim != 3 or q.shape[2] != k.shape[2]:
        raise ValueError(f"queries {tuple(q.shape)} and keys {tuple(k.shape)} must be [heads, length, width]")
    if q.shape[0] % k.shape[0]:
        raise ValueError(f"{q.shape[0]} query heads cannot share {k.shape[0]} key heads")
    if not 0 < q.shape[1] <= k.shape[1]:
        raise ValueError(f"{q.shape[1]} queries do not fit at the end of {k.shape[1]} keys")


def last_rows(modality: Tensor, kind: int, queries: int, many: int = LAST) -> Tensor:
    """The last ``many`` query rows of a modality: [n] int64 rows, counted from the first query.

    Args:
        modality: [Lkv] int64.
        queries: Lq; rows before the first query are not estimated from.

    Raises ValueError when no query row has this modality.
    """
    rows = (modality[modality.numel() - queries :] == kind).nonzero().squeeze(1)[-many:]
    if not rows.numel():
        raise ValueError(f"none of the {queries} query rows has modality {kind}")
    return rows


def estimate(q: Tensor, k: Tensor, rows: Tensor | None = None, scale: float | None = None) -> Tensor:
    """Attention weights of a few rows: [Hq, n, Lkv] float32, causal.

    Args:
        q: [Hq, Lq, D]. k: [Hkv, Lkv, D].
        rows: [n] int64 query rows; the last 64 when None.
        scale: D ** -0.5 when None.
    """
    _check(q, k)
    heads, queries, width = q.shape
    keys = k.shape[1]
    if rows is None:
        rows = torch.arange(max(0, queries - LAST), queries, device=q.device)
    picked = q[:, rows].float().reshape(k.shape[0], -1, width) * (width**-0.5 if scale is None else scale)
    scores = (picked @ k.float().transpose(1, 2)).view(heads, rows.numel(), keys)
    # Only the new keys can be later than a row; the mask of a long history would cost as much as its scores.
    later = torch.arange(queries, device=q.device) > rows.unsqueeze(1)
    scores[:, :, keys - queries :].masked_fill_(later, float("-inf"))
    scores -= scores.amax(-1, keepdim=True)
    weights = scores.exp_()
    return weights.div_(weights.sum(-1, keepdim=True))


def diagonal_mass(weights: Tensor, position: Tensor) -> Tensor:
    """[H, n, L] -> [H, L], mass per distance: the sum over rows r of ``weights[h, r, position[r] - d]``."""
    heads, _, keys = weights.shape
    out = weights.new_zeros(heads, keys)
    for r, p in enumerate(position.tolist()):
        out[:, keys - 1 - p :] += weights[:, r, : p + 1]
    return out.flip(1)


def vertical_slash(
    q: Tensor, k: Tensor, verticals: int, slashes: int, rows: Tensor | None = None, first: int = 30, recent: int = 100
) -> VerticalSlash:
    """The columns and distances with most mass in the estimated rows.

    Args:
        q: [Hq, Lq, D]. k: [Hkv, Lkv, D].
        verticals, slashes: how many, at most Lkv and at least ``first`` and ``recent``.
        rows: rows to estimate from; the last 64 when None.
        first: columns 0..first - 1 are always taken.
        recent: distances 0..recent - 1 are always taken; at least 1, as distance 0 keeps rows from being empty.
    """
    keys = k.shape[1]
    if max(1, recent) >= slashes:
        places = torch.arange(keys, device=q.device)
        return found_columns(column_mass(q, k, rows), places, verticals, first, min(recent, keys))
    weights = estimate(q, k, rows)
    position = torch.arange(max(0, q.shape[1] - LAST), q.shape[1], device=q.device) if rows is None else rows
    column, distance = weights.sum(1), diagonal_mass(weights, position + keys - q.shape[1])
    column[:, :first] = float("inf")
    distance[:, : max(1, recent)] = float("inf")
    return VerticalSlash(
        column.topk(min(keys, max(verticals, first))).indices,
        distance.topk(min(keys, max(slashes, recent, 1))).indices,
    )


def column_mass(q: Tensor, k: Tensor, rows: Tensor | None = None, old: Tensor | None = None) -> Tensor:
    """Mean attention that keys receive from a few rows, causal: [Hq, Lkv] float32.

    Args:
        q: [Hq, Lq, D]. k: [Hkv, Lkv, D].
        rows: [n] int64 query rows; the last 64 when None.
        old: [Hq, C] int64 keys before the first query row. Given these, only they and the Lq new keys are scored, and
            the result is [Hq, C + Lq].
    """
    _check(q, k)
    heads, queries, width = q.shape
    if rows is None:
        rows = torch.arange(max(0, queries - LAST), queries, device=q.device)
    picked = q[:, rows].float() * width**-0.5
    share, fresh = heads // k.shape[0], k.shape[1] - queries
    if old is None:
        asked = picked.reshape(k.shape[0], -1, width)
        weights = (asked @ k.float().transpose(1, 2)).view(heads, rows.numel(), -1)
    else:
        weights = picked.new_empty(heads, rows.numel(), old.shape[1] + queries)
        for head in range(heads):
            mine = k[head // share]
            chosen = mine.index_select(0, old[head])  # ten times as fast as indexing
            torch.mm(picked[head], chosen.float().T, out=weights[head, :, : old.shape[1]])
            torch.mm(picked[head], mine[fresh:].float().T, out=weights[head, :, old.shape[1] :])
    later = torch.arange(queries, device=q.device) > rows.unsqueeze(1)
    weights[:, :, weights.shape[2] - queries :].masked_fill_(later, float("-inf"))
    weights -= weights.amax(-1, keepdim=True)
    weights.exp_()
    # The division by each row's sum goes into the product that adds the rows up.
    per_row = (weights.sum(-1) * rows.numel()).reciprocal_().unsqueeze(1)
    mass: Tensor = (per_row @ weights).squeeze(1)
    return mass


def found_columns(mass: Tensor, keys: Tensor, verticals: int, first: int, recent: int) -> VerticalSlash:
    """The columns with most mass, and the nearest distances.

    Args:
        mass: [Hq, C]. keys: [C] or [Hq, C] the keys that it belongs to.
        verticals: how many, at least ``first``; the keys before ``first`` are always taken.
        recent: distances 0..recent - 1 are taken, at least 1.
    """
    keys = keys.expand_as(mass)
    best = mass.masked_fill(keys < first, float("inf")).topk(min(mass.shape[1], max(verticals, first))).indices
    return VerticalSlash(keys.gather(1, best), torch.arange(max(1, recent), device=mass.device).expand(len(mass), -1))


def block_sparse(q: Tensor, k: Tensor, top: int) -> BlockSparse:
    """The key blocks whose mean key fits each row block's mean query best; the row block's own is always taken.

    Args:
        q: [Hq, Lq, D]. k: [Hkv, Lkv, D].
        top: key blocks per row block, at least 1.
    """
    _check(q, k)
    if top < 1:
        raise ValueError(f"top is {top}, must be at least 1")
    heads, queries, width = q.shape
    shift = k.shape[1] - queries
    first = shift // ROWS
    padded = functional.pad(q.float(), (0, 0, shift - first * ROWS, 0))
    means_q, means_k = _block_means(padded), _block_means(k.float())
    rows, blocks = means_q.shape[1], means_k.shape[1]
    shared = means_q.reshape(k.shape[0], -1, width)
    scores = (shared @ means_k.transpose(1, 2)).view(heads, rows, blocks)
    own = torch.arange(first, first + rows, device=q.device).unsqueeze(1)
    block = torch.arange(blocks, device=q.device)
    scores = scores.masked_fill(block > own, float("-inf")).masked_fill(block == own, float("inf"))
    best = scores.topk(min(top, blocks))
    return BlockSparse(best.indices.masked_fill(best.values == float("-inf"), -1), first)


def _block_means(x: Tensor) -> Tensor:
    """[H, L, D] -> [H, ceil(L / 64), D], up to a factor that ranking does not see (the last block's rows are fewer)."""
    return functional.pad(x, (0, 0, 0, -x.shape[1] % CHUNK)).view(x.shape[0], -1, CHUNK, x.shape[2]).mean(2)


def _fold(values: Tensor, edges: tuple[int, int], stride: int) -> Tensor:
    """[H, L] padded at both ends -> [H, stride], sums over equal residues."""
    padded = functional.pad(values, edges)
    return padded.view(values.shape[0], -1, stride).sum(1)


def grid(
    q: Tensor,
    k: Tensor,
    strides: Sequence[int],
    start: int,
    stop: int,
    *,
    sinks: int = 64,
    local: int = 1024,
    dense_from: int | None = None,
    rows: Tensor | None = None,
    least: float = 3.0,
) -> tuple[Grid, Tensor]:
    """Stride and phase of evenly spaced columns, found by folding the estimated mass at every candidate stride.

    A head is accepted where its best phase holds more than ``least`` times the mean mass of the phases of its stride.
    Among candidates the phase wins that holds the largest share of the mass beyond its share of the positions: a
    multiple of the true stride holds less mass, a divisor more positions. Rows get the phase of the columns.

    Args:
        q: [Hq, Lq, D]. k: [Hkv, Lkv, D].
        strides: candidates, say row widths and frame lengths; those longer than half the region are left out.
        start, stop: the region that is folded; sinks and the local band before each row are left out of the sums.
        sinks, local, dense_from: the frame of the resulting pattern.
        rows: rows to estimate from; the last 64 when None.

    Returns:
        The pattern of all heads (without rows and columns where nothing was accepted) and [Hq] bool, the accepted ones.
    """
    wanted = sorted({s for s in strides if 1 < s <= (stop - start) // 2})
    heads, keys = q.shape[0], k.shape[1]
    if not 0 <= start <= stop <= keys:
        raise ValueError(f"the region [{start}, {stop}) does not lie within {keys} keys")
    mass = estimate(q, k, rows).sum(1)
    low, high = max(start, sinks), min(stop, keys - local)
    best = torch.zeros(heads, device=q.device)
    stride = torch.ones(heads, dtype=torch.int64, device=q.device)
    phase = torch.full_like(stride, -1)
    region = mass[:, low:high] if low < high else mass[:, :0]
    tiny = torch.finfo(region.dtype).tiny
    total = region.sum(1).clamp(min=tiny)
    for s in wanted:
        if region.shape[1] < 2 * s:
            continue
        # Padded so that column n of the fold holds the positions with j % s == n.
        edges = (low % s, -(low + region.shape[1]) % s)
        folded = _fold(region, edges, s)
        filled = _fold(torch.ones_like(region[:1]), edges, s)
        means = folded / filled
        peak, at = means.max(1)
        ratio = peak / means.mean(1).clamp(min=tiny)
        share = folded.gather(1, at.unsqueeze(1)).squeeze(1) / total
        beyond = share - filled[0, at] / region.shape[1]
        better = (ratio > least) & (beyond > best)
        best = torch.where(better, beyond, best)
        stride = torch.where(better, s, stride)
        phase = torch.where(better, at, phase)
    found = Grid(stride, phase, phase, start, stop, sinks, local, dense_from)
    return found, phase >= 0
