"""A picture through a vision tower, computing all of it or less.

Exact ways: windows of equal pixels are computed once, and windows of the last captures not again, up to the first layer
without windows; beyond it every patch depends on all others. What goes further is an approximation and says so: blank
windows as one patch each, unchanged windows with their old states, dropped patches.

Only towers with windows (Qwen2.5-VL) can do with less here. Qwen2-VL and Qwen3-VL attend to everything in every layer,
and the latter adds a learned vector for each place, so that no two of their patches are alike to begin with.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor
from transformers.vision_utils import get_vision_position_ids

from .families import PointerModelModule, Sight
from .full_attention import FullLayer, LayerMemory
from .hiprune import watched_layers
from .picture_score import choose_by_picture
from .processor import Patches
from .selection import SelectionRule
from .windows import Cells, Pixels, Windows, cut, fingerprints, first_alike, merge_blank, windows_of

SHAPES = 2
"""Captures are remembered for so many sizes of pictures, the latest ones."""
CHANGED = 0.5
"""Above this share of changed windows all states are computed anew."""
AGE = 8
"""And after so many captures in a row that took over states."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A picture after the vision tower."""

    sight: Sight
    """Of the patches that are left."""
    kept: Tensor | None = None
    """[V] true for those; None when all are."""
    received: Tensor | None = None
    """[2, V] attention that each patch got in the middle and in the last layer without windows, where watched."""


class Tower(Protocol):
    """A vision tower's way with a picture."""

    def __call__(self, patches: Patches, pixels: Tensor, grid: Tensor) -> Seen:
        """``pixels`` [N, values] are those of ``patches`` on the model's device, of one frame or all; ``grid`` [1, 3]
        its raw patches."""
        ...


class WholeTower:
    """Everything, as published."""

    def __init__(self, module: PointerModelModule) -> None:
        self._module = module

    def __call__(self, patches: Patches, pixels: Tensor, grid: Tensor) -> Seen:
        return Seen(self._module.sight(pixels, grid))


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """What the parts of a windowed tower need of one picture."""

    pixels: Tensor
    """[N, values] normalised raw patches, those of a merged patch together."""
    grid: Tensor
    cells: Pixels
    """[V, values] bytes of each merged patch."""
    shape: tuple[int, int]
    """Rows and columns of merged patches."""


FullLayers = Callable[[int], FullLayer | None]
"""By a layer's number how it is run; None runs it as published."""


