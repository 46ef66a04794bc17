"""Attention patterns: a name and a predicate over positions, found again by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from .naive import Keep


class Pattern(Protocol):
    """Which keys a query may look at."""

    @property
    def name(self) -> str: ...

    def keep(self, i: Tensor, j: Tensor) -> Tensor:
        """Broadcastable integer query and key positions -> bool, True where the pair counts."""
        ...


@dataclass(frozen=True, slots=True)
class Rule:
    """A pattern given by a function."""

    name: str
    rule: Keep

    def keep(self, i: Tensor, j: Tensor) -> Tensor:
        return self.rule(i, j)


_registry: dict[str, Pattern] = {}


def register(pattern: Pattern) -> Pattern:
    """Makes a pattern available by its name. Raises ValueError when the name is taken."""
    if pattern.name in _registry:
        raise ValueError(f"an attention pattern named {pattern.name!r} is already registered")
    _registry[pattern.name] = pattern
    return pattern


def pattern(name: str) -> Pattern:
    """The registered pattern. Raises KeyError naming those that exist."""
    if name not in _registry:
        raise KeyError(f"no attention pattern {name!r}; registered: {', '.join(names())}")
    return _registry[name]


def names() -> tuple[str, ...]:
    """Registered names in alphabetical order."""
    return tuple(sorted(_registry))


def _all(i: Tensor, j: Tensor) -> Tensor:
    return torch.ones_like(i + j, dtype=torch.bool)


def _not_later(i: Tensor, j: Tensor) -> Tensor:
    return j <= i


DENSE = register(Rule("dense", _all))
CAUSAL = register(Rule("causal", _not_later))
