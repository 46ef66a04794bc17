"""Which tokens of a prompt are patches of which screenshot, read off their M-RoPE positions.

The patches of a still picture share one time, rows and columns count from it, and every token of text has a time of its
own. So the positions that the language model gets anyway tell the frames, their grid and their stride, whichever way
the prompt came about: in one piece, in chunks, on a cache, by ``generate``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class TokenMap:
    """The tokens of one prompt; ``L`` of them.

    ``time``, ``step``, ``row``, ``column``: [L] int64 on the processor. ``step`` is the number of the latest frame that
    starts at or before a token, -1 before the first; row and column are -1 for text. ``widths``: columns of each frame
    by its number, which stay what they were when patches are dropped.
    """

    time: Tensor
    step: Tensor
    row: Tensor
    column: Tensor
    widths: Mapping[int, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return self.step.numel()

    @property
    def visual(self) -> Tensor:
        """[L] bool, true for patches."""
        return self.row >= 0

    @property
    def frames(self) -> list[int]:
        """Numbers of the frames of which a patch is left."""
        numbers: list[int] = torch.unique_consecutive(self.step[self.visual]).tolist()
        return numbers

    def patch(self) -> Tensor:
        """[L] number of each patch in its frame's raster order, -1 for text."""
        width = torch.ones_like(self.step)
        for number, columns in self.widths.items():
            width[self.step == number] = columns
        return torch.where(self.visual, self.row * width + self.column, -1)

    def text_from(self) -> int:
        """Where the text behind the last patch begins; 0 without patches."""
        last = self.visual.nonzero()
        return int(last[-1]) + 1 if last.numel() else 0

    def strides(self) -> list[int]:
        """Widths of the frames, and distances between the starts of neighbouring ones: candidates for a grid."""
        at = [int((self.visual & (self.step == number)).nonzero()[0]) for number in self.frames]
        apart = [b - a for a, b in pairwise(at)]
        return sorted({*apart, *(self.widths[number] for number in self.frames)})

    def cut(self, length: int) -> TokenMap:
        """The first ``length`` tokens."""
        return self if length >= len(self) else self._each(slice(0, length))

    def take(self, which: Tensor) -> TokenMap:
        """The tokens at these ascending places."""
        return self._each(which)

    def _each(self, which: Tensor | slice) -> TokenMap:
        return replace(
            self, time=self.time[which], step=self.step[which], row=self.row[which], column=self.column[which]
        )

    def with_text(self, count: int) -> TokenMap:
        """Followed by tokens of which nothing is known, taken for text."""
        time = int(self.time.max()) + 1 if len(self) else 0
        return self.extended((torch.arange(count) + time).expand(3, -1))

    def extended(self, positions: Tensor) -> TokenMap:
        """Followed by the tokens at these M-RoPE positions [3, n] (time, row, column).

        A frame may go on from the tokens before. Runs of one time whose patches are not in raster order are text.
        """
        time, high, wide = positions.to("cpu", torch.int64)
        if not time.numel():
            return self
        begin = self._run_start(int(time[0]))
        old_row, old_column = self.row[begin:], self.column[begin:]
        held = self.time[begin:]
        known = old_row >= 0
        row = torch.cat([torch.where(known, old_row, 0), high - time])
        column = torch.cat([torch.where(known, old_column, 0), wide - time])
        joined = torch.cat([held, time])
        first = torch.ones_like(joined, dtype=torch.bool)
        first[1:] = joined[1:] != joined[:-1]
        run = first.cumsum(0) - 1
        visual = _in_raster_order(run, row, column)
        fresh = visual & first
        before = int(self.step[begin - 1]) if begin else -1
        step = before + fresh.cumsum(0)
        row, column = row.masked_fill(~visual, -1), column.masked_fill(~visual, -1)
        widths = dict(self.widths)
        for number in torch.unique(step[visual]).tolist():
            widest = int(column[visual & (step == number)].max()) + 1
            widths[number] = max(widths.get(number, 1), widest)
        return TokenMap(
            torch.cat([self.time[:begin], joined]),
            torch.cat([self.step[:begin], step]),
            torch.cat([self.row[:begin], row]),
            torch.cat([self.column[:begin], column]),
            widths,
        )

    def _run_start(self, time: int) -> int:
        """Where the run at the end begins that a token of this time continues; the end when there is none."""
        if not len(self) or int(self.time[-1]) != time:
            return len(self)
        other = (self.time != time).nonzero()
        return int(other[-1]) + 1 if other.numel() else 0


def empty_map() -> TokenMap:
    """No tokens."""
    none = torch.zeros(0, dtype=torch.int64)
    return TokenMap(none, none, none, none)


def _in_raster_order(run: Tensor, row: Tensor, column: Tensor) -> Tensor:
    """[n] bool: tokens of runs of two or more patches that rise by row, then by column, from (0, 0) on."""
    runs = int(run[-1]) + 1
    size = torch.bincount(run, minlength=runs)
    broken = torch.zeros(runs, dtype=torch.int64)
    inside = run[1:] == run[:-1]
    risen = (row[1:] > row[:-1]) | ((row[1:] == row[:-1]) & (column[1:] > column[:-1]))
    broken.index_add_(0, run[1:], (inside & ~risen).long())
    broken.index_add_(0, run, ((row < 0) | (column < 0)).long())
    return ((size > 1) & (broken == 0))[run]
