"""What the planner wants of a model; ``reticle_grounding.planning.writer.LocalWriter`` is one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from reticle_grounding.planning.grammar import Grammar
from reticle_grounding.planning.pieces import Extent, Piece, Written


class Writer(Protocol):
    """Writes one answer of a grammar to a prompt, and keeps what it computed of the prompt for the next one."""

    @property
    def name(self) -> str: ...

    @property
    def context(self) -> int:
        """Tokens of the longest prompt, answer included."""
        ...

    def extent(self, prompt: Sequence[Piece]) -> Extent:
        """How long a prompt is, and how much of it is new."""
        ...

    def write(self, prompt: Sequence[Piece], grammar: Grammar, limit: int, check: Callable[[], None]) -> Written:
        """An answer of at most ``limit`` tokens. ``check`` is called at least once per token and may raise."""
        ...
