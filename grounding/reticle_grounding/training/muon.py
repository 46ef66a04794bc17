"""Muon: momentum whose matrix updates are orthogonalised by a Newton-Schulz iteration (Jordan et al., 2024).

PyTorch's own version iterates in bfloat16, which takes 30 times longer on processors without bfloat16 arithmetic.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable

import torch
from torch import Tensor, distributed

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
ITERATIONS = 5
RMS = 0.2
"""Size of an update relative to the learning rate; that of AdamW, so that its rates carry over."""


def orthogonalised(stack: Tensor) -> Tensor:
    """[n, rows, columns] -> matrices with the same singular vectors and singular values near 1."""
    a, b, c = COEFFICIENTS
    tall = stack.shape[-2] > stack.shape[-1]
    x = stack.mT if tall else stack
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(ITERATIONS):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    out: Tensor = x.mT if tall else x
    return out


class Muon(torch.optim.Optimizer):
    """For matrices only; equal shapes are orthogonalised together, and workers that train together divide the work."""

    def __init__(
        self, params: Iterable[Tensor], lr: float = 1e-3, momentum: float = 0.95, weight_decay: float = 0.0
    ) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            shapes: defaultdict[tuple[int, ...], list[Tensor]] = defaultdict(list)
            for parameter in group["params"]:
                if parameter.grad is not None:
                    shapes[tuple(parameter.shape)].append(parameter)
            groups = sorted(shapes.values(), key=lambda same: -_cost(same))
            stacks = [self._momentum(same, group["momentum"]) for same in groups]
            for same, updates in zip(groups, _divided(stacks), strict=True):
                scale = RMS * max(same[0].shape) ** 0.5
                for parameter, update in zip(same, updates, strict=True):
                    parameter.mul_(1 - group["lr"] * group["weight_decay"])
                    parameter.add_(update, alpha=-group["lr"] * scale)

    def _momentum(self, parameters: list[Tensor], momentum: float) -> Tensor:
        """[n, rows, columns] gradients looked ahead with Nesterov momentum."""
        steps: list[Tensor] = []
        for parameter in parameters:
            if parameter.grad is not None:
                state = self.state[parameter]
                buffer = state["momentum"] = state.get("momentum", torch.zeros_like(parameter))
                buffer.lerp_(parameter.grad, 1 - momentum)
                steps.append(parameter.grad.lerp(buffer, momentum))
        return torch.stack(steps)


def _cost(parameters: list[Tensor]) -> int:
    rows, columns = parameters[0].shape
    return len(parameters) * rows * columns * min(rows, columns)


def _divided(stacks: list[Tensor]) -> list[Tensor]:
    """Orthogonalises every stack, each in one of the worker processes."""
    if not distributed.is_available() or not distributed.is_initialized():
        return [orthogonalised(stack) for stack in stacks]
    rank, workers = distributed.get_rank(), distributed.get_world_size()
    owners = _owners(stacks, workers)
    mine = [orthogonalised(s) if o == rank else torch.zeros_like(s) for s, o in zip(stacks, owners, strict=True)]
    flat = torch.cat([stack.flatten() for stack in mine])
    distributed.all_reduce(flat)
    parts = torch.split(flat, [stack.numel() for stack in stacks])
    return [part.view_as(stack) for part, stack in zip(parts, stacks, strict=True)]


def _owners(stacks: list[Tensor], workers: int) -> list[int]:
    """A worker per stack, each stack going to the one with least to do."""
    loads = [0] * workers
    owners: list[int] = []
    for stack in stacks:
        owners.append(loads.index(min(loads)))
        loads[owners[-1]] += stack.numel() * min(stack.shape[-2:])
    return owners
