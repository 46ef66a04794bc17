"""Backbone families and the one module that joins a backbone with the pointer head.

Use in training::

    model = build_model(config_from(json.loads(text)))      # randomly initialised; `load_checkpoint` fills it instead
    visual = model.vision(pixel_values, grid_thw)           # [V, d], gradients flow into the vision tower
    embeds = model.embed(input_ids, visual)                 # [B, L, d]; image pads are filled in reading order
    positions = model.positions(input_ids, grid_thw, mask)  # [3, B, L]
    states = model.decode(embeds, positions, mask)          # [B, L, d] after the final norm
    queries = states[input_ids == model.pointer_pad_id]     # [K, d]
    logits = model.multi_patch_pointer_head(queries, visual)
    loss = pointer_loss(logits, labels)

Several instructions on one screenshot: keep ``visual`` (and ``head.keys(visual)``) and repeat it for the batch in
``embed``; or put the prefix through ``decode`` with a cache and each suffix after it. Nothing here computes language
model logits unless :meth:`PointerModelModule.language_logits` is asked for them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from huggingface_hub.errors import StrictDataclassError
from torch import Tensor, nn
from transformers import (
    PretrainedConfig,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2VLConfig,
    Qwen2VLForConditionalGeneration,
)

from reticle_grounding.errors import CheckpointError

from .pointer_head import PointerHead

POINTER_ID_FIELDS = ("pointer_start_token_id", "pointer_end_token_id", "pointer_pad_token_id")


VisionPlan = Callable[[Any, Tensor], dict[str, Tensor]]
"""From the vision tower and raw grids, arguments that replace what the tower would work out itself."""


@dataclass(frozen=True, slots=True)
class Family:
    """What differs between the backbones; everything else is shared."""

    model_type: str
    architecture: str
    """Class name that published checkpoints carry in ``architectures``."""
    config_class: Any
    backbone_class: Any
    windowed_vision: bool
    """The vision tower attends within windows, so batching them pays."""


FAMILIES: Mapping[str, Family] = {
    family.model_type: family
    for family in (
        Family(
            "qwen2_vl",
            "Qwen2VLForConditionalGenerationWithPointer",
            Qwen2VLConfig,
            Qwen2VLForConditionalGeneration,
            windowed_vision=False,
        ),
        Family(
            "qwen2_5_vl",
            "Qwen2_5_VLForConditionalGenerationWithPointer",
            Qwen2_5_VLConfig,
            Qwen2_5_VLForConditionalGeneration,
            windowed_vision=True,
        ),
    )
}


def family_of(config: Mapping[str, object]) -> Family:
    """The family named by ``model_type``. Raises CheckpointError for any other."""
    name = str(config.get("model_type"))
    if name not in FAMILIES:
        known = ", ".join(FAMILIES)
        raise CheckpointError(f"config.json says model_type {name!r}; this program knows {known}")
    return FAMILIES[name]


def config_from(config: Mapping[str, object]) -> PretrainedConfig:
    """The contents of a published config.json (flat or nested) as a transformers config.

    Raises CheckpointError for an unknown family or fields that do not fit.
    """
    family = family_of(config)
    try:
        return family.config_class.from_dict(dict(config))
    except (TypeError, ValueError, KeyError, StrictDataclassError) as error:
        said = " ".join(str(error).split())
        raise CheckpointError(f"config.json does not describe a {family.model_type} model: {said}") from error


class PointerModelModule(nn.Module):
    """A Qwen2-VL or Qwen2.5-VL backbone with ``multi_patch_pointer_head``.

    ``pointer=False`` builds the plain backbone, as a verifier checkpoint has it.
    """

    def __init__(self, config: PretrainedConfig, *, pointer: bool = True) -> None:
        super().__init__()
        self.config = config
        self.family = FAMILIES[config.model_type]
        self.backbone = self.family.backbone_class(config)
        self.multi_patch_pointer_head = PointerHead(int(config.text_config.hidden_size)) if pointer else None
        self.vision_plan: VisionPlan | None = None

    @property
    def head(self) -> PointerHead:
        """The pointer head. Raises CheckpointError for a model without one."""
        if self.multi_patch_pointer_head is None:
            raise CheckpointError("this checkpoint has no pointer head (multi_patch_pointer_head.*)")
        return self.multi_patch_pointer_head

    @property
    def hidden_size(self) -> int:
        return int(self.config.text_config.hidden_size)

    @property
    def image_token_id(self) -> int:
        return int(self.config.image_token_id)

    @property
    def pointer_pad_id(self) -> int:
        return int(self.config.pointer_pad_token_id)

    @property
    def merge_size(self) -> int:
        return int(self.config.vision_config.spatial_merge_size)

    def vision(self, pixel_values: Tensor, grid_thw: Tensor) -> Tensor:
        """Vision tower and patch merger: [N, 1176] and raw grids [images, 3] -> merged embeddings [N / 4, d]."""
        tower = self.backbone.model.visual
        plan = self.vision_plan(tower, grid_thw) if self.vision_plan else {}
        out: Tensor = tower(pixel_values.to(tower.dtype), grid_thw=grid_thw, **plan).pooler_output
        return out

    def embed(self, input_ids: Tensor, visual: Tensor | None = None) -> Tensor:
        """Input embeddings [B, L, d]; image pads take the rows of ``visual`` in order.

        ``visual`` [V, d] holds the rows of all pads of the batch, or those of one picture that every sample shows.
        """
        embeds: Tensor = self.backbone.model.language_model.embed_tokens(input_ids)
        if visual is None:
            return embeds
        pads = input_ids == self.image_token_id
        rows, count = visual.to(embeds.dtype), int(pads.sum())
        if rows.shape[0] != count:
            rows = rows.repeat(input_ids.shape[0], 1)
        if rows.shape[0] != count:
            raise ValueError(f"{count} image pads, but {visual.shape[0]} vision embeddings")
        return embeds.masked_scatter(pads.unsqueeze(-1), rows)

    def positions(self, input_ids: Tensor, grid_thw: Tensor, attention_mask: Tensor | None = None) -> Tensor:
        """M-RoPE positions [3, B, L] (time, row, column) of whole sequences.

        ``grid_thw`` [images, 3] lists the pictures in reading order over the batch; a single row serves every sample.
        """
        if grid_thw.shape[0] == 1 and input_ids.shape[0] > 1:
            grid_thw = grid_thw.expand(input_ids.shape[0], 3)
        kinds = (input_ids == self.image_token_id).int()
        positions: Tensor
        positions, _ = self.backbone.model.get_rope_index(
            input_ids, mm_token_type_ids=kinds, image_grid_thw=grid_thw, attention_mask=attention_mask
        )
        return positions

    def decode(
        self, embeds: Tensor, positions: Tensor, attention_mask: Tensor | None = None, cache: Any = None
    ) -> Tensor:
        """Language model on embeddings [B, L, d] -> states [B, L, d] after the final norm.

        Args:
            attention_mask: [B, cached + L], 1 for real tokens; None when nothing is padded.
            cache: a transformers ``DynamicCache`` that is read and extended, or None.
        """
        out: Tensor = self.backbone.model.language_model(
            inputs_embeds=embeds,
            position_ids=positions,
            attention_mask=attention_mask,
            past_key_values=cache,
            use_cache=cache is not None,
        ).last_hidden_state
        return out

    def language_logits(self, states: Tensor) -> Tensor:
        """Vocabulary logits of post-norm states [..., d] -> [..., vocabulary]."""
        out: Tensor = self.backbone.lm_head(states)
        return out

    def pointer_queries(self, input_ids: Tensor, states: Tensor) -> Tensor:
        """Post-norm states at the pointer tokens, [K, d] in reading order."""
        return states[input_ids == self.pointer_pad_id]


def build_model(config: PretrainedConfig, *, pointer: bool = True) -> PointerModelModule:
    """A randomly initialised model in float32; the text layers use SDPA.

    Raises CheckpointError for an unknown family or a pointer model whose config lacks the pointer token ids.
    """
    if getattr(config, "model_type", None) not in FAMILIES:
        raise CheckpointError(f"unknown model family {getattr(config, 'model_type', None)!r}")
    missing = [name for name in POINTER_ID_FIELDS if not isinstance(getattr(config, name, None), int)]
    if pointer and missing:
        raise CheckpointError(f"config.json lacks {', '.join(missing)}")
    return PointerModelModule(config, pointer=pointer)


def parameter_count(model: nn.Module) -> int:
    """Distinct parameters; tied ones count once."""
    return sum(p.numel() for p in {id(p): p for p in model.parameters()}.values())
