"""Whether patterns whose places must first be found can pay at all: asked before anything is found.

Finding places costs time that is lost where dense attention is taken in the end. Of such patterns the numbers of chunks
and columns are known beforehand, so their cost is, too. Units are those of :mod:`reticle_kernels.attention.gate`.
"""

from __future__ import annotations

from collections.abc import Sequence

from reticle_kernels.attention.gate import Gate
from reticle_kernels.attention.plan import CHUNK

from .column_memory import AGAIN, SHORTLIST
from .head_patterns import RECENT, HeadPattern

INDEX, INDEX_KEY = 1.5e5, 90.0
"""Finding the places of one head on a processor: for a call, and for each key that is scored. Measured
(docs/history.md)."""


def may_pay(patterns: Sequence[HeadPattern], gate: Gate, queries: int, keys: int, *, remembered: bool = False) -> bool:
    """False where sparse attention is bound to lose for one prompt on a processor; heads of static patterns cost 0.

    Args:
        patterns: of the heads of a layer.
        queries, keys: new rows, and keys in all.
        remembered: there is a :class:`.column_memory.ColumnMemory`, so that a long history is scored in part.
    """
    found = [p for p in patterns if p.estimated]
    dense = len(patterns) * queries * (keys - (queries - 1) / 2)
    rows = sum(_row_cost(p, gate, keys) for p in found) * queries
    places = sum(INDEX + INDEX_KEY * (_most_scored(p, queries, keys) if remembered else keys) for p in found)
    cost = gate.fixed + rows + places
    return keys >= gate.shortest and dense >= gate.margin * cost


def _most_scored(pattern: HeadPattern, queries: int, keys: int) -> int:
    """Keys that a step with a memory scores for one head in the long run."""
    if pattern.name not in ("vertical_slash", "q_boundary") or pattern.numbers[1] > RECENT:
        return keys
    return min(keys, queries + SHORTLIST * pattern.numbers[0] + AGAIN)


def _row_cost(pattern: HeadPattern, gate: Gate, keys: int) -> float:
    """Units of one row of a pattern, about."""
    if pattern.name == "block_sparse":
        return min(keys, pattern.numbers[0] * CHUNK) * gate.pair
    if pattern.name == "grid":
        return min(keys, sum(pattern.numbers)) * gate.edge
    columns, band = pattern.numbers
    return min(keys, columns) * gate.column + min(keys, band + CHUNK) * gate.edge
