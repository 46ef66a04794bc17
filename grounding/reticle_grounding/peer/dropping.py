"""FocusUI for the other side: classes of transformers whose ``forward`` drops patches before the language model."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from transformers import Qwen2_5_VLForConditionalGeneration, Qwen3VLForConditionalGeneration
from transformers.modeling_outputs import CausalLMOutputWithPast

from reticle_grounding.errors import BadInput

NOISE = 5e-7
"""Of a score, which is a mean cosine."""


class _Dropping:
    """Mixed into a class for conditional generation; ``kept`` and ``reduced`` tell what the latest forward left."""

    model: Any
    lm_head: Any
    scorer: Any
    keep: float
    image_id: int
    marker_id: int
    kept: Tensor
    """[V] true for the patches that are left."""
    reduced: Tensor
    """[L2] ids of the shortened prompt."""
    scores: Tensor
    """[V]."""

    def forward(
        self,
        input_ids: Tensor,
        position_ids: Tensor,
        pixel_values: Tensor,
        image_grid_thw: Tensor,
        bare_ids: Tensor,
        attention_mask: Tensor | None = None,
        mm_token_type_ids: Tensor | None = None,
        past_key_values: Any = None,
        use_cache: bool = True,
        logits_to_keep: int = 1,
        **options: Any,
    ) -> Any:
        """As published: encoder and merger on all patches, scores, one marker per run of dropped ones, decoder."""
        del mm_token_type_ids, options
        table = self.model.get_input_embeddings()
        seen = self.model.get_image_features(pixel_values, image_grid_thw, return_dict=True)
        patches = torch.cat(list(seen.pooler_output))
        pads = input_ids == self.image_id
        embeds = table(input_ids).masked_scatter(pads[..., None], patches)
        self.scores = self.scorer(patches, table(bare_ids)[0])
        self.kept = _best(self.scores, self.keep, input_ids)
        left, markers = _left(pads[0], self.kept)
        self.reduced = input_ids[0, left].masked_fill(markers, self.marker_id)
        embeds = embeds[:, left]
        embeds[:, markers] = table.weight[self.marker_id]
        extra: dict[str, Any] = {}
        levels = getattr(seen, "deepstack_features", None)
        if levels:
            # The published code lets the first level through once patches are dropped.
            used = list(levels) if bool(self.kept.all()) else [levels[0]]
            kept = [torch.cat(list(level))[self.kept] for level in used]
            extra = {"visual_pos_masks": (self.reduced == self.image_id)[None], "deepstack_visual_embeds": kept}
        out = self.model.language_model(
            inputs_embeds=embeds,
            position_ids=position_ids[-3:][..., left],
            attention_mask=None if attention_mask is None else attention_mask[:, left],
            past_key_values=past_key_values,
            use_cache=use_cache,
            output_hidden_states=True,
            **extra,
        )
        logits = self.lm_head(out.last_hidden_state[:, -logits_to_keep:])
        return CausalLMOutputWithPast(
            logits=logits, past_key_values=out.past_key_values, hidden_states=out.hidden_states
        )


class _DroppingQwen25(_Dropping, Qwen2_5_VLForConditionalGeneration):  # type: ignore[misc]
    pass


class _DroppingQwen3(_Dropping, Qwen3VLForConditionalGeneration):  # type: ignore[misc]
    pass


def dropping(stock: Any, scorer: nn.Module, config: Any, keep: float) -> Any:
    """The model of transformers ``stock`` with selection in its ``forward``; takes over its weights."""
    if not 0 < keep <= 1:
        raise BadInput(f"the keep ratio is {keep}; it is the share of patches that is kept, above 0 and up to 1")
    kind = _DroppingQwen3 if isinstance(stock, Qwen3VLForConditionalGeneration) else _DroppingQwen25
    model: Any = kind(stock.config)
    model.load_state_dict(stock.state_dict())
    model.generation_config = stock.generation_config
    model.scorer, model.keep = scorer, keep
    model.image_id, model.marker_id = config.image_token_id, config.image_drop_end_token_id
    return model.eval()


def near_the_cut(scores: Tensor, kept: Tensor) -> tuple[int, ...]:
    """The patches whose scores [V] lie so near to the worst of the ``kept`` [V] that float32 may order them either way.

    Two ways to the same score differ by some 1e-7. What is equal to the last bit is no such case: there the shuffle
    decides, alike on every side.
    """
    if bool(kept.all()) or not bool(kept.any()):
        return ()
    cut = (scores[kept].min() + scores[~kept].max()) / 2
    return tuple(((scores - cut).abs() < NOISE).nonzero().flatten().tolist())


def _best(scores: Tensor, keep: float, ids: Tensor) -> Tensor:
    """[V] the best patches; a shuffle seeded by the prompt decides ties, as published."""
    if keep == 1:
        return torch.ones_like(scores, dtype=torch.bool)
    dropped = round(1 - keep, 9)
    seed = int((ids.long() * 1315423911).sum()) % 2147483647
    order = torch.randperm(scores.numel(), generator=torch.Generator().manual_seed(seed))
    best = order[scores[order].topk(int(scores.numel() * (1.0 - dropped))).indices]
    return torch.zeros_like(scores, dtype=torch.bool).index_fill(0, best, True)


def _left(pads: Tensor, kept: Tensor) -> tuple[Tensor, Tensor]:
    """Indices [L2] of the tokens that stay and [L2] which of them stand for a run of dropped ones, its last."""
    gone = pads.masked_scatter(pads, ~kept)
    ends = gone & ~torch.cat([gone[1:], gone.new_zeros(1)])
    left = (~gone | ends).nonzero().flatten()
    return left, ends[left]
