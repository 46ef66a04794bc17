"""Attention over a screenshot for plain words: the picture once, then each instruction on its cached prefix."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from reticle_grounding.errors import BadInput, CheckpointError
from reticle_grounding.number_types import NumberType
from reticle_grounding.reading import Reading, Vectors
from reticle_grounding.regions import RegionRank
from reticle_grounding.strategies import Strategy, strategy_named
from reticle_grounding.types import FloatMap

from . import prompts
from .channel import ReadingChannel, load_channel
from .checkpoint import Checkpoint
from .families import PointerModelModule
from .fingerprint import fingerprint
from .focusui import FocusUI
from .gui_actor import GuiActor
from .gui_aima import GuiAima
from .head_patterns import FILE as PATTERNS
from .head_patterns import HeadPatterns, read_patterns
from .numbers import open_as
from .partial import PartialActor
from .patch_scorer import PatchScorer, load_scorer
from .processor import ImageProcessor
from .screens import EncodedScreen, Method, Runner, Timings, as_map, timed
from .selection import SelectionRule, check_keep_ratio
from .sparse_prefill import Mode, SparsePrefill, check_mode
from .towers import (
    DroppingTower,
    MergingTower,
    SharingTower,
    StatesTower,
    Tower,
    WatchingTower,
    WholeTower,
    WindowedLayers,
)
from .vision_layers import speed_up_layers
from .vision_speed import batch_vision_windows, embed_still_pictures

__all__ = ["EncodedScreen", "PointerModel"]


class PointerModel:
    """A checkpoint opened for inference. Not for concurrent use of one screen from several threads."""

    def __init__(
        self,
        checkpoint: Checkpoint,
        max_pixels: int | None = None,
        selection: SelectionRule | None = None,
        channel: ReadingChannel | None = None,
        strategy: Strategy | None = None,
        scorer: PatchScorer | None = None,
    ) -> None:
        """``selection`` says how many patches are kept; None keeps all. ``strategy`` says how they are chosen and what
        the vision tower leaves out; None lets the checkpoint's own scorer choose, or ``scorer``, one that lies beside a
        checkpoint of a family without.

        Raises BadInput for what the checkpoint cannot follow, and where patches shall be dropped but nothing scores
        them."""
        self.name = checkpoint.name
        self.module = checkpoint.model.eval()
        self.tokenizer = checkpoint.tokenizer
        self.profile = checkpoint.profile
        self.processor: ImageProcessor = checkpoint.processor.capped(max_pixels)
        self.channel = channel if self.module.points and self.module.family.method == "gui_actor" else None
        tower = _tower(self.name, self.module, selection, strategy)
        self.runner = Runner(self.module, self.tokenizer, self.profile, self.channel, tower)
        self.method = _method(self.name, self.runner, selection, strategy, scorer)
        self.directory: Path | None = None
        """Where the checkpoint was opened from."""
        self.prefill: SparsePrefill | None = None
        """How long prompts are attended to; None for plain dense attention."""
        batch_vision_windows(self.module)
        embed_still_pictures(self.module)
        speed_up_layers(self.module)

    @classmethod
    def open(
        cls,
        directory: Path,
        *,
        max_pixels: int | None = None,
        device: str = "cpu",
        keep_ratio: float | None = None,
        select: str | None = None,
        numbers: NumberType | None = None,
    ) -> PointerModel:
        """Opens a model folder.

        Args:
            max_pixels: lowers the checkpoint's own limit of model pixels, for speed.
            keep_ratio: share of the patches that the language model sees, for checkpoints with a patch scorer or with
                a ``select`` that drops some.
            select: name of a :class:`~reticle_grounding.strategies.Strategy`.
            numbers: what it computes in; None takes float32 on the CPU, bfloat16 elsewhere.

        Raises CheckpointError naming what does not fit, BadInput for an impossible ``max_pixels``, ``keep_ratio`` or
        ``select``, and for int8 without the library it needs.
        """
        rule = None if keep_ratio is None else SelectionRule(check_keep_ratio(keep_ratio))
        strategy = None if select is None else strategy_named(select, keep_ratio)
        if rule is not None and strategy is not None:
            rule = replace(rule, gaps=strategy.gaps)
        checkpoint = open_as(Path(directory), numbers, device)
        width = checkpoint.model.hidden_size
        channel = load_channel(Path(directory), width)
        scorer = None if rule is None or rule.keep == 1 else load_scorer(Path(directory), width)
        opened = cls(
            checkpoint,
            max_pixels,
            rule,
            None if channel is None else channel.to(device),
            strategy,
            None if scorer is None else scorer.to(device),
        )
        opened.directory = Path(directory)
        return opened

    def use_prefill(self, mode: Mode, patterns: HeadPatterns | None = None) -> SparsePrefill:
        """Chooses how prompts are attended to from now on.

        Args:
            mode: "dense"; "sparse" wherever a head has a pattern; "auto" where that is expected to be faster.
            patterns: of the heads; those in the model's folder (``prefill.json``) when None. Where there are none, or
                they are those of another model, attention stays dense and a warning says so.

        Raises BadInput for an unknown mode.
        """
        check_mode(mode)
        if self.prefill is not None:
            self.prefill.detach()
        found, said = patterns, None
        if found is None and self.directory is not None and (self.directory / PATTERNS).is_file():
            try:
                found = read_patterns(self.directory / PATTERNS, self._heads)
            except BadInput as error:
                said = str(error)
        if found is not None:
            try:
                found.check(
                    self.language_fingerprint, int(self.module.config.text_config.num_hidden_layers), self._heads
                )
            except BadInput as error:
                found, said = None, str(error)
        self.prefill = SparsePrefill(self.module.backbone.model.language_model, found, mode)
        if said is not None and mode != "dense":
            self.prefill.warn(f"attention stays dense: {said}")
        return self.prefill

    @property
    def _heads(self) -> int:
        return int(self.module.config.text_config.num_attention_heads)

    @property
    def language_fingerprint(self) -> str:
        """Of the language model alone, which patterns belong to."""
        return fingerprint(self.module.backbone.model.language_model)

    @property
    def region_rank(self) -> RegionRank:
        """What this model's family orders regions by."""
        return self.module.family.region_rank

    @torch.inference_mode()
    def encode(self, image: Image.Image, reading: Reading | None = None) -> EncodedScreen:
        """Runs the vision tower and all else that does not depend on the instruction, once.

        ``image`` is RGB in capture pixels; ``reading`` is what was read on it, for a model with a channel.

        Raises BadInput for impossible sides, CheckpointError without a head.
        """
        if not self.module.points:
            raise CheckpointError(f"{self.name} has no pointer head (multi_patch_pointer_head.*): it can judge only")
        timings: Timings = {}
        return self.method.screen(self.runner.view(image, self.processor, timings, reading), timings)

    @torch.inference_mode()
    def attend(self, screen: EncodedScreen, instruction: str, vector: Vectors | None = None) -> FloatMap:
        """Where on the screen: [rows, columns], non-negative, sums to 1. Only the instruction is computed.

        ``vector`` [1, SENSE] is what the instruction means, for a screen that was encoded with a reading.
        Raises BadInput for an empty or over-long instruction.
        """
        text = prompts.check_instruction(instruction)
        with timed(screen.timings_ms, "suffix"):
            asked = None
            if vector is not None and self.channel is not None:
                asked = self.channel.asked(torch.from_numpy(vector).float().to(self.runner.device))
            return as_map(self.method.attend(screen, text, asked), screen.map_shape)

    @torch.inference_mode()
    def attend_fresh(self, image: Image.Image, instruction: str) -> FloatMap:
        """The same map from one whole forward without any reuse; slower, for checks."""
        view = self.runner.view(image, self.processor, {})
        return as_map(self.method.attend_fresh(view, prompts.check_instruction(instruction)), view.map_shape)

    @torch.inference_mode()
    def judge(self, crop: Image.Image, instruction: str) -> float:
        """P(True) / (P(True) + P(False)) that the red circle in the crop marks what the instruction says.

        Only the last position's logits are computed. Raises BadInput as :meth:`attend` does.
        """
        logits = self.judge_logits(crop, instruction)
        yes, no = self.tokenizer.first_id("True"), self.tokenizer.first_id("False")
        if yes == no:
            raise CheckpointError(f"{self.name} cannot judge: its tokenizer starts True and False with the same token")
        return float(torch.sigmoid(logits[yes] - logits[no]))

    @torch.inference_mode()
    def judge_logits(self, crop: Image.Image, instruction: str) -> Tensor:
        """[vocabulary] logits of the judge's answer."""
        prompt = prompts.judge_prompt(prompts.check_instruction(instruction))
        view = self.runner.view(crop, self.processor, {}, tower=WholeTower(self.module))
        ids = self.runner.ids(self.tokenizer.encode(prompt, view.sight.merged.shape[0]))
        return self.module.language_logits(self.runner.whole(ids, view)[0, -1]).float()


