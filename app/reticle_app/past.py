"""A run that remembers its screenshots: what is chosen, where it is kept, and what a grounder must offer for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from reticle_agent.seams import Grounder
from reticle_grounding.errors import BadInput, ReticleError

FOLDER = "history"
"""Inside the folder of a recorded run."""
MEGABYTES = 1024
"""For keys and values where nothing else is said."""


@dataclass(frozen=True, slots=True)
class PastOptions:
    """How much of a run is remembered."""

    most: int
    """Screenshots beside the newest."""
    megabytes: int = MEGABYTES
    """For their keys and values."""

    @property
    def budget(self) -> int:
        """Bytes."""
        return self.megabytes * 1_000_000

    def check(self) -> None:
        """Raises BadInput naming the number that is impossible."""
        if self.most < 1:
            raise BadInput(f"a history of {self.most} screenshots was asked for; it must be at least 1")
        if self.megabytes < 1:
            raise BadInput(f"a history of {self.megabytes} megabytes was asked for; it must be at least 1")


class PastGrounder(Grounder, Protocol):
    """Looks at each screenshot after those before it."""

    def end_past(self, folder: Path) -> bool:
        """Saves what is remembered and lets go of it; False when nothing was seen. Raises ReticleError."""
        ...


@runtime_checkable
class CanRemember(Protocol):
    """A grounder that can be asked for one that remembers."""

    def remembering(self, options: PastOptions, folder: Path | None) -> PastGrounder:
        """``folder``: a saved history to go on with. Raises BadInput for a model that cannot."""
        ...


def begin_past(
    grounder: Grounder, options: PastOptions, resume: Path | None, tell: Callable[[str], None]
) -> PastGrounder:
    """The grounder with a history, that of the continued run where it kept one.

    Raises BadInput for a grounder or model that cannot keep one, and for a kept history of another model.
    """
    if not isinstance(grounder, CanRemember):
        raise BadInput(f"{grounder.name} cannot keep a history of screenshots")
    folder = None if resume is None else resume / FOLDER
    if folder is not None and not folder.is_dir():
        tell("the run that is continued kept no history; a new one begins")
        folder = None
    return grounder.remembering(options, folder)


def end_past(grounder: PastGrounder, trace: Path, tell: Callable[[str], None]) -> None:
    """Saves the history beside the trace. What goes wrong is told: the run itself has ended already."""
    try:
        if grounder.end_past(trace / FOLDER):
            tell(f"history: {trace / FOLDER}")
    except ReticleError as error:
        tell(f"the history was not kept: {error}")
