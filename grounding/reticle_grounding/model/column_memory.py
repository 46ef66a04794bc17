"""Which columns of a long history are worth reading, found without scoring all of its keys at every step.

A vertical-slash pattern reads the columns that its last rows attend to most. Scoring every key for them takes time that
grows with the history. Here each key's share of attention, as last measured, is remembered beside the cache, and a step
scores the new keys, those that were attended to most, and a stretch of the others that moves on from step to step, so
that every key is looked at again every few steps. What a step costs no longer depends on the length of the history.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor

from reticle_kernels.attention.estimate import column_mass, found_columns
from reticle_kernels.attention.shapes import VerticalSlash

SHORTLIST = 2
"""Old keys that are scored again for their attention, per column that is wanted."""
AGAIN = 1536
"""Old keys that are scored again whatever they were."""
UNSEEN = float("inf")
"""The mass of a key that was never scored."""


class ColumnMemory:
    """Of one cache: for each layer and kind of rows, the attention [heads, length] that keys received."""

    def __init__(self) -> None:
        self._mass: dict[tuple[int, int], Tensor] = {}
        self._turn: dict[tuple[int, int], int] = {}
        self.scored = 0
        """Keys that the latest step scored for each head."""

    def copy(self) -> ColumnMemory:
        """The same, going on by itself; tensors are never written to, so they are shared."""
        other = ColumnMemory()
        other.restore(self)
        return other

    def restore(self, before: ColumnMemory) -> None:
        """Becomes what another one is."""
        self._mass, self._turn = dict(before._mass), dict(before._turn)

    def masses(self) -> list[tuple[tuple[int, int], Tensor]]:
        """What is remembered, by layer and kind: [heads, length] each."""
        return list(self._mass.items())

    def turns(self) -> list[tuple[int, int, int]]:
        """Layer, kind, and the old key that is scored again next."""
        return [(*name, turn) for name, turn in self._turn.items()]

    def fill(self, masses: Mapping[tuple[int, int], Tensor], turns: Iterable[Sequence[int]]) -> None:
        """Remembers what :meth:`masses` and :meth:`turns` of another one gave."""
        self._mass = dict(masses)
        self._turn = {(layer, kind): turn for layer, kind, turn in turns}

    def take(self, index: Tensor) -> None:
        """Forgets all keys but those at these ascending places [n]."""
        for name, mass in self._mass.items():
            place = index[index < mass.shape[1]].to(mass.device)
            self._mass[name] = mass[:, place]

    def find(
        self, layer: int, kind: int, q: Tensor, k: Tensor, verticals: int, rows: Tensor | None, first: int, recent: int
    ) -> VerticalSlash:
        """As ``estimate.vertical_slash`` for at most ``recent`` distances, and remembers what was scored.

        Args:
            layer, kind: which memory; rows of different modality attend to different keys.
            q: [Hq, Lq, D]. k: [Hkv, Lkv, D]; the first Lkv - Lq keys are old.
            rows: [n] query rows to score for; the last 64 when None.
        """
        old = k.shape[1] - q.shape[1]
        known = self._known((layer, kind), q.shape[0], old, first, q.device)
        candidates = self._candidates((layer, kind), known, verticals)
        mass = column_mass(q, k, rows, candidates)
        self.scored = mass.shape[1]
        fresh = torch.arange(old, k.shape[1], device=q.device).expand(q.shape[0], -1)
        keys = torch.cat([torch.arange(old, device=q.device).expand_as(known) if candidates is None else candidates,
                          fresh], 1)  # fmt: skip
        after = torch.cat([known, mass.new_full(fresh.shape, UNSEEN)], 1)
        self._mass[layer, kind] = after.scatter_(1, keys, mass)
        return found_columns(mass, keys, verticals, first, min(recent, k.shape[1]))

    def _known(self, name: tuple[int, int], heads: int, old: int, first: int, device: torch.device) -> Tensor:
        """[heads, old] what is remembered of the old keys; the first ones count as unseen, so that they are scored."""
        known = torch.full((heads, old), UNSEEN, device=device)
        held = self._mass.get(name)
        if held is not None and held.shape[0] == heads:
            many = min(old, held.shape[1])
            known[:, first:many] = held[:, first:many]
        return known

    def _candidates(self, name: tuple[int, int], known: Tensor, verticals: int) -> Tensor | None:
        """[heads, any] the old keys that are scored; None for all of them."""
        old, shortlist = known.shape[1], SHORTLIST * verticals
        unseen = int((known == UNSEEN).sum(1).max()) if old else 0
        if old <= shortlist + AGAIN or unseen > shortlist // 2:
            return None
        turn = self._turn.get(name, 0)
        again = (torch.arange(AGAIN, device=known.device) + turn) % old
        self._turn[name] = (turn + AGAIN) % old
        rest = known.clone()
        rest[:, again] = -1.0
        return torch.cat([rest.topk(shortlist).indices, again.expand(known.shape[0], -1)], 1)
