"""Cuts a run where its topic changes: steps that show and do the same sort of thing stay together.

Memory is looked up by segments, since single steps hold too little to be found by and whole runs too much that is not
meant (SeCom, Pan et al. 2025, section 3). The cuts are those of lexical cohesion (TextTiling, Hearst 1997): where the
words before and after a gap agree less than on both sides of it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from .tokens import bag
from .turns import Turn

WINDOW = 3
"""Turns on each side of a gap that are compared."""
LONGEST = 12
"""Turns of one segment; longer ones are cut at their weakest gap."""
DEPTH = 0.5
"""Standard deviations below the mean depth at which a valley still is a cut (Hearst's liberal threshold)."""
LEAST_DEPTH = 0.15
"""A shallower valley is none, whatever the rest of the run looks like."""


@dataclass(frozen=True, slots=True)
class Segment:
    """Turns of one topic, in order."""

    turns: tuple[Turn, ...]

    @property
    def first(self) -> int:
        return self.turns[0].number

    @property
    def last(self) -> int:
        return self.turns[-1].number


def segments(turns: Sequence[Turn]) -> list[Segment]:
    """All turns in order, each in one segment."""
    if not turns:
        return []
    words = weighed([bag([*turn.lines, turn.done]) for turn in turns])
    gaps = [cohesion(words, at) for at in range(1, len(turns))]
    depths = [_depth(gaps, i) for i in range(len(gaps))]
    cuts = {i + 1 for i, depth in enumerate(depths) if depth > _threshold(depths) and _is_valley(gaps, i)}
    found: list[Segment] = []
    start = 0
    for end in [*sorted(cuts), len(turns)]:
        found += [Segment(tuple(turns[a:b])) for a, b in _short_enough(start, end, gaps)]
        start = end
    return found


def weighed(bags: Sequence[Counter[str]]) -> list[dict[str, float]]:
    """Term weights (1 + log tf) * idf; what stands on every screen, as menus do, weighs nothing."""
    seen = Counter(term for one in bags for term in one)
    return [
        {
            term: (1 + math.log(n)) * math.log(len(bags) / seen[term])
            for term, n in one.items()
            if seen[term] < len(bags)
        }
        for one in bags
    ]


def cohesion(words: Sequence[dict[str, float]], at: int) -> float:
    """0..1: cosine of the terms of the :data:`WINDOW` turns before and after the gap in front of turn ``at``."""
    before, after = _summed(words[max(0, at - WINDOW) : at]), _summed(words[at : at + WINDOW])
    norm = math.sqrt(sum(v * v for v in before.values()) * sum(v * v for v in after.values()))
    return sum(value * after.get(term, 0.0) for term, value in before.items()) / norm if norm else 1.0


def _summed(parts: Sequence[dict[str, float]]) -> dict[str, float]:
    total: dict[str, float] = {}
    for part in parts:
        for term, value in part.items():
            total[term] = total.get(term, 0.0) + value
    return total


def _depth(gaps: Sequence[float], at: int) -> float:
    """How far cohesion rises on both sides of a gap."""
    left = right = gaps[at]
    for value in reversed(gaps[:at]):
        if value < left:
            break
        left = value
    for value in gaps[at + 1 :]:
        if value < right:
            break
        right = value
    return left + right - 2 * gaps[at]


def _threshold(depths: Sequence[float]) -> float:
    mean = sum(depths) / len(depths)
    spread = math.sqrt(sum((d - mean) ** 2 for d in depths) / len(depths))
    return max(LEAST_DEPTH, mean - DEPTH * spread)


def _is_valley(gaps: Sequence[float], at: int) -> bool:
    return (at == 0 or gaps[at - 1] >= gaps[at]) and (at == len(gaps) - 1 or gaps[at + 1] > gaps[at])


def _short_enough(start: int, end: int, gaps: Sequence[float]) -> list[tuple[int, int]]:
    if end - start <= LONGEST:
        return [(start, end)]
    middle = range(start + 2, end - 1)
    cut = min(middle, key=lambda i: gaps[i - 1])
    return [*_short_enough(start, cut, gaps), *_short_enough(cut, end, gaps)]
