"""The contrastive loss of the matcher: pairs of one meaning against all others of a batch."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812


def agreement(left: Tensor, right: Tensor, same: Tensor, unsure: Tensor, scale: Tensor) -> Tensor:
    """Symmetric cross-entropy over all pairs with every pair of one meaning as a right answer.

    ``left`` [n, d], ``right`` [m, d], ``same`` [n, m] true where they belong together, ``unsure`` where they may (such
    pairs count neither way); rows without any right answer are left out.
    """
    logits = (scale * left @ right.T).masked_fill(unsure & ~same, -1e4)
    return (_towards(logits, same) + _towards(logits.T, same.T)) / 2


def _towards(logits: Tensor, same: Tensor) -> Tensor:
    rows = same.any(dim=1)
    truth = same[rows].float()
    return -(F.log_softmax(logits[rows], dim=1) * truth / truth.sum(dim=1, keepdim=True)).sum(dim=1).mean()


def together(groups_a: Sequence[str], groups_b: Sequence[str]) -> Tensor:
    """[n, m] true where the groups are equal; an empty group is equal to none."""
    number = {g: i for i, g in enumerate(dict.fromkeys((*groups_a, *groups_b)))}
    a = torch.tensor([number[g] if g else -1 for g in groups_a])
    b = torch.tensor([number[g] if g else -2 for g in groups_b])
    return a[:, None] == b[None, :]


def akin(groups_a: Sequence[frozenset[str]], groups_b: Sequence[str]) -> Tensor:
    """[n, m] true where the second is among the first."""
    rows = {groups: torch.tensor([g in groups for g in groups_b]) for groups in set(groups_a)}
    return torch.stack([rows[groups] for groups in groups_a])
