"""Plain data that crosses the seams of the grounding package; no torch in any field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from .geometry import Point, Rect, Size, Transform

FloatMap = npt.NDArray[np.float32]
Origin = Literal["attention", "text", "element"]
"""Where a candidate came from: a region of the attention map, a text detection, or a detected element."""
HeardKind = Literal["wording", "second look"]
"""How a question was put differently: in other words, or about an enlarged part of the screenshot."""

ElementSort = Literal["icon", "mark", "bar", "box", "area", "track", "text"]
"""Drawing; check box or radio button; entry or wide button; compact button; panel or picture; slider; text."""


@dataclass(frozen=True, slots=True)
class ScreenElement:
    """One thing that was parsed on a screen."""

    rect: Rect
    """Capture pixels."""
    sort: ElementSort
    text: str | None = None
    """What is read in it."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One place the instruction may mean. All coordinates are capture pixels."""

    rank: int
    """1 is the best."""
    point: Point
    """Where to click; inside ``region``."""
    region: Rect
    p_true: float
    """Calibrated probability (0..1) that this candidate is right."""
    attention_mass: float
    """Sum of the attention map over the region, 0..1."""
    attention_mean: float
    """Mean of the attention map over the region's patches."""
    origin: Origin
    text: str | None = None
    """Text read inside the region, where it was read."""
    evidence: Mapping[str, float] = field(default_factory=dict)
    """Named features that went into ``p_true``."""
    line: str | None = None
    """Everything read on the lines that the point or the candidate's label stands on; more than ``text`` where that is
    a part of a line. Rules about words look here."""


@dataclass(frozen=True, slots=True)
class Heard:
    """One further opinion that went into an answer: another wording, or a closer look at a part."""

    kind: HeardKind
    instruction: str
    """As it was put."""
    part: Rect
    """What was looked at, capture pixels."""
    point: Point | None
    """Its own best place, capture pixels; None where it found none."""
    p_true: float | None
    """Of that place, before opinions were weighed together."""
    agrees: bool
    """That place is the answer's first candidate."""


@dataclass(frozen=True, slots=True)
class Grounding:
    """The answer to one instruction on one screenshot."""

    instruction: str
    image_size: Size
    """Capture pixels."""
    candidates: tuple[Candidate, ...]
    """Best first; may be empty."""
    found: bool
    """False means: not found on this screen (the best ``p_true`` is below the threshold)."""
    threshold: float
    attention: FloatMap
    """[n_h, n_w] attention over merged patches, non-negative, sums to 1."""
    transform: Transform
    """capture -> model -> patch."""
    timings_ms: Mapping[str, float]
    """Wall-clock milliseconds per phase."""
    model: str
    """Name of the checkpoint."""
    opinions: tuple[Heard, ...] = ()
    """Other wordings and second looks, in the order they were heard."""

    @property
    def best(self) -> Candidate | None:
        return self.candidates[0] if self.found and self.candidates else None
