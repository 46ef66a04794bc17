"""Heads that exist only in training: what stands under each patch, and what an element is called."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from .canvas import CHARACTER_CLASSES, ROLES
from .crops import MERGE, POINTS
from .icons import icon_functions
from .scenes import UNKNOWN
from .spelling import gram_vectors

BLANK_WEIGHT = 0.15
"""Weight of reading points without a character; most of a screen is blank."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Dense losses of one batch and how many characters were right."""

    loss: Tensor
    character_accuracy: Tensor
    icon_accuracy: Tensor


class TrainingHeads(nn.Module):
    """Linear heads on raw patches (before merging) and on merged patches.

    Args:
        vision_width: width of the vision tower.
        width: width of the merged patches and of the language model.
    """

    def __init__(self, vision_width: int, width: int) -> None:
        super().__init__()
        icons = len(icon_functions()) + 1
        self.characters = nn.Linear(vision_width, POINTS * CHARACTER_CLASSES)
        self.merged_characters = nn.Linear(width, MERGE**2 * CHARACTER_CLASSES)
        self.icons = nn.Linear(vision_width, icons)
        self.roles = nn.Linear(vision_width, len(ROLES) + 1)
        self.norm = nn.LayerNorm(vision_width)
        self.merged_norm = nn.LayerNorm(width)
        self.grams = nn.Parameter(gram_vectors(width) * width**-0.5)

    def reading(self, patches: Tensor, merged: Tensor, characters: Tensor, icons: Tensor, roles: Tensor) -> Reading:
        """Losses of patches [N, vision_width] and merged [N / 4, width] against labels [N, POINTS], [N], [N]."""
        normed = self.norm(patches)
        predicted = self.characters(normed).view(-1, POINTS, CHARACTER_CLASSES)
        own, right = _weighted(predicted.flatten(0, 1), characters.flatten())
        again = self.merged_characters(self.merged_norm(merged)).view(-1, CHARACTER_CLASSES)
        passed_on, _ = _weighted(again, characters[:, POINTS // 2])
        icon, icons_right = _weighted(self.icons(normed), icons)
        role, _ = _weighted(self.roles(normed), roles, blank=0.5)
        return Reading(own + 0.5 * passed_on + icon + 0.2 * role, right, icons_right)

    def naming(self, states: Tensor, names: Tensor) -> Tensor:
        """Cross-entropy of the n-gram shares ``names`` [N, GRAMS] given projected states [N, width]."""
        if not states.shape[0]:
            return states.sum()
        logits = functional.linear(functional.layer_norm(states, states.shape[-1:]), self.grams)
        return -(names * logits.log_softmax(-1)).sum(-1).mean()


def _weighted(logits: Tensor, labels: Tensor, blank: float = BLANK_WEIGHT) -> tuple[Tensor, Tensor]:
    """Cross-entropy with a low weight on class 0, and the accuracy on the others; unknown labels count nowhere."""
    labels = labels.long()
    keep = labels != UNKNOWN
    logits, labels = logits[keep], labels[keep]
    if not labels.numel():
        return logits.sum() * 0, torch.tensor(float("nan"), device=logits.device)
    each = functional.cross_entropy(logits.float(), labels, reduction="none")
    weights = torch.where(labels == 0, blank, 1.0)
    marked = labels > 0
    right = (logits.argmax(-1) == labels)[marked].float().mean()
    return (each * weights).sum() / weights.sum(), right
