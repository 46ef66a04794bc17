"""The papers' rules for the size of pictures, so that figures are compared under the rules they were published with.

A rule lowers the model's limit of pixels and may rescale every picture beforehand; it never raises that limit.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from PIL import Image

from reticle_grounding.errors import BadInput

from .benchmark_rows import OSWORLD_G, SCREENSPOT_PRO, SCREENSPOT_V2, UI_VISION


@dataclass(frozen=True, slots=True)
class Rule:
    """How large a model sees a picture."""

    max_pixels: int
    """Limit of model pixels."""
    rescale_to: int | None = None
    """Pixels that every picture is rescaled to before, smaller ones enlarged; None leaves them as they are."""
    refined: bool = False
    """OSWorld-G is asked with its refined instructions."""


@dataclass(frozen=True, slots=True)
class Preset:
    """The rules of one paper."""

    name: str
    source: str
    """Where the rules are stated."""
    rules: Mapping[str, Rule] = field(default_factory=dict)
    """Name of a benchmark -> its rule."""
    other: Rule | None = None
    """For everything else; None when the source states none."""

    def rule(self, benchmark: str | None) -> Rule:
        """The rule for a benchmark, or for a set that is none. Raises BadInput when the source states none."""
        rule = self.rules.get(benchmark or "", self.other)
        if rule is None:
            stated = ", ".join(self.rules)
            raise BadInput(
                f"preset {self.name} states no rule for {benchmark or 'sets of your own'}, only for {stated}"
            )
        return rule

    @property
    def refined(self) -> bool:
        rule = self.rules.get(OSWORLD_G.name, self.other)
        return rule is not None and rule.refined


@dataclass(frozen=True, slots=True)
class Applied:
    """A preset's rule for one set."""

    preset: Preset
    rule: Rule


_GUI_ACTOR = Rule(5_720_064)
_CELLS_28 = Rule(6400 * 28 * 28)
_CELLS_32 = Rule(6000 * 32 * 32)
PRESETS = {
    preset.name: preset
    for preset in (
        Preset(
            "gui-actor",
            "GUI-Actor (arXiv 2506.03143), eval/screenSpot_pro.py and the processor of its checkpoints",
            {SCREENSPOT_PRO.name: Rule(5_720_064, 3200 * 1800)},
            _GUI_ACTOR,
        ),
        Preset(
            "gui-aima",
            "GUI-AIMA (arXiv 2511.00810), one step: the defaults of eval/ and eval_ui_vision.sh",
            {
                SCREENSPOT_V2.name: Rule(5_760_000),
                SCREENSPOT_PRO.name: Rule(14_777_616, 3200 * 1800),
                OSWORLD_G.name: Rule(5_720_064, 2720 * 1530, refined=True),
                UI_VISION.name: Rule(5_760_000, 5_860_400),
            },
        ),
        Preset(
            "focusui-7b",
            "FocusUI (arXiv 2601.03928), 6400 cells of 28 pixels; refined instructions as in its OSWorld-G script",
            {OSWORLD_G.name: Rule(_CELLS_28.max_pixels, refined=True)},
            _CELLS_28,
        ),
        Preset(
            "focusui-2b",
            "FocusUI (arXiv 2601.03928), 6000 cells of 32 pixels; refined instructions as in its OSWorld-G script",
            {OSWORLD_G.name: Rule(_CELLS_32.max_pixels, refined=True)},
            _CELLS_32,
        ),
    )
}


def preset_named(name: str) -> Preset:
    """Raises BadInput for an unknown name, naming all."""
    if name not in PRESETS:
        raise BadInput(f"there is no preset {name}; there are {', '.join(PRESETS)}")
    return PRESETS[name]


def rescaled(image: Image.Image, pixels: int) -> Image.Image:
    """The picture with about so many pixels, larger or smaller, its aspect kept but for whole pixels (bicubic)."""
    width, height = image.size
    if width * height == pixels:
        return image
    factor = math.sqrt(pixels / (width * height))
    sides = (max(1, int(width * factor)), max(1, int(height * factor)))
    return image.resize(sides, Image.Resampling.BICUBIC)
