"""Ways to look at less of a screenshot, by name: what is settled before the vision tower, and what reaches the decoder.

Importing this module loads no model library.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from .errors import BadInput

Encoding: TypeAlias = Literal["whole", "share", "reuse", "states", "merge", "drop"]
"""What the vision tower computes: everything; windows of equal pixels once; windows of the last capture not again (up
to the first layer without windows, or with all their states); blank windows as one patch each; chosen patches only."""
Ranking: TypeAlias = Literal["graph", "even", "hiprune", "instruction"]
"""What chooses patches: UI graph and detail of the picture; every n-th; attention in the vision tower; the words."""
Gaps: TypeAlias = Literal["pospad", "direct", "renumbered"]
"""What a run of dropped patches leaves: one marker at its last place; nothing, and all others keep their positions;
nothing, and positions are counted anew."""
StrategyName: TypeAlias = Literal[
    "whole",
    "share",
    "reuse",
    "reuse-states",
    "merge",
    "before",
    "before-pospad",
    "graph",
    "graph-pospad",
    "graph-renumbered",
    "even",
    "hiprune",
    "instruction",
    "instruction-direct",
    "instruction-renumbered",
]


@dataclass(frozen=True, slots=True)
class Strategy:
    """One way to look at less."""

    name: StrategyName
    encoding: Encoding
    told: str
    """What it does, in words."""
    ranking: Ranking | None = None
    """None keeps all patches, whatever the tower did."""
    gaps: Gaps = "direct"
    exact: bool = False
    """Gives what the whole computation gives, up to rounding."""

    @property
    def drops(self) -> bool:
        """Follows a keep ratio."""
        return self.ranking is not None


STRATEGIES: Mapping[StrategyName, Strategy] = {
    s.name: s
    for s in (
        Strategy("whole", "whole", "every patch, everywhere", exact=True),
        Strategy("share", "share", "windows of equal pixels computed once", exact=True),
        Strategy("reuse", "reuse", "as share, and windows of the last capture not computed again", exact=True),
        Strategy("reuse-states", "states", "unchanged windows keep all states of the last capture"),
        Strategy("merge", "merge", "a blank window is one patch in the vision tower"),
        Strategy("before", "drop", "chosen by the picture alone, before the vision tower", "graph"),
        Strategy("before-pospad", "drop", "as before, with markers for what was dropped", "graph", "pospad"),
        Strategy("graph", "whole", "chosen by the picture alone, after the vision tower", "graph"),
        Strategy("graph-pospad", "whole", "as graph, with markers for what was dropped", "graph", "pospad"),
        Strategy("graph-renumbered", "whole", "as graph, positions counted anew", "graph", "renumbered"),
        Strategy("even", "whole", "every n-th patch, after the vision tower", "even"),
        Strategy("hiprune", "whole", "chosen by attention in the vision tower, after it", "hiprune"),
        Strategy("instruction", "whole", "chosen by the words, with markers (FocusUI)", "instruction", "pospad"),
        Strategy("instruction-direct", "whole", "chosen by the words, without markers", "instruction"),
        Strategy(
            "instruction-renumbered",
            "whole",
            "chosen by the words, positions counted anew",
            "instruction",
            "renumbered",
        ),
    )
}


def strategy_named(name: str, keep: float | None) -> Strategy:
    """The strategy of a name, for a keep ratio or None.

    Raises BadInput for an unknown name, a strategy that drops patches without a keep ratio, and a keep ratio for one
    that drops none.
    """
    if name not in get_args(StrategyName):
        raise BadInput(f"there is no selection {name!r}; known: {', '.join(STRATEGIES)}")
    strategy = STRATEGIES[name]  # type: ignore[index]
    if strategy.drops and keep is None:
        raise BadInput(f"the selection {name!r} drops patches; say how many are kept, for example --keep-ratio 0.5")
    if not strategy.drops and keep not in {None, 1.0}:
        raise BadInput(f"the selection {name!r} drops nothing, so a keep ratio of {keep} means nothing to it")
    return strategy
