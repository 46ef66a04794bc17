"""The memory of one run: what of it is put before the planner of the next step."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from .segments import Segment, segments
from .select import Line, Scorer, asked_for
from .tokens import bag, cost
from .turns import Turn

K1, B = 1.2, 0.75
"""Constants of BM25 (Robertson and Zaragoza 2009)."""
HEADER = 12
"""Tokens that naming a segment and its steps costs, about."""
BESIDE, NEXT, ON_SCREEN = 4.0, 0.5, 1.5
"""What a line gains beside one that names what is asked for (by NEXT, before it), and anywhere on its screen."""
SEGMENT = 3.0
"""Start of the lines of the segment that the question is most about."""


@dataclass(frozen=True, slots=True)
class Recalled:
    """What is kept of one segment."""

    first: int
    last: int
    lines: tuple[str, ...]
    """Of the text on the screens; written by others."""

    @property
    def cost(self) -> int:
        return HEADER + sum(cost(text) + 2 for text in self.lines)


class Memory:
    """Made from the turns of a run so far."""

    def __init__(self, turns: Sequence[Turn]) -> None:
        self.segments: list[Segment] = segments(turns)
        screens = _distinct(turns)
        self._scorer = Scorer(screens)
        self._bags = [bag(_texts(segment)) for segment in self.segments]
        self._seen = Counter(term for one in self._bags for term in one)
        self._length = sum(sum(one.values()) for one in self._bags) / max(1, len(self._bags))

    def recall(self, asked: Sequence[tuple[str, float]], budget: int, without: Collection[str] = ()) -> list[Recalled]:
        """What has most to say about what is asked, by segments in the order of the run.

        The lines of all segments compete for the budget, those of the segments that the question is about with a start.

        Args:
            asked: texts that say what the next step is about, each with its weight (up to 1).
            budget: tokens of everything together, as :func:`.tokens.cost` counts them; 0 recalls nothing.
            without: lines that are known anyway, because the screen shows them now.
        """
        wanted = self._scorer.weighted(asked_for(asked))
        known = frozenset(without)
        relevance = [self._relevance(i, wanted) for i in range(len(self.segments))]
        top = max(relevance, default=0.0) or 1.0
        ranked: list[tuple[float, int, Line]] = []
        for index, segment in enumerate(self.segments):
            start = SEGMENT * relevance[index] / top
            ranked += [(line.score + start, index, line) for line in self._lines(segment, wanted, known)]
        ranked.sort(key=lambda one: (-one[0], -one[1], one[2].place))
        kept: dict[int, list[Line]] = {}
        said: set[tuple[int, str]] = set()
        left = budget
        for _, index, line in ranked:
            price = line.cost + (0 if index in kept else HEADER)
            if (index, line.text) not in said and price <= left:
                said.add((index, line.text))
                kept.setdefault(index, []).append(line)
                left -= price
        return [self._recalled(index, kept[index]) for index in sorted(kept)]

    def _recalled(self, index: int, lines: Sequence[Line]) -> Recalled:
        segment = self.segments[index]
        ordered = sorted(lines, key=lambda line: (line.turn, line.place))
        return Recalled(segment.first, segment.last, tuple(line.text for line in ordered))

    def _relevance(self, index: int, asked: dict[str, float]) -> float:
        """BM25 of the segment for what is asked."""
        words = self._bags[index]
        size = sum(words.values()) / (self._length or 1.0)
        total = 0.0
        for term, weight in asked.items():
            n, holding = words.get(term, 0), self._seen.get(term, 0)
            if n:
                idf = math.log(1 + (len(self._bags) - holding + 0.5) / (holding + 0.5))
                total += weight * idf * n * (K1 + 1) / (n + K1 * (1 - B + B * size))
        return total

    def _lines(self, segment: Segment, asked: dict[str, float], known: frozenset[str]) -> list[Line]:
        """All lines of a segment's screens; what stands beside a line that names what is asked for counts more."""
        found: list[Line] = []
        before: tuple[str, ...] = ()
        for turn in segment.turns:
            if turn.lines == before:
                continue
            before = turn.lines
            named = [self._scorer.speaks_of(text, asked) for text in turn.lines]
            for place, text in enumerate(turn.lines):
                line = None if text in known else self._scorer.line(text, asked, turn.number, place)
                if line is not None:
                    around = max(
                        named[place - 1] if place else 0.0, NEXT * max(named[place + 1 : place + 2], default=0.0)
                    )
                    found.append(replace(line, score=line.score + BESIDE * around + ON_SCREEN * max(named)))
        return found


def truncated(turns: Sequence[Turn], budget: int) -> list[str]:
    """What plain truncation keeps: the newest text that fits, unabridged. For comparison."""
    kept: list[str] = []
    for turn in reversed(turns):
        for text in reversed([*turn.lines, turn.done]):
            budget -= cost(text) + 2
            if budget < 0:
                return kept[::-1]
            kept.append(text)
    return kept[::-1]


def _texts(segment: Segment) -> list[str]:
    lines = dict.fromkeys(line for turn in segment.turns for line in turn.lines)
    return [*lines, *(turn.done for turn in segment.turns)]


def _distinct(turns: Sequence[Turn]) -> list[tuple[str, ...]]:
    """The screens without repetitions of the one before."""
    found: list[tuple[str, ...]] = []
    for turn in turns:
        if turn.lines and (not found or found[-1] != turn.lines):
            found.append(turn.lines)
    return found