def _method(
    name: str,
    runner: Runner,
    selection: SelectionRule | None,
    strategy: Strategy | None = None,
    scorer: PatchScorer | None = None,
) -> Method:
    """Raises BadInput when patches shall be dropped but the checkpoint has nothing to score them."""
    kind = runner.module.family.method
    if strategy is not None and strategy.ranking not in {None, "instruction"} and selection is not None:
        if kind == "gui_aima":
            raise BadInput(f"{name} points by its own attention; the selection {strategy.name!r} needs a pointer head")
        return PartialActor(runner, selection, strategy.ranking)
    if kind == "focusui" and runner.module.points:
        return FocusUI(runner, selection or SelectionRule(1.0))
    if selection is not None and selection.keep < 1:
        if kind == "gui_actor" and runner.module.points and scorer is not None:
            return FocusUI(runner, selection, scorer)
        said = "has no patch scorer (patch_scorer.*), so no patches can be dropped; leave the keep ratio out"
        raise BadInput(f"{name} {said}, or choose by the picture with --select before")
    return GuiAima(runner) if kind == "gui_aima" and runner.module.points else GuiActor(runner)


def _tower(name: str, module: PointerModelModule, selection: SelectionRule | None, strategy: Strategy | None) -> Tower:
    """Raises BadInput for a strategy that needs windows, of which the checkpoint's vision tower has none."""
    watched = strategy is not None and strategy.ranking == "hiprune"
    if strategy is None or (strategy.encoding == "whole" and not watched):
        return WholeTower(module)
    if not module.family.backbone.windowed_vision:
        raise BadInput(
            f"the selection {strategy.name!r} needs a vision tower with windows; that of {name} "
            f"({module.family.model_type}) attends to everything in every layer"
        )
    layers = WindowedLayers(module)
    if watched and not layers.full:
        raise BadInput(f"the selection 'hiprune' needs a layer that sees the whole picture; {name} has none")
    if strategy.encoding == "drop":
        return DroppingTower(layers, selection or SelectionRule(1.0))
    made: dict[str, Callable[[], Tower]] = {
        "whole": lambda: WatchingTower(layers),
        "share": lambda: SharingTower(layers),
        "reuse": lambda: SharingTower(layers, remember=True),
        "states": lambda: StatesTower(layers),
        "merge": lambda: MergingTower(layers),
    }
    return made[strategy.encoding]()
