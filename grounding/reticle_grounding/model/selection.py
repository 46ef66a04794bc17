"""Which patches the language model gets to see, and the sequence without the others (FocusUI, section 3.3).

Every run of dropped patches leaves one marker at the place of its last patch (PosPad), and all tokens keep the M-RoPE
positions of the whole sequence. The keep ratio is the share that is *kept*, everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import torch
from torch import Tensor

from reticle_grounding.errors import BadInput
from reticle_grounding.strategies import Gaps

IGNORED = -100
_HASH, _PRIME = 1315423911, 2147483647


@dataclass(frozen=True, slots=True)
class SelectionRule:
    """How patches are chosen by their scores."""

    keep: float
    """Share of the patches that is kept, above 0 and up to 1."""
    published: bool = False
    """Exactly as the published code: the count cut after a floating-point product (it may be 0), ties decided by a
    shuffle that depends on the prompt, nothing protected. Otherwise the count is exact and at least 1, of equal scores
    the first patch wins, and every candidate keeps at least its best patch."""
    gaps: Gaps = "pospad"
    """What the dropped patches leave."""

    def __post_init__(self) -> None:
        check_keep_ratio(self.keep)

    def count(self, patches: int) -> int:
        """How many of so many patches are kept, candidates aside."""
        if self.published:
            return published_count(patches, round(1 - self.keep, 9))
        return max(1, int(patches * Fraction(str(self.keep))))


def check_keep_ratio(keep: float) -> float:
    """Raises BadInput for a keep ratio outside (0, 1]."""
    if not 0 < keep <= 1:
        raise BadInput(f"the keep ratio is {keep}; it is the share of patches that is kept, above 0 and up to 1")
    return keep


def published_count(patches: int, dropped: float) -> int:
    """What the published code keeps when told the share to drop; floating point makes it one less now and then."""
    return int(patches * (1.0 - dropped))


def choose(scores: Tensor, rule: SelectionRule, ids: Tensor, candidates: Tensor | None = None) -> Tensor:
    """[V] true for the patches to keep.

    Args:
        scores: [V].
        ids: [L] the whole prompt, which decides ties under the published rule.
        candidates: [V] number of the candidate each patch belongs to, 0 for none. Where there are more candidates than
            patches to keep, more are kept.
    """
    count = rule.count(scores.numel())
    if rule.published:
        return published_choice(scores, count, ids)
    order = torch.sort(scores, descending=True, stable=True).indices
    kept = torch.zeros_like(scores, dtype=torch.bool)
    kept[_best_of_each(order, candidates)] = True
    rest = order[~kept[order]]
    kept[rest[: max(0, count - int(kept.sum()))]] = True
    return kept


def _best_of_each(order: Tensor, candidates: Tensor | None) -> Tensor:
    """The first patch of every candidate in the given order."""
    if candidates is None:
        return order[:0]
    owner = candidates.to(order.device)[order]
    ranked = torch.sort(owner, stable=True)
    starts = torch.ones_like(owner, dtype=torch.bool)
    starts[1:] = ranked.values[1:] != ranked.values[:-1]
    return order[ranked.indices[starts & (ranked.values > 0)]]


def published_choice(scores: Tensor, count: int, ids: Tensor) -> Tensor:
    """[V] the best ``count`` patches; equal scores are told apart by a shuffle seeded with the prompt's ids."""
    seed = int((ids.to("cpu", torch.int64) * _HASH).sum()) % _PRIME
    shuffle = torch.randperm(scores.numel(), generator=torch.Generator().manual_seed(seed))
    best = shuffle[torch.topk(scores.to("cpu")[shuffle], count).indices]
    kept = torch.zeros(scores.numel(), dtype=torch.bool)
    kept[best] = True
    return kept.to(scores.device)


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """One sequence of L tokens without its dropped patches: L2 tokens."""

    source: Tensor
    """[L2] where each token stood."""
    marker: Tensor
    """[L2] true for the tokens that stand for a run of dropped patches."""

    def ids(self, ids: Tensor, marker_id: int) -> Tensor:
        """[..., L] -> [..., L2] with the marker's id at markers."""
        return ids[..., self.source].masked_fill(self.marker, marker_id)

    def labels(self, labels: Tensor) -> Tensor:
        """[..., L] language labels -> [..., L2]; markers are not learned."""
        return labels[..., self.source].masked_fill(self.marker, IGNORED)

    def positions(self, positions: Tensor) -> Tensor:
        """[3, ..., L] -> [3, ..., L2]: all that is left keeps the position it had."""
        return positions[..., self.source]

    def placed(self, positions: Tensor, gaps: Gaps) -> Tensor:
        """As :meth:`positions`; where they are counted anew, every token is one further than the one before.

        A prompt from which nothing is missing keeps its positions in any case."""
        kept = self.positions(positions)
        if gaps != "renumbered" or kept.shape == positions.shape:
            return kept
        return torch.arange(kept.shape[-1], device=kept.device).expand_as(kept)


def pos_pad(ids: Tensor, kept: Tensor, image_id: int, *, marked: bool = True) -> Rebuilt:
    """Drops the patches of one sequence ``ids`` [L] whose entry in ``kept`` [V] is false.

    Without ``marked`` nothing stands for them, as for a model that was never trained with a marker.
    """
    patches = ids == image_id
    dropped = torch.zeros_like(patches)
    dropped[patches] = ~kept
    if not marked:
        return Rebuilt((~dropped).nonzero().flatten(), torch.zeros_like(dropped)[~dropped])
    followed = torch.zeros_like(dropped)
    followed[:-1] = dropped[1:]
    source = (~(dropped & followed)).nonzero().flatten()
    return Rebuilt(source, dropped[source])


def direct(ids: Tensor, kept: Tensor, image_id: int) -> Rebuilt:
    """As :func:`pos_pad`, but nothing stands for what was dropped."""
    left = torch.ones_like(ids, dtype=torch.bool)
    left[ids == image_id] = kept
    source = left.nonzero().flatten()
    return Rebuilt(source, torch.zeros_like(source, dtype=torch.bool))


@dataclass(frozen=True, slots=True)
class Shortened:
    """A prompt without its dropped patches."""

    ids: Tensor
    """[1, L2]; at markers the id of the patch they stand for."""
    marker: Tensor
    """[L2] true at markers."""
    positions: Tensor
    """[3, 1, L2]."""
    following: int
    """The position of the next token, on all three axes."""


def shortened(ids: Tensor, positions: Tensor, kept: Tensor, image_id: int, gaps: Gaps) -> Shortened:
    """Drops patches of a prompt.

    Args:
        ids, positions: [1, L] and [3, 1, L] of the whole prompt.
        kept: [V].
        gaps: what runs of dropped patches leave, and whose positions count.
    """
    rebuilt = rebuild(ids[0], kept, image_id, gaps)
    places = rebuilt.placed(positions, gaps)
    following = int(places.max() if gaps == "renumbered" else positions.max()) + 1
    return Shortened(ids[:, rebuilt.source], rebuilt.marker, places, following)


def rebuild(ids: Tensor, kept: Tensor, image_id: int, gaps: Gaps) -> Rebuilt:
    """The sequence [L] without the patches whose entry in ``kept`` [V] is false."""
    return pos_pad(ids, kept, image_id) if gaps == "pospad" else direct(ids, kept, image_id)
