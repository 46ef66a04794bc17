"""Model families, and the one module that joins a backbone with what a family adds to it.

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
model logits unless :meth:`PointerModelModule.language_logits` is asked for them. Backbones with DeepStack (Qwen3-VL)
want :meth:`PointerModelModule.sight` and its levels in ``decode``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from huggingface_hub.errors import StrictDataclassError
from torch import Tensor, nn
from transformers import (
    PretrainedConfig,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2VLConfig,
    Qwen2VLForConditionalGeneration,
    Qwen3VLConfig,
    Qwen3VLForConditionalGeneration,
)

from reticle_grounding.errors import BadInput, CheckpointError
from reticle_grounding.regions import RegionRank

from .patch_scorer import PatchScorer
from .pointer_head import PointerHead

POINTER_ID_FIELDS = ("pointer_start_token_id", "pointer_end_token_id", "pointer_pad_token_id")
MARKER_ID_FIELD = "image_drop_end_token_id"
DEEPSTACK_FIELD = "deepstack_under_selection"
"""``all`` levels reach the decoder when patches were dropped, or only the ``first``, as published FocusUI does it."""

Method: TypeAlias = Literal["gui_actor", "gui_aima", "focusui"]
VisionPlan: TypeAlias = Callable[[Any, Tensor], dict[str, Tensor]]
"""From the vision tower and raw grids, arguments that replace what the tower would work out itself."""


@dataclass(frozen=True, slots=True)
class Backbone:
    """A vision-language model of transformers."""

    model_type: str
    config_class: Any
    model_class: Any
    windowed_vision: bool = False
    """The vision tower attends within windows, so batching them pays."""
    nested_names: bool = False
    """Tensors are published as ``model.language_model.*``, not as ``model.*``."""


@dataclass(frozen=True, slots=True)
class Family:
    """What a published kind of checkpoint adds to its backbone; everything else is shared."""

    method: Method
    """How attention is had: the module of this name."""
    backbone: Backbone
    architecture: str
    """Class name that published checkpoints carry in ``architectures``."""
    head: bool = True
    """Has a pointer head."""
    scorer: bool = False
    """Has a patch scorer, so patches can be dropped."""
    marks: tuple[str, ...] = ()
    """Fields of config.json by one of which the family is told from another with the same ``architectures``."""
    region_rank: RegionRank = "mean"

    @property
    def model_type(self) -> str:
        return self.backbone.model_type

    @property
    def profile(self) -> str:
        """The prompt profile of published checkpoints."""
        return self.backbone.model_type

    @property
    def id_fields(self) -> tuple[str, ...]:
        """Fields of config.json that hold token ids this family cannot do without."""
        return (*POINTER_ID_FIELDS, MARKER_ID_FIELD) if self.scorer else POINTER_ID_FIELDS


_QWEN2 = Backbone("qwen2_vl", Qwen2VLConfig, Qwen2VLForConditionalGeneration)
_QWEN25 = Backbone("qwen2_5_vl", Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration, windowed_vision=True)
_QWEN3 = Backbone("qwen3_vl", Qwen3VLConfig, Qwen3VLForConditionalGeneration, nested_names=True)
_ACTOR, _FOCUS = "{}ForConditionalGenerationWithPointer", "FocusUI_{}ForConditionalGenerationWithPointer"
_AIMA_MARKS = ("query_topk", "kl_query_weighting")

FAMILIES: tuple[Family, ...] = (
    Family("gui_aima", _QWEN25, _ACTOR.format("Qwen2_5_VL"), head=False, marks=_AIMA_MARKS, region_rank="max"),
    Family("focusui", _QWEN25, _FOCUS.format("Qwen2_5_VL"), scorer=True, marks=(MARKER_ID_FIELD,)),
    Family("gui_actor", _QWEN25, _ACTOR.format("Qwen2_5_VL")),
    Family("gui_actor", _QWEN2, _ACTOR.format("Qwen2VL")),
    Family("focusui", _QWEN3, _FOCUS.format("Qwen3VL"), scorer=True),
)
"""Of those that fit a config, the first is taken."""


def architecture_of(config: Mapping[str, object]) -> str | None:
    """The class name in ``architectures``, which newer files keep in ``text_config``."""
    text = config.get("text_config")
    for part in (config, text if isinstance(text, Mapping) else {}):
        names = part.get("architectures")
        if isinstance(names, list) and names:
            return str(names[0])
    return None


def family_of(config: Mapping[str, object]) -> Family:
    """The family of a config.json: by ``model_type``, ``architectures`` and the fields that only one family has.

    Raises CheckpointError for a model this program does not know.
    """
    if config.get("model_type") is None:
        raise CheckpointError("config.json has no model_type, so it is not that of a model")
    kind, architecture = str(config["model_type"]), architecture_of(config)
    same = [family for family in FAMILIES if family.model_type == kind]
    if not same:
        known = ", ".join(sorted({family.model_type for family in FAMILIES}))
        raise CheckpointError(f"config.json says model_type {kind!r}; this program knows {known}")
    named = [family for family in same if family.architecture == architecture]
    if not named and architecture not in {None, same[0].backbone.model_class.__name__}:
        known = ", ".join(sorted({family.architecture for family in same}))
        raise CheckpointError(f"config.json says architectures {architecture!r}; of {kind} this program knows {known}")
    fitting = named or same
    return next((f for f in fitting if any(mark in config for mark in f.marks)), fitting[-1])


def config_from(config: Mapping[str, object]) -> PretrainedConfig:
    """The contents of a published config.json (flat or nested) as a transformers config.

    Raises CheckpointError for an unknown family or fields that do not fit.
    """
    family = family_of(config)
    try:
        made = family.backbone.config_class.from_dict(dict(config))
    except (TypeError, ValueError, KeyError, StrictDataclassError) as error:
        said = " ".join(str(error).split())
        raise CheckpointError(f"config.json does not describe a {family.model_type} model: {said}") from error
    text = config.get("text_config")
    if isinstance(text, Mapping) and "tie_word_embeddings" not in config and "tie_word_embeddings" in text:
        made.tie_word_embeddings = bool(text["tie_word_embeddings"])
    made.architectures = [architecture_of(config)] if architecture_of(config) else None
    return made


@dataclass(frozen=True, slots=True)
class Sight:
    """A picture as the language model receives it."""

    merged: Tensor
    """[V, d] merged patches in reading order."""
    levels: tuple[Tensor, ...] = ()
    """DeepStack: [V, d] each, added after the first layers of the decoder."""

    def taken(self, cells: Tensor, levels: int | None = None) -> Sight:
        """Only the patches of a mask [V], and at most so many levels."""
        return Sight(self.merged[cells], tuple(level[cells] for level in self.levels[:levels]))


@dataclass(frozen=True, slots=True)
class DeepStack:
    """What the decoder's first layers add at the places of patches."""

    places: Tensor
    """[B, L] true at patches."""
    levels: tuple[Tensor, ...]
    """[patches, d] for each of the first layers."""


