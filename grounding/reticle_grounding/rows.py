"""Instructions that name a control by what stands beside it: "pin Sofia Khan", "the bin right of Drafts".

A name that the screen shows is taken out of the instruction; what is left says which control of that row is meant.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from .geometry import Rect
from .ocr import TextBox
from .words import SIDED, content, is_name, similarity, tokens, weight, without_places

ALIKE = 0.86
"""Least similarity of a word of the instruction and one on the screen."""
SHARE = 0.5
"""Least share of a text's words that the name is."""
TIED = 0.97
"""Names of at least this share of the best one's weight count as well as it."""
MAX_NAMES = 6
"""A name that more texts show than this tells nothing."""
LEVEL = 0.8
"""Centres of one row are at most so far apart, in half the sum of the heights."""
COLUMN = 12.0
"""Centres of a column of equal controls differ by at most so much (capture pixels)."""
FAR = 300.0
"""Distance in a row at which a control belongs to a name half as much (capture pixels)."""


Flags: TypeAlias = npt.NDArray[np.bool_]
Side: TypeAlias = tuple[int, int]
"""Across and down: (-1, 0) is left, (0, 1) is below."""


def sides_of(relation: str | None) -> tuple[Side, ...]:
    """Sides of the anchor on which a relation says that the target stands; none for "in", "of" and the like."""
    return SIDED.get(relation or "", ())


def gap_beside(region: Rect, anchor: Rect, sides: Sequence[Side]) -> float | None:
    """How far a region stands from an anchor on the nearest of these sides (0 where they touch, in their own pixels);
    None where it stands on none of them, level with the anchor."""
    gaps = [gap for side in sides if (gap := _gap(region, anchor, side)) is not None]
    return min(gaps, default=None)


def _gap(region: Rect, anchor: Rect, side: Side) -> float | None:
    across, down = side
    if anchor.contains(region.center):  # a letter that was taken for a drawing
        return None
    if across:
        level = abs(region.center.y - anchor.center.y) <= LEVEL * (region.height + anchor.height) / 2
        gap = region.left - anchor.right if across > 0 else anchor.left - region.right
        reach = anchor.width
    else:
        level = region.left < anchor.right and anchor.left < region.right
        gap = region.top - anchor.bottom if down > 0 else anchor.top - region.bottom
        reach = anchor.height
    return max(gap, 0.0) if level and gap >= -0.3 * reach else None


@dataclass(frozen=True, slots=True)
class Parted:
    """An instruction as a name that is on the screen, and the rest."""

    rest: tuple[str, ...]
    """Words left without the name, of which at least one carries meaning."""
    names: tuple[Rect, ...]
    """Texts that show the name (capture pixels)."""
    share: float
    """How much of the instruction's weight the name is, 0..1."""

    def is_name(self, region: Rect) -> bool:
        """Whether a region is one of the names."""
        return any(name.contains(region.center) or region.contains(name.center) for name in self.names)

    def stands(self, region: Rect) -> float:
        """0..1: how near a region stands to a name in its row; 0 in no row, and for the name itself."""
        return max((_in_row(region, name) for name in self.names), default=0.0)


def repeated(part: Parted, rects: Sequence[Rect], same: Callable[[int], Flags]) -> frozenset[int]:
    """Which places stand in a row of the name and have an equal one in the same column, as the controls of lists do.

    Without that a name beside a drawing tells nothing: a window is full of words.

    Args:
        rects: the places, capture pixels.
        same: number of a place -> [places] which of them show the same.
    """
    beside = [n for n, rect in enumerate(rects) if part.stands(rect) > 0.0]
    return frozenset(
        n for n in beside if any(_in_column(rects[n], rects[int(m)]) for m in np.flatnonzero(same(n)) if m != n)
    )


def _in_column(rect: Rect, other: Rect) -> bool:
    return abs(rect.center.x - other.center.x) <= COLUMN and abs(rect.center.y - other.center.y) > LEVEL * rect.height


def parted(words: tuple[str, ...], texts: Sequence[TextBox]) -> Parted | None:
    """The longest name in the words that the texts show, and the rest; None where there is none or nothing is left.

    Args:
        words: tokens of the instruction.
        texts: what was read, other readings of it included (capture pixels).
    """
    best = 0.0
    found: list[tuple[float, int, int, Rect]] = []
    for box in texts:
        shown = tokens(box.text)
        for start, stop in _runs(words, shown):
            said = words[start:stop]
            if not is_name(said) or (stop - start) < SHARE * len(shown):
                continue
            worth = sum(map(weight, said))
            best = max(best, worth)
            found.append((worth, start, stop, box.rect))
    found = [f for f in found if f[0] >= TIED * best]
    if not found:
        return None
    _, start, stop, _ = found[0]
    names = tuple(rect for _, i, j, rect in found if (i, j) == (start, stop))
    rest = without_places(content((*words[:start], *words[stop:])))
    if not rest or len(names) > MAX_NAMES:
        return None
    return Parted(rest, names, best / sum(map(weight, words)))


def _runs(words: Sequence[str], shown: Sequence[str]) -> list[tuple[int, int]]:
    """Longest runs of words (start, stop) that also stand in the text one after the other."""
    runs = []
    for i in range(len(words)):
        for j in range(len(shown)):
            if i and j and similarity(words[i - 1], shown[j - 1]) >= ALIKE:
                continue  # part of a longer run
            length = 0
            while (
                i + length < len(words)
                and j + length < len(shown)
                and similarity(words[i + length], shown[j + length]) >= ALIKE
            ):
                length += 1
            if length:
                runs.append((i, i + length))
    return runs


def _in_row(region: Rect, name: Rect) -> float:
    if name.contains(region.center) or region.contains(name.center):
        return 0.0
    if abs(region.center.y - name.center.y) > LEVEL * (region.height + name.height) / 2:
        return 0.0
    gap = max(name.left - region.right, region.left - name.right, 0.0)
    return 1.0 / (1.0 + gap / FAR)