class WindowedLayers:
    """The layers of a tower with windows, run over any choice of merged patches."""

    def __init__(self, module: PointerModelModule) -> None:
        """The module's family must have windows."""
        self.tower: Any = module.backbone.model.visual
        self.unit = int(self.tower.spatial_merge_unit)
        self.merge = int(self.tower.spatial_merge_size)
        self.cell = self.merge * int(self.tower.patch_size)
        self.side = int(self.tower.window_size) // self.cell
        depth = len(self.tower.blocks)
        self.full = tuple(sorted(n for n in self.tower.fullatt_block_indexes if n < depth))
        self.lead = self.full[0] if self.full else depth
        """Layers before the first one without windows."""

    def picture(self, patches: Patches, pixels: Tensor, grid: Tensor) -> Picture:
        rows, columns = (int(side) // self.merge for side in patches.grid[1:])
        return Picture(pixels, grid, cut(patches.picture, self.cell), (rows, columns))

    def windows(self, picture: Picture, kept: np.ndarray[Any, np.dtype[np.bool_]] | None = None) -> Windows:
        return windows_of(picture.shape, self.side, kept)

    def tokens(self, windows: Windows) -> Tensor:
        """[K * unit] raw patches of the windows in their order."""
        cells = torch.from_numpy(windows.cells)
        return (cells[:, None] * self.unit + torch.arange(self.unit)).flatten()

    def rope(self, picture: Picture, windows: Windows) -> tuple[Tensor, Tensor]:
        places = get_vision_position_ids(picture.grid, self.merge)[self.tokens(windows).to(picture.grid.device)]
        cosines, sines = self.tower.rotary_pos_emb(picture.pixels, places)
        return cosines, sines

    def prints(self, picture: Picture, windows: Windows) -> list[bytes]:
        return fingerprints(windows, picture.cells, picture.shape[1], self.side)

    def first_layers(self, picture: Picture, windows: Windows) -> Tensor:
        """[K * unit, d] states before the first layer without windows."""
        states: Tensor = self.tower.patch_embed(
            picture.pixels[self.tokens(windows).to(picture.pixels.device)].to(self.tower.dtype)
        )
        rope, bounds = self.rope(picture, windows), self._bounds(windows, states.device)
        for block in self.tower.blocks[: self.lead]:
            states = block(states, cu_seqlens=bounds, position_embeddings=rope)
        return states

    def shared_first_layers(
        self, picture: Picture, windows: Windows, known: Mapping[bytes, Tensor] | None = None
    ) -> tuple[Tensor, dict[bytes, Tensor]]:
        """As :meth:`first_layers`, each fingerprint once and those of ``known`` not at all; and all fingerprints'."""
        prints, known = self.prints(picture, windows), known or {}
        firsts, _ = first_alike(prints)
        new = windows.taken(np.array([w for w in firsts if prints[w] not in known], np.int64))
        lengths = (np.diff(new.bounds) * self.unit).tolist()
        computed = iter(torch.split(self.first_layers(picture, new), lengths) if lengths else ())
        found = {prints[w]: known[prints[w]] if prints[w] in known else next(computed) for w in firsts}
        return torch.cat([found[p] for p in prints]), found

    def last_layers(
        self, states: Tensor, picture: Picture, windows: Windows, full: FullLayers = lambda _: None
    ) -> tuple[Tensor, dict[int, Tensor]]:
        """[K, d] merged patches in reading order from first states, and the attention [K] received where watched."""
        rope, bounds = self.rope(picture, windows), self._bounds(windows, states.device)
        ends = torch.tensor([0, states.shape[0]], dtype=bounds.dtype, device=states.device)
        received: dict[int, Tensor] = {}
        order = torch.from_numpy(np.argsort(windows.cells)).to(states.device)
        for number, block in enumerate(self.tower.blocks[self.lead :], self.lead):
            way = full(number) if number in self.full else None
            if way is not None:
                states, got = way(block, states, rope)
                if got is not None:
                    received[number] = got.view(-1, self.unit).sum(1)[order]
            else:
                limits = ends if number in self.full else bounds
                states = block(states, cu_seqlens=limits, position_embeddings=rope)
        merged: Tensor = self.tower.merger(states)[order]
        return merged, received

    def _bounds(self, windows: Windows, device: torch.device) -> Tensor:
        return torch.from_numpy(windows.bounds * self.unit).to(device, torch.int32)


class SharingTower:
    """Equal windows once and, with ``remember``, those of the last captures not again. Exact up to rounding."""

    def __init__(self, layers: WindowedLayers, remember: bool = False) -> None:
        self.layers, self.remember = layers, remember
        self._last: dict[tuple[int, int], tuple[Pixels, dict[bytes, Tensor], Sight]] = {}

    def __call__(self, patches: Patches, pixels: Tensor, grid: Tensor) -> Seen:
        picture = self.layers.picture(patches, pixels, grid)
        old = self._last.pop(picture.shape, None)
        if old is not None and np.array_equal(old[0], picture.cells):
            self._last[picture.shape] = old
            return Seen(old[2])
        windows = self.layers.windows(picture)
        states, found = self.layers.shared_first_layers(picture, windows, old[1] if old else None)
        sight = Sight(self.layers.last_layers(states, picture, windows)[0])
        if self.remember:
            kept = {p: s if old and old[1].get(p) is s else s.clone() for p, s in found.items()}
            _remember(self._last, picture.shape, (picture.cells, kept, sight))
        return Seen(sight)


class MergingTower:
    """Blank windows as one patch each, whose key counts as often as it has patches. Approximate."""

    def __init__(self, layers: WindowedLayers) -> None:
        self.layers = layers

    def __call__(self, patches: Patches, pixels: Tensor, grid: Tensor) -> Seen:
        picture = self.layers.picture(patches, pixels, grid)
        merged = merge_blank(self.layers.windows(picture), picture.cells)
        windows = self.layers.windows(picture, merged.kept)
        states, _ = self.layers.shared_first_layers(picture, windows)
        counts = torch.from_numpy(merged.counts[windows.cells]).repeat_interleave(self.layers.unit)
        way = FullLayer(log_counts=counts.log().to(states.device))
        computed, _ = self.layers.last_layers(states, picture, windows, lambda _: way)
        row = np.cumsum(merged.kept) - 1
        return Seen(Sight(computed[torch.from_numpy(row[merged.stands_for]).to(computed.device)]))


class DroppingTower:
    """Only the patches that the picture alone makes worth looking at. Approximate."""

    def __init__(self, layers: WindowedLayers, rule: SelectionRule) -> None:
        self.layers, self.rule = layers, rule

    def __call__(self, patches: Patches, pixels: Tensor, grid: Tensor) -> Seen:
        picture = self.layers.picture(patches, pixels, grid)
        kept = torch.ones(picture.cells.shape[0], dtype=torch.bool)
        if self.rule.keep < 1:
            kept = choose_by_picture(patches.picture, self.layers.cell, self.rule)
        windows = self.layers.windows(picture, kept.numpy())
        states, _ = self.layers.shared_first_layers(picture, windows)
        return Seen(Sight(self.layers.last_layers(states, picture, windows)[0]), kept.to(pixels.device))


class WatchingTower:
    """Everything, and how much attention each patch receives in a middle and in the last layer without windows."""

    def __init__(self, layers: WindowedLayers) -> None:
        self.layers = layers

    def __call__(self, patches: Patches, pixels: Tensor, grid: Tensor) -> Seen:
        picture = self.layers.picture(patches, pixels, grid)
        windows = self.layers.windows(picture)
        watched = watched_layers(self.layers.full)
        states = self.layers.first_layers(picture, windows)
        way = FullLayer(watch=True)
        sight, received = self.layers.last_layers(
            states, picture, windows, lambda number: way if number in watched else None
        )
        return Seen(Sight(sight), received=torch.stack([received[number] for number in watched]))


@dataclass(slots=True)
class _States:
    """All that a capture left."""

    cells: Pixels
    merged: Tensor
    layers: dict[int, LayerMemory] = field(default_factory=dict)
    age: int = 0


class StatesTower:
    """Windows of equal pixels as in the last capture keep every state they had there. Approximate.

    What changed sees all of the picture; what did not change does not see what changed.
    """

    def __init__(self, layers: WindowedLayers) -> None:
        self.layers = layers
        self._last: dict[tuple[int, int], _States] = {}

    def __call__(self, patches: Patches, pixels: Tensor, grid: Tensor) -> Seen:
        layers = self.layers
        picture = layers.picture(patches, pixels, grid)
        windows = layers.windows(picture)
        old = self._last.pop(picture.shape, None)
        changed = np.arange(len(windows)) if old is None else _changed(windows, old.cells, picture.cells)
        if old is None or old.age >= AGE or len(changed) > CHANGED * len(windows):
            old, changed = self._blank(picture), np.arange(len(windows))
        if len(changed):
            part = windows.taken(changed)
            tokens = layers.tokens(part).to(pixels.device)
            states, _ = layers.shared_first_layers(picture, part)
            memories = old.layers
            ways = {n: FullLayer(memory=memories[n], tokens=tokens) for n in layers.full}
            fresh, _ = layers.last_layers(states, picture, part, ways.get)
            merged = fresh.new_empty(picture.cells.shape[0], fresh.shape[1])
            if len(part) < len(windows):
                merged.copy_(old.merged)
            merged[torch.from_numpy(np.sort(part.cells)).to(pixels.device)] = fresh
            age = old.age + 1 if len(part) < len(windows) else 0
            old = _States(picture.cells, merged, memories, age)
        _remember(self._last, picture.shape, old)
        return Seen(Sight(old.merged))

    def _blank(self, picture: Picture) -> _States:
        attention = self.layers.tower.blocks[0].attn
        shape = (attention.num_heads, picture.pixels.shape[0], attention.head_dim)
        like = self.layers.tower.merger.ln_q.weight
        made = {n: LayerMemory(like.new_empty(shape), like.new_empty(shape)) for n in self.layers.full}
        return _States(picture.cells, like.new_empty(0), made)


def _changed(windows: Windows, before: Pixels, now: Pixels) -> Cells:
    """Indices of the windows with a patch whose pixels differ."""
    differs = (before != now).any(axis=1)[windows.cells]
    return np.flatnonzero(np.add.reduceat(differs.astype(np.int64), windows.bounds[:-1]))


def _remember(memory: dict[tuple[int, int], Any], shape: tuple[int, int], value: object) -> None:
    memory[shape] = value
    while len(memory) > SHAPES:
        del memory[next(iter(memory))]