class PointerModelModule(nn.Module):
    """A backbone with ``multi_patch_pointer_head`` and ``patch_scorer``, as far as its family has them.

    ``pointer=False`` builds the plain backbone, as a verifier checkpoint has it.
    """

    def __init__(self, config: PretrainedConfig, *, pointer: bool = True) -> None:
        super().__init__()
        self.config = config
        self.family = family_of(config.to_dict())
        self.points = pointer
        """Knows the pointer tokens."""
        width = int(config.text_config.hidden_size)
        self.backbone = self.family.backbone.model_class(config)
        self.multi_patch_pointer_head = PointerHead(width) if pointer and self.family.head else None
        self.patch_scorer = PatchScorer(width) if pointer and self.family.scorer else None
        self.vision_plan: VisionPlan | None = None

    @property
    def head(self) -> PointerHead:
        """The pointer head. Raises CheckpointError for a model without one."""
        if self.multi_patch_pointer_head is None:
            raise CheckpointError("this checkpoint has no pointer head (multi_patch_pointer_head.*)")
        return self.multi_patch_pointer_head

    @property
    def scorer(self) -> PatchScorer:
        """The patch scorer. Raises CheckpointError for a model without one."""
        if self.patch_scorer is None:
            raise CheckpointError("this checkpoint has no patch scorer (patch_scorer.*)")
        return self.patch_scorer

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
    def has_marker(self) -> bool:
        """Knows a token that stands for a run of dropped patches."""
        return getattr(self.config, MARKER_ID_FIELD, None) is not None

    @property
    def marker_id(self) -> int:
        """The token that stands for a run of dropped patches."""
        return int(getattr(self.config, MARKER_ID_FIELD))

    @property
    def levels_under_selection(self) -> int | None:
        """How many DeepStack levels reach the decoder once patches were dropped; None for all."""
        return 1 if getattr(self.config, DEEPSTACK_FIELD, "all") == "first" else None

    @property
    def merge_size(self) -> int:
        return int(self.config.vision_config.spatial_merge_size)

    def vision(self, pixel_values: Tensor, grid_thw: Tensor) -> Tensor:
        """Vision tower and patch merger: [N, 1176] and raw grids [images, 3] -> merged embeddings [N / 4, d]."""
        return self.sight(pixel_values, grid_thw).merged

    def sight(self, pixel_values: Tensor, grid_thw: Tensor) -> Sight:
        """As :meth:`vision`, with the levels of a backbone that has DeepStack.

        Raises BadInput for a grid that is not the picture's.
        """
        tower = self.backbone.model.visual
        expected = int(grid_thw.prod(-1).sum())
        if pixel_values.shape[0] != expected:
            rows = pixel_values.shape[0]
            raise BadInput(f"the grid {grid_thw.tolist()} is one of {expected} patches, but the picture has {rows}")
        if bool((grid_thw[:, 1:] % self.merge_size).any()):
            raise BadInput(f"the grid {grid_thw.tolist()} does not divide into blocks of {self.merge_size} patches")
        plan = self.vision_plan(tower, grid_thw) if self.vision_plan else {}
        out = tower(pixel_values.to(tower.dtype), grid_thw=grid_thw, **plan)
        return Sight(out.pooler_output, tuple(getattr(out, "deepstack_features", None) or ()))

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
        self,
        embeds: Tensor,
        positions: Tensor,
        attention_mask: Tensor | None = None,
        cache: Any = None,
        deep: DeepStack | None = None,
        rows: object = None,
        wanted: Tensor | None = None,
        causal: bool = False,
    ) -> Tensor:
        """Language model on embeddings [B, L, d] -> states [B, L, d] after the final norm.

        Args:
            attention_mask: [B, cached + L], 1 for real tokens; None when nothing is padded.
            cache: a transformers ``DynamicCache`` that is read and extended, or None.
            deep: where patches stand in ``embeds`` and what the first layers add to them.
            rows: an ``attention_rows.Rows`` to fill, for a model prepared by ``record_rows``.
            wanted: [n] the rows whose states are read, for a model prepared by ``trim_last_layer``; the others are
                not final. None for all.
            causal: for such a model, one sequence without padding: where most of it comes after a cache, attention
                need not be told by a mask what may be seen.
        """
        extra: dict[str, object] = {} if rows is None else {"rows": rows}
        if wanted is not None:
            extra["wanted"] = wanted
        if causal:
            extra["causal"] = True
        if deep is not None and deep.levels:
            extra |= {"visual_pos_masks": deep.places, "deepstack_visual_embeds": list(deep.levels)}
        out: Tensor = self.backbone.model.language_model(
            inputs_embeds=embeds,
            position_ids=positions,
            attention_mask=attention_mask,
            past_key_values=cache,
            use_cache=cache is not None,
            **extra,
        ).last_hidden_state
        return out

    def language_logits(self, states: Tensor) -> Tensor:
        """Vocabulary logits of post-norm states [..., d] -> [..., vocabulary]."""
        out: Tensor = self.backbone.lm_head(states)
        return out

    def pointer_rows(self, input_ids: Tensor) -> Tensor:
        """[K] where the pointer tokens stand in one sequence [1, L]."""
        return (input_ids[0] == self.pointer_pad_id).nonzero().flatten()

    def pointer_queries(self, input_ids: Tensor, states: Tensor) -> Tensor:
        """Post-norm states at the pointer tokens, [K, d] in reading order."""
        return states[input_ids == self.pointer_pad_id]


def build_model(config: PretrainedConfig, *, pointer: bool = True) -> PointerModelModule:
    """A randomly initialised model in float32; the text layers use SDPA.

    Raises CheckpointError for an unknown family or a pointer model whose config lacks the pointer token ids.
    """
    family = family_of(config.to_dict())
    missing = [name for name in family.id_fields if not isinstance(getattr(config, name, None), int)]
    if pointer and missing:
        raise CheckpointError(f"config.json lacks {', '.join(missing)}")
    if family.scorer and getattr(config, DEEPSTACK_FIELD, None) is None:
        setattr(config, DEEPSTACK_FIELD, "all")
    levels = getattr(config, DEEPSTACK_FIELD, "all")
    if levels not in {"all", "first"}:
        raise CheckpointError(f"config.json says {DEEPSTACK_FIELD} {levels!r}; all or first is expected")
    return PointerModelModule(config, pointer=pointer)


def parameter_count(model: nn.Module) -> int:
    """Distinct parameters; tied ones count once."""
    return sum(p.numel() for p in {id(p): p for p in model.parameters()}.values())
