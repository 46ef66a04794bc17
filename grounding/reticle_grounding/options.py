"""The grounder's settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from .regions import THRESHOLD
from .second_look import SecondLookRule
from .strategies import StrategyName

Reading: TypeAlias = Literal["auto", "crops", "screen", "off"]


@dataclass(frozen=True, slots=True)
class GroundingConfig:
    """How to ground. Everything has a working default."""

    reading: Reading = "screen"
    """What is read: the whole screen once, only the attended crops, crops unless attention is unsure, or nothing."""
    attention: bool = True
    """Run the model; without it only text and structure speak."""
    matcher: bool = True
    """Compare what proposals look like, and what texts mean, with the instruction."""
    elements: bool = True
    """Look for entries, check marks and icons by their looks."""
    region_threshold: float = THRESHOLD
    """Share of the map's maximum that a patch of a region exceeds."""
    max_regions: int = 8
    """Regions of the attention map that become candidates."""
    crop_regions: int = 3
    """Regions read in ``crops``."""
    crop_margin: int = 64
    """Capture pixels added around a region that is read."""
    sure_mass: float = 0.5
    """In ``auto``: share of the attention that the best region must hold for reading crops only."""
    vlm_verifier: bool = False
    """Let the model judge the best candidates again on a marked crop."""
    verifier_budget: int = 5
    """Candidates judged that way."""
    verifier_weight: float = 1.0
    """Factor on the judgement's log-odds when it is added to those of ``p_true``."""
    scaled_marker: bool = False
    """Let the judged marker grow with the screen's height."""
    second_look: SecondLookRule | None = None
    """When the surroundings of an unsure answer are enlarged and looked at again; None never does."""
    wordings: int = 0
    """Other ways to say an instruction, made by rules, that are asked beside it; 0 to 8."""
    threshold: float | None = None
    """``p_true`` below which the target counts as absent; None takes the calibrated one."""
    ocr_threads: int = 2
    """Processor threads of the text reader."""
    max_pixels: int | None = None
    """Lowers the model's limit of pixels, for speed."""
    keep_ratio: float | None = None
    """Share of the patches, above 0 and up to 1, that the language model sees; for models with a patch scorer, or with
    a way to choose in ``select``."""
    select: StrategyName | None = None
    """What the model leaves out of a screenshot; None leaves it to the checkpoint."""
