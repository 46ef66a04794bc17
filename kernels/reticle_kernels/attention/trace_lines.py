"""Lines between the same patches of the screenshots of a trace whose frames may have lost patches.

Unlike :class:`.boundaries.SamePatch`, which counts a frame's chunks from its start and so needs whole frames, this goes
by the number that each token's patch has on the screen, and it can look back at a bounded number of steps, so that a
new screenshot costs the same however long the history is. Source: sparse-prefill.md, section 5.4.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .coverage import Coverage, RowBlocks, coverage
from .plan import CHUNK, FAR, spread


@dataclass(frozen=True, eq=False)
class TraceLines:
    """Same patches, own screenshot, text, and for text its own step; ``c(p)`` is ``patch[p] // 64``.

    Keeps ``j <= i`` and any of:

    * ``j < sinks``;
    * ``j`` is text, at most ``steps`` steps before ``i``;
    * ``i`` and ``j`` in one frame and ``c(i) - c(j) < own`` (all of the frame when ``own`` is None);
    * ``i`` in a later frame than ``j``, at most ``steps`` steps, and ``|c(i) - c(j)| <= radius``;
    * ``i`` is text and ``j`` in its step, or ``i - j < local``.

    Attributes:
        step: [keys] int64 that never falls: the number of the latest frame that starts at or before each token.
        patch: [keys] int64, -1 for text, else the number of the patch in raster order; rising within a frame.
        radius: chunks of 64 patches to either side.
        own: chunks of the own frame, None for all.
        sinks: first tokens, which every row reads.
        local: width of the band of text rows.
        steps: how far back rows look, None for no limit.
    """

    step: Tensor
    patch: Tensor
    radius: int = 1
    own: int | None = None
    sinks: int = 64
    local: int = 256
    steps: int | None = None

    def __post_init__(self) -> None:
        if self.step.ndim != 1 or self.step.shape != self.patch.shape:
            raise ValueError(f"steps {tuple(self.step.shape)} and patches {tuple(self.patch.shape)} must be [keys]")
        if bool((self.step.diff() < 0).any()):
            raise ValueError("the steps of a trace must not fall from one token to the next")
        visual = self.patch >= 0
        both = visual[1:] & visual[:-1] & (self.step.diff() == 0)
        if bool((self.patch.diff()[both] <= 0).any()):
            raise ValueError("patch numbers must rise within a frame")
        if bool((visual[1:] & ~visual[:-1] & (self.step.diff() == 0)).any()):
            raise ValueError("the patches of a frame must stand together, before the text of its step")
        smallest = {"radius": self.radius, "sinks": self.sinks, "local": self.local - 1, "steps": self.steps or 0}
        if min(smallest.values()) < 0 or (self.own is not None and self.own < 1):
            raise ValueError("radius, sinks and steps must be at least 0, local and own at least 1")

    @property
    def heads(self) -> int | None:
        return None

    def _check(self, keys: int) -> None:
        if keys != self.step.numel():
            raise ValueError(f"the token map covers {self.step.numel()} positions, the prompt has {keys}")

    def keep(self, i: Tensor, j: Tensor) -> Tensor:
        self._check(j.shape[1])
        near = torch.ones_like(i - j, dtype=torch.bool)
        if self.steps is not None:
            near = self.step[i] - self.step[j] <= self.steps
        text, listed = self.patch[i] < 0, self.patch[j] < 0
        apart = self.patch[i] // CHUNK - self.patch[j] // CHUNK
        same = self.step[i] == self.step[j]
        kept = (j < self.sinks) | (listed & near)
        frame = ~text & ~listed
        kept = kept | (frame & same & ((apart < self.own) if self.own is not None else frame))
        kept = kept | (frame & ~same & near & (apart.abs() <= self.radius))
        kept = kept | (text & (same | (i - j < self.local)))
        return kept & (j <= i)

    def classes(self, position: Tensor) -> Tensor:
        patch = self.patch[position]
        number = torch.where(patch >= 0, patch // CHUNK + 1, 0)
        width = int(number.max()) + 1 if number.numel() else 1
        return ((self.step[position] - self.step[:1]) * width + number).unsqueeze(0)

    def cover(self, rows: RowBlocks) -> Coverage:
        self._check(rows.keys)
        visual = (self.patch[rows.low] >= 0).nonzero().squeeze(1)
        text = (self.patch[rows.low] < 0).nonzero().squeeze(1)
        zero = torch.zeros_like(rows.low)
        sinks = (torch.arange(len(rows), device=zero.device), zero, (rows.high + 1).clamp(max=self.sinks), zero + FAR)
        first = torch.searchsorted(self.step, self.step[rows.low[text]])
        band = (rows.low[text] - self.local + 1).clamp(min=self.sinks)
        far = torch.full_like(first, FAR)
        return coverage(
            [
                sinks,
                *self._lines(rows, visual),
                (text, band, first, torch.full_like(first, self.local)),
                (text, first.clamp(min=self.sinks), rows.high[text] + 1, far),
            ],
            self._columns(rows, text, visual, first),
        )

    def _columns(
        self, rows: RowBlocks, text: Tensor, visual: Tensor, first: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Text that rows look back at; text rows leave out their own step and band, which intervals hold."""
        listed = ((self.patch < 0) & (torch.arange(rows.keys, device=self.patch.device) >= self.sinks)).nonzero()
        columns = listed.squeeze(1)
        near = torch.cat([torch.full_like(columns, self.local), torch.zeros_like(columns)])
        owner = torch.cat([text, visual])
        begin = torch.zeros_like(owner)
        if self.steps is not None:
            begin = torch.searchsorted(self.step[columns].contiguous(), self.step[rows.low[owner]] - self.steps)
        reached = torch.minimum(first - 1, rows.high[text] - self.local)
        end = torch.searchsorted(columns, torch.cat([reached, rows.high[visual]]), right=True)
        shifted = torch.cat([torch.zeros_like(text), torch.full_like(visual, columns.numel())])
        segment = torch.stack([begin, torch.maximum(begin, end)], 1) + shifted.unsqueeze(1)
        return torch.cat([columns, columns]), near, owner, segment

    def _lines(self, rows: RowBlocks, block: Tensor) -> list[tuple[Tensor, Tensor, Tensor, Tensor]]:
        """The own frame and the same patches of earlier frames for visual row blocks; no pair twice."""
        at = (self.patch >= 0).nonzero().squeeze(1)
        if not at.numel() or not block.numel():
            return []
        frames, frame = torch.unique_consecutive(self.step[at], return_inverse=True)
        wide = int(self.patch.max()) // CHUNK + 2
        place = frame * wide + self.patch[at] // CHUNK
        position = torch.cat([at, at[-1:] + 1])
        mine = torch.searchsorted(frames, self.step[rows.low[block]])
        oldest = torch.zeros_like(mine)
        if self.steps is not None:
            oldest = torch.searchsorted(frames, self.step[rows.low[block]] - self.steps)
        earlier = spread(torch.stack([oldest, mine + 1], 1))
        each = torch.arange(block.numel(), device=block.device).repeat_interleave(mine + 1 - oldest)
        chunk = (self.patch[rows.low[block]] // CHUNK)[each]
        own = earlier == mine[each]
        low = torch.where(own, torch.zeros_like(chunk) if self.own is None else chunk - self.own + 1, chunk)
        low = torch.where(own, low, chunk - self.radius).clamp(min=0)
        up = torch.where(own, chunk, chunk + self.radius).clamp(max=wide - 1)
        start = torch.searchsorted(place, earlier * wide + low)
        stop = torch.searchsorted(place, earlier * wide + up, right=True)
        key = position[start].clamp(min=self.sinks)
        end = torch.where(start < stop, position[(stop - 1).clamp(min=0)] + 1, 0)
        end = torch.minimum(end, rows.high[block][each] + 1)
        return [(block[each], key, end, torch.full_like(each, FAR))]
