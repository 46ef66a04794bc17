"""Which model every worker opens: plain values, so that they can be sent to any of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from reticle_agent.seams import Grounder

Opener: TypeAlias = Callable[[], Grounder]
"""Called once in each worker; must be importable there."""


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """An opener by values."""

    folder: str = ""
    """Folder of the model, the same on every machine; empty is the embedded model."""
    numbers: str | None = None
    """What it computes in; None leaves that to the device."""
    head: str | None = None
    """File of a head that weighs the candidates; None is the shipped law."""

    def __call__(self) -> Grounder:
        """Raises CheckpointError and BadInput as the grounder's own opening does."""
        from reticle_app.worker import open_predictor

        return open_predictor(self.folder, numbers=self.numbers, head=self.head)


def fingerprint_of(grounder: Grounder) -> str:
    """Of the weights behind a grounder; one that has none is told by its name."""
    from reticle_grounding.own_head import model_of
    from reticle_grounding.predictor import Grounder as Predictor

    return model_of(grounder) if isinstance(grounder, Predictor) else f"name:{grounder.name}"
