"""Optimisers, learning-rate schedule and the running average of weights."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from .muon import Muon


def optimizers(modules: list[nn.Module], lr: float, matrix_lr: float) -> list[torch.optim.Optimizer]:
    """Muon for the matrices inside blocks, AdamW for everything else."""
    matrices: list[Tensor] = []
    others: list[Tensor] = []
    for module in modules:
        for name, parameter in module.named_parameters():
            inner = parameter.ndim == 2 and (".blocks." in name or ".layers." in name or ".merger." in name)
            (matrices if inner else others).append(parameter)
    return [
        torch.optim.AdamW(others, lr=lr, betas=(0.9, 0.98), weight_decay=0.01),
        Muon(matrices, lr=matrix_lr, weight_decay=0.01),
    ]


def rate(step: int, warmup: int, progress: float, floor: float = 0.03) -> float:
    """Factor on the learning rate: linear warm-up in steps, then cosine over ``progress`` 0..1 down to ``floor``."""
    warm = min(1.0, (step + 1) / max(1, warmup))
    return warm * (floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * min(1.0, progress))))


class Average:
    """Exponential running average of a module's weights; usable before the learning rate has come down."""

    def __init__(self, module: nn.Module, decay: float) -> None:
        self.decay = decay
        self.shadow = {name: p.detach().clone() for name, p in module.named_parameters()}
        self.updates = 0

    @torch.no_grad()
    def update(self, module: nn.Module) -> None:
        self.updates += 1
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        for name, parameter in module.named_parameters():
            self.shadow[name].lerp_(parameter.detach(), 1 - decay)

    @torch.no_grad()
    def swap(self, module: nn.Module) -> None:
        """Exchanges the module's weights with the average; a second call undoes it."""
        for name, parameter in module.named_parameters():
            kept = parameter.detach().clone()
            parameter.copy_(self.shadow[name])
            self.shadow[name].copy_(kept)
